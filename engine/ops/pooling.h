/* What pooling over windows and over whole planes share. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_POOLING_H
#define GRADUS_ENGINE_OPS_POOLING_H

#include "engine/tensor.h"

/* out[p] = the mean of plane p. */
void nn_average_planes(const nn_real *x, int64_t planes, int64_t cells, nn_real *out);
/* Every cell of plane p of dx (+)= dy[p] / cells. */
void nn_spread_planes(const nn_real *dy, int64_t planes, int64_t cells, bool add, nn_real *dx);

#endif
