/* Transformers, the engine built in double: a decoder block against its formulas written out
 * plainly, and the gradients of whole networks with attention against central differences. */
#include "engine/exec.h"
#include "engine/models/catalogue.h"
#include "engine/rng.h"
#include "engine/transformer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- a block, plainly ---------------------------------------------------------------------------
 */

enum { ROWS = 2, STEPS = 4, KEYS = 3, WIDTH = 6, HIDDEN = 5, HEADS = 2 };

static const double *weight(nn_model *model, const char *name, const char *part)
{
    char text[2 * NN_NAME_MAX];
    snprintf(text, sizeof text, "d.%s.%s", name, part);
    nn_param *param = nn_model_find(model, text);
    if (!param)
        fail_msg("no parameter '%s'", text);
    return nn_param_values(param);
}

/* y (rows,out) = x (rows,in) w' + b */
static void plain_linear(nn_model *model, const char *name, const double *x, int rows, int in,
                         int out, double *y)
{
    const double *w = weight(model, name, "weight"), *b = weight(model, name, "bias");
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < out; o++) {
            y[r * out + o] = b[o];
            for (int i = 0; i < in; i++)
                y[r * out + o] += x[r * in + i] * w[o * in + i];
        }
}

static void plain_norm(nn_model *model, const char *name, const double *x, double *y)
{
    const double *gamma = weight(model, name, "gamma"), *beta = weight(model, name, "beta");
    for (int r = 0; r < STEPS; r++) {
        const double *row = x + r * WIDTH;
        double mean = 0, variance = 0;
        for (int i = 0; i < WIDTH; i++)
            mean += row[i] / WIDTH;
        for (int i = 0; i < WIDTH; i++)
            variance += (row[i] - mean) * (row[i] - mean) / WIDTH;
        for (int i = 0; i < WIDTH; i++)
            y[r * WIDTH + i] = gamma[i] * (row[i] - mean) / sqrt(variance + 1e-5) + beta[i];
    }
}

/* One head after the other; q, k and v have rows of `q_row` and `kv_row` numbers. */
static void plain_attention(const double *q, int q_row, const double *k, const double *v,
                            int kv_row, int keys, bool causal, double *y)
{
    int size = WIDTH / HEADS;
    for (int h = 0; h < HEADS; h++)
        for (int t = 0; t < STEPS; t++) {
            double share[STEPS > KEYS ? STEPS : KEYS], sum = 0;
            int seen = causal ? t + 1 : keys;
            for (int s = 0; s < seen; s++) {
                double score = 0;
                for (int i = 0; i < size; i++)
                    score += q[t * q_row + h * size + i] * k[s * kv_row + h * size + i];
                sum += share[s] = exp(score / sqrt((double)size));
            }
            for (int i = 0; i < size; i++) {
                double value = 0;
                for (int s = 0; s < seen; s++)
                    value += share[s] / sum * v[s * kv_row + h * size + i];
                y[t * WIDTH + h * size + i] = value;
            }
        }
}

static void plain_self(nn_model *model, const double *x, double *y)
{
    double qkv[STEPS * 3 * WIDTH], heads[STEPS * WIDTH];
    plain_linear(model, "attention.qkv", x, STEPS, WIDTH, 3 * WIDTH, qkv);
    plain_attention(qkv, 3 * WIDTH, qkv + WIDTH, qkv + 2 * WIDTH, 3 * WIDTH, STEPS, true, heads);
    plain_linear(model, "attention.out", heads, STEPS, WIDTH, WIDTH, y);
}

static void plain_cross(nn_model *model, const double *x, const double *memory, int keys, double *y)
{
    double q[STEPS * WIDTH], kv[KEYS * 2 * WIDTH], heads[STEPS * WIDTH];
    plain_linear(model, "cross.q", x, STEPS, WIDTH, WIDTH, q);
    plain_linear(model, "cross.kv", memory, KEYS, WIDTH, 2 * WIDTH, kv);
    plain_attention(q, WIDTH, kv, kv + WIDTH, 2 * WIDTH, keys, false, heads);
    plain_linear(model, "cross.out", heads, STEPS, WIDTH, WIDTH, y);
}

/* Hendrycks and Gimpel 2016: x times the share of N(0,1) below x. */
static void plain_feed(nn_model *model, const double *x, bool gelu, double *y)
{
    double h[STEPS * HIDDEN];
    plain_linear(model, "feed.hidden", x, STEPS, WIDTH, HIDDEN, h);
    for (int i = 0; i < STEPS * HIDDEN; i++)
        h[i] = gelu ? h[i] * (1 + erf(h[i] / sqrt(2))) / 2 : fmax(h[i], 0);
    plain_linear(model, "feed.out", h, STEPS, HIDDEN, WIDTH, y);
}

static void plain_add(double *x, const double *added)
{
    for (int i = 0; i < STEPS * WIDTH; i++)
        x[i] += added[i];
}

/* x of one example becomes the block's output; keys 0: no memory. */
static void plain_block(nn_model *model, double *x, const double *memory, int keys,
                        nn_transformer_args args)
{
    static const char *const norm[] = {"norm1", "norm3", "norm2"};
    double in[STEPS * WIDTH], added[STEPS * WIDTH];
    for (int part = 0; part < 3; part++) {
        if (part == 1 && keys == 0)
            continue;
        memcpy(in, x, sizeof in);
        if (args.pre_norm)
            plain_norm(model, norm[part], x, in);
        if (part == 0)
            plain_self(model, in, added);
        else if (part == 1)
            plain_cross(model, in, memory, keys, added);
        else
            plain_feed(model, in, args.gelu, added);
        plain_add(x, added);
        memcpy(in, x, sizeof in);
        if (!args.pre_norm)
            plain_norm(model, norm[part], in, x);
    }
}

/* Nothing is 0 or 1 any more. */
static void move_weights(nn_model *model)
{
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        for (int64_t k = 0; k < nn_shape_count(nn_param_shape(param)); k++)
            nn_param_data(param)[k] += 0.1 * sin(1 + 3.7 * (double)(k + 5 * i));
    }
}

static void check_block(nn_transformer_args args, bool remembers)
{
    nn_error error = {NN_OK, ""};
    nn_model *model = nn_model_new(1);
    nn_graph *graph = nn_graph_new(model);
    nn_node *x = nn_input(graph, "x", NN_F, nn_shape2(STEPS, WIDTH));
    nn_node *memory = nn_input(graph, "memory", NN_F, nn_shape2(KEYS, WIDTH));
    nn_node *lengths = nn_input(graph, "lengths", NN_I32, (nn_shape){0});
    nn_node *y = nn_decoder_block(graph, "d", x, remembers ? memory : NULL,
                                  remembers ? lengths : NULL, NULL, args);
    nn_exec *exec = nn_compile(graph, y, NULL, 0, NULL, (nn_exec_args){.batch = ROWS}, &error);
    if (!exec)
        fail_msg("%s", error.text);
    move_weights(model);
    double in[ROWS * STEPS * WIDTH], kept[ROWS * KEYS * WIDTH];
    const int32_t length[ROWS] = {KEYS, KEYS - 1};
    for (uint32_t i = 0; i < ROWS * STEPS * WIDTH; i++)
        in[i] = nn_normal_at(3, 0, 0, i);
    for (uint32_t i = 0; i < ROWS * KEYS * WIDTH; i++)
        kept[i] = nn_normal_at(3, 1, 0, i);
    memcpy(nn_exec_feed(exec, x), in, sizeof in);
    if (remembers) {
        memcpy(nn_exec_feed(exec, memory), kept, sizeof kept);
        memcpy(nn_exec_feed(exec, lengths), length, sizeof length);
    }
    assert_int_equal(nn_exec_rows(exec, ROWS, &error), NN_OK);
    nn_forward(exec);
    const nn_real *out = nn_value(exec, y).data;
    for (int r = 0; r < ROWS; r++)
        plain_block(model, in + r * STEPS * WIDTH, kept + r * KEYS * WIDTH,
                    remembers ? length[r] : 0, args);
    for (int i = 0; i < ROWS * STEPS * WIDTH; i++)
        if (!(fabs(out[i] - in[i]) < 1e-11))
            fail_msg("pre_norm %d, gelu %d, memory %d: [%d] is %.15g; expected %.15g",
                     args.pre_norm, args.gelu, remembers, i, out[i], in[i]);
    nn_exec_free(exec);
    nn_graph_free(graph);
    nn_model_free(model);
}

static void decoder_blocks_follow_their_formulas(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        check_block(
            (nn_transformer_args){
                .heads = HEADS, .hidden = HIDDEN, .pre_norm = i & 1, .gelu = i & 2},
            i & 4);
}

/* --- gradients of whole networks ----------------------------------------------------------------
 */

typedef struct {
    const char *name;
    double dropout;
} network;

static void feed_network(const nn_assembly *made, nn_exec *exec)
{
    for (int i = 0; i < made->feeds; i++) {
        const nn_feed *f = &made->feed[i];
        int32_t *whole = nn_exec_feed(exec, f->node);
        int64_t count = 3 * nn_shape_row(nn_node_shape(f->node));
        for (int64_t k = 0; k < count; k++)
            whole[k] = f->low + (int32_t)(nn_uniform_at(5, (uint32_t)i, 0, (uint32_t)k) *
                                          (f->high - f->low));
        if (strcmp(nn_node_name(f->node), "labels") == 0 && made->feeds > 2)
            whole[1] = -100; /* padding */
    }
}

static double loss_at(nn_exec *exec, nn_real *weight, nn_real value)
{
    nn_real was = *weight;
    *weight = value;
    double loss = nn_forward(exec);
    *weight = was;
    return loss;
}

/* Differences of fourth order: norms over few numbers bend sharply. */
static double slope_at(nn_exec *exec, nn_real *weight)
{
    const double step = 1e-6;
    double near = loss_at(exec, weight, *weight + step) - loss_at(exec, weight, *weight - step);
    double far =
        loss_at(exec, weight, *weight + 2 * step) - loss_at(exec, weight, *weight - 2 * step);
    return (8 * near - far) / (12 * step);
}

/* Five numbers of every parameter, the first and the last among them. */
static void check_parameter(nn_exec *exec, const char *name, nn_param *param)
{
    enum { CHECKS = 5 };
    nn_real kept[CHECKS];
    int64_t count = nn_shape_count(nn_param_shape(param)), at[CHECKS];
    int checks = count < CHECKS ? (int)count : CHECKS;
    for (int i = 0; i < checks; i++) {
        at[i] = checks > 1 ? i * (count - 1) / (checks - 1) : 0;
        kept[i] = nn_param_gradient(exec, param)[at[i]];
    }
    for (int i = 0; i < checks; i++) {
        double numeric = slope_at(exec, nn_param_data(param) + at[i]);
        if (!(fabs(numeric - kept[i]) < 1e-6 * fmax(1e-2, fabs(kept[i]))))
            fail_msg("%s: gradient of %s[%lld] is %.12g, differences give %.12g", name,
                     nn_param_name(param), (long long)at[i], kept[i], numeric);
    }
}

static void check_network(network n, int shards)
{
    nn_error error = {NN_OK, ""};
    nn_assembly made;
    nn_model *model = nn_model_new(1);
    nn_graph *graph = nn_graph_new(model);
    nn_model_size size = {.sample = {1, {4}}, .classes = 7, .dropout = n.dropout};
    if (nn_model_build(graph, n.name, size, &made, &error) != NN_OK)
        fail_msg("%s: %s", n.name, error.text);
    nn_exec_args args = {.batch = 3, .shards = shards, .training = true, .seed = 2};
    nn_exec *exec = nn_compile(graph, made.loss, NULL, 0, NULL, args, &error);
    if (!exec)
        fail_msg("%s: %s", n.name, error.text);
    move_weights(model);
    feed_network(&made, exec);
    assert_int_equal(nn_exec_rows(exec, 3, &error), NN_OK);
    nn_exec_step(exec, 17);
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        if (nn_param_is_buffer(param))
            continue;
        assert_true(isfinite(nn_forward(exec)));
        assert_int_equal(nn_backward(exec, &error), NN_OK);
        check_parameter(exec, n.name, param);
    }
    nn_exec_free(exec);
    nn_graph_free(graph);
    nn_model_free(model);
}

static void gradients_of_networks_agree_with_differences(void **state)
{
    static const network all[] = {
        {"gpt-small/32", 0},  {"gpt-small/32", 0.3},       {"bert-small/64", 0.3},
        {"bert-small/64", 0}, {"transformer/64", 0},       {"transformer/64", 0.2},
        {"seq2seq/64", 0},    {"seq2seq-attention/64", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_network(all[i], 1 + (int)i % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoder_blocks_follow_their_formulas),
        cmocka_unit_test(gradients_of_networks_agree_with_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
