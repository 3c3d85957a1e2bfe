/* Facts of chapters 22 to 26: what errors say and what to work on. */
#include "engine/metrics.h"
#include "engine/search/limits.h"
#include "engine/strategy.h"
#include "engine/text/vectors.h"
#include "tests/golden_case.h"
#include "tests/golden_settings.h"

#include <math.h>

/* --- chapters 22 and 23 -------------------------------------------------------------------------
 */

static const char *const ladder[4] = {"human", "train", "dev", "test"};

static void ladder_of(golden_case *c, double errors[4])
{
    for (int i = 0; i < 4; i++)
        errors[i] = golden_number(c, ladder[i]);
}

static void ladder_gaps(golden_case *c)
{
    double errors[4], gaps[3];
    ladder_of(c, errors);
    nn_error_gaps(errors, 4, gaps);
    golden_out_numbers(c, "", 3, gaps);
}

static void failing_stage(golden_case *c)
{
    double errors[4];
    ladder_of(c, errors);
    golden_out_number(c, "", nn_first_gap(errors, 4, golden_number(c, "threshold")));
}

static void failing_stages(golden_case *c)
{
    golden_array rows = golden_in(c, "rows"), code = golden_new(c, nn_shape1(rows.shape.dim[0]));
    for (int64_t i = 0; i < code.count; i++)
        code.data[i] = nn_first_gap(rows.data + 4 * i, 4, golden_number(c, "thr"));
    golden_out(c, "code", code);
}

/* Two directions that share nothing. */
static void right_angle(golden_case *c)
{
    const nn_real one[2] = {1, 0}, other[2] = {0, 1};
    golden_out_number(c, "", acos(nn_inner_product(one, other, 2)) * 180 / acos(-1));
}

static void majority(golden_case *c)
{
    nn_outcomes nobody_is_ill = {.true_negative = (int64_t)COMMON_SHARE,
                                 .false_negative = (int64_t)RARE_SHARE};
    golden_out_number(c, "", nn_accuracy(nobody_is_ill));
}

/* --- chapter 24 ---------------------------------------------------------------------------------
 */

/* The listing's "lt" lets its bound pass, as NN_AT_MOST does. */
static void within_limit(golden_case *c)
{
    nn_limit limit = {"latency", NN_AT_MOST, golden_number(c, "thresh")};
    golden_array latency = golden_in(c, "lat"), kept = golden_new(c, latency.shape);
    for (int64_t i = 0; i < latency.count; i++)
        kept.data[i] = nn_limit_kept(&limit, latency.data[i]);
    golden_out(c, "", kept);
}

/* One metric is optimised, the others need only be good enough. */
static void kinds_of_metrics(golden_case *c)
{
    const int optimised = 1;
    golden_out_numbers(c, "", 2, (double[]){optimised, golden_number(c, "N") - optimised});
}

/* --- chapter 25: ceilings, in percentage points -------------------------------------------------
 */

static void ceilings(golden_case *c)
{
    golden_array shares = golden_in(c, "share"), points = golden_new(c, shares.shape);
    for (int64_t i = 0; i < shares.count; i++)
        points.data[i] = 100 * nn_ceiling(shares.data[i], 1, golden_number(c, "err"), 100);
    golden_out(c, "", points);
}

/* The listing divides by all examples, as if every error had been looked at. */
static double listing_ceiling(double count, double total)
{
    return 100 * nn_ceiling(count, total, total, total);
}

static double ceiling_of(golden_case *c, double count)
{
    return 100 * nn_ceiling(count, golden_number(c, "tagged"), golden_number(c, "errors"),
                            golden_number(c, "total"));
}

static void sampled_ceilings(golden_case *c)
{
    golden_array counts = golden_in(c, "counts");
    golden_array right = golden_new(c, counts.shape), listing = golden_new(c, counts.shape);
    for (int64_t i = 0; i < counts.count; i++) {
        right.data[i] = ceiling_of(c, counts.data[i]);
        listing.data[i] = listing_ceiling(counts.data[i], golden_number(c, "total"));
    }
    golden_out(c, "right", right);
    golden_out(c, "listing", listing);
}

static void listing_ceilings(golden_case *c)
{
    golden_array counts = golden_in(c, "counts"), points = golden_new(c, counts.shape);
    for (int64_t i = 0; i < counts.count; i++)
        points.data[i] = listing_ceiling(counts.data[i], golden_number(c, "total"));
    golden_out(c, "", points);
}

static void sampled_wrong(golden_case *c)
{
    golden_out_number(c, "", listing_ceiling(golden_number(c, "count"), golden_number(c, "total")));
}

static void sampled_right(golden_case *c)
{
    golden_out_number(c, "", ceiling_of(c, golden_number(c, "count")));
}

/* The four errors of listing 24: blurry, noise, both, noise. */
static void shares_with_several_tags(golden_case *c)
{
    enum { BLURRY = 1, NOISE = 2, ERRORS = 4, KINDS = 2 };
    const uint32_t tags[ERRORS] = {BLURRY, NOISE, BLURRY | NOISE, NOISE};
    int64_t counts[KINDS];
    nn_count_tags(tags, ERRORS, KINDS, counts);
    double sum = 0;
    for (int k = 0; k < KINDS; k++)
        sum += (double)counts[k] / ERRORS;
    golden_out_number(c, "", sum);
}

/* --- chapter 26: another distribution -----------------------------------------------------------
 */

static void share_of_web(golden_case *c)
{
    golden_out_number(c, "", WEB_IMAGES / (WEB_IMAGES + MOBILE_IMAGES));
}

static void out_sizes(golden_case *c, int count, const int64_t *sizes)
{
    double out[4];
    for (int i = 0; i < count; i++)
        out[i] = (double)sizes[i];
    golden_out_numbers(c, "", count, out);
}

static void share_out(golden_case *c, double count, double second, int64_t given[2])
{
    nn_error error;
    if (nn_share_out((int64_t)count, (double[]){1 - second, second}, 2, given, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
}

static void dev_and_test(golden_case *c)
{
    int64_t sizes[2];
    share_out(c, MOBILE_IMAGES, 0.5, sizes);
    out_sizes(c, 2, sizes);
}

static void listing_parts(golden_case *c)
{
    int64_t sizes[4];
    share_out(c, LISTING_25_WEB, LISTING_25_TRAIN_DEV, sizes);
    share_out(c, LISTING_25_MOBILE, LISTING_25_TEST, sizes + 2);
    out_sizes(c, 4, sizes);
}

/* Between train, train-dev and dev. */
static void gaps_of_case(golden_case *c, double gaps[2])
{
    const double errors[3] = {golden_number(c, "train"), golden_number(c, "td"),
                              golden_number(c, "dev")};
    nn_error_gaps(errors, 3, gaps);
}

static void two_gaps(golden_case *c)
{
    double gaps[2];
    gaps_of_case(c, gaps);
    golden_out_numbers(c, "", 2, gaps);
}

/* Listing 25 compares the gaps with each other alone. */
static int listing_verdict(const double gaps[2])
{
    enum { VARIANCE = 2, MISMATCH = 3 };
    return gaps[0] > gaps[1] ? VARIANCE : MISMATCH;
}

static void verdict_without_gap(golden_case *c)
{
    double gaps[2];
    gaps_of_case(c, gaps);
    golden_out_number(c, "", listing_verdict(gaps));
}

static void mismatch_grid(golden_case *c)
{
    golden_array rows = golden_in(c, "rows");
    int64_t count = rows.shape.dim[0];
    golden_array gaps = golden_new(c, nn_shape2(count, 2));
    golden_array listing = golden_new(c, nn_shape1(count));
    golden_array thresholded = golden_new(c, nn_shape1(count));
    for (int64_t i = 0; i < count; i++) {
        const double *errors = rows.data + 3 * i;
        nn_error_gaps(errors, 3, gaps.data + 2 * i);
        listing.data[i] = listing_verdict(gaps.data + 2 * i);
        /* Bit 0 is left to the avoidable bias, which nobody knows here. */
        thresholded.data[i] = nn_wide_gaps(errors, 3, GAP_THRESHOLD) << 1;
    }
    golden_out(c, "gaps", gaps);
    golden_out(c, "listing", listing);
    golden_out(c, "thresholded", thresholded);
}

const golden_known golden_strategy_fact_cases[] = {
    {"ch22-demo-gaps", ladder_gaps},
    {"ch22-demo-code", failing_stage},
    {"ch22-orthogonal", right_angle},
    {"ch22-strategist-grid", failing_stages},
    {"ch23-majority-acc", majority},
    {"ch24-feasible", within_limit},
    {"ch24-boundary", within_limit},
    {"ch24-n-metrics", kinds_of_metrics},
    {"ch25-ceiling", ceilings},
    {"ch25-listing-partial", listing_ceilings},
    {"ch25-sampled-wrong", sampled_wrong},
    {"ch25-sampled-right", sampled_right},
    {"ch25-multitag-sum", shares_with_several_tags},
    {"ch25-ceiling-sampled", sampled_ceilings},
    {"ch26-web-share", share_of_web},
    {"ch26-caseA", two_gaps},
    {"ch26-caseB", two_gaps},
    {"ch26-sizes", listing_parts},
    {"ch26-no-problem-bug", verdict_without_gap},
    {"ch26-mismatch-grid", mismatch_grid},
    {"ch26-dev-test", dev_and_test},
    {"", NULL},
};
