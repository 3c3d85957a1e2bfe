/* Convolution without patches.
 *
 * Each example is copied into a frame: its planes with the padding around them, so that no kernel
 * below asks where the border is. Where windows move `stride` columns at a time, a row of the frame
 * is cut into as many phases: every stride-th column, side by side. So neighbouring outputs see
 * neighbouring cells of a phase, and vectors of both can be loaded as they lie. Cell (c, oy*stride,
 * phase 0, ox) of the frame plus a tap's offset is what that tap sees from output (oy, ox). The
 * phases are wide enough for whole vectors.
 *
 * The three passes are the three loops of a matrix product, each with a tile of sums that stays in
 * the registers (Goto and van de Geijn 2008): outputs (4 filters x 3 vectors of positions), input
 * gradients (4 taps x 3 vectors, added into the frame), weight gradients (6 or 8 taps x vectors of
 * filters, with dy turned so that filters lie side by side). Sums run in a fixed order, so a row's
 * result does not depend on the shard it is in. */
#include "engine/ops/convolution.h"
#include "engine/ops/vectors.h"

enum {
    LANES = NN_VECTOR,
    TILE = 4,    /* filters (forward), taps (input gradient) */
    VECTORS = 3, /* of positions */
    PAIR_TAPS = 6,
    SINGLE_TAPS = 8,
    TAP_ROOM = 24,  /* taps are rounded up to a multiple of all tiles */
    MOST_PHASES = 8 /* with larger strides most of a frame is never seen */
};

/* LANES neighbouring outputs of one row; fewer at its end. */
typedef struct {
    int32_t base, place, count; /* in the frame; in the output plane */
} span;

typedef struct {
    const nn_conv_plan *s;
    int64_t pitch, rows; /* of one plane of the frame, in cells */
    int64_t phase;       /* cells of a phase of a row */
    int64_t across;      /* spans in an output row */
    int64_t spans;
    int64_t padded_filters, padded_taps;
    nn_real *frame;
    nn_real *weights; /* packed for the pass */
    nn_real *line;    /* a row of the image with its padding, where there are phases */
    nn_real *bias;    /* padded to tiles */
    nn_real *turned;  /* dy as positions x padded filters */
    nn_real *widened; /* dy as filters x spans x LANES, where its rows are not whole vectors */
    nn_real *sums;    /* weight gradient as taps x padded filters */
    int32_t *tap;     /* offset of each tap in the frame, in the order of the weights */
    int32_t *scatter; /* the same with channels innermost; `scatter_tap` says which tap it is */
    int32_t *scatter_tap;
    span *span;
} direct;

/* Sizes, and places in scratch memory unless that is NULL. Returns the bytes needed. */
static size_t lay_out(direct *d, const nn_conv_plan *s, char *scratch)
{
    size_t used = 0;
    *d = (direct){.s = s};
    d->across = (s->x.out + LANES - 1) / LANES;
    d->spans = s->y.out * d->across;
    d->phase = d->across * LANES + (s->x.kernel - 1) * s->x.dilation / s->x.stride;
    d->pitch = s->x.stride * d->phase;
    d->rows = (s->y.out - 1) * s->y.stride + (s->y.kernel - 1) * s->y.dilation + 1;
    d->padded_filters = nn_round_up(s->filters, LANES);
    d->padded_taps = nn_round_up(s->taps, TAP_ROOM);
    int64_t weights = nn_round_up(s->filters, TILE) * d->padded_taps;
    bool whole = s->x.out % LANES == 0;
    d->frame = nn_take(scratch, &used, s->channels * d->rows * d->pitch, sizeof(nn_real));
    d->line = nn_take(scratch, &used, d->pitch + 2 * LANES, sizeof(nn_real));
    d->weights = nn_take(scratch, &used, weights, sizeof(nn_real));
    d->bias = nn_take(scratch, &used, nn_round_up(s->filters, TILE), sizeof(nn_real));
    d->turned = nn_take(scratch, &used, s->positions * d->padded_filters, sizeof(nn_real));
    d->widened =
        nn_take(scratch, &used, whole ? 0 : s->filters * d->spans * LANES, sizeof(nn_real));
    d->sums = nn_take(scratch, &used, d->padded_taps * d->padded_filters, sizeof(nn_real));
    d->tap = nn_take(scratch, &used, d->padded_taps, sizeof(int32_t));
    d->scatter = nn_take(scratch, &used, d->padded_taps, sizeof(int32_t));
    d->scatter_tap = nn_take(scratch, &used, d->padded_taps, sizeof(int32_t));
    d->span = nn_take(scratch, &used, d->spans, sizeof(span));
    return used;
}

bool nn_conv_is_direct(const nn_conv_plan *s)
{
    bool one = s->y.kernel == 1 && s->x.kernel == 1; /* with a stride it sees few of the cells */
    if (s->pointwise || s->x.stride > MOST_PHASES || (one && s->x.stride > 1))
        return false;
    direct d;
    lay_out(&d, s, NULL);
    nn_shape frame = nn_shape3(s->channels, d.rows, d.pitch);
    nn_shape weights = nn_shape2(d.padded_filters, d.padded_taps);
    int64_t cells = nn_shape_count(frame), count = nn_shape_count(weights);
    return cells >= 0 && cells < INT32_MAX && count >= 0 && count < INT32_MAX &&
           s->positions < INT32_MAX;
}

size_t nn_conv_direct_scratch(const nn_conv_plan *s)
{
    direct d;
    return lay_out(&d, s, NULL);
}

static void fill_tables(direct *d)
{
    const nn_conv_plan *s = d->s;
    int64_t window = s->y.kernel * s->x.kernel, plane = d->rows * d->pitch;
    memset(d->tap, 0, (size_t)d->padded_taps * sizeof *d->tap);
    for (int64_t t = 0; t < s->taps; t++) {
        int64_t c = t / window, ky = t % window / s->x.kernel, kx = t % s->x.kernel;
        int64_t column = kx * s->x.dilation;
        int64_t at = c * plane + ky * s->y.dilation * d->pitch + column % s->x.stride * d->phase +
                     column / s->x.stride;
        int64_t inner = t % window * s->channels + c;
        d->tap[t] = (int32_t)at;
        d->scatter[inner] = (int32_t)at;
        d->scatter_tap[inner] = (int32_t)t;
    }
    for (int64_t v = 0; v < d->spans; v++) {
        int64_t y = v / d->across, x = v % d->across * LANES;
        int64_t count = s->x.out - x < LANES ? s->x.out - x : LANES;
        d->span[v] = (span){(int32_t)(y * s->y.stride * d->pitch + x), (int32_t)(y * s->x.out + x),
                            (int32_t)count};
    }
    memset(d->frame, 0, (size_t)(s->channels * plane) * sizeof *d->frame);
}

/* --- the frame -----------------------------------------------------------------------------------
 */

/* Rows of the image that lie in the frame; with a stride the last ones may not. */
static int64_t framed_rows(const direct *d)
{
    int64_t room = d->rows - d->s->y.pad;
    return room < d->s->y.in ? (room < 0 ? 0 : room) : d->s->y.in;
}

static nn_real *framed_row(const direct *d, int64_t channel, int64_t y)
{
    return d->frame + (channel * d->rows + d->s->y.pad + y) * d->pitch;
}

/* Columns of the image that lie in the frame; with a stride the last ones may not. */
static int64_t framed_columns(const direct *d)
{
    int64_t room = d->pitch - d->s->x.pad;
    return room < d->s->x.in ? (room < 0 ? 0 : room) : d->s->x.in;
}

/* A row of the frame from the line, which has as many cells. */
static NN_ALWAYS_INLINE void part_line(const direct *d, nn_real *to)
{
    const int64_t stride = d->s->x.stride;
    if (stride != 2) {
        for (int64_t phase = 0; phase < stride; phase++, to += d->phase)
            for (int64_t i = 0; i < d->phase; i++)
                to[i] = d->line[i * stride + phase];
        return;
    }
    for (int64_t i = 0; i < d->phase; i += LANES) {
        int64_t at = d->phase - i < LANES ? d->phase - LANES : i; /* the last may overlap */
        nn_vector a = NN_VECTOR_AT(d->line + 2 * at), b = NN_VECTOR_AT(d->line + 2 * at + LANES);
        NN_VECTOR_AT(to + at) = NN_EVENS(a, b);
        NN_VECTOR_AT(to + d->phase + at) = NN_ODDS(a, b);
    }
}

static NN_ALWAYS_INLINE void join_line(const direct *d, const nn_real *from)
{
    const int64_t stride = d->s->x.stride;
    if (stride == 2) {
        nn_weave(from, from + d->phase, d->phase, d->line);
        return;
    }
    for (int64_t phase = 0; phase < stride; phase++, from += d->phase)
        for (int64_t i = 0; i < d->phase; i++)
            d->line[i * stride + phase] = from[i];
}

NN_KERNEL static void copy_in(const direct *d, const nn_real *x)
{
    int64_t rows = framed_rows(d), width = framed_columns(d), pad = d->s->x.pad;
    if (width == 0)
        return;
    memset(d->line, 0, (size_t)d->pitch * sizeof *d->line);
    for (int64_t c = 0; c < d->s->channels; c++, x += d->s->image)
        for (int64_t y = 0; y < rows; y++) {
            const nn_real *from = x + y * d->s->x.in;
            if (d->s->x.stride == 1) {
                nn_give_row(from, width, false, framed_row(d, c, y) + pad);
                continue;
            }
            nn_give_row(from, width, false, d->line + pad);
            part_line(d, framed_row(d, c, y));
        }
}

/* dx (+)= the frame without its padding. */
NN_KERNEL static void copy_out(const direct *d, nn_real *dx, bool add)
{
    int64_t rows = framed_rows(d), width = framed_columns(d), pad = d->s->x.pad;
    if (!add && (rows < d->s->y.in || width < d->s->x.in))
        memset(dx, 0, (size_t)(d->s->channels * d->s->image) * sizeof *dx);
    if (width == 0)
        return;
    for (int64_t c = 0; c < d->s->channels; c++, dx += d->s->image)
        for (int64_t y = 0; y < rows; y++) {
            nn_real *row = framed_row(d, c, y), *to = dx + y * d->s->x.in;
            if (d->s->x.stride == 1) {
                nn_give_row(row + pad, width, add, to);
                continue;
            }
            join_line(d, row);
            nn_give_row(d->line + pad, width, add, to);
        }
}

/* --- forward
 * -------------------------------------------------------------------------------------- */

/* weights[block][tap][4], bias[block][4]; filters beyond the last are 0. */
static void pack_forward(const direct *d, const nn_real *w, const nn_real *b)
{
    const nn_conv_plan *s = d->s;
    nn_real *to = d->weights;
    for (int64_t first = 0; first < s->filters; first += TILE) {
        for (int64_t t = 0; t < s->taps; t++)
            for (int64_t k = first; k < first + TILE; k++)
                *to++ = k < s->filters ? w[k * s->taps + t] : 0;
        for (int64_t k = first; k < first + TILE; k++)
            d->bias[k] = b && k < s->filters ? b[k] : 0;
    }
}

/* One tile: 4 filters at `count` spans from `at` on. */
static NN_ALWAYS_INLINE void forward_tile(const direct *d, const span *at, const int count,
                                          const nn_real *w, const nn_real *bias, int64_t filters,
                                          nn_real *out)
{
    const int32_t *tap = d->tap;
    const int64_t taps = d->s->taps, positions = d->s->positions;
    const nn_real *x[VECTORS];
    nn_vector sum[TILE][VECTORS];
    for (int v = 0; v < count; v++) {
        x[v] = d->frame + at[v].base;
        for (int f = 0; f < TILE; f++)
            sum[f][v] = (nn_vector){0} + bias[f];
    }
    for (int64_t t = 0; t < taps; t++, w += TILE) {
        nn_vector seen[VECTORS];
        for (int v = 0; v < count; v++)
            memcpy(&seen[v], x[v] + tap[t], sizeof seen[v]);
        for (int f = 0; f < TILE; f++)
            for (int v = 0; v < count; v++)
                sum[f][v] += seen[v] * w[f];
    }
    for (int f = 0; f < TILE && f < filters; f++)
        for (int v = 0; v < count; v++) {
            nn_real *to = out + f * positions + at[v].place;
            if (at[v].count == LANES)
                memcpy(to, &sum[f][v], sizeof sum[f][v]);
            else
                memcpy(to, &sum[f][v], (size_t)at[v].count * sizeof *to);
        }
}

NN_KERNEL static void forward_example(const direct *d, nn_real *out)
{
    const nn_conv_plan *s = d->s;
    for (int64_t first = 0; first < s->filters; first += TILE) {
        const nn_real *w = d->weights + first * s->taps, *bias = d->bias + first;
        nn_real *to = out + first * s->positions;
        int64_t filters = s->filters - first, v = 0;
        for (; v + VECTORS <= d->spans; v += VECTORS)
            forward_tile(d, d->span + v, VECTORS, w, bias, filters, to);
        if (d->spans - v == 2)
            forward_tile(d, d->span + v, 2, w, bias, filters, to);
        else if (d->spans - v == 1)
            forward_tile(d, d->span + v, 1, w, bias, filters, to);
    }
}

void nn_conv_direct_forward(const nn_ctx *ctx, const nn_conv_plan *s)
{
    const nn_real *w = ctx->in[1], *b = ctx->in[2];
    direct d;
    lay_out(&d, s, ctx->scratch);
    fill_tables(&d);
    for (int64_t g = 0; g < s->groups; g++) {
        pack_forward(&d, w + g * s->filters * s->taps, b ? b + g * s->filters : NULL);
        for (int64_t n = 0; n < nn_rows(ctx); n++) {
            int64_t block = n * s->groups + g;
            copy_in(&d, (const nn_real *)ctx->in[0] + block * s->channels * s->image);
            forward_example(&d, ctx->out + block * s->filters * s->positions);
        }
    }
}

/* --- gradient of the input
 * -------------------------------------------------------------------------- */

/* weights[block of 4 scattered taps][filter][4] */
static void pack_scatter(const direct *d, const nn_real *w)
{
    const nn_conv_plan *s = d->s;
    nn_real *to = d->weights;
    for (int64_t first = 0; first < s->taps; first += TILE)
        for (int64_t k = 0; k < s->filters; k++)
            for (int64_t t = first; t < first + TILE; t++)
                *to++ = t < s->taps ? w[k * s->taps + d->scatter_tap[t]] : 0;
}

/* dy with every row rounded up to whole vectors; itself where that changes nothing. */
static const nn_real *widen(const direct *d, const nn_real *dy)
{
    const nn_conv_plan *s = d->s;
    if (s->x.out % LANES == 0)
        return dy;
    int64_t width = d->across * LANES;
    nn_real *to = d->widened;
    for (int64_t r = 0; r < s->filters * s->y.out; r++, to += width, dy += s->x.out) {
        memcpy(to, dy, (size_t)s->x.out * sizeof *to);
        memset(to + s->x.out, 0, (size_t)(width - s->x.out) * sizeof *to);
    }
    return d->widened;
}

/* What 4 taps send back from `count` spans, added into the frame. */
static NN_ALWAYS_INLINE void scatter_tile(const direct *d, int64_t span_index, const int count,
                                          const nn_real *w, int64_t first_tap, const nn_real *dy)
{
    const int64_t filters = d->s->filters, plane = d->spans * LANES;
    nn_vector sum[TILE][VECTORS];
    for (int t = 0; t < TILE; t++)
        for (int v = 0; v < count; v++)
            sum[t][v] = (nn_vector){0};
    dy += span_index * LANES;
    for (int64_t k = 0; k < filters; k++, w += TILE, dy += plane) {
        nn_vector sent[VECTORS];
        for (int v = 0; v < count; v++)
            memcpy(&sent[v], dy + v * LANES, sizeof sent[v]);
        for (int t = 0; t < TILE; t++)
            for (int v = 0; v < count; v++)
                sum[t][v] += sent[v] * w[t];
    }
    for (int t = 0; t < TILE && first_tap + t < d->s->taps; t++)
        for (int v = 0; v < count; v++) {
            nn_real *to = d->frame + d->scatter[first_tap + t] + d->span[span_index + v].base;
            nn_vector old;
            memcpy(&old, to, sizeof old);
            old += sum[t][v];
            memcpy(to, &old, sizeof old);
        }
}

NN_KERNEL static void scatter_example(const direct *d, const nn_real *dy)
{
    const nn_conv_plan *s = d->s;
    int64_t v = 0;
    for (; v < d->spans; v += VECTORS) {
        const nn_real *w = d->weights;
        for (int64_t t = 0; t < s->taps; t += TILE, w += TILE * s->filters)
            if (d->spans - v >= VECTORS)
                scatter_tile(d, v, VECTORS, w, t, dy);
            else if (d->spans - v == 2)
                scatter_tile(d, v, 2, w, t, dy);
            else
                scatter_tile(d, v, 1, w, t, dy);
    }
}

static void backward_input(const nn_ctx *ctx, const direct *d, int64_t g)
{
    const nn_conv_plan *s = d->s;
    pack_scatter(d, (const nn_real *)ctx->in[1] + g * s->filters * s->taps);
    for (int64_t n = 0; n < nn_rows(ctx); n++) {
        int64_t block = n * s->groups + g;
        memset(d->frame, 0, (size_t)(s->channels * d->rows * d->pitch) * sizeof *d->frame);
        scatter_example(d, widen(d, ctx->grad_out + block * s->filters * s->positions));
        copy_out(d, ctx->grad_in[0] + block * s->channels * s->image, ctx->beta[0] != 0);
    }
}

/* --- gradient of the weights
 * ------------------------------------------------------------------------- */

/* turned[position][filter] = dy[filter][position]; the padding filters stay 0. */
NN_KERNEL static void turn(const direct *d, const nn_real *dy)
{
    const int64_t positions = d->s->positions, filters = d->s->filters, pitch = d->padded_filters;
    for (int64_t k = 0; k < filters; k += LANES) {
        const nn_real *from = dy + k * positions;
        int64_t p = 0;
        for (; filters - k >= LANES && p + LANES <= positions; p += LANES) {
            nn_real *to = d->turned + p * pitch + k;
            for (int j = 0; j < LANES; j++)
                for (int i = 0; i < LANES; i++)
                    to[j * pitch + i] = from[i * positions + p + j];
        }
        for (; p < positions; p++)
            for (int64_t i = 0; i < LANES && k + i < filters; i++)
                d->turned[p * pitch + k + i] = from[i * positions + p];
    }
}

/* sums[tap][filter] += over the positions, for `taps` taps and `count` vectors of filters. */
static NN_ALWAYS_INLINE void weight_tile(const direct *d, int64_t first_tap, const int taps,
                                         int64_t first_filter, const int count)
{
    const int64_t pitch = d->padded_filters, step = d->s->y.stride * d->pitch;
    const int64_t height = d->s->y.out, width = d->s->x.out;
    const nn_real *dy = d->turned + first_filter, *row = d->frame;
    nn_real *sums = d->sums + first_tap * pitch + first_filter;
    const nn_real *x[SINGLE_TAPS];
    nn_vector sum[SINGLE_TAPS][2];
    for (int t = 0; t < taps; t++)
        for (int f = 0; f < count; f++)
            memcpy(&sum[t][f], sums + t * pitch + f * LANES, sizeof sum[t][f]);
    for (int64_t y = 0; y < height; y++, row += step) {
        for (int t = 0; t < taps; t++)
            x[t] = row + d->tap[first_tap + t];
        for (int64_t i = 0; i < width; i++, dy += pitch) {
            nn_vector sent[2];
            for (int f = 0; f < count; f++)
                memcpy(&sent[f], dy + f * LANES, sizeof sent[f]);
            for (int t = 0; t < taps; t++)
                for (int f = 0; f < count; f++)
                    sum[t][f] += sent[f] * x[t][i];
        }
    }
    for (int t = 0; t < taps; t++)
        for (int f = 0; f < count; f++)
            memcpy(sums + t * pitch + f * LANES, &sum[t][f], sizeof sum[t][f]);
}

NN_KERNEL static void weight_example(const direct *d)
{
    int64_t filter = 0;
    for (; filter + 2 * LANES <= d->padded_filters; filter += 2 * LANES)
        for (int64_t t = 0; t < d->s->taps; t += PAIR_TAPS)
            weight_tile(d, t, PAIR_TAPS, filter, 2);
    if (filter < d->padded_filters)
        for (int64_t t = 0; t < d->s->taps; t += SINGLE_TAPS)
            weight_tile(d, t, SINGLE_TAPS, filter, 1);
}

static void backward_weight(const nn_ctx *ctx, const direct *d, int64_t g)
{
    const nn_conv_plan *s = d->s;
    nn_real *dw = ctx->grad_in[1] + g * s->filters * s->taps;
    memset(d->sums, 0, (size_t)(d->padded_taps * d->padded_filters) * sizeof *d->sums);
    memset(d->turned, 0, (size_t)(s->positions * d->padded_filters) * sizeof *d->turned);
    for (int64_t n = 0; n < nn_rows(ctx); n++) {
        int64_t block = n * s->groups + g;
        copy_in(d, (const nn_real *)ctx->in[0] + block * s->channels * s->image);
        turn(d, ctx->grad_out + block * s->filters * s->positions);
        weight_example(d);
    }
    for (int64_t k = 0; k < s->filters; k++)
        for (int64_t t = 0; t < s->taps; t++) {
            nn_real old = ctx->beta[1] != 0 ? dw[k * s->taps + t] : 0;
            dw[k * s->taps + t] = old + d->sums[t * d->padded_filters + k];
        }
}

void nn_conv_direct_backward(const nn_ctx *ctx, const nn_conv_plan *s)
{
    direct d;
    lay_out(&d, s, ctx->scratch);
    if (ctx->grad_in[2])
        nn_conv_backward_bias(ctx, s);
    for (int64_t g = 0; g < s->groups; g++) {
        fill_tables(&d); /* and a frame whose padding is 0 again */
        if (ctx->grad_in[1])
            backward_weight(ctx, &d, g);
        if (ctx->grad_in[0])
            backward_input(ctx, &d, g);
    }
}
