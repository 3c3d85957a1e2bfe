/* Optimizing and satisficing metrics (notes, chapter 24): the best by one number among those that
 * keep limits on others, "latency_ms<=5, params<=1e6". A limit that is met exactly is kept. */
#ifndef GRADUS_ENGINE_SEARCH_LIMITS_H
#define GRADUS_ENGINE_SEARCH_LIMITS_H

#include "engine/status.h"

#include <stdbool.h>

enum { NN_LIMITS = 8 };

typedef enum { NN_AT_MOST, NN_AT_LEAST, NN_BELOW, NN_ABOVE } nn_limit_kind;

typedef struct {
    char metric[32];
    nn_limit_kind kind;
    double bound;
} nn_limit;

/* Limits separated by commas; up to NN_LIMITS. */
nn_status nn_limits_parse(const char *text, nn_limit limits[NN_LIMITS], int *count,
                          nn_error *error);
const char *nn_limit_sign(nn_limit_kind kind);
/* A value that is not known keeps no limit. */
bool nn_limit_kept(const nn_limit *limit, double value);
/* The feasible one of the lowest (or highest) objective, the earlier of equals; -1 when none is
 * feasible. NaN is never chosen. */
int nn_choose(const double *objective, const bool *feasible, int count, bool highest);

#endif
