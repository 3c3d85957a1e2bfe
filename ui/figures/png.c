/* A drawing as PNG: every line is the set of pixels near it, smoothed by their distance. */
#include "ui/figures/drawing.h"
#include "ui/figures/strokes.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int width, height;
    double scale;
    uint8_t *pixels;              /* RGB */
    uint8_t *coverage;            /* of the line that is being drawn, 0..255; zeros between lines */
    int left, top, right, bottom; /* what of it is not zero */
} raster;

/* --- lines -------------------------------------------------------------------------------------
 */

static double clamp(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static double distance(double x, double y, drawing_point a, drawing_point b)
{
    double dx = b.x - a.x, dy = b.y - a.y, squared = dx * dx + dy * dy;
    double t = squared > 0 ? clamp(((x - a.x) * dx + (y - a.y) * dy) / squared, 0, 1) : 0;
    return hypot(x - a.x - t * dx, y - a.y - t * dy);
}

/* Adds the pixels within `radius` of a segment, in pixels of the raster. */
static void cover(raster *r, drawing_point a, drawing_point b, double radius)
{
    int x0 = (int)clamp(floor(fmin(a.x, b.x) - radius - 1), 0, r->width);
    int x1 = (int)clamp(ceil(fmax(a.x, b.x) + radius + 1), 0, r->width);
    int y0 = (int)clamp(floor(fmin(a.y, b.y) - radius - 1), 0, r->height);
    int y1 = (int)clamp(ceil(fmax(a.y, b.y) + radius + 1), 0, r->height);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            double far = distance(x + 0.5, y + 0.5, a, b);
            uint8_t share = (uint8_t)(255 * clamp(radius + 0.5 - far, 0, 1));
            uint8_t *here = &r->coverage[(size_t)y * (size_t)r->width + (size_t)x];
            *here = share > *here ? share : *here;
        }
    r->left = x0 < r->left ? x0 : r->left, r->right = x1 > r->right ? x1 : r->right;
    r->top = y0 < r->top ? y0 : r->top, r->bottom = y1 > r->bottom ? y1 : r->bottom;
}

/* What is covered gets the colour. */
static void paint(raster *r, uint32_t colour)
{
    const int ink[3] = {(int)(colour >> 16 & 255), (int)(colour >> 8 & 255), (int)(colour & 255)};
    for (int y = r->top; y < r->bottom; y++)
        for (int x = r->left; x < r->right; x++) {
            size_t at = (size_t)y * (size_t)r->width + (size_t)x;
            int share = r->coverage[at];
            for (int c = 0; share > 0 && c < 3; c++) {
                uint8_t *value = &r->pixels[3 * at + (size_t)c];
                *value = (uint8_t)((*value * (255 - share) + ink[c] * share + 127) / 255);
            }
            r->coverage[at] = 0;
        }
    r->left = r->width, r->top = r->height, r->right = r->bottom = 0;
}

static drawing_point scaled(const raster *r, drawing_point p)
{
    return (drawing_point){p.x * r->scale, p.y * r->scale};
}

/* A segment of which every second stretch of `dash` shows; *walked is how far the line has come. */
static void cover_dashes(raster *r, drawing_point a, drawing_point b, double radius, double dash,
                         double *walked)
{
    double length = hypot(b.x - a.x, b.y - a.y);
    for (double from = 0; from < length;) {
        double phase = fmod(*walked, 2 * dash);
        bool shown = phase < dash;
        double part = fmax(fmin((shown ? dash : 2 * dash) - phase, length - from), 1e-3);
        double t0 = from / length, t1 = fmin((from + part) / length, 1);
        if (shown)
            cover(r, (drawing_point){a.x + t0 * (b.x - a.x), a.y + t0 * (b.y - a.y)},
                  (drawing_point){a.x + t1 * (b.x - a.x), a.y + t1 * (b.y - a.y)}, radius);
        from += part;
        *walked += part;
    }
}

static void draw_line(raster *r, const drawn *item)
{
    double radius = item->width * r->scale / 2, dash = item->dash * r->scale, walked = 0;
    drawing_point before = scaled(r, item->points[0]);
    if (item->count == 1)
        cover(r, before, before, radius);
    for (int i = 1; i < item->count; i++) {
        drawing_point next = scaled(r, item->points[i]);
        if (dash > 0)
            cover_dashes(r, before, next, radius, dash, &walked);
        else
            cover(r, before, next, radius);
        before = next;
    }
    paint(r, item->colour);
}

static void draw_box(raster *r, const drawn *item)
{
    drawing_point a = scaled(r, item->points[0]), b = scaled(r, item->points[1]);
    int x0 = (int)clamp(round(a.x), 0, r->width), x1 = (int)clamp(round(b.x), 0, r->width);
    int y0 = (int)clamp(round(a.y), 0, r->height), y1 = (int)clamp(round(b.y), 0, r->height);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            uint8_t *pixel = &r->pixels[3 * ((size_t)y * (size_t)r->width + (size_t)x)];
            pixel[0] = (uint8_t)(item->colour >> 16 & 255);
            pixel[1] = (uint8_t)(item->colour >> 8 & 255);
            pixel[2] = (uint8_t)(item->colour & 255);
        }
}

/* --- text --------------------------------------------------------------------------------------
 */

typedef struct {
    raster *r;
    drawing_point start; /* of the baseline */
    double size, radius;
    bool upwards;
} pen;

static drawing_point pen_place(const pen *p, drawing_point em)
{
    double along = em.x * p->size, up = em.y * p->size;
    drawing_point at = p->upwards ? (drawing_point){p->start.x - up, p->start.y - along}
                                  : (drawing_point){p->start.x + along, p->start.y - up};
    return scaled(p->r, at);
}

static void write_stroke(void *context, const drawing_point *points, int count)
{
    const pen *p = context;
    for (int i = 1; i < count; i++)
        cover(p->r, pen_place(p, points[i - 1]), pen_place(p, points[i]), p->radius);
}

static void draw_text(raster *r, const drawn *item)
{
    const drawing_font *font = &item->font;
    double back = drawing_text_width(font->size, item->text) * (int)font->anchor / 2;
    pen p = {.r = r, .start = item->points[0], .size = font->size, .upwards = font->upwards};
    p.radius = font->size * r->scale * (font->bold ? 0.065 : 0.042);
    if (font->upwards)
        p.start.y += back;
    else
        p.start.x -= back;
    strokes_of(item->text, write_stroke, &p);
    paint(r, item->colour);
}

/* --- the file ----------------------------------------------------------------------------------
 */

static nn_status write_file(const raster *r, FILE *out, nn_error *error)
{
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)r->width;
    image.height = (png_uint_32)r->height;
    image.format = PNG_FORMAT_RGB;
    if (png_image_write_to_stdio(&image, out, 0, r->pixels, 0, NULL))
        return NN_OK;
    return nn_fail(error, NN_E_IO, "the picture could not be written: %s", image.message);
}

nn_status drawing_write_png(const drawing *d, int scale, FILE *out, nn_error *error)
{
    raster r = {.width = d->width * scale, .height = d->height * scale, .scale = scale};
    size_t count = (size_t)r.width * (size_t)r.height;
    r.left = r.width, r.top = r.height;
    r.pixels = malloc(3 * count);
    r.coverage = calloc(count, 1);
    nn_status status = NN_OK;
    if (!r.pixels || !r.coverage || d->incomplete)
        status = nn_fail(error, NN_E_NOMEM, "out of memory for a picture of %d x %d pixels",
                         r.width, r.height);
    else
        memset(r.pixels, 255, 3 * count);
    for (int i = 0; status == NN_OK && i < d->count; i++) {
        const drawn *item = &d->items[i];
        if (item->kind == DRAWN_LINE)
            draw_line(&r, item);
        else if (item->kind == DRAWN_BOX)
            draw_box(&r, item);
        else
            draw_text(&r, item);
    }
    if (status == NN_OK)
        status = write_file(&r, out, error);
    free(r.pixels);
    free(r.coverage);
    return status;
}
