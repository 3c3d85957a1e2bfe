/* Changing images while training (chapter 15): each function works on one image (channels, rows,
 * columns) in place. What a random one does depends on a key alone, so that it is the same in any
 * thread and after a resume. Private to engine/.
 *
 * Pixels outside the image are those of its nearest edge. */
#ifndef GRADUS_ENGINE_DATA_AUGMENT_H
#define GRADUS_ENGINE_DATA_AUGMENT_H

#include "engine/status.h"
#include "engine/tensor.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    nn_real *pixel;
    int channels, rows, columns;
} nn_picture;

/* --- exact changes; `room` has space for one image ---------------------------------------------
 */

void nn_flip(nn_picture image); /* left and right change places */
/* Down and to the right by whole pixels. */
void nn_shift(nn_picture image, int down, int right, nn_real *room);
/* The rows x columns piece whose upper left corner is (top, left), written to `piece`. */
void nn_crop(nn_picture image, int top, int left, int rows, int columns, nn_real *piece);
/* out(y, x) = image(m (y, x) + t) about the centre, bilinear: m maps places of the result to places
 * of the image. */
typedef struct {
    double yy, yx, xy, xx; /* y' = yy y + yx x, x' = xy y + xx x */
    double down, right;    /* t */
} nn_affine;
void nn_warp(nn_picture image, nn_affine map, nn_real *room);
void nn_blur(nn_picture image, double sigma, nn_real *room); /* Gaussian, cut at 3 sigma */
/* The square of that size around (y, x), as far as it lies inside, becomes `value`. */
void nn_cutout(nn_picture image, int y, int x, int size, nn_real value);

/* --- a list of random changes ------------------------------------------------------------------
 */

typedef enum {
    NN_AUGMENT_FLIP,       /* with probability 1/2 */
    NN_AUGMENT_CROP,       /* a window N pixels smaller, anywhere, drawn to full size */
    NN_AUGMENT_SHIFT,      /* -N..N whole pixels down and to the right */
    NN_AUGMENT_ROTATE,     /* -N..N degrees */
    NN_AUGMENT_SHEAR,      /* -N..N degrees */
    NN_AUGMENT_SCALE,      /* sides times 1-N..1+N */
    NN_AUGMENT_BRIGHTNESS, /* plus -N..N, where an image reaches from 0 to 1 */
    NN_AUGMENT_CONTRAST,   /* distances from the image's mean times 1-N..1+N */
    NN_AUGMENT_NOISE,      /* plus N times normal numbers, in units of brightness */
    NN_AUGMENT_BLUR,       /* Gaussian with sigma 0..N pixels */
    NN_AUGMENT_CUTOUT,     /* a square of N pixels anywhere becomes the data's mean (DeVries and
                              Taylor 2017) */
    NN_AUGMENT_MIXUP,      /* Zhang et al. 2018: with the next example of the batch, shares from
                              Beta(N, N), labels mixed too; always the last */
    NN_AUGMENT_KINDS
} nn_augment_kind;

enum { NN_AUGMENTS = 16 };
typedef struct {
    int count;
    struct {
        nn_augment_kind kind;
        double amount;
    } step[NN_AUGMENTS];
} nn_augmentation;

/* Reads "flip,shift 2,rotate 10,cutout 8,mixup 0.2". The error names the column. */
nn_status nn_augmentation_parse(const char *text, nn_augmentation *augmentation, nn_error *error);
/* The words, one a line, for help. */
const char *nn_augmentation_words(void);
double nn_augmentation_mixup(const nn_augmentation *augmentation); /* its N; 0 without */

/* What the randomness of one example depends on. */
typedef struct {
    uint64_t seed, epoch;
    uint32_t place; /* in the order of the epoch: an example that is drawn twice looks different */
} nn_augment_key;

/* Every step but mixup, in their order. `unit`: one step of natural brightness in each channel
 * (1 / standard deviation of normalised data); NULL: 1. `room` has space for one image. */
void nn_augment(const nn_augmentation *augmentation, nn_picture image, const double *unit,
                nn_augment_key key, nn_real *room);
/* The share that an example keeps of itself, at least 1/2: max(l, 1-l) of l from Beta(n, n). */
double nn_mixup_share(double n, nn_augment_key key);

#endif
