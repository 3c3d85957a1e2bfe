#include "engine/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <time.h>

#define GEMM _Generic((nn_real)0, float : cblas_sgemm, double : cblas_dgemm)

void nn_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, nn_real alpha,
             const nn_real *a, int64_t lda, const nn_real *b, int64_t ldb, nn_real beta, nn_real *c,
             int64_t ldc)
{
    if (m <= 0 || n <= 0)
        return;
    if (k <= 0) { /* an empty sum; the BLAS leaves this corner to the implementation */
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
        return;
    }
    GEMM(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans,
         (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c,
         (blasint)ldc);
}

int nn_blas_prepare(void)
{
    openblas_set_num_threads(1);
    return openblas_get_parallel();
}

const char *nn_blas_name(void)
{
    return openblas_get_config();
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double nn_blas_peak_gflops(int n, int repeats)
{
    size_t count = (size_t)n * (size_t)n;
    nn_real *block = n > 0 ? malloc(3 * count * sizeof *block) : NULL;
    double best = 0;
    if (!block)
        return 0;
    nn_blas_prepare();
    for (size_t i = 0; i < 3 * count; i++)
        block[i] = (nn_real)(i % 7) - 3;
    for (int i = 0; i < repeats; i++) {
        double start = seconds_now();
        nn_gemm(false, false, n, n, n, 1, block, n, block + count, n, 0, block + 2 * count, n);
        double taken = seconds_now() - start;
        double gflops = 2e-9 * (double)n * (double)n * (double)n / (taken > 0 ? taken : 1e-9);
        best = gflops > best ? gflops : best;
    }
    free(block);
    return best;
}
