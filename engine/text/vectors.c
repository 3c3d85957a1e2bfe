#include "engine/text/vectors.h"

#include <math.h>
#include <stdbool.h>

double nn_inner_product(const nn_real *a, const nn_real *b, int size)
{
    double sum = 0;
    for (int i = 0; i < size; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

double nn_cosine(const nn_real *a, const nn_real *b, int size)
{
    double lengths = sqrt(nn_inner_product(a, a, size)) * sqrt(nn_inner_product(b, b, size));
    return lengths == 0 ? 0 : nn_inner_product(a, b, size) / lengths;
}

double nn_square_distance(const nn_real *a, const nn_real *b, int size)
{
    double sum = 0;
    for (int i = 0; i < size; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

/* --- neighbours ---------------------------------------------------------------------------- */

static bool is_listed(const int *list, int count, int row)
{
    for (int i = 0; i < count; i++)
        if (list[i] == row)
            return true;
    return false;
}

nn_status nn_nearest(const nn_real *table, int rows, int size, const nn_real *query,
                     nn_nearness nearness, const int *without, int without_count, int k,
                     nn_neighbour *found, int *count, nn_error *error)
{
    *count = 0;
    if (rows < 0 || size < 1 || k < 1)
        return nn_fail(error, NN_E_ARG, "nearest %d of a table of %d x %d; expected 1 or more", k,
                       rows, size);
    for (int row = 0; row < rows; row++) {
        const nn_real *candidate = table + (int64_t)row * size;
        double value = nearness == NN_BY_COSINE ? nn_cosine(candidate, query, size)
                                                : nn_square_distance(candidate, query, size);
        double rank = nearness == NN_BY_COSINE ? -value : value;
        if (isnan(value) || is_listed(without, without_count, row))
            continue;
        int place = *count;
        while (place > 0 && rank < (nearness == NN_BY_COSINE ? -1 : 1) * found[place - 1].value)
            place--;
        if (place == k)
            continue;
        for (int i = *count < k ? *count : k - 1; i > place; i--)
            found[i] = found[i - 1];
        found[place] = (nn_neighbour){row, value};
        *count += *count < k;
    }
    return NN_OK;
}

void nn_analogy(const nn_real *a, const nn_real *b, const nn_real *c, int size, nn_real *out)
{
    for (int i = 0; i < size; i++)
        out[i] = (nn_real)((double)b[i] - (double)a[i] + (double)c[i]);
}

/* --- bias ---------------------------------------------------------------------------------- */

void nn_bias_axis(const nn_real *a, const nn_real *b, int pairs, int size, nn_real *axis)
{
    for (int i = 0; i < size; i++) {
        double sum = 0;
        for (int p = 0; p < pairs; p++)
            sum += (double)a[(int64_t)p * size + i] - (double)b[(int64_t)p * size + i];
        axis[i] = (nn_real)(pairs > 0 ? sum / pairs : 0);
    }
}

static nn_status axis_square(const nn_real *axis, int size, double *square, nn_error *error)
{
    *square = nn_inner_product(axis, axis, size);
    if (*square > 0 && isfinite(*square))
        return NN_OK;
    return nn_fail(error, NN_E_ARG, "bias: the axis has length %g; expected one above 0",
                   sqrt(*square));
}

nn_status nn_neutralise(const nn_real *w, const nn_real *axis, int size, nn_real *out,
                        nn_error *error)
{
    double square;
    nn_status status = axis_square(axis, size, &square, error);
    if (status)
        return status;
    double along = nn_inner_product(w, axis, size) / square;
    for (int i = 0; i < size; i++)
        out[i] = (nn_real)((double)w[i] - along * (double)axis[i]);
    return NN_OK;
}

nn_status nn_equalise(nn_real *first, nn_real *second, const nn_real *axis, int size,
                      nn_error *error)
{
    double square, across = 0;
    nn_status status = axis_square(axis, size, &square, error);
    if (status)
        return status;
    /* Parts along the axis, as multiples of it. */
    double one = nn_inner_product(first, axis, size) / square;
    double two = nn_inner_product(second, axis, size) / square;
    double middle = (one + two) / 2;
    if (one == two)
        return nn_fail(error, NN_E_ARG, "equalise: the pair does not differ along the axis");
    for (int i = 0; i < size; i++) {
        double mean = ((double)first[i] + (double)second[i]) / 2 - middle * (double)axis[i];
        across += mean * mean;
    }
    /* (e_B - mu_B) / |e_B - mu_B| is the axis at length 1, with the sign of the difference. */
    double step = sqrt(fabs(1 - across)) / sqrt(square) * (one > two ? 1 : -1);
    for (int i = 0; i < size; i++) {
        double mean = ((double)first[i] + (double)second[i]) / 2 - middle * (double)axis[i];
        first[i] = (nn_real)(mean + step * (double)axis[i]);
        second[i] = (nn_real)(mean - step * (double)axis[i]);
    }
    return NN_OK;
}

nn_status nn_unigram_shares(const double *counts, int words, double power, double *shares,
                            nn_error *error)
{
    double sum = 0;
    for (int i = 0; i < words; i++) {
        if (!(counts[i] >= 0 && isfinite(counts[i])))
            return nn_fail(error, NN_E_ARG, "unigram shares: word %d has count %g", i, counts[i]);
        shares[i] = counts[i] > 0 ? pow(counts[i], power) : 0;
        sum += shares[i];
    }
    if (!(sum > 0 && isfinite(sum)))
        return nn_fail(error, NN_E_ARG, "unigram shares: no word was counted");
    for (int i = 0; i < words; i++)
        shares[i] /= sum;
    return NN_OK;
}
