#include "engine/data/normal.h"

#include "engine/kernel.h"

#include <math.h>
#include <stdlib.h>

/* --- kernels --------------------------------------------------------------------------------- */

NN_KERNEL static void line_bytes(const uint8_t *restrict v, int64_t count, nn_real slope,
                                 nn_real offset, nn_real *restrict x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (nn_real)v[i] * slope + offset;
}

NN_KERNEL static void line_floats(const float *restrict v, int64_t count, nn_real slope,
                                  nn_real offset, nn_real *restrict x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (nn_real)v[i] * slope + offset;
}

/* Columns, each with its own line. In double, since a column may lie far from 0 (years, say). */
NN_KERNEL static void columns_bytes(const uint8_t *restrict v, int64_t count,
                                    const nn_real *restrict slope, const nn_real *restrict offset,
                                    nn_real *restrict x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (nn_real)v[i] * slope[i] + offset[i];
}

/* Sums over one plane; the 32-bit partial sums of 2^16 squared bytes just fit. */
NN_KERNEL static void sum_bytes(const uint8_t *v, int64_t count, uint64_t *sum, uint64_t *squares)
{
    for (int64_t first = 0; first < count; first += 65536) {
        int64_t end = count - first < 65536 ? count : first + 65536;
        uint32_t s = 0, q = 0;
        for (int64_t i = first; i < end; i++) {
            s += v[i];
            q += (uint32_t)v[i] * v[i];
        }
        *sum += s;
        *squares += q;
    }
}

/* --- measuring ------------------------------------------------------------------------------- */

/* Exact in integers: at most 2^40 bytes of at most 255^2. */
static void measure_bytes(const nn_examples *examples, const uint32_t *index, int64_t count, int c,
                          nn_normal *normal)
{
    const uint8_t *values = examples->values;
    uint64_t sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        sum_bytes(values + index[i] * examples->row + c * normal->plane, normal->plane, &sum,
                  &squares);
    double n = (double)count * (double)normal->plane;
    double mean = (double)sum / n, variance = (double)squares / n - mean * mean;
    normal->mean[c] = mean * examples->scale;
    normal->std[c] = variance > 0 ? sqrt(variance) * examples->scale : 0;
}

/* Two passes over channel c: the variance of numbers far from 0 needs the mean first. */
static void measure_numbers(const nn_examples *examples, const uint32_t *index, int64_t count,
                            int c, nn_normal *normal)
{
    double n = (double)count * (double)normal->plane, sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < normal->plane; j++)
            sum += nn_stored_value(examples, index[i] * examples->row + c * normal->plane + j) / n;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < normal->plane; j++) {
            double d =
                nn_stored_value(examples, index[i] * examples->row + c * normal->plane + j) - sum;
            squares += d * d / n;
        }
    normal->mean[c] = sum * examples->scale;
    normal->std[c] = sqrt(squares) * examples->scale;
}

nn_status nn_normal_measure(const nn_examples *examples, const uint32_t *index, int64_t count,
                            bool raw, nn_normal *normal, nn_error *error)
{
    nn_shape sample = examples->sample;
    bool image = sample.rank == 3;
    size_t channels = (size_t)sample.dim[0];
    *normal = (nn_normal){
        .count = (int)channels, .raw = raw, .plane = image ? sample.dim[1] * sample.dim[2] : 1};
    normal->mean = calloc(channels, sizeof *normal->mean);
    normal->std = calloc(channels, sizeof *normal->std);
    normal->slope = calloc(channels, sizeof *normal->slope);
    normal->offset = calloc(channels, sizeof *normal->offset);
    if (!normal->mean || !normal->std || !normal->slope || !normal->offset) {
        nn_normal_free(normal);
        return nn_fail(error, NN_E_NOMEM, "no memory for statistics of %zu columns", channels);
    }
    for (int c = 0; c < normal->count; c++) {
        if (examples->storage == NN_BYTES)
            measure_bytes(examples, index, count, c, normal);
        else
            measure_numbers(examples, index, count, c, normal);
        if (!(normal->std[c] > 1e-12 * fabs(normal->mean[c])) || normal->std[c] < 1e-300)
            normal->std[c] = 1; /* constant, but for rounding */
        normal->slope[c] = (nn_real)(raw ? examples->scale : examples->scale / normal->std[c]);
        normal->offset[c] = (nn_real)(raw ? 0 : -normal->mean[c] / normal->std[c]);
    }
    return NN_OK;
}

void nn_normal_free(nn_normal *normal)
{
    free(normal->mean);
    free(normal->std);
    free(normal->slope);
    free(normal->offset);
    *normal = (nn_normal){0};
}

/* --- applying -------------------------------------------------------------------------------- */

/* In double: (x - mean) loses nothing even where x is large and its spread small. */
static void apply_doubles(const nn_normal *normal, const double *v, double scale, nn_real *x)
{
    for (int c = 0; c < normal->count; c++, v += normal->plane, x += normal->plane) {
        double shift = normal->raw ? 0 : normal->mean[c] / scale;
        double factor = normal->raw ? scale : scale / normal->std[c];
        for (int64_t j = 0; j < normal->plane; j++)
            x[j] = (nn_real)((v[j] - shift) * factor);
    }
}

void nn_normal_apply(const nn_normal *normal, const nn_examples *examples, int64_t example,
                     nn_real *x)
{
    int64_t at = example * examples->row, plane = normal->plane;
    if (examples->storage == NN_DOUBLES) {
        apply_doubles(normal, (const double *)examples->values + at, examples->scale, x);
    } else if (examples->storage == NN_FLOATS) {
        const float *v = (const float *)examples->values + at;
        for (int c = 0; c < normal->count; c++)
            line_floats(v + c * plane, plane, normal->slope[c], normal->offset[c], x + c * plane);
    } else {
        const uint8_t *v = (const uint8_t *)examples->values + at;
        if (plane == 1)
            columns_bytes(v, normal->count, normal->slope, normal->offset, x);
        else
            for (int c = 0; c < normal->count; c++)
                line_bytes(v + c * plane, plane, normal->slope[c], normal->offset[c],
                           x + c * plane);
    }
}
