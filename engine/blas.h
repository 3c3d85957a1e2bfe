/* The only door to OpenBLAS (cblas.h defines the macro I; it is included in blas.c alone).
 * OpenBLAS runs single-threaded; our pool calls it from several threads at once. */
#ifndef GRADUS_ENGINE_BLAS_H
#define GRADUS_ENGINE_BLAS_H

#include "engine/tensor.h"

/* C (m,n) = alpha * op(A) op(B) + beta * C, row-major; ld* = elements between rows as stored. */
void nn_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, nn_real alpha,
             const nn_real *a, int64_t lda, const nn_real *b, int64_t ldb, nn_real beta, nn_real *c,
             int64_t ldc);

/* Pins OpenBLAS to one thread. Idempotent. Returns openblas_get_parallel(): 1 (pthreads) is safe to
 * call from several threads; with 0 or 2 our pool must stay at one thread. */
int nn_blas_prepare(void);
const char *nn_blas_name(void); /* OpenBLAS's own config string */

/* GFLOP/s of a single-thread product of two n x n matrices, best of `repeats`. */
double nn_blas_peak_gflops(int n, int repeats);

#endif
