/* From stored values to the numbers a network sees. Private to engine/data. */
#ifndef GRADUS_ENGINE_DATA_NORMAL_H
#define GRADUS_ENGINE_DATA_NORMAL_H

#include "engine/data/parsers.h"

/* Statistics of one channel (images) or column, and the line y = x * slope + offset that
 * normalises a stored value: slope = scale / std, offset = -mean / std. */
typedef struct {
    int count;     /* channels or columns */
    int64_t plane; /* consecutive values of one channel: rows * columns, or 1 */
    bool raw;      /* scale to the natural range only */
    double *mean, *std;
    nn_real *slope, *offset;
} nn_normal;

/* Measures over examples index[0..count): population variance; a constant column gets std 1. With
 * `raw` the line only scales to the natural range. */
nn_status nn_normal_measure(const nn_examples *examples, const uint32_t *index, int64_t count,
                            bool raw, nn_normal *normal, nn_error *error);
void nn_normal_free(nn_normal *normal);
/* One example, row values. */
void nn_normal_apply(const nn_normal *normal, const nn_examples *examples, int64_t example,
                     nn_real *x);

#endif
