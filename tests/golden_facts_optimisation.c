/* Facts of chapters 16 to 21: batches, averages, Adam, schedules, search, batch norm. */
#include "engine/elementwise.h"
#include "engine/rng.h"
#include "engine/schedule.h"
#include "engine/search/sampler.h"
#include "tests/golden_follow.h"
#include "tests/golden_settings.h"

#include <math.h>
#include <string.h>

/* --- chapter 16: batches ------------------------------------------------------------------------
 */

/* As the listing does it: whole batches, then what is left. */
typedef struct {
    int64_t count, last;
} batches;

static batches batches_of(double examples, double batch)
{
    int64_t m = (int64_t)examples, b = (int64_t)batch, rest = m % b;
    return (batches){m / b + (rest != 0), rest ? rest : b};
}

static void iterations(golden_case *c)
{
    golden_out_number(c, "",
                      (double)batches_of(golden_number(c, "m"), golden_number(c, "b")).count);
}

static void partition(golden_case *c)
{
    batches b = batches_of(golden_number(c, "m"), golden_number(c, "b"));
    golden_out_numbers(c, "", 2, (double[]){(double)b.count, (double)b.last});
}

static void iterations_of_kinds(golden_case *c)
{
    double m = golden_number(c, "m");
    golden_out_numbers(c, "", 3,
                       (double[]){(double)batches_of(m, m).count, (double)batches_of(m, 1).count,
                                  (double)batches_of(m, LISTING_15_BATCH).count});
}

/* Two shuffles from the same seed, which the listing sets anew each time. */
static void same_shuffle(golden_case *c)
{
    enum { EXAMPLES = 1000 };
    uint32_t order[2][EXAMPLES];
    for (int call = 0; call < 2; call++)
        nn_shuffle(order[call], EXAMPLES, (uint64_t)LISTING_15_SEED, 0);
    golden_out_number(c, "", memcmp(order[0], order[1], sizeof order[0]) == 0);
}

/* d/dw of the mean of (w . x - y)^2 / 2 over examples [first, first + count), to `gradient`. */
static void linear_gradient(golden_case *c, int64_t first, int64_t count, double *gradient)
{
    golden_array x = golden_transposed(c, golden_in(c, "X")), y = golden_in(c, "Y");
    golden_array w = golden_in(c, "w"), rows = golden_new(c, nn_shape2(count, w.count));
    golden_array targets = golden_new(c, nn_shape2(count, 1));
    memcpy(rows.data, x.data + first * w.count, (size_t)rows.count * sizeof *rows.data);
    memcpy(targets.data, y.data + first, (size_t)count * sizeof *targets.data);
    golden_net *net = golden_net_new(c, count);
    nn_graph *g = golden_graph(net);
    nn_node *weights = golden_weight(net, "w", w, nn_shape2(1, w.count));
    nn_node *z = nn_linear(g, golden_batch(net, "X", rows), weights, NULL);
    nn_node *off = nn_sub(g, z, golden_constant(net, "Y", targets));
    golden_run(net, nn_mean(g, nn_affine(g, nn_mul(g, off, off), 0.5, 0)));
    memcpy(gradient, golden_gradient(net, "w").data, (size_t)w.count * sizeof *gradient);
}

static void batch_gradients(golden_case *c)
{
    enum { BATCH = 2 };
    int64_t m = golden_in(c, "Y").count, n = golden_in(c, "w").count;
    int64_t count = batches_of((double)m, BATCH).count;
    golden_array each = golden_new(c, nn_shape2(count, n)), full = golden_new(c, nn_shape1(n));
    golden_array weighted = golden_new(c, nn_shape1(n)), plain = golden_new(c, nn_shape1(n));
    linear_gradient(c, 0, m, full.data);
    for (int64_t i = 0; i < count; i++) {
        int64_t size = m - BATCH * i < BATCH ? m - BATCH * i : BATCH;
        linear_gradient(c, BATCH * i, size, each.data + i * n);
        for (int64_t k = 0; k < n; k++) {
            weighted.data[k] += each.data[i * n + k] * (double)size / (double)m;
            plain.data[k] += each.data[i * n + k] / (double)count;
        }
    }
    golden_out(c, "batch_grads", each);
    golden_out(c, "full_grad", full);
    golden_out(c, "weighted_mean", weighted);
    golden_out(c, "plain_mean", plain);
}

/* --- chapter 17: averages -----------------------------------------------------------------------
 */

/* The weights 1, beta, beta^2 ... of an average add up to as many steps. */
static double window_of(double beta)
{
    return 1 / (1 - beta);
}

static void window(golden_case *c)
{
    golden_out_number(c, "", window_of(MOMENTUM_BETA));
}

static void long_window(golden_case *c)
{
    golden_out_number(c, "", window_of(LONG_MOMENTUM_BETA));
}

/* What a value still weighs after the window, against the newest one. */
static void weight_after_window(golden_case *c)
{
    golden_out_numbers(c, "", 2,
                       (double[]){pow(MOMENTUM_BETA, window_of(MOMENTUM_BETA)),
                                  pow(LONG_MOMENTUM_BETA, window_of(LONG_MOMENTUM_BETA))});
}

/* sqrt(0 + inside) = sqrt(0) + outside */
static void epsilon_outside(golden_case *c)
{
    golden_out_number(c, "", sqrt(LISTING_16_EPSILON));
}

static void averaging_defaults(golden_case *c)
{
    golden_out_numbers(c, "", 3, (double[]){MOMENTUM_BETA, RMSPROP_BETA, LISTING_16_EPSILON});
}

/* So many steps with the gradient 1. */
static golden_outcome follow_ones(golden_case *c, int64_t steps, nn_optimizer_args args)
{
    golden_course way = {golden_new(c, nn_shape1(1)), golden_new(c, nn_shape1(steps)), args};
    for (int64_t i = 0; i < steps; i++)
        way.gradient.data[i] = 1;
    return golden_follow(c, &way);
}

/* The velocity once it no longer changes: after 40 windows a share of e^-40 is missing. */
static double steady_velocity(golden_case *c, bool classic)
{
    nn_optimizer_args args = {
        .kind = NN_MOMENTUM, .lr = 1e-3, .beta1 = golden_number(c, "beta"), .classic = classic};
    int64_t steps = (int64_t)ceil(40 * window_of(args.beta1));
    return follow_ones(c, steps, args).first.data[0];
}

static void momentum_gain(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){steady_velocity(c, false), steady_velocity(c, true)});
}

/* --- chapter 18: Adam ---------------------------------------------------------------------------
 */

/* What an optimiser takes where nothing is said. */
static nn_optimizer_args defaults_of(golden_case *c, nn_optimizer_kind kind)
{
    golden_net *net = golden_net_new(c, 1);
    golden_weight(net, "w", golden_new(c, nn_shape1(1)), nn_shape1(1));
    nn_optimizer_args args = {.kind = kind, .lr = ADAM_RATE};
    nn_error error;
    nn_optimizer *optimizer = nn_optimizer_new(golden_model(net), args, &error);
    if (!optimizer)
        golden_fail(c, "%s", error.text);
    args = nn_optimizer_get(optimizer);
    nn_optimizer_free(optimizer);
    return args;
}

static double first_moment(golden_case *c)
{
    return follow_ones(c, 1, (nn_optimizer_args){.kind = NN_ADAM, .lr = 1}).first.data[0];
}

static void first_average(golden_case *c)
{
    golden_out_number(c, "", first_moment(c));
}

static void first_corrected(golden_case *c)
{
    golden_out_number(c, "", first_moment(c) / (1 - defaults_of(c, NN_ADAM).beta1));
}

static void adam_defaults(golden_case *c)
{
    nn_optimizer_args adam = defaults_of(c, NN_ADAM);
    golden_out_numbers(c, "", 3, (double[]){adam.beta1, adam.beta2, adam.epsilon});
}

static void adam_rates(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){LISTING_17_RATE, ADAM_RATE});
}

/* Steps without correction over those with it, which are 1 where every gradient is. */
static void uncorrected_steps(golden_case *c)
{
    golden_array t = golden_in(c, "t"), ratio = golden_new(c, t.shape);
    for (int64_t i = 0; i < t.count; i++) {
        nn_optimizer_args args = {.kind = NN_ADAM, .lr = 1e-3, .uncorrected = true};
        golden_outcome o = follow_ones(c, (int64_t)t.data[i], args);
        ratio.data[i] = o.first.data[0] / sqrt(o.second.data[0]);
    }
    golden_out(c, "", ratio);
}

static double correction(double beta, double t)
{
    return 1 - pow(beta, t);
}

/* The listing's update of a parameter 0 with gradient 1 at step t. */
static double listing_update(golden_case *c, double t)
{
    nn_optimizer_args adam = defaults_of(c, NN_ADAM);
    double v = (1 - adam.beta1) / correction(adam.beta1, t);
    double s = (1 - adam.beta2) / correction(adam.beta2, t);
    return -LISTING_17_RATE * (v / sqrt(s + adam.epsilon));
}

static void step_zero(golden_case *c)
{
    golden_out_number(c, "", isnan(listing_update(c, 0)) && !isnan(listing_update(c, 1)));
}

static void step_zero_denominator(golden_case *c)
{
    golden_out_number(c, "", correction(defaults_of(c, NN_ADAM).beta1, 0));
}

/* Whether the update lines of listing 17, as printed, close what they open. */
static void listing_compiles(golden_case *c)
{
    static const char *const lines[] = {
        "parameters[\"W\" + str(l)] -= learning_rate * (v_corrected[\"dW\" + str(l)] / "
        "(np.sqrt(s_corrected[\"dW\" + str(l)] + epsilon))",
        "parameters[\"b\" + str(l)] -= learning_rate * (v_corrected[\"db\" + str(l)] / "
        "(np.sqrt(s_corrected[\"db\" + str(l)] + epsilon))",
    };
    bool closed = true;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int open = 0;
        for (const char *p = lines[i]; *p; p++)
            open += (*p == '(') - (*p == ')');
        closed = closed && open == 0;
    }
    golden_out_number(c, "", closed);
}

static void correction_fades(golden_case *c)
{
    golden_out_number(c, "", 1 - correction(defaults_of(c, NN_ADAM).beta2, 1000));
}

/* --- chapter 19: schedules ----------------------------------------------------------------------
 */

/* Epochs in steps so short that a step is a real number of epochs. */
static const uint64_t steps_per_epoch = UINT64_C(1) << 44;

typedef struct {
    nn_schedule_kind kind;
    double factor, every;
} rule;

static double rate_at(rule r, uint64_t step)
{
    nn_schedule s = {
        .kind = r.kind, .factor = r.factor, .every = r.every, .steps_per_epoch = steps_per_epoch};
    return nn_schedule_factor(&s, step);
}

static rule inverse_rule(void)
{
    return (rule){NN_SCHEDULE_INVERSE_TIME, LISTING_18_INVERSE, 0};
}

static rule exponential_rule(void)
{
    return (rule){NN_SCHEDULE_EXPONENTIAL, LISTING_18_EXPONENTIAL, 0};
}

static rule step_rule(void)
{
    return (rule){NN_SCHEDULE_STEP, LISTING_18_DROP, LISTING_18_INTERVAL};
}

/* The epoch of the first step, after the first epoch, at which `holds`. */
static double first_epoch(bool (*holds)(rule r, uint64_t step), rule r)
{
    uint64_t low = steps_per_epoch, high = 1000 * steps_per_epoch;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (holds(r, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return (double)low / (double)steps_per_epoch;
}

static bool halved(rule r, uint64_t step)
{
    return rate_at(r, step) <= 0.5;
}

static bool above_exponential(rule r, uint64_t step)
{
    return rate_at(r, step) >= rate_at(exponential_rule(), step);
}

/* The listing counts epochs from 1 here. */
static void listing_steps(golden_case *c)
{
    golden_array t = golden_in(c, "t"), out = golden_new(c, t.shape);
    for (int64_t i = 0; i < t.count; i++)
        out.data[i] = rate_at(step_rule(), ((uint64_t)t.data[i] + 1) * steps_per_epoch);
    golden_out(c, "", out);
}

static void crossing(golden_case *c)
{
    golden_out_number(c, "", first_epoch(above_exponential, inverse_rule()));
}

static void half_lives(golden_case *c)
{
    golden_out_numbers(c, "", 3,
                       (double[]){first_epoch(halved, inverse_rule()),
                                  first_epoch(halved, exponential_rule()),
                                  first_epoch(halved, step_rule())});
}

static void plateau(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){PLATEAU_FACTOR, PLATEAU_PATIENCE});
}

/* --- chapter 20: search -------------------------------------------------------------------------
 */

static double share_between(double low, double high, double from, double to)
{
    return (to - from) / (high - low);
}

/* The upper decade of the range, and the rest. */
static void linear_shares(golden_case *c)
{
    const double decade = HIGHEST_RATE / 10;
    golden_out_numbers(c, "", 2,
                       (double[]){share_between(LOWEST_RATE, HIGHEST_RATE, decade, HIGHEST_RATE),
                                  share_between(LOWEST_RATE, HIGHEST_RATE, LOWEST_RATE, decade)});
}

/* Of r, uniform between the logarithms, each decade. */
static void logarithmic_shares(golden_case *c)
{
    const double low = round(log10(LOWEST_RATE)), high = round(log10(HIGHEST_RATE));
    double shares[8];
    int count = 0;
    for (double r = low; r < high && count < 8; r++)
        shares[count++] = share_between(low, high, r, r + 1);
    golden_out_numbers(c, "", count, shares);
}

/* The logarithmic scale from 10^least to 10^most at exponents r; `rest`: what is left to 1. */
static void out_scaled(golden_case *c, double least, double most, bool rest)
{
    golden_array r = golden_in(c, "r"), out = golden_new(c, r.shape);
    for (int64_t i = 0; i < r.count; i++) {
        double unit = (r.data[i] - least) / (most - least);
        double value = nn_scale_at(NN_SCALE_LOG, pow(10, least), pow(10, most), unit);
        out.data[i] = rest ? 1 - value : value;
    }
    golden_out(c, "", out);
}

static void rates_of_exponents(golden_case *c)
{
    out_scaled(c, -4, 0, false);
}

static void betas_of_exponents(golden_case *c)
{
    out_scaled(c, -3, -1, true);
}

static void windows(golden_case *c)
{
    golden_out_numbers(
        c, "", 4,
        (double[]){window_of(0.9), window_of(0.9005), window_of(0.999), window_of(0.9995)});
}

static nn_space *space_of(golden_case *c, const char *text)
{
    nn_error error;
    nn_space *space = nn_space_parse(text, &error);
    if (!space)
        golden_fail(c, "%s", error.text);
    return space;
}

/* How many values the first parameter takes in all trials. */
static int distinct(const nn_space *space, nn_sampler_kind kind)
{
    nn_trial_record trials[64] = {{.outcome = NN_TRIAL_FINISHED}};
    nn_sampler sampler = {.kind = kind, .seed = 1, .trials = (int)SEARCH_TRIALS};
    int values = 0;
    for (int i = 0; i < sampler.trials; i++) {
        trials[i].outcome = NN_TRIAL_FINISHED;
        if (nn_sampler_next(space, &sampler, trials, i, i, &trials[i].point, NULL) != NN_OK)
            return -1;
        bool seen = false;
        for (int k = 0; k < i; k++)
            seen = seen || trials[k].point.value[0] == trials[i].point.value[0];
        values += !seen;
    }
    return values;
}

static void grid_and_random(golden_case *c)
{
    nn_space *space = space_of(c, "lr=log(1e-4,1) dropout=uniform(0,1)");
    double values[2] = {distinct(space, NN_SAMPLER_GRID), distinct(space, NN_SAMPLER_RANDOM)};
    nn_space_free(space);
    golden_out_numbers(c, "", 2, values);
}

/* A lock of four wheels as a grid. */
static void lock(golden_case *c)
{
    nn_space *space = space_of(c, "a=choice(0,1,2,3,4,5,6,7,8,9) b=choice(0,1,2,3,4,5,6,7,8,9) "
                                  "c=choice(0,1,2,3,4,5,6,7,8,9) d=choice(0,1,2,3,4,5,6,7,8,9)");
    double points = (double)nn_grid_size(space, 1);
    nn_space_free(space);
    golden_out_number(c, "", points);
}

/* --- chapter 21: batch norm ---------------------------------------------------------------------
 */

static void norm_defaults(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){NORM_MOMENTUM, NORM_EPSILON});
}

static void norm_year(golden_case *c)
{
    golden_out_number(c, "", YEAR_OF_BATCH_NORM);
}

const golden_known golden_optimisation_fact_cases[] = {
    {"ch16-iters", iterations},
    {"ch16-partition", partition},
    {"ch16-partition-exact", partition},
    {"ch16-sgd-iters", iterations_of_kinds},
    {"ch16-same-shuffle", same_shuffle},
    {"ch16-minibatch-grads", batch_gradients},
    {"ch17-window-0.9", window},
    {"ch17-window-0.98", long_window},
    {"ch17-window-meaning", weight_after_window},
    {"ch17-eps-equivalence", epsilon_outside},
    {"ch17-defaults", averaging_defaults},
    {"ch17-momentum-gain", momentum_gain},
    {"ch18-v1", first_average},
    {"ch18-v1-corr", first_corrected},
    {"ch18-defaults", adam_defaults},
    {"ch18-listing-lr", adam_rates},
    {"ch18-uncorrected-late", uncorrected_steps},
    {"ch18-t0-nan", step_zero},
    {"ch18-t0-denominator", step_zero_denominator},
    {"ch18-listing17-syntax", listing_compiles},
    {"ch18-beta-power", correction_fades},
    {"ch19-step-listing", listing_steps},
    {"ch19-crossing", crossing},
    {"ch19-half-life", half_lives},
    {"ch19-plateau-factor", plateau},
    {"ch20-linear-share", linear_shares},
    {"ch20-log-share", logarithmic_shares},
    {"ch20-log-map", rates_of_exponents},
    {"ch20-beta-map", betas_of_exponents},
    {"ch20-beta-window", windows},
    {"ch20-grid-distinct", grid_and_random},
    {"ch20-lock", lock},
    {"ch21-defaults", norm_defaults},
    {"ch21-year", norm_year},
    {"", NULL},
};
