#include "engine/optimizer_kernels.h"

#include "engine/kernel.h"

#include <math.h>

#define REAL_SQRT(x) _Generic((nn_real)0, float : sqrtf, double : sqrt)(x)

typedef nn_update_numbers numbers;

/* The gradient as the kinds see it: clipped, then with L2, so that clipping bounds what the data
 * says and not the penalty. d/dw of lambda/2 |w|^2 = lambda w (chapter 12). */
static inline nn_real seen(const numbers *n, nn_real gradient, nn_real weight)
{
    nn_real g = n->scale * gradient;
    g = g < n->limit ? g : n->limit;
    g = g > -n->limit ? g : -n->limit;
    return g + n->l2 * weight;
}

/* Every kernel writes the step it wants to `u` (taken off the weights afterwards) for one chunk. */

/* Chapter 16: w -= lr g. */
NN_KERNEL static void sgd(const numbers *n, int64_t count, const nn_real *restrict w,
                          const nn_real *restrict g, nn_real *restrict u)
{
    for (int64_t i = 0; i < count; i++)
        u[i] = n->lr * seen(n, g[i], w[i]) + n->decay * w[i];
}

/* Chapter 17: v = beta v + (1-beta) g; w -= lr v. In the classic form (Polyak 1964, PyTorch) g is
 * added whole: add1 = 1. */
NN_KERNEL static void momentum(const numbers *n, int64_t count, const nn_real *restrict w,
                               const nn_real *restrict g, nn_real *restrict u, nn_real *restrict v)
{
    for (int64_t i = 0; i < count; i++) {
        v[i] = n->keep1 * v[i] + n->add1 * seen(n, g[i], w[i]);
        u[i] = n->lr * v[i] + n->decay * w[i];
    }
}

/* Nesterov's step with the gradient taken where the weights are (Sutskever et al. 2013, section 2,
 * rewritten as in Bengio et al. 2012, equation 7), in the course's scaling:
 * v = beta v + (1-beta) g; w -= lr (beta v + (1-beta) g). */
NN_KERNEL static void nesterov(const numbers *n, int64_t count, const nn_real *restrict w,
                               const nn_real *restrict g, nn_real *restrict u, nn_real *restrict v)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real added = n->add1 * seen(n, g[i], w[i]);
        v[i] = n->keep1 * v[i] + added;
        u[i] = n->lr * (n->keep1 * v[i] + added) + n->decay * w[i];
    }
}

/* Chapter 17 (Tieleman and Hinton 2012): s = beta s + (1-beta) g^2; w -= lr g / (sqrt(s) + eps), or
 * over sqrt(s + eps) (errata E17.1). No bias correction. With keep2 = add2 = 1 this is AdaGrad
 * (Duchi, Hazan and Singer 2011). */
NN_KERNEL static void rmsprop(const numbers *n, int64_t count, const nn_real *restrict w,
                              const nn_real *restrict g, nn_real *restrict u, nn_real *restrict s)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real gradient = seen(n, g[i], w[i]);
        s[i] = n->keep2 * s[i] + n->add2 * gradient * gradient;
        u[i] = n->lr * gradient / (REAL_SQRT(s[i] + n->inside) + n->outside) + n->decay * w[i];
    }
}

/* Chapter 18 (Kingma and Ba 2015, algorithm 1), and AdamW (Loshchilov and Hutter 2019, algorithm 2)
 * with decay = lr l2 and l2 = 0. With v^ = v/(1-beta1^t), s^ = s/(1-beta2^t):
 * w -= lr v^ / (sqrt(s^) + eps), or over sqrt(s^ + eps) (errata E18.2). lr and correct2 hold the
 * two corrections. */
NN_KERNEL static void adam(const numbers *n, int64_t count, const nn_real *restrict w,
                           const nn_real *restrict g, nn_real *restrict u, nn_real *restrict v,
                           nn_real *restrict s)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real gradient = seen(n, g[i], w[i]);
        v[i] = n->keep1 * v[i] + n->add1 * gradient;
        s[i] = n->keep2 * s[i] + n->add2 * gradient * gradient;
        nn_real root = REAL_SQRT(s[i] * n->correct2 + n->inside) + n->outside;
        u[i] = n->lr * v[i] / root + n->decay * w[i];
    }
}

NN_KERNEL static void subtract(int64_t count, nn_real *restrict w, const nn_real *restrict u)
{
    for (int64_t i = 0; i < count; i++)
        w[i] -= u[i];
}

/* Proximal step of lambda |w| (Duchi and Singer 2009, section 5.1): toward 0, and never past it.
 * `u` becomes the whole way from the old weight. */
NN_KERNEL static void soften(int64_t count, nn_real *restrict w, nn_real *restrict u,
                             nn_real shrink)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real less = w[i] > shrink ? w[i] - shrink : 0;
        nn_real soft = w[i] < -shrink ? w[i] + shrink : less;
        u[i] += w[i] - soft;
        w[i] = soft;
    }
}

NN_KERNEL static void follow_weights(int64_t count, nn_real *restrict average,
                                     const nn_real *restrict w, nn_real share)
{
    for (int64_t i = 0; i < count; i++)
        average[i] += share * (w[i] - average[i]);
}

enum { LANES = 32 };

/* In nn_real: each of the interleaved sums adds but NN_UPDATE_CHUNK / LANES squares, plenty for the
 * update ratio, which is for people; the gradient norm, which clips, is summed in double. */
NN_KERNEL static double chunk_squares(const nn_real *x, int64_t count)
{
    nn_real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + k] * x[i + k];
    for (; i < count; i++)
        lane[0] += x[i] * x[i];
    double wide[LANES];
    for (int k = 0; k < LANES; k++)
        wide[k] = (double)lane[k];
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            wide[k] += wide[k + half];
    return wide[0];
}

nn_update_sums nn_update_one_chunk(nn_optimizer_kind kind, const nn_update_numbers *n,
                                   nn_update_chunk c)
{
    _Alignas(64) nn_real update[NN_UPDATE_CHUNK];
    nn_update_sums sums = {.weight = chunk_squares(c.weights, c.count)};
    if (c.first && c.second) /* Adam and AdamW differ in their numbers */
        adam(n, c.count, c.weights, c.gradient, update, c.first, c.second);
    else if (c.second) /* and so do RMSprop and AdaGrad */
        rmsprop(n, c.count, c.weights, c.gradient, update, c.second);
    else if (c.first && kind == NN_NESTEROV)
        nesterov(n, c.count, c.weights, c.gradient, update, c.first);
    else if (c.first)
        momentum(n, c.count, c.weights, c.gradient, update, c.first);
    else
        sgd(n, c.count, c.weights, c.gradient, update);
    subtract(c.count, c.weights, update);
    if (n->shrink > 0)
        soften(c.count, c.weights, update, n->shrink);
    if (c.average)
        follow_weights(c.count, c.average, c.weights, n->follow);
    sums.update = chunk_squares(update, c.count);
    return sums;
}

/* --- rows of a table ------------------------------------------------------------------------ */

enum { AHEAD = 8 };

/* The rows that are named, side by side. */
NN_KERNEL static void take_rows(nn_real *restrict to, const nn_real *restrict table,
                                const int32_t *row, int64_t rows, int64_t size, int64_t coming)
{
    for (int64_t r = 0; r < rows; r++, to += size) {
        const nn_real *restrict from = table + row[r] * size;
        if (r + AHEAD < coming)
            nn_fetch(table + row[r + AHEAD] * size, (size_t)size * sizeof *table);
        for (int64_t i = 0; i < size; i++)
            to[i] = from[i];
    }
}

NN_KERNEL static void put_rows(nn_real *restrict table, const nn_real *restrict from,
                               const int32_t *row, int64_t rows, int64_t size)
{
    for (int64_t r = 0; r < rows; r++, from += size) {
        nn_real *restrict to = table + row[r] * size;
        for (int64_t i = 0; i < size; i++)
            to[i] = from[i];
    }
}

/* Short rows are copied together into a full chunk: moving them costs less than going through all
 * loops for each. `coming`: rows named from here on, of which some are asked for ahead. */
static nn_update_sums update_packed(nn_optimizer_kind kind, const nn_update_numbers *n,
                                    nn_update_chunk table, const int32_t *row, int64_t rows,
                                    int64_t coming)
{
    _Alignas(64) nn_real numbers_of[4][NN_UPDATE_CHUNK];
    nn_real *kept[] = {table.weights, table.first, table.second};
    nn_update_chunk packed = {.weights = numbers_of[0],
                              .first = table.first ? numbers_of[1] : NULL,
                              .second = table.second ? numbers_of[2] : NULL,
                              .gradient = numbers_of[3],
                              .count = rows * table.count};
    for (int k = 0; k < 3; k++)
        if (kept[k])
            take_rows(numbers_of[k], kept[k], row, rows, table.count, coming);
    take_rows(numbers_of[3], table.gradient, row, rows, table.count, coming);
    nn_update_sums sums = nn_update_one_chunk(kind, n, packed);
    for (int k = 0; k < 3; k++)
        if (kept[k])
            put_rows(kept[k], numbers_of[k], row, rows, table.count);
    return sums;
}

static nn_update_sums update_long_row(nn_optimizer_kind kind, const nn_update_numbers *n,
                                      nn_update_chunk table, int64_t row)
{
    nn_update_sums all = {0};
    for (int64_t i = row * table.count; i < (row + 1) * table.count; i += NN_UPDATE_CHUNK) {
        int64_t left = (row + 1) * table.count - i;
        nn_update_sums sums = nn_update_one_chunk(
            kind, n,
            (nn_update_chunk){.weights = table.weights + i,
                              .first = table.first ? table.first + i : NULL,
                              .second = table.second ? table.second + i : NULL,
                              .gradient = table.gradient + i,
                              .count = left < NN_UPDATE_CHUNK ? left : NN_UPDATE_CHUNK});
        all.update += sums.update;
        all.weight += sums.weight;
    }
    return all;
}

nn_update_sums nn_update_rows(nn_optimizer_kind kind, const nn_update_numbers *n,
                              nn_update_chunk table, const int32_t *row, int64_t rows)
{
    int64_t together = NN_UPDATE_CHUNK / table.count;
    nn_update_sums all = {0}, sums;
    for (int64_t r = 0; r<rows; r += together> 1 ? together : 1) {
        int64_t count = rows - r < together ? rows - r : together;
        if (together > 1)
            sums = update_packed(kind, n, table, row + r, count, rows - r);
        else
            sums = update_long_row(kind, n, table, row[r]);
        all.update += sums.update;
        all.weight += sums.weight;
    }
    return all;
}

NN_KERNEL void nn_gather_gradient(nn_real *restrict sum, const nn_real *restrict gradient,
                                  nn_real share, bool first, int64_t count)
{
    if (first)
        for (int64_t i = 0; i < count; i++)
            sum[i] = share * gradient[i];
    else
        for (int64_t i = 0; i < count; i++)
            sum[i] += share * gradient[i];
}
