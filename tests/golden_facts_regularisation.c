/* Facts of chapters 11 to 15: splits, bias and variance, penalties, dropout, augmentation. */
#include "engine/elementwise.h"
#include "engine/schedule.h"
#include "engine/shapes.h"
#include "engine/strategy.h"
#include "tests/golden_apply.h"
#include "tests/golden_settings.h"

#include <math.h>

/* --- chapter 11: parts --------------------------------------------------------------------------
 */

static void share_out(golden_case *c, double count, const double *weights, int parts,
                      int64_t *given)
{
    nn_error error;
    if (nn_share_out((int64_t)count, weights, parts, given, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
}

static void out_parts(golden_case *c, double count, const double *weights)
{
    int64_t given[3];
    share_out(c, count, weights, 3, given);
    golden_out_numbers(c, "", 3, (double[]){(double)given[0], (double)given[1], (double)given[2]});
}

static const double large_shares[3] = {98, 1, 1}, small_shares[3] = {60, 20, 20};

static void dev_part(golden_case *c)
{
    int64_t given[3];
    share_out(c, LARGE_DATA, large_shares, 3, given);
    golden_out_number(c, "", (double)given[1]);
}

static void large_split(golden_case *c)
{
    out_parts(c, LARGE_DATA, large_shares);
}

static void small_split(golden_case *c)
{
    out_parts(c, SMALL_DATA, small_shares);
}

/* Examples by class: without and with the label. */
typedef struct {
    double of[2];
} classes;

static double size_of(classes part)
{
    return part.of[0] + part.of[1];
}

/* As scikit-learn's train_test_split with stratify: the second part is rounded up, each part takes
 * the classes in proportion, by largest remainder. False where that one raises ValueError: a class
 * with one example only, or a part smaller than the number of classes. */
static bool stratified(golden_case *c, classes all, double share, classes *first, classes *second)
{
    double size = size_of(all), last = ceil(share * size);
    int kinds = 0;
    for (int k = 0; k < 2; k++) {
        kinds += all.of[k] > 0;
        if (all.of[k] == 1)
            return false;
    }
    if (last < kinds || size - last < kinds)
        return false;
    int64_t given[2];
    share_out(c, size - last, all.of, 2, given);
    classes rest;
    for (int k = 0; k < 2; k++) {
        first->of[k] = (double)given[k];
        rest.of[k] = all.of[k] - first->of[k];
    }
    share_out(c, last, rest.of, 2, given);
    for (int k = 0; k < 2; k++)
        second->of[k] = (double)given[k];
    return true;
}

typedef struct {
    classes train, dev, test;
    bool raises;
} listing_split;

/* Listing 10 on so many examples. */
static listing_split split_of(golden_case *c, double positives)
{
    listing_split s = {.raises = false};
    classes temp = {{0}}, all = {{golden_number(c, "m") - positives, positives}};
    s.raises = !stratified(c, all, HELD_OUT_SHARE, &s.train, &temp) ||
               !stratified(c, temp, TEST_OF_HELD_OUT, &s.dev, &s.test);
    return s;
}

static void listing_sizes(golden_case *c)
{
    listing_split s = split_of(c, golden_number(c, "m") / 10);
    golden_out_numbers(c, "", 3, (double[]){size_of(s.train), size_of(s.dev), size_of(s.test)});
}

static void listing_positives(golden_case *c)
{
    listing_split s = split_of(c, golden_number(c, "pos"));
    golden_out_numbers(c, "", 3, (double[]){s.train.of[1], s.dev.of[1], s.test.of[1]});
}

static void listing_raises(golden_case *c)
{
    golden_out_number(c, "", split_of(c, golden_number(c, "pos")).raises);
}

/* Nobody errs in the table, so the train error is all avoidable. */
static void table_of_gaps(golden_case *c)
{
    golden_array train = golden_in(c, "train"), dev = golden_in(c, "dev");
    golden_array gaps = golden_new(c, nn_shape2(train.count, 2));
    for (int64_t i = 0; i < train.count; i++)
        nn_error_gaps((double[]){0, train.data[i], dev.data[i]}, 3, gaps.data + 2 * i);
    golden_out(c, "", gaps);
}

static nn_node *one_example(golden_net *net, const char *name)
{
    golden_case *c = golden_net_case(net);
    golden_array a = golden_in(c, name);
    nn_shape shape = nn_shape3(1, a.shape.dim[0], a.shape.dim[1]);
    return golden_batch(net, name, golden_like(c, shape, a));
}

static void train_statistics(golden_case *c)
{
    const int rows[] = {0};
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *train = one_example(net, "train"), *mean = nn_reduce_mean(g, train, rows, 1, false);
    nn_node *away = nn_sub(g, train, mean);
    nn_node *std = nn_sqrt(g, nn_reduce_mean(g, nn_mul(g, away, away), rows, 1, false));
    nn_node *dev = nn_sub(g, one_example(net, "dev"), mean);
    dev = nn_div(g, dev, nn_affine(g, std, 1, LISTING_10_EPSILON));
    golden_watch(net, mean);
    golden_watch(net, std);
    golden_watch(net, dev);
    golden_run(net, golden_sum(net, dev, NULL));
    golden_out(c, "mean", golden_value(net, mean));
    golden_out(c, "std", golden_value(net, std));
    golden_out(c, "dev_norm", golden_value(net, dev));
}

/* --- chapter 12: bias and variance --------------------------------------------------------------
 */

/* Errors as listing 11 has them: 1 - accuracy, of human, train and dev. */
static void errors_of(golden_case *c, double errors[3])
{
    errors[0] = 1 - golden_number(c, "human_acc");
    errors[1] = 1 - golden_number(c, "train_acc");
    errors[2] = 1 - golden_number(c, "dev_acc");
}

static double threshold_of(golden_case *c, const char *name)
{
    return golden_has(c, name) ? golden_number(c, name) : GAP_THRESHOLD;
}

static void error_percentages(golden_case *c)
{
    double errors[3];
    errors_of(c, errors);
    golden_out_numbers(c, "", 3, (double[]){100 * errors[0], 100 * errors[1], 100 * errors[2]});
}

static void listing_diagnosis(golden_case *c)
{
    double errors[3];
    errors_of(c, errors);
    golden_out_number(c, "", nn_first_gap(errors, 3, threshold_of(c, "threshold")));
}

static void both_gaps(golden_case *c)
{
    const double errors[3] = {golden_number(c, "human_err"), golden_number(c, "train_err"),
                              golden_number(c, "dev_err")};
    golden_out_number(c, "", nn_wide_gaps(errors, 3, threshold_of(c, "threshold")));
}

/* Two accuracies that are exactly the threshold apart, but for the digits of double. */
static void gap_at_threshold(golden_case *c)
{
    double gap;
    nn_error_gaps((double[]){1 - 0.99, 1 - 0.97}, 2, &gap);
    golden_out_number(c, "", gap);
}

static void avoidable_bias(golden_case *c)
{
    double gap;
    nn_error_gaps((double[]){golden_number(c, "human"), golden_number(c, "train")}, 2, &gap);
    golden_out_number(c, "", gap);
}

static void grid(golden_case *c)
{
    golden_array rows = golden_in(c, "rows");
    int64_t count = rows.shape.dim[0];
    golden_array first = golden_new(c, nn_shape1(count)), all = golden_new(c, nn_shape1(count));
    double threshold = golden_number(c, "thr");
    for (int64_t i = 0; i < count; i++) {
        first.data[i] = nn_first_gap(rows.data + 3 * i, 3, threshold);
        all.data[i] = nn_wide_gaps(rows.data + 3 * i, 3, threshold);
    }
    golden_out(c, "listing_code", first);
    golden_out(c, "bit_code", all);
}

/* --- chapter 13: penalties ----------------------------------------------------------------------
 */

/* sum dW . W + factor sum W^2; dW NULL: without the first. Gives its value, and its gradient where
 * `gradient` is not NULL. */
static double penalised(golden_case *c, const golden_array *upstream, double factor,
                        golden_array *gradient)
{
    golden_array w = golden_in(c, "W");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = golden_batch(net, "W", golden_like(c, nn_shape2(1, w.count), w));
    nn_node *root = nn_affine(g, golden_sum(net, nn_mul(g, x, x), NULL), factor, 0);
    if (upstream)
        root = nn_add(g, golden_sum(net, x, upstream), root);
    double value = golden_run(net, root);
    if (gradient)
        *gradient = golden_like(c, w.shape, golden_gradient(net, "W"));
    return value;
}

static double decay_of(golden_case *c)
{
    return golden_number(c, "lam") / golden_number(c, "m");
}

static void regularised_gradient(golden_case *c)
{
    golden_array upstream = golden_in(c, "dW"), gradient;
    penalised(c, &upstream, decay_of(c) / 2, &gradient);
    golden_out(c, "", gradient);
}

static void squared_norm(golden_case *c)
{
    golden_out_number(c, "", penalised(c, NULL, 1, NULL));
}

static void l2_cost(golden_case *c)
{
    golden_out_number(c, "", penalised(c, NULL, decay_of(c) / 2, NULL));
}

/* Descent on the penalty alone. */
static void decay_after(golden_case *c, int steps)
{
    golden_out_number(c, "",
                      golden_descend(c, decay_of(c), golden_number(c, "alpha"), 1, steps, NULL));
}

static void decay_factor(golden_case *c)
{
    decay_after(c, 1);
}

static void decay_in_the_long_run(golden_case *c)
{
    decay_after(c, 1000);
}

/* --- chapter 14: dropout ------------------------------------------------------------------------
 */

/* What a 1 becomes that is not dropped. */
static double kept_one(golden_case *c, double keep)
{
    enum { PLACES = 256 };
    golden_array ones = golden_new(c, nn_shape2(1, PLACES));
    for (int i = 0; i < PLACES; i++)
        ones.data[i] = 1;
    golden_net *net = golden_net_new(c, 1);
    nn_node *y = nn_dropout(golden_graph(net), golden_batch(net, "x", ones), 1 - keep);
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, NULL));
    golden_array left = golden_value(net, y);
    double most = 0;
    for (int i = 0; i < PLACES; i++)
        most = fmax(most, left.data[i]);
    return most;
}

static void scaled_activation(golden_case *c)
{
    golden_out_number(c, "", LISTING_13_ACTIVATION * kept_one(c, LISTING_13_KEEP));
}

static void kept_half(golden_case *c)
{
    golden_out_number(c, "", kept_one(c, 0.5));
}

static void drop_rate(golden_case *c)
{
    golden_out_number(c, "", 1 - LISTING_13_KEEP);
}

/* The listing keeps what its uniform number leaves below `keep`. */
static golden_array mask_of(golden_case *c)
{
    golden_array u = golden_in(c, "u"), mask = golden_new(c, u.shape);
    for (int64_t i = 0; i < u.count; i++)
        mask.data[i] = u.data[i] < golden_number(c, "keep");
    return mask;
}

static void listing_mask(golden_case *c)
{
    golden_out(c, "", mask_of(c));
}

static void listing_output(golden_case *c)
{
    double kept = golden_number(c, "A") * kept_one(c, golden_number(c, "keep"));
    golden_array out = mask_of(c);
    for (int64_t i = 0; i < out.count; i++)
        out.data[i] *= kept;
    golden_out(c, "", out);
}

/* An activation becomes 0 or larger. */
static void mean_and_variance(golden_case *c)
{
    double keep = golden_number(c, "keep"), kept = golden_number(c, "A") * kept_one(c, keep);
    double mean = keep * kept;
    double variance = keep * (kept - mean) * (kept - mean) + (1 - keep) * mean * mean;
    golden_out_numbers(c, "", 2, (double[]){mean, variance});
}

/* --- chapter 15: augmentation, early stopping ---------------------------------------------------
 */

static void stored_augmentation(golden_case *c)
{
    golden_out_number(c, "", DATA_TERABYTES * AUGMENTED_COPIES);
}

/* Rows at which a crop may begin, and the numbers that randint(0, h - c) draws: up to, not
 * including, its second argument. */
typedef struct {
    int valid, drawn;
} offsets;

static offsets offsets_of(golden_case *c)
{
    int height = (int)golden_number(c, "h"), crop = (int)golden_number(c, "c");
    offsets o = {0, 0};
    for (int top = 0; top + crop <= height; top++) {
        o.valid++;
        o.drawn += top < height - crop;
    }
    return o;
}

static void crop_offsets(golden_case *c)
{
    offsets o = offsets_of(c);
    golden_out_numbers(c, "", 2, (double[]){o.valid, o.drawn});
}

static void crop_raises(golden_case *c)
{
    golden_out_number(c, "", offsets_of(c).drawn == 0);
}

static void stopping_defaults(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){STOPPING_PATIENCE, STOPPING_DELTA});
}

static void flip_and_crop(golden_case *c)
{
    enum { SIDE = 2 };
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *x = one_example(net, "X");
    nn_node *flip = nn_slice(g, x, (const int64_t[]){-1}, (const int64_t[]){INT64_MIN},
                             (const int[]){1}, (const int64_t[]){-1}, 1);
    nn_node *rows = nn_slice_axis(g, x, 0, (int64_t)golden_number(c, "top"), SIDE);
    nn_node *crop = nn_slice_axis(g, rows, 1, (int64_t)golden_number(c, "left"), SIDE);
    golden_watch(net, flip);
    golden_watch(net, crop);
    golden_run(net, nn_add(g, golden_sum(net, flip, NULL), golden_sum(net, crop, NULL)));
    golden_out(c, "flip", golden_value(net, flip));
    golden_out(c, "crop", golden_value(net, crop));
}

static void early_stopping(golden_case *c)
{
    golden_array losses = golden_in(c, "losses"), counters = golden_new(c, losses.shape);
    double patience = golden_number(c, "patience"), delta = golden_number(c, "min_delta");
    nn_watch watch = nn_watch_new();
    int64_t epochs = 0, stop = -1, best = -1;
    while (epochs < losses.count && stop < 0) {
        if (nn_watch_look(&watch, losses.data[epochs], delta))
            best = epochs;
        counters.data[epochs] = watch.waited;
        stop = watch.waited >= patience ? epochs : -1;
        epochs++;
    }
    golden_out_numbers(c, "counters", (int)epochs, counters.data);
    golden_out_number(c, "stop_index", (double)stop);
    golden_out_number(c, "best_index", (double)best);
    golden_out_number(c, "best_loss", watch.best);
}

const golden_known golden_regularisation_fact_cases[] = {
    {"ch11-one-percent", dev_part},
    {"ch11-split-98", large_split},
    {"ch11-split-60", small_split},
    {"ch11-listing-sizes", listing_sizes},
    {"ch11-listing-positives", listing_positives},
    {"ch11-listing-rare-class", listing_raises},
    {"ch11-gaps", table_of_gaps},
    {"ch11-train-stats", train_statistics},
    {"ch12-demo-errors", error_percentages},
    {"ch12-demo-diagnosis", listing_diagnosis},
    {"ch12-both-row", listing_diagnosis},
    {"ch12-both-row-correct", both_gaps},
    {"ch12-float-boundary", gap_at_threshold},
    {"ch12-avoidable-15-15", avoidable_bias},
    {"ch12-diagnose-grid", grid},
    {"ch13-listing-dW", regularised_gradient},
    {"ch13-frobenius-sq", squared_norm},
    {"ch13-l2-cost", l2_cost},
    {"ch13-decay-factor", decay_factor},
    {"ch13-decay-1000-steps", decay_in_the_long_run},
    {"ch14-scaled", scaled_activation},
    {"ch14-listing-mask", listing_mask},
    {"ch14-listing-train-out", listing_output},
    {"ch14-expectation", mean_and_variance},
    {"ch14-half", kept_half},
    {"ch14-keep-vs-rate", drop_rate},
    {"ch15-augment-size", stored_augmentation},
    {"ch15-crop-offsets", crop_offsets},
    {"ch15-crop-equal", crop_raises},
    {"ch15-patience-default", stopping_defaults},
    {"ch15-flip-crop", flip_and_crop},
    {"ch15-early-stopping", early_stopping},
    {"", NULL},
};
