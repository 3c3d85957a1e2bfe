/* Word vectors: negative sampling, the mean of looked-up rows, GloVe. Tables are parameters of many
 * rows of which a batch names few; forward and backward touch these alone, and so does the plan
 * when it clears and sums their gradients. */
#include "engine/ops/lanes.h"
#include "engine/ops/loops.h"
#include "engine/ops/loss_rules.h"

/* Input i must be a table (v,d); *rows and *size are set, or checked where they are not 0. */
static nn_status expect_table(const nn_node *node, int i, int64_t *rows, int64_t *size,
                              nn_error *error)
{
    const nn_node *table = node->input[i];
    char text[NN_SHAPE_TEXT];
    if (table->batched || table->dtype != NN_F || table->shape.rank != 2)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' must be a table, a parameter of words x dimensions, not %s",
                         table->name, nn_shape_text(nn_sample_of(table), text));
    if (*rows == 0) {
        *rows = table->shape.dim[0];
        *size = table->shape.dim[1];
    }
    return nn_expect_parameter(node, i, "table", nn_shape2(*rows, *size), error);
}

/* Inlined into the kernels: a row is soon done, and a call for each would cost as much. */
static inline __attribute__((always_inline)) void
add_scaled(nn_real *restrict to, nn_real scale, const nn_real *restrict x, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        to[i] += scale * x[i];
}

static double reference_dot(const nn_real *a, const nn_real *b, int64_t size)
{
    double sum = 0;
    for (int64_t i = 0; i < size; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* What an index that does not exist does to the gradient of a table: it must not go unseen. */
static void spoil(nn_real *gradient)
{
    if (gradient)
        gradient[0] = (nn_real)NAN;
}

/* The rows that the words name; of words that do not exist, the row that is spoilt. */
static void touch_words(nn_row_set *set, const int32_t *word, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        nn_touch(set, nn_is_class(word[i], set->rows) ? word[i] : 0);
}

/* --- negative_sampling: -log sigmoid(out_t . in_c) - sum_k log sigmoid(-out_k . in_c) -------- */

enum { SAMPLING_IN, SAMPLING_OUT, SAMPLING_CENTRE, SAMPLING_WORDS };

static nn_status sampling_shape(nn_node *node, nn_error *error)
{
    int64_t rows = 0, size = 0;
    nn_status status = expect_table(node, SAMPLING_IN, &rows, &size, error);
    if (!status)
        status = expect_table(node, SAMPLING_OUT, &rows, &size, error);
    if (!status)
        status = nn_expect_whole(node, SAMPLING_CENTRE, "centre", nn_shape_of(0, NULL), error);
    if (status)
        return status;
    nn_shape words = nn_sample_of(node->input[SAMPLING_WORDS]);
    if (words.rank != 1 || words.dim[0] < 1)
        words = nn_shape1(1);
    status = nn_expect_whole(node, SAMPLING_WORDS, "words", words, error);
    return status ? status : nn_set_activation(node, nn_shape_of(0, NULL), error);
}

static int64_t words_of(const nn_node *node)
{
    return nn_shape_row(node->input[SAMPLING_WORDS]->shape);
}

/* Kept of every word: the sigmoid of x, see below. */
static size_t sampling_saved(const nn_node *node, int64_t rows)
{
    return (size_t)(rows * words_of(node)) * sizeof(nn_real);
}

/* The rows that the next example will want. */
static inline void fetch_rows(const nn_real *table, const int32_t *word, int64_t words,
                              int64_t vocabulary, int64_t size)
{
    for (int64_t k = 0; k < words; k++)
        if (nn_is_class(word[k], vocabulary))
            nn_fetch(table + word[k] * size, (size_t)size * sizeof *table);
}

/* The word's loss is log(1 + exp(x)) with x = -product for the neighbour, which comes first, and
 * x = product for the others; its derivative by x is sigmoid(x). */
NN_KERNEL static void sampling_products(const nn_ctx *ctx, nn_real *x)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1], words = words_of(ctx->node);
    const nn_real *in = ctx->in[SAMPLING_IN], *out = ctx->in[SAMPLING_OUT];
    const int32_t *centre = ctx->in[SAMPLING_CENTRE], *word = ctx->in[SAMPLING_WORDS];
    for (int64_t r = 0; r < nn_rows(ctx); r++, word += words, x += words) {
        bool known = nn_is_class(centre[r], vocabulary);
        if (r + 1 < nn_rows(ctx))
            fetch_rows(out, word + words, words, vocabulary, size);
        for (int64_t k = 0; k < words; k++) {
            bool there = known && nn_is_class(word[k], vocabulary);
            x[k] = there ? nn_dot(out + word[k] * size, in + centre[r] * size, size) : (nn_real)NAN;
        }
        x[0] = -x[0];
    }
}

/* x becomes its sigmoid, loss takes log(1 + exp(x)): of many words at a time, for the vectors. */
NN_KERNEL static void soft_plus(nn_real *restrict x, nn_real *restrict loss, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real e = nn_exp(-nn_absolute(x[i]));
        loss[i] = (x[i] < 0 ? 0 : x[i]) + nn_log1p(e);
        x[i] = (x[i] < 0 ? e : 1) / (1 + e);
    }
}

static void sampling_forward(const nn_ctx *ctx)
{
    enum { CHUNK = 256 };
    int64_t words = words_of(ctx->node), all = nn_rows(ctx) * words, left = words;
    nn_real *kept = ctx->saved, *out = ctx->out, loss[CHUNK], sum = 0;
    sampling_products(ctx, kept);
    for (int64_t begin = 0; begin < all; begin += CHUNK) {
        int64_t count = all - begin < CHUNK ? all - begin : CHUNK;
        soft_plus(kept + begin, loss, count);
        for (int64_t i = 0; i < count; i++) {
            sum += loss[i];
            if (--left > 0)
                continue;
            *out++ = sum;
            sum = 0;
            left = words;
        }
    }
}

NN_KERNEL static void sampling_backward(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1], words = words_of(ctx->node);
    const nn_real *in = ctx->in[SAMPLING_IN], *out = ctx->in[SAMPLING_OUT], *kept = ctx->saved;
    const int32_t *centre = ctx->in[SAMPLING_CENTRE], *word = ctx->in[SAMPLING_WORDS];
    nn_real *din = ctx->grad_in[SAMPLING_IN], *dout = ctx->grad_in[SAMPLING_OUT];
    for (int64_t r = 0; r < nn_rows(ctx); r++, word += words, kept += words) {
        if (r + 1 < nn_rows(ctx)) {
            fetch_rows(out, word + words, words, vocabulary, size);
            if (dout)
                fetch_rows(dout, word + words, words, vocabulary, size);
        }
        for (int64_t k = 0; k < words; k++) {
            if (!nn_is_class(centre[r], vocabulary) || !nn_is_class(word[k], vocabulary)) {
                spoil(din);
                spoil(dout);
                continue;
            }
            nn_real slope = (k == 0 ? -kept[k] : kept[k]) * ctx->grad_out[r];
            if (din)
                add_scaled(din + centre[r] * size, slope, out + word[k] * size, size);
            if (dout)
                add_scaled(dout + word[k] * size, slope, in + centre[r] * size, size);
        }
    }
}

static unsigned sampling_row_inputs(const nn_node *node)
{
    (void)node;
    return 1u << SAMPLING_IN | 1u << SAMPLING_OUT;
}

static void sampling_touch(const nn_ctx *ctx, int input, nn_row_set *set)
{
    int from = input == SAMPLING_IN ? SAMPLING_CENTRE : SAMPLING_WORDS;
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0], words = words_of(ctx->node);
    const int32_t *centre = ctx->in[SAMPLING_CENTRE], *word = ctx->in[SAMPLING_WORDS];
    bool known = true;
    for (int64_t i = 0; i < nn_rows(ctx); i++)
        known &= nn_is_class(centre[i], vocabulary);
    for (int64_t i = 0; i < nn_rows(ctx) * words; i++)
        known &= nn_is_class(word[i], vocabulary);
    if (!known) /* one unknown word spoils both tables */
        nn_touch(set, 0);
    touch_words(set, ctx->in[from], nn_elements(ctx, from));
}

static void sampling_reference(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1], words = words_of(ctx->node);
    const nn_real *in = ctx->in[SAMPLING_IN], *out = ctx->in[SAMPLING_OUT];
    const int32_t *centre = ctx->in[SAMPLING_CENTRE], *word = ctx->in[SAMPLING_WORDS];
    for (int64_t r = 0; r < nn_rows(ctx); r++) {
        double loss = 0;
        for (int64_t k = 0; k < words; k++) {
            int32_t w = word[r * words + k], c = centre[r];
            bool there = nn_is_class(c, vocabulary) && nn_is_class(w, vocabulary);
            double x = there ? reference_dot(out + w * size, in + c * size, size) : (double)NAN;
            x = k == 0 ? x : -x;
            loss -= x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x));
        }
        ctx->out[r] = (nn_real)loss;
    }
}

static int64_t sampling_multiply_adds(const nn_node *node)
{
    return words_of(node) * node->input[0]->shape.dim[1];
}

const nn_op nn_op_negative_sampling = {
    .name = "negative_sampling",
    .min_inputs = 4,
    .max_inputs = 4,
    .needs = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3,
    .shape = sampling_shape,
    .saved = sampling_saved,
    .forward = sampling_forward,
    .backward = sampling_backward,
    .reference = sampling_reference,
    .row_inputs = sampling_row_inputs,
    .touch = sampling_touch,
    .multiply_adds = sampling_multiply_adds,
};

nn_node *nn_negative_sampling(nn_graph *graph, nn_node *in, nn_node *out, nn_node *centre,
                              nn_node *words)
{
    return nn_node_new(graph, &nn_op_negative_sampling, (nn_node *[]){in, out, centre, words}, 4,
                       NULL, 0);
}

/* --- mean_embedding: mean of the rows named, padding left out ------------------------------- */

static int32_t padding_of(const nn_ctx *ctx)
{
    return *(const int32_t *)(const void *)ctx->node->args;
}

static nn_status mean_shape(nn_node *node, nn_error *error)
{
    int64_t rows = 0, size = 0;
    nn_status status = expect_table(node, 0, &rows, &size, error);
    if (status)
        return status;
    nn_shape words = nn_sample_of(node->input[1]);
    if (words.rank > 1)
        words = nn_shape1(words.dim[0]);
    status = nn_expect_whole(node, 1, "words", words, error);
    return status ? status : nn_set_activation(node, nn_shape1(size), error);
}

/* 1 / words that are not padding; 0 where all are. */
static nn_real mean_share(const int32_t *word, int64_t words, int32_t padding)
{
    int64_t count = 0;
    for (int64_t k = 0; k < words; k++)
        count += word[k] != padding;
    return count ? 1 / (nn_real)count : 0;
}

NN_KERNEL static void mean_forward(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1];
    int64_t words = nn_shape_row(ctx->node->input[1]->shape);
    const nn_real *table = ctx->in[0];
    const int32_t *word = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++, word += words) {
        nn_real *h = ctx->out + r * size, share = mean_share(word, words, padding_of(ctx));
        for (int64_t i = 0; i < size; i++)
            h[i] = 0;
        for (int64_t k = 0; k < words; k++)
            if (word[k] == padding_of(ctx))
                continue;
            else if (nn_is_class(word[k], vocabulary))
                add_scaled(h, share, table + word[k] * size, size);
            else
                h[0] = (nn_real)NAN;
    }
}

NN_KERNEL static void mean_backward(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1];
    int64_t words = nn_shape_row(ctx->node->input[1]->shape);
    const int32_t *word = ctx->in[1];
    nn_real *dtable = ctx->grad_in[0];
    for (int64_t r = 0; r < nn_rows(ctx); r++, word += words) {
        nn_real share = mean_share(word, words, padding_of(ctx));
        for (int64_t k = 0; k < words; k++)
            if (word[k] == padding_of(ctx))
                continue;
            else if (nn_is_class(word[k], vocabulary))
                add_scaled(dtable + word[k] * size, share, ctx->grad_out + r * size, size);
            else
                spoil(dtable);
    }
}

static unsigned mean_row_inputs(const nn_node *node)
{
    (void)node;
    return 1;
}

static void mean_touch(const nn_ctx *ctx, int input, nn_row_set *set)
{
    const int32_t *word = ctx->in[1];
    (void)input;
    for (int64_t i = 0; i < nn_elements(ctx, 1); i++)
        if (word[i] != padding_of(ctx))
            touch_words(set, word + i, 1);
}

static void mean_reference(const nn_ctx *ctx)
{
    int64_t vocabulary = ctx->node->input[0]->shape.dim[0];
    int64_t size = ctx->node->input[0]->shape.dim[1];
    int64_t words = nn_shape_row(ctx->node->input[1]->shape);
    const nn_real *table = ctx->in[0];
    const int32_t *word = ctx->in[1];
    for (int64_t r = 0; r < nn_rows(ctx); r++)
        for (int64_t i = 0; i < size; i++) {
            double sum = 0, count = 0;
            for (int64_t k = r * words; k < (r + 1) * words; k++) {
                if (word[k] == padding_of(ctx))
                    continue;
                bool there = nn_is_class(word[k], vocabulary);
                sum += there ? (double)table[word[k] * size + i] : i == 0 ? (double)NAN : 0;
                count++;
            }
            ctx->out[r * size + i] = (nn_real)(count > 0 ? sum / count : 0);
        }
}

const nn_op nn_op_mean_embedding = {
    .name = "mean_embedding",
    .min_inputs = 2,
    .max_inputs = 2,
    .needs = 1u << 1,
    .shape = mean_shape,
    .forward = mean_forward,
    .backward = mean_backward,
    .reference = mean_reference,
    .row_inputs = mean_row_inputs,
    .touch = mean_touch,
};

nn_node *nn_mean_embedding(nn_graph *graph, nn_node *table, nn_node *words, int32_t padding)
{
    return nn_node_new(graph, &nn_op_mean_embedding, (nn_node *[]){table, words}, 2, &padding,
                       sizeof padding);
}

nn_node *nn_word_softmax(nn_graph *graph, nn_node *h, nn_node *out, nn_node *target)
{
    return nn_softmax_cross_entropy(graph, nn_linear(graph, h, out, NULL), target);
}
