#include "engine/optimizer.h"

#include "engine/optimizer_kernels.h"
#include "engine/pool.h"
#include "engine/sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parameters are cut into blocks, the unit of work of a thread. Blocks depend on the model only,
 * and every sum is taken first within a block, then over the blocks in order: any number of threads
 * gives the same bits. Within a block the update goes in chunks that stay in the first cache, so
 * that one pass over memory serves gradient, state, weights and their norms. */
enum { BLOCK = 16384 };

/* Below this many parameters waking another thread costs more than it saves. */
enum { WORTH_THREADS = 4 * BLOCK };

enum { ROW_WORTH = 16 };

typedef struct {
    nn_param *param;
    nn_real *first, *second, *average, *sum; /* NULL where none is kept */
    double rate;                             /* of this parameter: multiplies lr */
    nn_update_numbers numbers;               /* of the step under way */
    const nn_real *gradient;                 /* of the step under way; NULL: not updated */
    nn_touched_rows rows;                    /* those to update; rows.row NULL: all */
} tracked;

typedef struct {
    int slot;
    int64_t begin, end;
    double gradient, update, weight; /* sums of squares of the step under way */
} span;

struct nn_optimizer {
    nn_optimizer_args args;
    uint64_t steps;
    tracked *slots;
    int slot_count;
    span *blocks;
    int block_count;
    int64_t parameters;
    nn_real *state; /* all moments, averages and sums */
    bool gathered;  /* the sums hold gradients */
    double share;   /* of the gathering under way */
};

/* Moments kept by the kinds. */
static const struct {
    bool first, second;
} kinds[NN_OPTIMIZER_KINDS] = {
    [NN_SGD] = {false, false},    [NN_MOMENTUM] = {true, false}, [NN_NESTEROV] = {true, false},
    [NN_ADAGRAD] = {false, true}, [NN_RMSPROP] = {false, true},  [NN_ADAM] = {true, true},
    [NN_ADAMW] = {true, true},
};

static bool is_adam(nn_optimizer_kind kind)
{
    return kind == NN_ADAM || kind == NN_ADAMW;
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
    if (!(args->l1 >= 0 && isfinite(args->l1)))
        return nn_fail(error, NN_E_ARG, "l1 %g: expected a number from 0 on", args->l1);
    if (!(args->clip_norm >= 0 && isfinite(args->clip_norm)))
        return nn_fail(error, NN_E_ARG, "clip %g: expected 0 (off) or the largest gradient norm",
                       args->clip_norm);
    if (!(args->clip_value >= 0 && isfinite(args->clip_value)))
        return nn_fail(error, NN_E_ARG,
                       "clip by value %g: expected 0 (off) or the largest number in a gradient",
                       args->clip_value);
    if (!(args->average >= 0 && args->average < 1))
        return nn_fail(error, NN_E_ARG,
                       "average of weights: decay %g, expected 0 (off) or below 1, such as 0.999",
                       args->average);
    if (args->lazy && (args->average > 0 || args->accumulates))
        return nn_fail(error, NN_E_ARG,
                       "optimizer: 'lazy' goes without an average of weights and without "
                       "accumulation, which need every row");
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
    if ((args.average > 0 && optimizer->args.average == 0) ||
        (args.accumulates && !optimizer->args.accumulates))
        return nn_fail(error, NN_E_STATE,
                       "optimizer: an average of weights or accumulation cannot begin in the "
                       "middle; start or branch with it");
    nn_status status = check_args(&args, error);
    if (status == NN_OK)
        optimizer->args = args;
    return status;
}

nn_status nn_optimizer_set_rate(nn_optimizer *optimizer, const nn_param *param, double factor,
                                nn_error *error)
{
    if (!(factor >= 0 && isfinite(factor)))
        return nn_fail(error, NN_E_ARG, "rate of '%s': %g times, expected a number from 0 on",
                       nn_param_name(param), factor);
    for (int i = 0; i < optimizer->slot_count; i++)
        if (optimizer->slots[i].param == param) {
            optimizer->slots[i].rate = factor;
            return NN_OK;
        }
    return nn_fail(error, NN_E_MISSING, "rate of '%s': no parameter that is trained",
                   nn_param_name(param));
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
    const nn_optimizer_args *args = &optimizer->args;
    nn_real *state = optimizer->state;
    int s = 0, b = 0;
    for (int i = 0; i < nn_model_count(model); i++) {
        nn_param *param = nn_model_at(model, i);
        if (nn_param_is_buffer(param))
            continue;
        int64_t count = count_of(param);
        tracked *slot = &optimizer->slots[s];
        *slot = (tracked){.param = param, .rate = 1};
        nn_real **const kept[] = {&slot->first, &slot->second, &slot->average, &slot->sum};
        const bool keeps[] = {kinds[args->kind].first, kinds[args->kind].second, args->average > 0,
                              args->accumulates};
        for (int k = 0; k < 4; k++)
            if (keeps[k]) {
                *kept[k] = state;
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
    if (nn_model_is_outline(model)) {
        nn_fail(error, NN_E_ARG,
                "optimizer: an outline has no values; expected a model from "
                "nn_model_new");
        return NULL;
    }
    nn_optimizer *optimizer = calloc(1, sizeof *optimizer);
    if (!optimizer) {
        nn_fail(error, NN_E_NOMEM, "optimizer: out of memory");
        return NULL;
    }
    optimizer->args = args;
    int64_t padded = 0;
    measure(model, &optimizer->slot_count, &optimizer->block_count, &padded);
    int kept =
        kinds[args.kind].first + kinds[args.kind].second + (args.average > 0) + args.accumulates;
    size_t bytes = (size_t)(kept * padded + 16) * sizeof(nn_real) / 64 * 64 + 64;
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
    nn_optimizer_restart_average(optimizer);
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

nn_real *nn_optimizer_average(nn_optimizer *optimizer, const nn_param *param)
{
    const tracked *slot = slot_of(optimizer, param);
    return slot ? slot->average : NULL;
}

/* --- the moving average of the weights ------------------------------------------------------ */

void nn_optimizer_restart_average(nn_optimizer *optimizer)
{
    for (int i = 0; i < optimizer->slot_count; i++) {
        const tracked *slot = &optimizer->slots[i];
        if (slot->average)
            memcpy(slot->average, nn_param_values(slot->param),
                   (size_t)count_of(slot->param) * sizeof *slot->average);
    }
}

void nn_optimizer_swap_average(nn_optimizer *optimizer)
{
    for (int i = 0; i < optimizer->slot_count && optimizer->args.average > 0; i++) {
        const tracked *slot = &optimizer->slots[i];
        nn_real *weights = nn_param_data(slot->param);
        int64_t count = count_of(slot->param);
        for (int64_t k = 0; k < count; k++) {
            nn_real weight = weights[k];
            weights[k] = slot->average[k];
            slot->average[k] = weight;
        }
    }
}

/* --- penalties ------------------------------------------------------------------------------ */

nn_penalty nn_optimizer_penalty(const nn_optimizer *optimizer)
{
    const nn_optimizer_args *args = &optimizer->args;
    double squares = 0, sizes = 0;
    for (int i = 0; i < optimizer->slot_count; i++) {
        const nn_param *param = optimizer->slots[i].param;
        const nn_real *weights = nn_param_values(param);
        int64_t count = nn_param_decays(param) ? count_of(param) : 0;
        if (args->l2 > 0)
            squares += nn_sum_of_squares(weights, count);
        for (int64_t k = 0; args->l1 > 0 && k < count; k++)
            sizes += fabs((double)weights[k]);
    }
    return (nn_penalty){.l1 = args->l1 * sizes, .l2 = args->l2 / 2 * squares};
}

/* --- one step ------------------------------------------------------------------------------- */

static void for_all_blocks(nn_optimizer *optimizer, nn_pool *pool, nn_task task)
{
    nn_pool *threads = optimizer->parameters >= WORTH_THREADS ? pool : NULL;
    nn_pool_run(threads, optimizer->block_count, task, optimizer);
}

/* May rows without a gradient be passed over? Rows of a few numbers are sooner updated than found.
 */
static bool by_rows(const nn_optimizer *optimizer, const nn_param *param, int64_t row_size)
{
    const nn_optimizer_args *args = &optimizer->args;
    bool keeps_still = args->kind == NN_SGD || args->kind == NN_ADAGRAD;
    bool penalised = nn_param_decays(param) && (args->l1 > 0 || args->l2 > 0);
    return args->lazy || (keeps_still && !penalised && args->average == 0 && row_size >= ROW_WORTH);
}

static void find_gradients(nn_optimizer *optimizer, nn_exec *exec)
{
    for (int i = 0; i < optimizer->slot_count; i++) {
        tracked *slot = &optimizer->slots[i];
        slot->gradient = nn_param_frozen(slot->param) ? NULL : nn_param_gradient(exec, slot->param);
        slot->rows = nn_param_rows(exec, slot->param);
        if (!by_rows(optimizer, slot->param, slot->rows.size))
            slot->rows.row = NULL;
    }
}

static void gather_block(void *context, int index)
{
    nn_optimizer *optimizer = context;
    const span *block = &optimizer->blocks[index];
    const tracked *slot = &optimizer->slots[block->slot];
    if (slot->gradient)
        nn_gather_gradient(slot->sum + block->begin, slot->gradient + block->begin,
                           (nn_real)optimizer->share, !optimizer->gathered,
                           block->end - block->begin);
}

void nn_optimizer_gather(nn_optimizer *optimizer, nn_exec *exec, nn_pool *pool, double share)
{
    if (!optimizer->args.accumulates)
        return;
    find_gradients(optimizer, exec);
    optimizer->share = share;
    for_all_blocks(optimizer, pool, gather_block);
    optimizer->gathered = true;
}

void nn_optimizer_forget_gathered(nn_optimizer *optimizer)
{
    optimizer->gathered = false;
}

/* Of a table's rows that are updated, the blocks of the table take even shares. */
typedef struct {
    int64_t first, end;
} share;

static share share_of(const tracked *slot, const span *block)
{
    int64_t blocks = (count_of(slot->param) + BLOCK - 1) / BLOCK, at = block->begin / BLOCK;
    return (share){slot->rows.count * at / blocks, slot->rows.count * (at + 1) / blocks};
}

static nn_update_chunk chunk_of(const nn_optimizer *optimizer, const tracked *slot, int64_t begin,
                                int64_t count)
{
    bool averages = slot->average && optimizer->args.average > 0;
    return (nn_update_chunk){.weights = nn_param_data(slot->param) + begin,
                             .first = slot->first ? slot->first + begin : NULL,
                             .second = slot->second ? slot->second + begin : NULL,
                             .average = averages ? slot->average + begin : NULL,
                             .gradient = slot->gradient + begin,
                             .count = count};
}

static nn_update_sums update_whole(const nn_optimizer *optimizer, const span *block)
{
    const tracked *slot = &optimizer->slots[block->slot];
    nn_update_sums all = {0};
    for (int64_t begin = block->begin; begin < block->end; begin += NN_UPDATE_CHUNK) {
        int64_t left = block->end - begin;
        int64_t count = left < NN_UPDATE_CHUNK ? left : NN_UPDATE_CHUNK;
        nn_update_sums sums = nn_update_one_chunk(optimizer->args.kind, &slot->numbers,
                                                  chunk_of(optimizer, slot, begin, count));
        all.weight += sums.weight;
        all.update += sums.update;
    }
    return all;
}

static nn_update_sums update_rows(const nn_optimizer *optimizer, const span *block)
{
    const tracked *slot = &optimizer->slots[block->slot];
    share part = share_of(slot, block);
    return nn_update_rows(optimizer->args.kind, &slot->numbers,
                          chunk_of(optimizer, slot, 0, slot->rows.size),
                          slot->rows.row + part.first, part.end - part.first);
}

static void update_block(void *context, int index)
{
    nn_optimizer *optimizer = context;
    span *block = &optimizer->blocks[index];
    const tracked *slot = &optimizer->slots[block->slot];
    nn_update_sums sums = {0};
    if (slot->gradient)
        sums = slot->rows.row ? update_rows(optimizer, block) : update_whole(optimizer, block);
    block->weight = sums.weight;
    block->update = sums.update;
}

/* Where the norm clips, its last bit must not depend on how the sum is taken: whole tables. */
static void measure_block(void *context, int index)
{
    nn_optimizer *optimizer = context;
    span *block = &optimizer->blocks[index];
    const tracked *slot = &optimizer->slots[block->slot];
    const nn_touched_rows *rows = &slot->rows;
    block->gradient = 0;
    if (!slot->gradient)
        return;
    if (!rows->row || optimizer->args.clip_norm > 0) {
        block->gradient =
            nn_sum_of_squares(slot->gradient + block->begin, block->end - block->begin);
        return;
    }
    share part = share_of(slot, block);
    block->gradient = nn_sum_of_squares_of_rows(slot->gradient, rows->row + part.first,
                                                part.end - part.first, rows->size);
}

/* How fast the moving average follows: at first as the mean of all weights so far, nearly. */
static double follow_share(double decay, double step)
{
    return 1 - fmin(decay, (1 + step) / (10 + step));
}

static nn_update_numbers numbers_of(const nn_optimizer *optimizer, const tracked *slot, double lr,
                                    double norm)
{
    const nn_optimizer_args *args = &optimizer->args;
    double t = (double)optimizer->steps, base = lr * slot->rate;
    bool correct = is_adam(args->kind) && !args->uncorrected;
    bool decoupled = args->decoupled || args->kind == NN_ADAMW;
    bool decays = nn_param_decays(slot->param);
    bool whole = args->kind == NN_ADAGRAD;
    return (nn_update_numbers){
        .lr = (nn_real)(correct ? base / (1 - pow(args->beta1, t)) : base),
        /* Pascanu et al. 2013, algorithm 1: never scaled up. */
        .scale =
            (nn_real)(args->clip_norm > 0 && norm > args->clip_norm ? args->clip_norm / norm : 1),
        .limit = (nn_real)(args->clip_value > 0 ? args->clip_value : (double)INFINITY),
        .l2 = (nn_real)(decays && !decoupled ? args->l2 : 0),
        .decay = (nn_real)(decays && decoupled ? base * args->l2 : 0),
        .shrink = (nn_real)(decays ? base * args->l1 : 0),
        .keep1 = (nn_real)args->beta1,
        .add1 = (nn_real)(args->classic ? 1 : 1 - args->beta1),
        .keep2 = (nn_real)(whole ? 1 : args->beta2),
        .add2 = (nn_real)(whole ? 1 : 1 - args->beta2),
        .correct2 = (nn_real)(correct ? 1 / (1 - pow(args->beta2, t)) : 1),
        .inside = (nn_real)(args->epsilon_inside ? args->epsilon : 0),
        .outside = (nn_real)(args->epsilon_inside ? 0 : args->epsilon),
        .follow = (nn_real)follow_share(args->average, t),
    };
}

nn_update nn_optimizer_step(nn_optimizer *optimizer, nn_exec *exec, nn_pool *pool, double lr)
{
    find_gradients(optimizer, exec);
    for (int i = 0; i < optimizer->slot_count && optimizer->gathered; i++)
        if (optimizer->slots[i].gradient) {
            optimizer->slots[i].gradient = optimizer->slots[i].sum;
            optimizer->slots[i].rows.row = NULL; /* of several batches */
        }
    optimizer->gathered = false;
    for_all_blocks(optimizer, pool, measure_block);
    double gradient = 0, update = 0, weight = 0;
    for (int i = 0; i < optimizer->block_count; i++)
        gradient += optimizer->blocks[i].gradient;
    double norm = sqrt(gradient);
    if (!isfinite(norm))
        return (nn_update){.gradient_norm = norm, .update_ratio = NAN, .applied = false};

    optimizer->steps++;
    for (int i = 0; i < optimizer->slot_count; i++)
        optimizer->slots[i].numbers = numbers_of(optimizer, &optimizer->slots[i], lr, norm);
    for_all_blocks(optimizer, pool, update_block);
    for (int i = 0; i < optimizer->block_count; i++) {
        update += optimizer->blocks[i].update;
        weight += optimizer->blocks[i].weight;
    }
    return (nn_update){.gradient_norm = norm,
                       .update_ratio = weight > 0 ? sqrt(update / weight) : 0,
                       .applied = true};
}
