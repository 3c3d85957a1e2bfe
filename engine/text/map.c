#include "engine/text/map.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 60 };

/* Mean and covariance (size, size) of the rows. */
static void spread(const nn_real *table, int rows, int size, double *mean, double *covariance)
{
    memset(mean, 0, (size_t)size * sizeof *mean);
    memset(covariance, 0, (size_t)size * (size_t)size * sizeof *covariance);
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < size; i++)
            mean[i] += (double)table[r * size + i] / rows;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < size; i++)
            for (int64_t j = 0; j <= i; j++)
                covariance[i * size + j] += ((double)table[r * size + i] - mean[i]) *
                                            ((double)table[r * size + j] - mean[j]) / rows;
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < i; j++)
            covariance[j * size + i] = covariance[i * size + j];
}

/* Turns the plane of axes p and q of the symmetric matrix `a` so that a[p][q] becomes 0, and the
 * rows of `vectors` with it (Jacobi 1846). */
static void turn(double *a, double *vectors, int64_t n, int64_t p, int64_t q)
{
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int64_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (int64_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        x = vectors[p * n + k];
        y = vectors[q * n + k];
        vectors[p * n + k] = c * x - s * y;
        vectors[q * n + k] = s * x + c * y;
    }
}

static void diagonalise(double *a, double *vectors, int64_t n)
{
    bool turned = true;
    memset(vectors, 0, (size_t)(n * n) * sizeof *vectors);
    for (int64_t i = 0; i < n; i++)
        vectors[i * n + i] = 1;
    for (int sweep = 0; turned && sweep < SWEEPS; sweep++) {
        turned = false;
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                double least = 1e-15 * sqrt(fabs(a[p * n + p] * a[q * n + q]));
                if (fabs(a[p * n + q]) <= least || fabs(a[p * n + q]) < 1e-300)
                    continue;
                turn(a, vectors, n, p, q);
                turned = true;
            }
    }
}

/* The axis of the largest variance not yet taken; its variance becomes -1. */
static int64_t next_axis(double *a, int64_t n, double *variance)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = a[i * n + i] > a[best * n + best] ? i : best;
    *variance = fmax(a[best * n + best], 0);
    a[best * n + best] = -1;
    return best;
}

static double sign_of(const double *direction, int size)
{
    int largest = 0;
    for (int i = 1; i < size; i++)
        largest = fabs(direction[i]) > fabs(direction[largest]) ? i : largest;
    return direction[largest] < 0 ? -1 : 1;
}

static nn_status check(const nn_real *table, int rows, int size, int axes, nn_error *error)
{
    if (rows < 1 || size < 1 || size > NN_MAP_SIZE || axes < 1 || axes > size)
        return nn_fail(error, NN_E_ARG,
                       "map of %d rows of %d numbers on %d axes; expected at least 1 row, 1 to %d "
                       "numbers and no more axes",
                       rows, size, axes, NN_MAP_SIZE);
    for (int64_t i = 0; i < (int64_t)rows * size; i++)
        if (!isfinite(table[i]))
            return nn_fail(error, NN_E_NONFINITE, "map: number %lld of row %lld is %g",
                           (long long)(i % size), (long long)(i / size), (double)table[i]);
    return NN_OK;
}

nn_status nn_map(const nn_real *table, int rows, int size, int axes, double *places,
                 double *directions, double *variances, nn_error *error)
{
    nn_status status = check(table, rows, size, axes, error);
    if (status)
        return status;
    size_t cells = (size_t)size * (size_t)size;
    double *room = malloc((2 * cells + (size_t)size) * sizeof *room);
    if (!room)
        return nn_fail(error, NN_E_NOMEM, "map of %d dimensions: out of memory", size);
    double *covariance = room, *vectors = room + cells, *mean = room + 2 * cells;
    spread(table, rows, size, mean, covariance);
    diagonalise(covariance, vectors, size);
    for (int64_t a = 0; a < axes; a++) {
        double variance, *direction = vectors + next_axis(covariance, size, &variance) * size;
        double sign = sign_of(direction, size);
        for (int64_t r = 0; r < rows; r++) {
            double place = 0;
            for (int i = 0; i < size; i++)
                place += sign * direction[i] * ((double)table[r * size + i] - mean[i]);
            places[r * axes + a] = place;
        }
        for (int i = 0; directions && i < size; i++)
            directions[a * size + i] = sign * direction[i];
        if (variances)
            variances[a] = variance;
    }
    free(room);
    return NN_OK;
}
