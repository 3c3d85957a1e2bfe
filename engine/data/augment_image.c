/* The exact changes of images. */
#include "engine/data/augment.h"

#include <math.h>
#include <string.h>

static int64_t cells_of(nn_picture image)
{
    return (int64_t)image.rows * image.columns;
}

static int inside(int at, int count)
{
    return at < 0 ? 0 : at >= count ? count - 1 : at;
}

static void copy_to_room(nn_picture image, nn_real *room)
{
    memcpy(room, image.pixel, (size_t)(image.channels * cells_of(image)) * sizeof *room);
}

void nn_flip(nn_picture image)
{
    for (int64_t r = 0; r < (int64_t)image.channels * image.rows; r++) {
        nn_real *row = image.pixel + r * image.columns;
        for (int a = 0, b = image.columns - 1; a < b; a++, b--) {
            nn_real left = row[a];
            row[a] = row[b];
            row[b] = left;
        }
    }
}

void nn_shift(nn_picture image, int down, int right, nn_real *room)
{
    copy_to_room(image, room);
    for (int c = 0; c < image.channels; c++)
        for (int y = 0; y < image.rows; y++) {
            const nn_real *from =
                room + c * cells_of(image) + (int64_t)inside(y - down, image.rows) * image.columns;
            nn_real *to = image.pixel + c * cells_of(image) + (int64_t)y * image.columns;
            for (int x = 0; x < image.columns; x++)
                to[x] = from[inside(x - right, image.columns)];
        }
}

void nn_crop(nn_picture image, int top, int left, int rows, int columns, nn_real *piece)
{
    for (int c = 0; c < image.channels; c++)
        for (int y = 0; y < rows; y++, piece += columns)
            memcpy(piece,
                   image.pixel + c * cells_of(image) + (int64_t)(top + y) * image.columns + left,
                   (size_t)columns * sizeof *piece);
}

/* Where a place of the result lies in the image: the pixel before it and the share of the next. */
typedef struct {
    int before, after;
    nn_real share;
} place;

static place place_of(double at, int count)
{
    at = fmin(fmax(at, 0), count - 1);
    int before = (int)at;
    return (place){before, inside(before + 1, count), (nn_real)(at - before)};
}

void nn_warp(nn_picture image, nn_affine map, nn_real *room)
{
    double middle_y = (image.rows - 1) / 2.0, middle_x = (image.columns - 1) / 2.0;
    copy_to_room(image, room);
    for (int y = 0; y < image.rows; y++)
        for (int x = 0; x < image.columns; x++) {
            double v = y - middle_y, u = x - middle_x;
            place py = place_of(map.yy * v + map.yx * u + map.down + middle_y, image.rows);
            place px = place_of(map.xy * v + map.xx * u + map.right + middle_x, image.columns);
            const nn_real *plane = room;
            nn_real *to = image.pixel + (int64_t)y * image.columns + x;
            for (int c = 0; c < image.channels; c++) {
                const nn_real *above = plane + (int64_t)py.before * image.columns;
                const nn_real *below = plane + (int64_t)py.after * image.columns;
                nn_real high = above[px.before] + px.share * (above[px.after] - above[px.before]);
                nn_real low = below[px.before] + px.share * (below[px.after] - below[px.before]);
                *to = high + py.share * (low - high);
                plane += cells_of(image);
                to += cells_of(image);
            }
        }
}

enum { BLUR_REACH = 32 };

/* One direction: `stride` apart lie the pixels of a line. */
static void blur_line(const nn_real *from, nn_real *to, int count, int64_t stride,
                      const double *weight, int reach)
{
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int k = -reach; k <= reach; k++)
            sum += weight[k + reach] * (double)from[inside(i + k, count) * stride];
        to[i * stride] = (nn_real)sum;
    }
}

void nn_blur(nn_picture image, double sigma, nn_real *room)
{
    double weight[2 * BLUR_REACH + 1] = {0}, total = 0;
    int reach = (int)fmin(ceil(3 * sigma), BLUR_REACH);
    if (sigma < 1e-3) /* the neighbours' weights vanish */
        return;
    for (int k = -reach; k <= reach; k++)
        total += weight[k + reach] = exp(-(double)k * k / (2 * sigma * sigma));
    for (int k = 0; k <= 2 * reach; k++)
        weight[k] /= total;
    for (int c = 0; c < image.channels; c++) {
        nn_real *plane = image.pixel + c * cells_of(image);
        for (int y = 0; y < image.rows; y++)
            blur_line(plane + (int64_t)y * image.columns, room + (int64_t)y * image.columns,
                      image.columns, 1, weight, reach);
        for (int x = 0; x < image.columns; x++)
            blur_line(room + x, plane + x, image.rows, image.columns, weight, reach);
    }
}

void nn_cutout(nn_picture image, int y, int x, int size, nn_real value)
{
    int top = y - size / 2, left = x - size / 2;
    for (int c = 0; c < image.channels; c++)
        for (int r = top < 0 ? 0 : top; r < top + size && r < image.rows; r++)
            for (int k = left < 0 ? 0 : left; k < left + size && k < image.columns; k++)
                image.pixel[c * cells_of(image) + (int64_t)r * image.columns + k] = value;
}
