/* Principal components (Pearson 1901): the flat map of many-dimensional vectors that keeps the most
 * of their spread. Pure; callable from any thread. */
#ifndef GRADUS_ENGINE_TEXT_MAP_H
#define GRADUS_ENGINE_TEXT_MAP_H

#include "engine/status.h"
#include "engine/tensor.h"

enum { NN_MAP_SIZE = 512 }; /* most dimensions: the work grows with their cube */

/* Of `table` (rows, size): the `axes` directions of the largest variance, (axes, size), length 1,
 * largest first, each with its largest component positive, so that a map never comes out mirrored;
 * the places (rows, axes) of the rows, less their mean, along them; and the variances (axes,
 * divisor rows). `directions` and `variances` may be NULL. Refuses numbers that are not finite. */
nn_status nn_map(const nn_real *table, int rows, int size, int axes, double *places,
                 double *directions, double *variances, nn_error *error);

#endif
