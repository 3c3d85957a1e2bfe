#include "engine/optimizer.h"

#include "engine/kernel.h"
#include "engine/pool.h"
#include "engine/sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parameters are cut into blocks, the unit of work of a thread. Blocks depend on the model only,
 * and every sum is taken first within a block, then over the blocks in order: any number of threads
 * gives the same bits. Within a block the update goes in chunks that stay in the first cache, so
 * that one pass over memory serves gradient, state, weights and their norms. */
enum { BLOCK = 16384, CHUNK = 1024, LANES = 32 };

/* Below this many parameters waking another thread costs more than it saves. */
enum { WORTH_THREADS = 4 * BLOCK };

typedef struct {
    nn_param *param;
    nn_real *first, *second; /* NULL where the kind keeps none */
    const nn_real *gradient; /* of the step under way; NULL: not updated */
} tracked;

typedef struct {
    int slot;
    int64_t begin, end;
    double gradient, update, weight; /* sums of squares of the step under way */
} span;

/* The numbers of one update. Computed once a step in double. */
typedef struct {
    nn_real lr;        /* with Adam's bias correction of the first moment */
    nn_real scale;     /* of the gradient: clipping */
    nn_real l2, decay; /* added to the gradient; taken off the weight (AdamW: lr * l2) */
    nn_real keep1, add1, keep2, add2; /* beta and 1 - beta */
    nn_real root;                     /* 1/sqrt of the second moment's bias correction */
    nn_real epsilon;
} coefficients;

struct nn_optimizer {
    nn_optimizer_args args;
    uint64_t steps;
    tracked *slots;
    int slot_count;
    span *blocks;
    int block_count;
    int64_t parameters;
    nn_real *state; /* all moments */
    coefficients step, step_undecayed;
};

/* --- kinds ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool first, second; /* moments kept */
} kinds[NN_OPTIMIZER_KINDS] = {
    [NN_SGD] = {"sgd", false, false},          [NN_MOMENTUM] = {"momentum", true, false},
    [NN_NESTEROV] = {"nesterov", true, false}, [NN_RMSPROP] = {"rmsprop", false, true},
    [NN_ADAM] = {"adam", true, true},          [NN_ADAMW] = {"adamw", true, true},
};

const char *nn_optimizer_name(nn_optimizer_kind kind)
{
    return (unsigned)kind < NN_OPTIMIZER_KINDS ? kinds[kind].name : "unknown";
}

nn_status nn_optimizer_kind_of(const char *name, nn_optimizer_kind *kind, nn_error *error)
{
    for (int i = 0; i < NN_OPTIMIZER_KINDS; i++)
        if (strcmp(name, kinds[i].name) == 0) {
            *kind = (nn_optimizer_kind)i;
            return NN_OK;
        }
    return nn_fail(error, NN_E_ARG,
                   "optimizer '%.40s': expected sgd, momentum, nesterov, rmsprop, adam or adamw",
                   name);
}

/* --- settings ------------------------------------------------------------------------------- */

static nn_status check_args(const nn_optimizer_args *args, nn_error *error)
{
    if ((unsigned)args->kind >= NN_OPTIMIZER_KINDS)
        return nn_fail(error, NN_E_ARG, "optimizer: kind %d does not exist", (int)args->kind);
    if (!(args->lr >= 0 && isfinite(args->lr)))
        return nn_fail(error, NN_E_ARG, "learning rate %g: expected a number from 0 on", args->lr);
    if (!(args->beta1 >= 0 && args->beta1 < 1))
        return nn_fail(error, NN_E_ARG, "momentum %g: expected 0 or more, below 1", args->beta1);
    if (!(args->beta2 >= 0 && args->beta2 < 1))
        return nn_fail(error, NN_E_ARG, "beta2 %g: expected 0 or more, below 1", args->beta2);
    if (!(args->epsilon > 0 && isfinite(args->epsilon)))
        return nn_fail(error, NN_E_ARG, "epsilon %g: expected a number above 0", args->epsilon);
    if (!(args->l2 >= 0 && isfinite(args->l2)))
        return nn_fail(error, NN_E_ARG, "l2 %g: expected a number from 0 on", args->l2);
    if (!(args->clip_norm >= 0 && isfinite(args->clip_norm)))
        return nn_fail(error, NN_E_ARG, "clip %g: expected 0 (off) or the largest gradient norm",
                       args->clip_norm);
    return NN_OK;
}

/* Golden ch17-defaults, ch18-defaults. RMSprop keeps 0.9: with 0.999 and no bias correction its
 * first step would be 31.6 times the learning rate (errata E17.2). */
static void fill_defaults(nn_optimizer_args *args)
{
    if (args->beta1 == 0)
        args->beta1 = 0.9;
    if (args->beta2 == 0)
        args->beta2 = args->kind == NN_RMSPROP ? 0.9 : 0.999;
    if (args->epsilon == 0)
        args->epsilon = 1e-8;
}

nn_optimizer_args nn_optimizer_get(const nn_optimizer *optimizer)
{
    return optimizer->args;
}

nn_status nn_optimizer_set(nn_optimizer *optimizer, nn_optimizer_args args, nn_error *error)
{
    if (args.kind != optimizer->args.kind)
        return nn_fail(error, NN_E_STATE, "optimizer: %s cannot become %s while it runs",
                       nn_optimizer_name(optimizer->args.kind), nn_optimizer_name(args.kind));
    if (check_args(&args, error) != NN_OK)
        return error ? error->code : NN_E_ARG;
    optimizer->args = args;
    return NN_OK;
}

/* --- making --------------------------------------------------------------------------------- */

static int64_t count_of(const nn_param *param)
{
    return nn_shape_count(nn_param_shape(param));
}

static int64_t round_up(int64_t count)
{
    return (count + 15) / 16 * 16; /* a cache line of floats: moments stay aligned */
}

static void measure(const nn_model *model, int *slot_count, int *block_count, int64_t *padded)
{
    for (int i = 0; i < nn_model_count(model); i++) {
        const nn_param *param = nn_model_at(model, i);
        if (nn_param_is_buffer(param))
            continue;
        int64_t count = count_of(param);
        ++*slot_count;
        *block_count += (int)((count + BLOCK - 1) / BLOCK);
        *padded += round_up(count);
    }
}

static void lay_out(nn_optimizer *optimizer, nn_model *model)
{
    nn_real *state = optimizer->state;
    int s = 0, b = 0;
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        if (nn_param_is_buffer(param))
            continue;
        int64_t count = count_of(param);
        tracked *slot = &optimizer->slots[s];
        slot->param = param;
        if (kinds[optimizer->args.kind].first) {
            slot->first = state;
            state += round_up(count);
        }
        if (kinds[optimizer->args.kind].second) {
            slot->second = state;
            state += round_up(count);
        }
        for (int64_t begin = 0; begin < count; begin += BLOCK) {
            int64_t end = begin + BLOCK < count ? begin + BLOCK : count;
            optimizer->blocks[b++] = (span){.slot = s, .begin = begin, .end = end};
        }
        optimizer->parameters += count;
        s++;
    }
}

nn_optimizer *nn_optimizer_new(nn_model *model, nn_optimizer_args args, nn_error *error)
{
    fill_defaults(&args);
    if (check_args(&args, error) != NN_OK)
        return NULL;
    nn_optimizer *optimizer = calloc(1, sizeof *optimizer);
    if (!optimizer) {
        nn_fail(error, NN_E_NOMEM, "optimizer: out of memory");
        return NULL;
    }
    optimizer->args = args;
    int64_t padded = 0;
    measure(model, &optimizer->slot_count, &optimizer->block_count, &padded);
    int moments = kinds[args.kind].first + kinds[args.kind].second;
    size_t bytes = (size_t)(moments * padded + 16) * sizeof(nn_real) / 64 * 64 + 64;
    optimizer->slots = calloc((size_t)optimizer->slot_count + 1, sizeof *optimizer->slots);
    optimizer->blocks = calloc((size_t)optimizer->block_count + 1, sizeof *optimizer->blocks);
    optimizer->state = aligned_alloc(64, bytes);
    if (!optimizer->slots || !optimizer->blocks || !optimizer->state) {
        nn_optimizer_free(optimizer);
        nn_fail(error, NN_E_NOMEM, "optimizer %s: no memory for %lld parameters",
                nn_optimizer_name(args.kind), (long long)padded);
        return NULL;
    }
    memset(optimizer->state, 0, bytes);
    lay_out(optimizer, model);
    return optimizer;
}

void nn_optimizer_free(nn_optimizer *optimizer)
{
    if (!optimizer)
        return;
    free(optimizer->slots);
    free(optimizer->blocks);
    free(optimizer->state);
    free(optimizer);
}

/* --- state ---------------------------------------------------------------------------------- */

uint64_t nn_optimizer_steps(const nn_optimizer *optimizer)
{
    return optimizer->steps;
}

void nn_optimizer_set_steps(nn_optimizer *optimizer, uint64_t steps)
{
    optimizer->steps = steps;
}

static const tracked *slot_of(const nn_optimizer *optimizer, const nn_param *param)
{
    for (int i = 0; i < optimizer->slot_count; i++)
        if (optimizer->slots[i].param == param)
            return &optimizer->slots[i];
    return NULL;
}

nn_real *nn_optimizer_first(nn_optimizer *optimizer, const nn_param *param)
{
    const tracked *slot = slot_of(optimizer, param);
    return slot ? slot->first : NULL;
}

nn_real *nn_optimizer_second(nn_optimizer *optimizer, const nn_param *param)
{
    const tracked *slot = slot_of(optimizer, param);
    return slot ? slot->second : NULL;
}

/* --- kernels -------------------------------------------------------------------------------- */

#define REAL_SQRT(x) _Generic((nn_real)0, float : sqrtf, double : sqrt)(x)

/* The gradient as the kinds see it: clipped, then with L2, so that clipping bounds what the data
 * says and not the penalty. d/dw of lambda/2 |w|^2 = lambda w (chapter 12). */
#define GRADIENT(i) (c->scale * g[i] + c->l2 * w[i])

/* Every kernel writes the step it wants to `u` (taken off the weights afterwards) for one chunk. */

/* Chapter 16: w -= lr g. */
NN_KERNEL static void sgd(const coefficients *c, int64_t count, const nn_real *restrict w,
                          const nn_real *restrict g, nn_real *restrict u)
{
    for (int64_t i = 0; i < count; i++)
        u[i] = c->lr * GRADIENT(i);
}

/* Chapter 17: v = beta v + (1-beta) g; w -= lr v. */
NN_KERNEL static void momentum(const coefficients *c, int64_t count, const nn_real *restrict w,
                               const nn_real *restrict g, nn_real *restrict u, nn_real *restrict v)
{
    for (int64_t i = 0; i < count; i++) {
        v[i] = c->keep1 * v[i] + c->add1 * GRADIENT(i);
        u[i] = c->lr * v[i];
    }
}

/* Nesterov's step with the gradient taken where the weights are (Sutskever et al. 2013, section 2,
 * rewritten as in Bengio et al. 2012, equation 7), in the course's scaling:
 * v = beta v + (1-beta) g; w -= lr (beta v + (1-beta) g). */
NN_KERNEL static void nesterov(const coefficients *c, int64_t count, const nn_real *restrict w,
                               const nn_real *restrict g, nn_real *restrict u, nn_real *restrict v)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real added = c->add1 * GRADIENT(i);
        v[i] = c->keep1 * v[i] + added;
        u[i] = c->lr * (c->keep1 * v[i] + added);
    }
}

/* Chapter 17 (Tieleman and Hinton 2012): s = beta s + (1-beta) g^2; w -= lr g / (sqrt(s) + eps).
 * No bias correction; epsilon outside the root (errata E17.1). */
NN_KERNEL static void rmsprop(const coefficients *c, int64_t count, const nn_real *restrict w,
                              const nn_real *restrict g, nn_real *restrict u, nn_real *restrict s)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real gradient = GRADIENT(i);
        s[i] = c->keep2 * s[i] + c->add2 * gradient * gradient;
        u[i] = c->lr * gradient / (REAL_SQRT(s[i]) + c->epsilon);
    }
}

/* Chapter 18 (Kingma and Ba 2015, algorithm 1), and AdamW (Loshchilov and Hutter 2019, algorithm 2)
 * with decay = lr l2 and l2 = 0. With v^ = v/(1-beta1^t), s^ = s/(1-beta2^t):
 * w -= lr v^ / (sqrt(s^) + eps). lr and root hold the two corrections. */
NN_KERNEL static void adam(const coefficients *c, int64_t count, const nn_real *restrict w,
                           const nn_real *restrict g, nn_real *restrict u, nn_real *restrict v,
                           nn_real *restrict s)
{
    for (int64_t i = 0; i < count; i++) {
        nn_real gradient = GRADIENT(i);
        v[i] = c->keep1 * v[i] + c->add1 * gradient;
        s[i] = c->keep2 * s[i] + c->add2 * gradient * gradient;
        u[i] = c->lr * v[i] / (REAL_SQRT(s[i]) * c->root + c->epsilon) + c->decay * w[i];
    }
}

NN_KERNEL static void subtract(int64_t count, nn_real *restrict w, const nn_real *restrict u)
{
    for (int64_t i = 0; i < count; i++)
        w[i] -= u[i];
}

/* Of one chunk. In nn_real: each of the interleaved sums adds but CHUNK / LANES squares, plenty for
 * the update ratio, which is for people; the gradient norm, which clips, is summed in double. */
NN_KERNEL static double chunk_squares(const nn_real *x, int64_t count)
{
    nn_real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + k] * x[i + k];
    for (; i < count; i++)
        lane[0] += x[i] * x[i];
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += (double)lane[k];
    return sum;
}

/* --- one step ------------------------------------------------------------------------------- */

static void update_chunk(nn_optimizer_kind kind, const coefficients *c, int64_t count,
                         const nn_real *w, const nn_real *g, nn_real *u, nn_real *first,
                         nn_real *second)
{
    if (first && second) /* Adam and AdamW differ in their coefficients */
        adam(c, count, w, g, u, first, second);
    else if (second)
        rmsprop(c, count, w, g, u, second);
    else if (first && kind == NN_NESTEROV)
        nesterov(c, count, w, g, u, first);
    else if (first)
        momentum(c, count, w, g, u, first);
    else
        sgd(c, count, w, g, u);
}

static void update_block(void *context, int index)
{
    nn_optimizer *optimizer = context;
    span *block = &optimizer->blocks[index];
    const tracked *slot = &optimizer->slots[block->slot];
    block->update = block->weight = 0;
    if (!slot->gradient)
        return;
    const coefficients *c =
        nn_param_decays(slot->param) ? &optimizer->step : &optimizer->step_undecayed;
    nn_real *weights = nn_param_data(slot->param);
    _Alignas(64) nn_real update[CHUNK];
    for (int64_t begin = block->begin; begin < block->end; begin += CHUNK) {
        int64_t count = block->end - begin < CHUNK ? block->end - begin : CHUNK;
        nn_real *w = weights + begin;
        block->weight += chunk_squares(w, count);
        update_chunk(optimizer->args.kind, c, count, w, slot->gradient + begin, update,
                     slot->first ? slot->first + begin : NULL,
                     slot->second ? slot->second + begin : NULL);
        subtract(count, w, update);
        block->update += chunk_squares(update, count);
    }
}

static void measure_block(void *context, int index)
{
    nn_optimizer *optimizer = context;
    span *block = &optimizer->blocks[index];
    const tracked *slot = &optimizer->slots[block->slot];
    block->gradient =
        slot->gradient ? nn_sum_of_squares(slot->gradient + block->begin, block->end - block->begin)
                       : 0;
}

static void for_all_blocks(nn_optimizer *optimizer, nn_pool *pool, nn_task task)
{
    nn_pool *threads = optimizer->parameters >= WORTH_THREADS ? pool : NULL;
    nn_pool_run(threads, optimizer->block_count, task, optimizer);
}

static void prepare(nn_optimizer *optimizer, double lr, double norm)
{
    const nn_optimizer_args *args = &optimizer->args;
    bool adam_like = args->kind == NN_ADAM || args->kind == NN_ADAMW;
    double t = (double)optimizer->steps;
    double rate = adam_like ? lr / (1 - pow(args->beta1, t)) : lr;
    /* Pascanu et al. 2013, algorithm 1: never scaled up. */
    double scale = args->clip_norm > 0 && norm > args->clip_norm ? args->clip_norm / norm : 1;
    optimizer->step = (coefficients){
        .lr = (nn_real)rate,
        .scale = (nn_real)scale,
        .l2 = (nn_real)(args->kind == NN_ADAMW ? 0 : args->l2),
        .decay = (nn_real)(args->kind == NN_ADAMW ? lr * args->l2 : 0),
        .keep1 = (nn_real)args->beta1,
        .add1 = (nn_real)(1 - args->beta1),
        .keep2 = (nn_real)args->beta2,
        .add2 = (nn_real)(1 - args->beta2),
        .root = (nn_real)(adam_like ? 1 / sqrt(1 - pow(args->beta2, t)) : 1),
        .epsilon = (nn_real)args->epsilon,
    };
    optimizer->step_undecayed = optimizer->step;
    optimizer->step_undecayed.l2 = optimizer->step_undecayed.decay = 0;
}

nn_update nn_optimizer_step(nn_optimizer *optimizer, nn_exec *exec, nn_pool *pool, double lr)
{
    for (int i = 0; i < optimizer->slot_count; i++) {
        tracked *slot = &optimizer->slots[i];
        slot->gradient = nn_param_frozen(slot->param) ? NULL : nn_param_gradient(exec, slot->param);
    }
    for_all_blocks(optimizer, pool, measure_block);
    double gradient = 0, update = 0, weight = 0;
    for (int i = 0; i < optimizer->block_count; i++)
        gradient += optimizer->blocks[i].gradient;
    double norm = sqrt(gradient);
    if (!isfinite(norm))
        return (nn_update){.gradient_norm = norm, .update_ratio = NAN, .applied = false};

    optimizer->steps++;
    prepare(optimizer, lr, norm);
    for_all_blocks(optimizer, pool, update_block);
    for (int i = 0; i < optimizer->block_count; i++) {
        update += optimizer->blocks[i].update;
        weight += optimizer->blocks[i].weight;
    }
    return (nn_update){.gradient_norm = norm,
                       .update_ratio = weight > 0 ? sqrt(update / weight) : 0,
                       .applied = true};
}
