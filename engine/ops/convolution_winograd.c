/* 3x3 convolution one cell at a time with 4 multiplications where 9 are usual: F(2x2, 3x3) of
 * Lavin and Gray 2016, "Fast algorithms for convolutional neural networks" (after Winograd 1980).
 *
 * A tile of 2x2 outputs sees 4x4 inputs d and a kernel g:
 *     Y = A' [(G g G') . (B' d B)] A,
 * where . multiplies 16 numbers with 16 numbers. With C channels these 16 products are 16 matrix
 * products, one for each place in the tile: targets x sources x tiles. The gradient of the input is
 * the same with the kernel turned round; that of the kernel the adjoint,
 *     dg = G' [(A dY A') . (B' d B)] G.
 *
 * Tiles stand side by side in vectors, row after row of tiles and image after image, as many as
 * keep a block's transformed inputs in the second-level cache. Every output is a sum over the
 * sources in their order, so it does not depend on the block or the shard it is in. */
#include "engine/ops/convolution.h"
#include "engine/ops/vectors.h"

enum {
    LANES = NN_VECTOR,
    PLACES = 16,       /* of a transformed tile */
    FILTERS = 4,       /* a register tile: targets ... */
    VECTORS = 3,       /* ... by vectors of tiles */
    GROUP = 16,        /* targets worked on at a time */
    CHANNELS = 6,      /* of the kernel's gradient: channels by two vectors of filters */
    ENOUGH = 8,        /* channels and filters from which the transforms pay */
    INPUT_ROOM = 6400, /* sources * tiles of a block */
    WEIGHT_ROOM = 9600 /* the same for channels and filters of the kernel's gradient */
};

/* One way through the convolution: from `sources` planes to `targets` planes. */
typedef struct {
    int64_t sources, targets;
    int64_t in_h, in_w, top, left; /* input planes; tile (0,0) begins `top` rows above them */
    int64_t out_h, out_w;
    int64_t tiles_y, tiles_x;
    int64_t block;     /* rows of tiles in a block */
    int64_t pitch;     /* of the tiles of a block: place by place and source by source */
    int64_t plane;     /* of a place: sources * pitch, and a little so that they fall apart */
    int64_t row_pitch; /* of a row of half-transformed inputs */
    nn_real *weights;  /* [place][4 targets][source][4] */
    nn_real *inputs;   /* [place][source][tile] */
    nn_real *rows;     /* [row][4][tile across]: rows times B */
    nn_real *line;     /* a row with its padding */
    nn_real *products; /* [place][GROUP][tile] */
    /* The kernel's gradient. */
    int64_t padded;    /* filters, rounded up to vectors */
    nn_real *turned;   /* two rows of dy: [row][column][filter] */
    nn_real *outwards; /* A dY A': [place][tile][filter] */
    nn_real *sums;     /* [place][channel][filter] */
} winograd;

bool nn_conv_is_winograd(const nn_conv_plan *s)
{
    int64_t tiles = ((s->y.out + 1) / 2) * ((s->x.out + 1) / 2);
    return s->y.kernel == 3 && s->x.kernel == 3 && s->y.stride == 1 && s->x.stride == 1 &&
           s->y.dilation == 1 && s->x.dilation == 1 && s->channels >= ENOUGH &&
           s->filters >= ENOUGH && 10 * s->positions >= 7 * 4 * tiles &&
           s->channels * s->filters < INT32_MAX / PLACES && s->y.in + s->x.in < INT32_MAX / PLACES;
}

/* --- sizes --------------------------------------------------------------------------------- */

static void size_blocks(winograd *w, int64_t room, int64_t planes)
{
    w->tiles_y = (w->out_h + 1) / 2;
    w->tiles_x = (w->out_w + 1) / 2;
    w->block = room / planes / w->tiles_x;
    int64_t least = (VECTORS * LANES + w->tiles_x - 1) / w->tiles_x;
    w->block = w->block > least ? w->block : least;
    w->pitch = nn_round_up(w->block * w->tiles_x, LANES) + LANES;
    w->plane = w->sources * w->pitch + 64 / (int64_t)sizeof(nn_real);
    w->row_pitch = nn_round_up(w->tiles_x, LANES) + LANES;
}

static size_t take_inputs(winograd *w, char *scratch, size_t used)
{
    int64_t rows = 2 * (w->block < w->tiles_y ? w->block : w->tiles_y) + 2;
    w->inputs = nn_take(scratch, &used, PLACES * w->plane + LANES, sizeof(nn_real));
    w->rows = nn_take(scratch, &used, rows * 4 * w->row_pitch, sizeof(nn_real));
    w->line = nn_take(scratch, &used, 2 * w->row_pitch, sizeof(nn_real));
    return used;
}

static size_t take_products(winograd *w, char *scratch)
{
    size_t used = 0;
    int64_t weights = PLACES * nn_round_up(w->targets, FILTERS) * w->sources;
    size_blocks(w, INPUT_ROOM, w->sources);
    w->weights = nn_take(scratch, &used, weights, sizeof(nn_real));
    w->products =
        nn_take(scratch, &used, (int64_t)PLACES * GROUP * w->pitch + LANES, sizeof(nn_real));
    return take_inputs(w, scratch, used);
}

static size_t lay_out_forward(winograd *w, const nn_conv_plan *s, char *scratch)
{
    *w = (winograd){.sources = s->channels,
                    .targets = s->filters,
                    .in_h = s->y.in,
                    .in_w = s->x.in,
                    .top = s->y.pad,
                    .left = s->x.pad,
                    .out_h = s->y.out,
                    .out_w = s->x.out};
    return take_products(w, scratch);
}

static size_t lay_out_input(winograd *w, const nn_conv_plan *s, char *scratch)
{
    *w = (winograd){.sources = s->filters,
                    .targets = s->channels,
                    .in_h = s->y.out,
                    .in_w = s->x.out,
                    .top = 2 - s->y.pad,
                    .left = 2 - s->x.pad,
                    .out_h = s->y.in,
                    .out_w = s->x.in};
    return take_products(w, scratch);
}

static size_t lay_out_weight(winograd *w, const nn_conv_plan *s, char *scratch)
{
    size_t used = 0;
    lay_out_forward(w, s, NULL);
    w->padded = nn_round_up(s->filters, LANES);
    size_blocks(w, WEIGHT_ROOM, w->sources + w->padded);
    int64_t tiles = w->block * w->tiles_x;
    w->sums = nn_take(scratch, &used, PLACES * w->sources * w->padded, sizeof(nn_real));
    w->outwards = nn_take(scratch, &used, PLACES * tiles * w->padded, sizeof(nn_real));
    w->turned = nn_take(scratch, &used, 4 * w->tiles_x * w->padded, sizeof(nn_real));
    return take_inputs(w, scratch, used);
}

size_t nn_conv_winograd_scratch(const nn_conv_plan *s)
{
    winograd w;
    size_t forward = lay_out_forward(&w, s, NULL), input = lay_out_input(&w, s, NULL);
    size_t weight = lay_out_weight(&w, s, NULL), most = forward > input ? forward : input;
    return most > weight ? most : weight;
}

/* --- weights: G g G' ----------------------------------------------------------------------- */

/* One line of G g: (a, (a+b+c)/2, (a-b+c)/2, c). */
static inline void spread3(const nn_real *from, int64_t step, nn_real *to, int64_t to_step)
{
    nn_real a = from[0], b = from[step], c = from[2 * step], half = (nn_real)0.5 * (a + c);
    to[0] = a;
    to[to_step] = half + (nn_real)0.5 * b;
    to[2 * to_step] = half - (nn_real)0.5 * b;
    to[3 * to_step] = c;
}

/* The kernel from source to target; with `turned` it lies in w as that from target to source, and
 * is turned round. */
static void pack_kernel(const winograd *p, const nn_real *w, bool turned, int64_t target,
                        int64_t source)
{
    nn_real kernel[9], half[12], whole[PLACES];
    const nn_real *from =
        w + 9 * (turned ? source * p->targets + target : target * p->sources + source);
    for (int i = 0; i < 9; i++)
        kernel[i] = from[turned ? 8 - i : i];
    for (int i = 0; i < 3; i++)
        spread3(kernel + i, 3, half + i, 3);
    for (int i = 0; i < 4; i++)
        spread3(half + 3 * i, 1, whole + 4 * i, 1);
    int64_t blocks = (p->targets + FILTERS - 1) / FILTERS;
    nn_real *to =
        p->weights + (target / FILTERS * p->sources + source) * FILTERS + target % FILTERS;
    for (int i = 0; i < PLACES; i++)
        to[i * blocks * p->sources * FILTERS] = whole[i];
}

static void pack_weights(const winograd *p, const nn_real *w, bool turned)
{
    int64_t all = PLACES * nn_round_up(p->targets, FILTERS) * p->sources;
    if (p->targets % FILTERS)
        memset(p->weights, 0, (size_t)all * sizeof *p->weights);
    for (int64_t target = 0; target < p->targets; target++)
        for (int64_t source = 0; source < p->sources; source++)
            pack_kernel(p, w, turned, target, source);
}

/* --- inputs: B' d B ------------------------------------------------------------------------ */

/* A row times B, four numbers for every tile across. `row` NULL: all padding. */
static NN_ALWAYS_INLINE void halve_row(const winograd *p, const nn_real *row, nn_real *to)
{
    const int64_t pitch = p->row_pitch;
    if (!row) {
        memset(to, 0, (size_t)(4 * pitch) * sizeof *to);
        return;
    }
    int64_t skip = p->left < 0 ? -p->left : 0, place = p->left > 0 ? p->left : 0;
    int64_t count = p->in_w - skip, room = 2 * pitch - place;
    nn_give_row(row + skip, count < room ? count : room, false, p->line + place);
    for (int64_t i = 0; i < p->tiles_x; i += LANES) {
        const nn_real *line = p->line + 2 * i;
        nn_vector first = NN_VECTOR_AT(line), second = NN_VECTOR_AT(line + LANES);
        nn_vector third = NN_VECTOR_AT(line + 2), fourth = NN_VECTOR_AT(line + LANES + 2);
        nn_vector a = NN_EVENS(first, second), b = NN_ODDS(first, second);
        nn_vector c = NN_EVENS(third, fourth), d = NN_ODDS(third, fourth);
        NN_VECTOR_AT(to + i) = a - c;
        NN_VECTOR_AT(to + pitch + i) = b + c;
        NN_VECTOR_AT(to + 2 * pitch + i) = c - b;
        NN_VECTOR_AT(to + 3 * pitch + i) = b - d;
    }
}

/* Four such rows to one row of tiles. What is written behind its end, the next row overwrites. */
static NN_ALWAYS_INLINE void finish_rows(const winograd *p, const nn_real *rows, nn_real *to)
{
    const int64_t pitch = p->row_pitch, plane = p->plane;
    for (int j = 0; j < 4; j++, rows += pitch, to += plane)
        for (int64_t i = 0; i < p->tiles_x; i += LANES) {
            nn_vector a = NN_VECTOR_AT(rows + i), b = NN_VECTOR_AT(rows + 4 * pitch + i);
            nn_vector c = NN_VECTOR_AT(rows + 8 * pitch + i),
                      d = NN_VECTOR_AT(rows + 12 * pitch + i);
            NN_VECTOR_AT(to + i) = a - c;
            NN_VECTOR_AT(to + 4 * plane + i) = b + c;
            NN_VECTOR_AT(to + 8 * plane + i) = c - b;
            NN_VECTOR_AT(to + 12 * plane + i) = b - d;
        }
}

/* `count` rows of tiles, which may run over several images `stride` numbers apart; `first` counts
 * them from the first row of x's first image. */
NN_KERNEL static void transform_inputs(const winograd *p, const nn_real *x, int64_t stride,
                                       int64_t first, int64_t count)
{
    for (int64_t source = 0; source < p->sources; source++)
        for (int64_t row = 0, some; row < count; row += some) {
            int64_t image = (first + row) / p->tiles_y, ty = (first + row) % p->tiles_y;
            some = p->tiles_y - ty < count - row ? p->tiles_y - ty : count - row;
            const nn_real *plane = x + image * stride + source * p->in_h * p->in_w;
            for (int64_t i = 0; i < 2 * some + 2; i++) {
                int64_t y = 2 * ty - p->top + i;
                halve_row(p, y < 0 || y >= p->in_h ? NULL : plane + y * p->in_w,
                          p->rows + i * 4 * p->row_pitch);
            }
            for (int64_t i = 0; i < some; i++)
                finish_rows(p, p->rows + i * 8 * p->row_pitch,
                            p->inputs + source * p->pitch + (row + i) * p->tiles_x);
        }
}

/* What lies outside the image stays 0: every row comes to the same place. */
static void clear_line(const winograd *p)
{
    memset(p->line, 0, (size_t)(2 * p->row_pitch) * sizeof *p->line);
}

/* --- products and outputs: A' M A ---------------------------------------------------------- */

/* 4 targets at `count` vectors of tiles. */
static NN_ALWAYS_INLINE void product_tile(const winograd *p, const nn_real *w, const nn_real *x,
                                          const int count, nn_real *to)
{
    nn_vector sum[FILTERS][VECTORS];
    for (int f = 0; f < FILTERS; f++)
        for (int v = 0; v < count; v++)
            sum[f][v] = (nn_vector){0};
    for (int64_t c = 0; c < p->sources; c++, w += FILTERS, x += p->pitch) {
        nn_vector seen[VECTORS];
        for (int v = 0; v < count; v++)
            seen[v] = NN_VECTOR_AT(x + v * LANES);
        for (int f = 0; f < FILTERS; f++)
            for (int v = 0; v < count; v++)
                sum[f][v] += seen[v] * w[f];
    }
    for (int f = 0; f < FILTERS; f++)
        for (int v = 0; v < count; v++)
            NN_VECTOR_AT(to + f * p->pitch + v * LANES) = sum[f][v];
}

/* The products of up to GROUP targets from `target` on with `tiles` tiles. */
NN_KERNEL static void multiply(const winograd *p, int64_t target, int64_t tiles)
{
    int64_t blocks = (p->targets + FILTERS - 1) / FILTERS, first = target / FILTERS;
    int64_t end = first + GROUP / FILTERS < blocks ? first + GROUP / FILTERS : blocks;
    for (int place = 0; place < PLACES; place++) {
        const nn_real *x = p->inputs + place * p->plane;
        for (int64_t b = first; b < end; b++) {
            const nn_real *w = p->weights + (place * blocks + b) * p->sources * FILTERS;
            nn_real *to = p->products + (place * GROUP + (b - first) * FILTERS) * p->pitch;
            int64_t t = 0;
            for (; tiles - t > 2 * LANES; t += VECTORS * LANES)
                product_tile(p, w, x + t, VECTORS, to + t);
            if (tiles - t > LANES)
                product_tile(p, w, x + t, 2, to + t);
            else if (tiles - t > 0)
                product_tile(p, w, x + t, 1, to + t);
        }
    }
}

/* One row of tiles of one target. */
static NN_ALWAYS_INLINE void give_row(const winograd *p, const nn_real *m, int64_t ty, nn_real bias,
                                      bool add, nn_real *plane)
{
    const int64_t step = GROUP * p->pitch;
    nn_real *upper = p->rows, *lower = upper + 2 * p->row_pitch;
    nn_real *line = lower + 2 * p->row_pitch, *to = plane + 2 * ty * p->out_w;
    const nn_vector shift = (nn_vector){0} + bias;
    for (int64_t i = 0; i < p->tiles_x; i += LANES) {
        nn_vector above[4], below[4];
        for (int j = 0; j < 4; j++) {
            nn_vector a = NN_VECTOR_AT(m + j * step + i), b = NN_VECTOR_AT(m + (4 + j) * step + i);
            nn_vector c = NN_VECTOR_AT(m + (8 + j) * step + i);
            nn_vector d = NN_VECTOR_AT(m + (12 + j) * step + i);
            above[j] = a + b + c;
            below[j] = b - c - d;
        }
        NN_VECTOR_AT(upper + i) = above[0] + above[1] + above[2] + shift;
        NN_VECTOR_AT(upper + p->row_pitch + i) = above[1] - above[2] - above[3] + shift;
        NN_VECTOR_AT(lower + i) = below[0] + below[1] + below[2] + shift;
        NN_VECTOR_AT(lower + p->row_pitch + i) = below[1] - below[2] - below[3] + shift;
    }
    nn_weave(upper, upper + p->row_pitch, p->tiles_x, line);
    nn_give_row(line, p->out_w, add, to);
    if (2 * ty + 1 >= p->out_h)
        return;
    nn_weave(lower, lower + p->row_pitch, p->tiles_x, line);
    nn_give_row(line, p->out_w, add, to + p->out_w);
}

NN_KERNEL static void give_outputs(const winograd *p, int64_t target, int64_t first, int64_t count,
                                   const nn_real *bias, bool add, nn_real *out, int64_t stride)
{
    for (int64_t t = target; t < target + GROUP && t < p->targets; t++)
        for (int64_t row = 0; row < count; row++) {
            int64_t image = (first + row) / p->tiles_y, ty = (first + row) % p->tiles_y;
            give_row(p, p->products + (t - target) * p->pitch + row * p->tiles_x, ty,
                     bias ? bias[t] : 0, add, out + image * stride + t * p->out_h * p->out_w);
        }
}

/* `images` images of x, `x_stride` apart, to as many of out. */
static void convolve(const winograd *p, const nn_real *x, int64_t x_stride, const nn_real *bias,
                     bool add, nn_real *out, int64_t out_stride, int64_t images)
{
    int64_t rows = images * p->tiles_y;
    clear_line(p);
    for (int64_t first = 0; first < rows; first += p->block) {
        int64_t count = rows - first < p->block ? rows - first : p->block;
        transform_inputs(p, x, x_stride, first, count);
        for (int64_t target = 0; target < p->targets; target += GROUP) {
            multiply(p, target, count * p->tiles_x);
            give_outputs(p, target, first, count, bias, add, out, out_stride);
        }
    }
}

void nn_conv_winograd_forward(const nn_ctx *ctx, const nn_conv_plan *s)
{
    const nn_real *x = ctx->in[0], *w = ctx->in[1], *b = ctx->in[2];
    int64_t image = s->channels * s->image, maps = s->filters * s->positions;
    winograd p;
    lay_out_forward(&p, s, ctx->scratch);
    for (int64_t g = 0; g < s->groups; g++) {
        pack_weights(&p, w + g * s->filters * s->taps, false);
        convolve(&p, x + g * image, s->groups * image, b ? b + g * s->filters : NULL, false,
                 ctx->out + g * maps, s->groups * maps, nn_rows(ctx));
    }
}

static void backward_input(const nn_ctx *ctx, const nn_conv_plan *s)
{
    int64_t image = s->channels * s->image, maps = s->filters * s->positions;
    winograd p;
    lay_out_input(&p, s, ctx->scratch);
    for (int64_t g = 0; g < s->groups; g++) {
        pack_weights(&p, (const nn_real *)ctx->in[1] + g * s->filters * s->taps, true);
        convolve(&p, ctx->grad_out + g * maps, s->groups * maps, NULL, ctx->beta[0] != 0,
                 ctx->grad_in[0] + g * image, s->groups * image, nn_rows(ctx));
    }
}

/* --- gradient of the weights --------------------------------------------------------------- */

/* Two rows of dy with the filters side by side; cells outside are 0, as the padding filters are. */
static NN_ALWAYS_INLINE void turn_rows(const winograd *p, const nn_real *dy, int64_t ty)
{
    const int64_t positions = p->out_h * p->out_w, columns = 2 * p->tiles_x;
    for (int64_t r = 0; r < 2; r++) {
        nn_real *to = p->turned + r * columns * p->padded;
        if (2 * ty + r >= p->out_h) {
            memset(to, 0, (size_t)(columns * p->padded) * sizeof *to);
            continue;
        }
        const nn_real *row = dy + (2 * ty + r) * p->out_w;
        for (int64_t k = 0; k < p->targets; k += LANES) {
            const nn_real *from = row + k * positions;
            int64_t x = 0;
            for (; p->targets - k >= LANES && x + LANES <= p->out_w; x += LANES)
                for (int j = 0; j < LANES; j++)
                    for (int i = 0; i < LANES; i++)
                        to[(x + j) * p->padded + k + i] = from[i * positions + x + j];
            for (; x < p->out_w; x++)
                for (int64_t i = 0; i < LANES && k + i < p->targets; i++)
                    to[x * p->padded + k + i] = from[i * positions + x];
        }
    }
}

/* One line of A y: (a, a + b, a - b, -b). */
static NN_ALWAYS_INLINE void spread2(const nn_vector *a, const nn_vector *b, nn_vector *to,
                                     int step)
{
    to[0] = *a;
    to[step] = *a + *b;
    to[2 * step] = *a - *b;
    to[3 * step] = -*b;
}

static NN_ALWAYS_INLINE void spread_row(const winograd *p, int64_t tile, int64_t tiles)
{
    const int64_t below = 2 * p->tiles_x * p->padded;
    for (int64_t tx = 0; tx < p->tiles_x; tx++)
        for (int64_t k = 0; k < p->padded; k += LANES) {
            const nn_real *from = p->turned + 2 * tx * p->padded + k;
            nn_vector corner[4], half[8], whole[PLACES];
            for (int i = 0; i < 4; i++)
                corner[i] = NN_VECTOR_AT(from + i / 2 * below + i % 2 * p->padded);
            spread2(&corner[0], &corner[2], half, 2);
            spread2(&corner[1], &corner[3], half + 1, 2);
            for (int i = 0; i < 4; i++)
                spread2(&half[2 * i], &half[2 * i + 1], whole + 4 * i, 1);
            nn_real *to = p->outwards + (tile + tx) * p->padded + k;
            for (int i = 0; i < PLACES; i++)
                NN_VECTOR_AT(to + i * tiles * p->padded) = whole[i];
        }
}

NN_KERNEL static void transform_gradients(const winograd *p, const nn_real *dy, int64_t stride,
                                          int64_t first, int64_t count)
{
    int64_t tiles = p->block * p->tiles_x;
    for (int64_t row = 0; row < count; row++) {
        int64_t image = (first + row) / p->tiles_y, ty = (first + row) % p->tiles_y;
        turn_rows(p, dy + image * stride, ty);
        spread_row(p, row * p->tiles_x, tiles);
    }
}

/* sums[channel][filter] += over the tiles, for `channels` channels and `count` vectors. */
static NN_ALWAYS_INLINE void sum_tile(const winograd *p, const nn_real *x, const nn_real *dy,
                                      int64_t tiles, const int channels, const int count,
                                      nn_real *sums)
{
    const int64_t pitch = p->pitch, padded = p->padded;
    nn_vector sum[CHANNELS][2];
    for (int c = 0; c < channels; c++)
        for (int f = 0; f < count; f++)
            sum[c][f] = NN_VECTOR_AT(sums + c * padded + f * LANES);
    for (int64_t t = 0; t < tiles; t++, dy += padded) {
        nn_vector sent[2];
        for (int f = 0; f < count; f++)
            sent[f] = NN_VECTOR_AT(dy + f * LANES);
        for (int c = 0; c < channels; c++)
            for (int f = 0; f < count; f++)
                sum[c][f] += sent[f] * x[c * pitch + t];
    }
    for (int c = 0; c < channels; c++)
        for (int f = 0; f < count; f++)
            NN_VECTOR_AT(sums + c * padded + f * LANES) = sum[c][f];
}

static NN_ALWAYS_INLINE void sum_channels(const winograd *p, const nn_real *x, const nn_real *dy,
                                          int64_t tiles, const int count, nn_real *sums)
{
    int64_t c = 0, left = p->sources % CHANNELS;
    for (; c + CHANNELS <= p->sources; c += CHANNELS)
        sum_tile(p, x + c * p->pitch, dy, tiles, CHANNELS, count, sums + c * p->padded);
    if (left >= 4) {
        sum_tile(p, x + c * p->pitch, dy, tiles, 4, count, sums + c * p->padded);
        c += 4;
        left -= 4;
    }
    if (left >= 2) {
        sum_tile(p, x + c * p->pitch, dy, tiles, 2, count, sums + c * p->padded);
        c += 2;
    }
    if (c < p->sources)
        sum_tile(p, x + c * p->pitch, dy, tiles, 1, count, sums + c * p->padded);
}

NN_KERNEL static void sum_block(const winograd *p, int64_t tiles)
{
    int64_t most = p->block * p->tiles_x;
    for (int place = 0; place < PLACES; place++) {
        const nn_real *x = p->inputs + place * p->plane;
        const nn_real *dy = p->outwards + place * most * p->padded;
        nn_real *sums = p->sums + place * p->sources * p->padded;
        int64_t k = 0;
        for (; k + 2 * LANES <= p->padded; k += 2 * LANES)
            sum_channels(p, x, dy + k, tiles, 2, sums + k);
        if (k < p->padded)
            sum_channels(p, x, dy + k, tiles, 1, sums + k);
    }
}

/* One line of G' s: (a + (b+c)/2, (b-c)/2, (b+c)/2 + d). */
static inline void gather3(const nn_real *from, int64_t step, nn_real *to, int64_t to_step)
{
    nn_real sum = (nn_real)0.5 * (from[step] + from[2 * step]);
    to[0] = from[0] + sum;
    to[to_step] = (nn_real)0.5 * (from[step] - from[2 * step]);
    to[2 * to_step] = sum + from[3 * step];
}

static void give_weights(const winograd *p, bool add, nn_real *dw)
{
    for (int64_t k = 0; k < p->targets; k++)
        for (int64_t c = 0; c < p->sources; c++, dw += 9) {
            nn_real whole[PLACES], half[12], kernel[9];
            for (int i = 0; i < PLACES; i++)
                whole[i] = p->sums[(i * p->sources + c) * p->padded + k];
            for (int i = 0; i < 4; i++)
                gather3(whole + i, 4, half + i, 4);
            for (int i = 0; i < 3; i++)
                gather3(half + 4 * i, 1, kernel + 3 * i, 1);
            for (int i = 0; i < 9; i++)
                dw[i] = (add ? dw[i] : 0) + kernel[i];
        }
}

static void backward_weight(const nn_ctx *ctx, const nn_conv_plan *s)
{
    int64_t image = s->channels * s->image, maps = s->filters * s->positions;
    winograd p;
    lay_out_weight(&p, s, ctx->scratch);
    int64_t rows = nn_rows(ctx) * p.tiles_y;
    clear_line(&p);
    memset(p.turned, 0, (size_t)(4 * p.tiles_x * p.padded) * sizeof *p.turned);
    for (int64_t g = 0; g < s->groups; g++) {
        memset(p.sums, 0, (size_t)(PLACES * p.sources * p.padded) * sizeof *p.sums);
        for (int64_t first = 0; first < rows; first += p.block) {
            int64_t count = rows - first < p.block ? rows - first : p.block;
            transform_inputs(&p, (const nn_real *)ctx->in[0] + g * image, s->groups * image, first,
                             count);
            transform_gradients(&p, ctx->grad_out + g * maps, s->groups * maps, first, count);
            sum_block(&p, count * p.tiles_x);
        }
        give_weights(&p, ctx->beta[1] != 0, ctx->grad_in[1] + g * s->filters * s->taps);
    }
}

void nn_conv_winograd_backward(const nn_ctx *ctx, const nn_conv_plan *s)
{
    if (ctx->grad_in[2])
        nn_conv_backward_bias(ctx, s);
    if (ctx->grad_in[1])
        backward_weight(ctx, s);
    if (ctx->grad_in[0])
        backward_input(ctx, s);
}
