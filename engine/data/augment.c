/* The random changes: amounts from the key, and mixup's shares. */
#include "engine/data/augment.h"

#include "engine/rng.h"

#include <math.h>

static const double degree = 3.14159265358979323846 / 180;

/* Draws of one example: number by number. */
typedef struct {
    uint64_t seed, step;
    uint32_t stream, next;
} dice;

static dice dice_of(nn_augment_key key, const char *what)
{
    return (dice){.seed = key.seed,
                  .step = key.epoch << 32 | key.place,
                  .stream = nn_stream_of(what),
                  .next = 0};
}

static double uniform(dice *d, double low, double high)
{
    return low + (high - low) * nn_uniform_at(d->seed, d->stream, d->step, d->next++);
}

static int whole(dice *d, int low, int high) /* both ends included (errata E15.2) */
{
    double value = floor(uniform(d, low, (double)high + 1));
    return value > high ? high : (int)value;
}

static int64_t cells_of(nn_picture image)
{
    return (int64_t)image.rows * image.columns;
}

/* --- light ---------------------------------------------------------------------------------- */

static void brighten(nn_picture image, const double *unit, double by)
{
    for (int c = 0; c < image.channels; c++) {
        nn_real more = (nn_real)(by * (unit ? unit[c] : 1));
        nn_real *pixel = image.pixel + c * cells_of(image);
        for (int64_t i = 0; i < cells_of(image); i++)
            pixel[i] += more;
    }
}

static void set_contrast(nn_picture image, double factor)
{
    for (int c = 0; c < image.channels; c++) {
        nn_real *pixel = image.pixel + c * cells_of(image);
        double mean = 0;
        for (int64_t i = 0; i < cells_of(image); i++)
            mean += (double)pixel[i] / (double)cells_of(image);
        for (int64_t i = 0; i < cells_of(image); i++)
            pixel[i] = (nn_real)(mean + factor * ((double)pixel[i] - mean));
    }
}

static void add_noise(nn_picture image, const double *unit, double amount, nn_augment_key key)
{
    dice d = dice_of(key, "augment noise");
    for (int c = 0; c < image.channels; c++) {
        double scale = amount * (unit ? unit[c] : 1);
        nn_real *pixel = image.pixel + c * cells_of(image);
        for (int64_t i = 0; i < cells_of(image); i++)
            pixel[i] += (nn_real)(scale * nn_normal_at(d.seed, d.stream, d.step, d.next++));
    }
}

/* --- place ---------------------------------------------------------------------------------- */

static void rotate(nn_picture image, double angle, nn_real *room)
{
    nn_affine map = {cos(angle), -sin(angle), sin(angle), cos(angle), 0, 0};
    nn_warp(image, map, room);
}

static void shear(nn_picture image, double angle, nn_real *room)
{
    nn_warp(image, (nn_affine){1, 0, tan(angle), 1, 0, 0}, room);
}

static void scale(nn_picture image, double factor, nn_real *room)
{
    nn_warp(image, (nn_affine){1 / factor, 0, 0, 1 / factor, 0, 0}, room);
}

/* A window `less` pixels smaller than the image, drawn to full size. */
static void zoom(nn_picture image, dice *d, int less, nn_real *room)
{
    double rows = fmax(image.rows - less, 1), columns = fmax(image.columns - less, 1);
    double down = uniform(d, -0.5, 0.5) * (image.rows - rows);
    double right = uniform(d, -0.5, 0.5) * (image.columns - columns);
    nn_warp(image, (nn_affine){rows / image.rows, 0, 0, columns / image.columns, down, right},
            room);
}

static void shift(nn_picture image, dice *d, int most, nn_real *room)
{
    int down = whole(d, -most, most);
    nn_shift(image, down, whole(d, -most, most), room);
}

static void cut_out(nn_picture image, dice *d, int size)
{
    int y = whole(d, 0, image.rows - 1);
    nn_cutout(image, y, whole(d, 0, image.columns - 1), size, 0);
}

/* --- the list ------------------------------------------------------------------------------- */

void nn_augment(const nn_augmentation *augmentation, nn_picture image, const double *unit,
                nn_augment_key key, nn_real *room)
{
    dice d = dice_of(key, "augment");
    for (int i = 0; i < augmentation->count; i++) {
        double n = augmentation->step[i].amount;
        switch (augmentation->step[i].kind) {
        case NN_AUGMENT_FLIP:
            if (uniform(&d, 0, 1) < 0.5)
                nn_flip(image);
            break;
        case NN_AUGMENT_CROP:
            zoom(image, &d, (int)n, room);
            break;
        case NN_AUGMENT_SHIFT:
            shift(image, &d, (int)n, room);
            break;
        case NN_AUGMENT_ROTATE:
            rotate(image, uniform(&d, -n, n) * degree, room);
            break;
        case NN_AUGMENT_SHEAR:
            shear(image, uniform(&d, -n, n) * degree, room);
            break;
        case NN_AUGMENT_SCALE:
            scale(image, uniform(&d, 1 - n, 1 + n), room);
            break;
        case NN_AUGMENT_BRIGHTNESS:
            brighten(image, unit, uniform(&d, -n, n));
            break;
        case NN_AUGMENT_CONTRAST:
            set_contrast(image, uniform(&d, 1 - n, 1 + n));
            break;
        case NN_AUGMENT_NOISE:
            add_noise(image, unit, n, key);
            break;
        case NN_AUGMENT_BLUR:
            nn_blur(image, uniform(&d, 0, n), room);
            break;
        case NN_AUGMENT_CUTOUT:
            cut_out(image, &d, (int)n);
            break;
        case NN_AUGMENT_MIXUP:
        case NN_AUGMENT_KINDS:
            break;
        }
    }
}

/* --- mixup ---------------------------------------------------------------------------------- */

double nn_augmentation_mixup(const nn_augmentation *augmentation)
{
    int last = augmentation->count - 1;
    bool mixes = last >= 0 && augmentation->step[last].kind == NN_AUGMENT_MIXUP;
    return mixes ? augmentation->step[last].amount : 0;
}

/* Joehnk 1964: with u, v uniform, u^(1/n) / (u^(1/n) + v^(1/n)) is Beta(n, n) where the sum is at
 * most 1. For n up to 1 every second try succeeds at least. */
double nn_mixup_share(double n, nn_augment_key key)
{
    dice d = dice_of(key, "mixup");
    for (int tries = 0; tries < 64; tries++) {
        double u = pow(uniform(&d, 0, 1), 1 / n), v = pow(uniform(&d, 0, 1), 1 / n);
        if (u + v > 0 && u + v <= 1)
            return fmax(u, v) / (u + v);
    }
    return 1; /* hardly ever: leaves the example alone */
}
