/* One picture out of PNG or JPEG bytes. Both libraries report errors by jumping out; everything
 * that must be freed then lives in a struct outside the function that was left. Neither prints. */
#include "engine/data/parsers.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

enum { MAX_SIDE = 8192, MAX_PIXELS = 1 << 24 };

static nn_status check_size(const char *name, uint32_t width, uint32_t height, nn_error *error)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE ||
        (uint64_t)width * height > MAX_PIXELS)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: %u x %u pixels; expected at most %d a side and %d in all", name,
                       (unsigned)width, (unsigned)height, MAX_SIDE, MAX_PIXELS);
    return NN_OK;
}

/* --- PNG -------------------------------------------------------------------------------------- */

typedef struct {
    const nn_source *source;
    size_t at;
    jmp_buf escape;
    char text[160];
    png_structp png;
    png_infop info;
    uint8_t *pixels; /* as decoded, with alpha */
    png_bytep *rows;
    int channels, width, height;
    nn_status status;
    nn_error *error;
} png_state;

static void png_failed(png_structp png, png_const_charp text)
{
    png_state *s = png_get_error_ptr(png);
    snprintf(s->text, sizeof s->text, "%s", text);
    longjmp(s->escape, 1);
}

static void png_warned(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void png_take(png_structp png, png_bytep bytes, size_t count)
{
    png_state *s = png_get_io_ptr(png);
    if (count > s->source->size - s->at)
        png_error(png, "the file ends too early");
    memcpy(bytes, s->source->bytes + s->at, count);
    s->at += count;
}

/* Whatever the file holds becomes 8-bit grey or RGB, perhaps with alpha. */
static void png_ask_bytes(png_state *s)
{
    png_set_expand(s->png);
    png_set_scale_16(s->png);
    png_set_packing(s->png);
    png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
}

/* Left by longjmp at any point; only touches *s. */
static void png_decode_guarded(png_state *s)
{
    png_set_read_fn(s->png, s, png_take);
    png_set_user_limits(s->png, MAX_SIDE, MAX_SIDE);
    png_read_info(s->png, s->info);
    s->width = (int)png_get_image_width(s->png, s->info);
    s->height = (int)png_get_image_height(s->png, s->info);
    s->status = check_size(s->source->name, (uint32_t)s->width, (uint32_t)s->height, s->error);
    if (s->status != NN_OK)
        return;
    png_ask_bytes(s);
    s->channels = png_get_channels(s->png, s->info);
    size_t stride = png_get_rowbytes(s->png, s->info);
    if (stride == 0 || s->height == 0 || stride != (size_t)s->width * (size_t)s->channels)
        png_error(s->png, "unusual pixel layout");
    s->pixels = malloc(stride * (size_t)s->height);
    s->rows = malloc((size_t)s->height * sizeof *s->rows);
    if (!s->pixels || !s->rows)
        png_error(s->png, "no memory");
    for (int y = 0; y < s->height; y++)
        s->rows[y] = s->pixels + (size_t)y * stride;
    png_read_image(s->png, s->rows);
    png_read_end(s->png, NULL);
}

static void png_decode(png_state *s)
{
    if (setjmp(s->escape) != 0) {
        s->status = nn_fail(s->error, NN_E_FORMAT, "%s: damaged PNG, about byte %zu of %zu: %s",
                            s->source->name, s->at, s->source->size, s->text);
        return;
    }
    png_decode_guarded(s);
}

/* Alpha becomes what a white page would show; in place, 4 -> 3 or 2 -> 1 channels. */
static void flatten_alpha(png_state *s)
{
    int colours = s->channels - 1;
    size_t count = (size_t)s->width * (size_t)s->height;
    const uint8_t *in = s->pixels;
    uint8_t *out = s->pixels;
    for (size_t i = 0; i < count; i++, in += s->channels) {
        unsigned alpha = in[colours];
        for (int c = 0; c < colours; c++)
            *out++ = (uint8_t)((in[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    s->channels = colours;
}

static nn_status decode_png(const nn_source *source, nn_image *image, nn_error *error)
{
    png_state *s = calloc(1, sizeof *s);
    if (!s)
        return nn_fail(error, NN_E_NOMEM, "%s: no memory to decode it", source->name);
    s->source = source;
    s->error = error;
    s->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, s, png_failed, png_warned);
    s->info = s->png ? png_create_info_struct(s->png) : NULL;
    if (s->info)
        png_decode(s);
    else
        s->status = nn_fail(error, NN_E_NOMEM, "%s: no memory to decode it", source->name);
    if (s->status == NN_OK && s->channels % 2 == 0)
        flatten_alpha(s);
    if (s->status == NN_OK) {
        *image = (nn_image){s->width, s->height, s->channels, s->pixels};
        s->pixels = NULL;
    }
    nn_status status = s->status;
    png_destroy_read_struct(&s->png, &s->info, NULL);
    free(s->pixels);
    free(s->rows);
    free(s);
    return status;
}

/* --- JPEG ------------------------------------------------------------------------------------- */

typedef struct {
    struct jpeg_error_mgr manager; /* first: the library hands this back */
    struct jpeg_decompress_struct jpeg;
    jmp_buf escape;
    char text[JMSG_LENGTH_MAX];
    const nn_source *source;
    uint8_t *pixels;
    int channels, width, height;
    nn_status status;
    nn_error *error;
} jpeg_state;

static void jpeg_failed(j_common_ptr jpeg)
{
    jpeg_state *s = (jpeg_state *)(void *)jpeg->err;
    jpeg->err->format_message(jpeg, s->text);
    longjmp(s->escape, 1);
}

/* The library calls damage a warning and goes on with grey; a training set must not. */
static void jpeg_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        jpeg_failed(jpeg);
}

static void jpeg_silent(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void jpeg_decode_guarded(jpeg_state *s)
{
    jpeg_create_decompress(&s->jpeg);
    jpeg_mem_src(&s->jpeg, s->source->bytes, (unsigned long)s->source->size);
    jpeg_read_header(&s->jpeg, TRUE);
    s->status = check_size(s->source->name, s->jpeg.image_width, s->jpeg.image_height, s->error);
    if (s->status != NN_OK)
        return;
    s->jpeg.out_color_space = s->jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    s->channels = s->jpeg.num_components == 1 ? 1 : 3;
    jpeg_start_decompress(&s->jpeg);
    s->width = (int)s->jpeg.output_width;
    s->height = (int)s->jpeg.output_height;
    size_t stride = (size_t)s->width * (size_t)s->channels;
    s->pixels = malloc(stride * (size_t)s->height);
    if (!s->pixels) {
        s->status = nn_fail(s->error, NN_E_NOMEM, "%s: no memory to decode it", s->source->name);
        return;
    }
    while (s->jpeg.output_scanline < s->jpeg.output_height) {
        JSAMPROW row = s->pixels + s->jpeg.output_scanline * stride;
        jpeg_read_scanlines(&s->jpeg, &row, 1);
    }
    jpeg_finish_decompress(&s->jpeg);
}

static void jpeg_decode(jpeg_state *s)
{
    if (setjmp(s->escape) != 0) {
        s->status =
            nn_fail(s->error, NN_E_FORMAT, "%s: damaged JPEG: %s", s->source->name, s->text);
        return;
    }
    jpeg_decode_guarded(s);
}

static nn_status decode_jpeg(const nn_source *source, nn_image *image, nn_error *error)
{
    jpeg_state *s = calloc(1, sizeof *s);
    if (!s)
        return nn_fail(error, NN_E_NOMEM, "%s: no memory to decode it", source->name);
    s->source = source;
    s->error = error;
    s->jpeg.err = jpeg_std_error(&s->manager);
    s->manager.error_exit = jpeg_failed;
    s->manager.emit_message = jpeg_message;
    s->manager.output_message = jpeg_silent;
    jpeg_decode(s);
    if (s->status == NN_OK) {
        *image = (nn_image){s->width, s->height, s->channels, s->pixels};
        s->pixels = NULL;
    }
    nn_status status = s->status;
    jpeg_destroy_decompress(&s->jpeg);
    free(s->pixels);
    free(s);
    return status;
}

nn_status nn_decode_image(const nn_source *source, nn_image *image, nn_error *error)
{
    static const unsigned char png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    *image = (nn_image){0};
    if (source->size >= sizeof png && memcmp(source->bytes, png, sizeof png) == 0)
        return decode_png(source, image, error);
    if (source->size >= 3 && source->bytes[0] == 0xFF && source->bytes[1] == 0xD8 &&
        source->bytes[2] == 0xFF)
        return decode_jpeg(source, image, error);
    return nn_fail(error, NN_E_FORMAT, "%s: neither PNG nor JPEG, whatever its name says",
                   source->name);
}
