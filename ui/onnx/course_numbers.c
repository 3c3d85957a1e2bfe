/* Operators of chapters 2, 3, 12 to 28, 39 and 41 that are plain arithmetic: tables, thresholds,
 * averages. In double, on the decimal numbers that were given. */
#include "engine/metrics.h"
#include "ui/onnx/course.h"

#include <math.h>
#include <stdlib.h>

/* --- chapters 2 and 3 ---------------------------------------------------------------------------
 */

typedef struct {
    const double *x, *y;
    int64_t count;
} one_weight;

/* 1/2 sum (sigmoid(w x) - y)^2 */
static double square_cost(const one_weight *one, double w)
{
    double sum = 0;
    for (int64_t i = 0; i < one->count; i++) {
        double error = 1 / (1 + exp(-w * one->x[i])) - one->y[i];
        sum += error * error / 2;
    }
    return sum;
}

static double binary_cost(const one_weight *one, double w)
{
    double sum = 0;
    for (int64_t i = 0; i < one->count; i++) {
        double z = w * one->x[i];
        sum += fmax(z, 0) - z * one->y[i] + log1p(exp(-fabs(z)));
    }
    return sum;
}

/* The lowest cost in low..high, both of one sign: the best of a grid of equal ratios, then its
 * neighbourhood again and again. */
static double lowest(const one_weight *one, double low, double high)
{
    enum { POINTS = 64, ROUNDS = 12 };
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        double ratio = pow(high / low, 1.0 / POINTS), at = low;
        for (int i = 0; i <= POINTS; i++) {
            double w = low * pow(ratio, i), cost = square_cost(one, w);
            if (cost < best) {
                best = cost;
                at = w;
            }
        }
        double first = at / ratio, last = at * ratio;
        low = round == 0 && fabs(first) < fabs(low) ? low : first;
        high = round == 0 && fabs(last) > fabs(high) ? high : last;
    }
    return best;
}

static void build_local_minimum(onnx_call *call)
{
    const onnx_tensor *grid = onnx_input(call, 2);
    double *x = course_numbers(call, 0), *y = course_numbers(call, 1);
    one_weight one = {x, y, onnx_input(call, 0)->count};
    double work = 150 * (double)one.count * ((double)grid->count + 2000);
    float *cost = onnx_give_numbers(call, 0, ONNX_FLOAT, grid->shape);
    float *binary = onnx_give_numbers(call, 3, ONNX_FLOAT, grid->shape);
    if (x && y && cost && binary && onnx_work(call, work)) {
        for (int64_t i = 0; i < grid->count; i++) {
            cost[i] = (float)square_cost(&one, (double)grid->data[i]);
            binary[i] = (float)binary_cost(&one, (double)grid->data[i]);
        }
        course_out_number(call, 1, ONNX_FLOAT, lowest(&one, 0.3, 60));
        course_out_number(call, 2, ONNX_FLOAT, lowest(&one, -0.003, -0.5));
    }
    free(x);
    free(y);
}

static void build_quadratic(onnx_call *call)
{
    enum { STEPS = 4 };
    int64_t n = onnx_input(call, 0)->count;
    double *alphas = course_numbers(call, 0), curve = course_number(call, 1);
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(n, STEPS));
    for (int64_t i = 0; i < n && to && alphas; i++) {
        double w = course_number(call, 2);
        for (int t = 0; t < STEPS; t++) {
            w -= alphas[i] * curve * w;
            to[i * STEPS + t] = (float)w;
        }
    }
    free(alphas);
}

/* --- errors of people, training and development -------------------------------------------------
 */

enum { DIAGNOSE, STRATEGIST, MISMATCH };

static double diagnosed(const double *row, double threshold, bool bits)
{
    bool bias = row[1] - row[0] > threshold, variance = row[2] - row[1] > threshold;
    return bits ? bias + 2 * variance : bias ? 1 : variance ? 2 : 0;
}

static double strategy(const double *row, double threshold)
{
    for (int i = 0; i < 3; i++)
        if (row[i + 1] - row[i] > threshold)
            return i + 1;
    return 0;
}

static void give_codes(onnx_call *call, const double *rows)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0], wide = onnx_input(call, 0)->shape.dim[1];
    int kind = onnx_op(call)->variant;
    double threshold = kind == MISMATCH ? 0.02 : course_number(call, 1);
    float *gaps = kind == MISMATCH ? onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(n, 2)) : NULL;
    int at = kind == MISMATCH;
    float *first = onnx_give_numbers(call, at, ONNX_INT64, nn_shape1(n));
    float *second =
        kind == STRATEGIST ? NULL : onnx_give_numbers(call, at + 1, ONNX_INT64, nn_shape1(n));
    for (int64_t i = 0; i < n && first; i++) {
        const double *row = rows + i * wide;
        double one = row[1] - row[0], two = row[2] - row[1];
        first[i] = (float)(kind == STRATEGIST ? strategy(row, threshold)
                           : kind == MISMATCH ? (one > two ? 2 : 3)
                                              : diagnosed(row, threshold, false));
        if (second)
            second[i] = (float)(kind == MISMATCH ? 2 * (one > threshold) + 4 * (two > threshold)
                                                 : diagnosed(row, threshold, true));
        if (gaps) {
            gaps[2 * i] = (float)one;
            gaps[2 * i + 1] = (float)two;
        }
    }
}

static void build_codes(onnx_call *call)
{
    double *rows = course_numbers(call, 0);
    if (rows)
        give_codes(call, rows);
    free(rows);
}

/* Positive means score >= threshold: TP, FP, FN, P, R, F1. */
static void build_thresholds(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->count, k = onnx_input(call, 2)->count;
    double *scores = course_numbers(call, 1), *thresholds = course_numbers(call, 2);
    int32_t *labels = malloc((size_t)n * sizeof *labels);
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape2(k, 6));
    bool good =
        scores && thresholds && labels && to && onnx_work(call, 100.0 * (double)n * (double)k);
    for (int64_t i = 0; i < n && good; i++)
        labels[i] = onnx_input(call, 0)->data[i] != 0;
    for (int64_t i = 0; i < k && good; i++, to += 6) {
        nn_outcomes o = nn_outcomes_at(labels, scores, n, thresholds[i]);
        double p = nn_precision(o), r = nn_recall(o);
        to[0] = (float)o.true_positive;
        to[1] = (float)o.false_positive;
        to[2] = (float)o.false_negative;
        to[3] = (float)p;
        to[4] = (float)r;
        to[5] = (float)nn_f_score(p, r, 1);
    }
    free(scores);
    free(thresholds);
    free(labels);
}

static void build_selection(onnx_call *call)
{
    const onnx_tensor *accuracy = onnx_input(call, 0);
    const float *latency = onnx_input(call, 1)->data, *memory = onnx_input(call, 2)->data;
    float *feasible = onnx_give_numbers(call, 0, ONNX_INT64, accuracy->shape);
    int64_t best = -1;
    for (int64_t i = 0; i < accuracy->count && feasible; i++) {
        feasible[i] = latency[i] <= 100 && memory[i] <= 500;
        if (feasible[i] != 0 && (best < 0 || accuracy->data[i] > accuracy->data[best]))
            best = i;
    }
    course_out_number(call, 1, ONNX_INT64, (double)best);
}

static void build_ceiling(onnx_call *call)
{
    const onnx_tensor *counts = onnx_input(call, 0);
    double total = course_number(call, 3);
    double right = 100 * course_number(call, 2) / (course_number(call, 1) * total);
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, counts->shape);
    float *listing = onnx_give_numbers(call, 1, ONNX_FLOAT, counts->shape);
    for (int64_t i = 0; i < counts->count && to && listing; i++) {
        to[i] = (float)((double)counts->data[i] * right);
        listing[i] = (float)((double)counts->data[i] * 100 / total);
    }
}

static void build_pipeline(onnx_call *call)
{
    nn_graph *g = onnx_graph(call);
    course_out(call, 0, nn_reduce_prod(g, onnx_whole(call, 0), NULL, 0, false));
}

/* --- training -----------------------------------------------------------------------------------
 */

/* Up to the epoch at which the patience ends. */
static void build_early_stopping(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->count, used = 0, stop = -1, best_at = -1, counter = 0;
    double *losses = course_numbers(call, 0), best = INFINITY;
    double patience = course_number(call, 1), delta = course_number(call, 2);
    double *counters = course_numbers(call, 0);
    for (; used < n && stop < 0 && losses && counters; used++) {
        bool better = losses[used] < best - delta;
        counter = better ? 0 : counter + 1;
        best = better ? losses[used] : best;
        best_at = better ? used : best_at;
        counters[used] = (double)counter;
        stop = (double)counter >= patience ? used : -1;
    }
    if (losses && counters) {
        course_out_numbers(call, 0, ONNX_INT64, nn_shape1(used), counters);
        course_out_number(call, 1, ONNX_INT64, (double)stop);
        course_out_number(call, 2, ONNX_INT64, (double)best_at);
        course_out_number(call, 3, ONNX_FLOAT, best);
    }
    free(losses);
    free(counters);
}

/* Adds the gradient of (w'x - y)^2 / 2 of the columns first..last-1 to `sum`, times `share`. */
static void add_columns(const onnx_call *call, int64_t first, int64_t last, double share,
                        double *sum)
{
    const onnx_tensor *x = onnx_input(call, 0);
    const float *y = onnx_input(call, 1)->data, *w = onnx_input(call, 2)->data;
    int64_t n = x->shape.dim[0], m = x->shape.dim[1];
    for (int64_t j = first; j < last; j++) {
        double error = -(double)y[j];
        for (int64_t i = 0; i < n; i++)
            error += (double)w[i] * (double)x->data[i * m + j];
        for (int64_t i = 0; i < n; i++)
            sum[i] += share * error * (double)x->data[i * m + j];
    }
}

static void give_batches(onnx_call *call, int64_t batches, double *each, double *all)
{
    enum { BATCH = 2 };
    nn_shape shape = onnx_input(call, 0)->shape;
    int64_t n = shape.dim[0], m = shape.dim[1];
    double *full = all, *weighted = all + n, *plain = all + 2 * n;
    for (int64_t b = 0; b < batches; b++) {
        int64_t first = b * BATCH, last = first + BATCH < m ? first + BATCH : m;
        double rows = (double)(last - first);
        add_columns(call, first, last, 1 / rows, each + b * n);
        for (int64_t i = 0; i < n; i++) {
            weighted[i] += each[b * n + i] * rows / (double)m;
            plain[i] += each[b * n + i] / (double)batches;
        }
    }
    add_columns(call, 0, m, 1 / (double)m, full);
    course_out_numbers(call, 0, ONNX_FLOAT, nn_shape2(batches, n), each);
    for (int k = 0; k < 3; k++)
        course_out_numbers(call, k + 1, ONNX_FLOAT, nn_shape1(n), all + k * n);
}

static void build_batches(onnx_call *call)
{
    nn_shape shape = onnx_input(call, 0)->shape;
    int64_t n = shape.dim[0], batches = (shape.dim[1] + 1) / 2;
    double *each = calloc((size_t)(batches * n), sizeof *each);
    double *all = calloc((size_t)(3 * n), sizeof *all);
    if (each && all)
        give_batches(call, batches, each, all);
    else
        onnx_refuse(call, "out of memory");
    free(each);
    free(all);
}

static void build_average(onnx_call *call)
{
    const onnx_tensor *theta = onnx_input(call, 0);
    double beta = course_number(call, 1), v = 0, power = 1;
    float *average = onnx_give_numbers(call, 0, ONNX_FLOAT, theta->shape);
    float *corrected = onnx_give_numbers(call, 1, ONNX_FLOAT, theta->shape);
    for (int64_t t = 0; t < theta->count && average && corrected; t++) {
        v = beta * v + (1 - beta) * (double)theta->data[t];
        power *= beta;
        average[t] = (float)v;
        corrected[t] = (float)(v / (1 - power));
    }
}

static void build_log_sampling(onnx_call *call)
{
    const onnx_tensor *u = onnx_input(call, 0);
    float *alpha = onnx_give_numbers(call, 0, ONNX_FLOAT, u->shape);
    float *beta = onnx_give_numbers(call, 1, ONNX_FLOAT, u->shape);
    for (int64_t i = 0; i < u->count && alpha && beta; i++) {
        double x = course_decimal(u->data[i]);
        alpha[i] = (float)pow(10, -4 + 4 * x);
        beta[i] = (float)(1 - pow(10, -3 + 2 * x));
    }
}

static void build_gradient_clip(onnx_call *call)
{
    const onnx_tensor *g[2] = {onnx_input(call, 0), onnx_input(call, 1)};
    double sum = 0, most = course_number(call, 2);
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < g[k]->count; i++)
            sum += (double)g[k]->data[i] * (double)g[k]->data[i];
    double share = sqrt(sum) > most ? most / sqrt(sum) : 1;
    course_out_number(call, 0, ONNX_FLOAT, sqrt(sum));
    for (int k = 0; k < 2; k++) {
        float *to = onnx_give_numbers(call, k + 1, ONNX_FLOAT, g[k]->shape);
        for (int64_t i = 0; i < g[k]->count && to; i++)
            to[i] = (float)(share * (double)g[k]->data[i]);
    }
    float *cut = onnx_give_numbers(call, 3, ONNX_FLOAT, g[0]->shape);
    for (int64_t i = 0; i < g[0]->count && cut; i++)
        cut[i] = fminf(fmaxf(g[0]->data[i], -1), 1);
}

/* --- powers of a matrix -------------------------------------------------------------------------
 */

static void multiply(const double *a, const double *b, double *to, int64_t n)
{
    for (int64_t i = 0; i < n * n; i++) {
        to[i] = 0;
        for (int64_t k = 0; k < n; k++)
            to[i] += a[i / n * n + k] * b[k * n + i % n];
    }
}

static void copy(const double *from, double *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i];
}

/* The length of a large power of W is the radius to that power, times what the root makes 1:
 * 2^60 by squaring, scaled each time. `p` and `room` are used up. */
static double spectral_radius(double *p, double *room, int64_t n)
{
    double logarithm = 0, share = 1;
    for (int k = 0; k < 60; k++, share /= 2) {
        double sum = 0;
        for (int64_t i = 0; i < n * n; i++)
            sum += p[i] * p[i];
        if (sum == 0)
            return 0;
        logarithm += share * log(sqrt(sum));
        for (int64_t i = 0; i < n * n; i++)
            p[i] /= sqrt(sum);
        multiply(p, p, room, n);
        copy(room, p, n * n);
    }
    return exp(logarithm);
}

static void give_power(onnx_call *call, int64_t n, double *base, double *power, double *room)
{
    for (int64_t i = 0; i < n * n; i++)
        power[i] = i / n == i % n;
    for (int64_t left = (int64_t)course_number(call, 1); left > 0; left /= 2) {
        if (left % 2) {
            multiply(power, base, room, n);
            copy(room, power, n * n);
        }
        multiply(base, base, room, n);
        copy(room, base, n * n);
    }
    course_out_numbers(call, 0, ONNX_FLOAT, nn_shape2(n, n), power);
    for (int64_t i = 0; i < n * n; i++)
        base[i] = course_decimal(onnx_input(call, 0)->data[i]);
    course_out_number(call, 1, ONNX_FLOAT, spectral_radius(base, room, n));
}

static void build_power(onnx_call *call)
{
    int64_t n = onnx_input(call, 0)->shape.dim[0];
    double steps = course_number(call, 1);
    if (!(steps >= 0 && steps < 1e9 && steps == floor(steps))) {
        onnx_refuse(call, "T is %g; expected a whole number from 0 on", steps);
        return;
    }
    if (!onnx_work(call, 3000.0 * (double)n * (double)n * (double)n))
        return;
    double *base = course_numbers(call, 0), *power = course_numbers(call, 0);
    double *room = course_numbers(call, 0);
    if (base && power && room)
        give_power(call, n, base, power, room);
    free(base);
    free(power);
    free(room);
}

/* --- the table ----------------------------------------------------------------------------------
 */

const onnx_operator course_number_operators[] = {
    COURSE_PLAIN("mse-local-minimum", "x y w_grid", "n n g", "J local_min_J global_min_J bce",
                 build_local_minimum, 0),
    COURSE_PLAIN("gd-quadratic", "alphas L w0", "n . .", "traj", build_quadratic, 0),
    COURSE_PLAIN("diagnose-grid", "rows thr", "n,3 .", "listing_code bit_code", build_codes,
                 DIAGNOSE),
    COURSE_PLAIN("strategist-grid", "rows thr", "n,4 .", "code", build_codes, STRATEGIST),
    COURSE_PLAIN("mismatch-grid", "rows", "n,3", "gaps listing thresholded", build_codes, MISMATCH),
    COURSE_PLAIN("pr-thresholds", "y s t", "n n k", "table", build_thresholds, 0),
    COURSE_PLAIN("select3", "acc lat mem", "n n n", "feasible best", build_selection, 0),
    COURSE_PLAIN("ceiling-sampled", "counts tagged errors total", "n . . .", "right listing",
                 build_ceiling, 0),
    COURSE("pipeline", "stage", "n", "total", build_pipeline, 0),
    COURSE_PLAIN("early-stopping", "losses patience min_delta", "n . .",
                 "counters stop_index best_index best_loss", build_early_stopping, 0),
    COURSE_PLAIN("minibatch-grads", "X Y w", "n,m 1,m n,1",
                 "batch_grads full_grad weighted_mean plain_mean", build_batches, 0),
    COURSE_PLAIN("ewma", "theta beta", "n .", "v v_corrected", build_average, 0),
    COURSE_PLAIN("log-sampling", "u", "n", "alpha beta", build_log_sampling, 0),
    COURSE_PLAIN("grad-clip", "g1 g2 max_norm", "* * .", "norm g1c g2c value_clip",
                 build_gradient_clip, 0),
    COURSE_PLAIN("vanish-linear", "W T", "n,n .", "JT spectral_radius", build_power, 0),
    {.name = NULL},
};
