#include "ui/panels/verdict.h"

#include <math.h>
#include <stdio.h>

/* Normal approximation of the binomial; good enough where it matters, at hundreds of examples. */
static double variance_of(double error, int64_t count)
{
    return count > 0 && error >= 0 && error <= 1 ? error * (1 - error) / (double)count : 0;
}

double verdict_noise(double error, int64_t count)
{
    return 1.96 * sqrt(variance_of(error, count));
}

static error_gap gap_of(double from, int64_t from_count, double to, int64_t to_count)
{
    return (error_gap){to - from,
                       1.96 * sqrt(variance_of(from, from_count) + variance_of(to, to_count))};
}

/* What is left of a gap when noise is taken away; 0 for unknown and negative ones. */
static double certain(error_gap gap)
{
    double left = gap.size - gap.noise;
    return left > 0 ? left : 0;
}

static void measure(const error_ladder *e, verdict *v)
{
    bool has_train_dev = !isnan(e->train_dev);
    double near = has_train_dev ? e->train_dev : e->dev;
    int64_t near_count = has_train_dev ? e->train_dev_count : e->dev_count;
    /* Without a human level the train error itself is the most that can be avoidable. */
    v->bias = gap_of(isnan(e->human) ? 0 : e->human, 0, e->train, e->train_count);
    v->variance = gap_of(e->train, e->train_count, near, near_count);
    v->mismatch = gap_of(e->train_dev, e->train_dev_count, e->dev, e->dev_count);
    v->overfit = gap_of(e->dev, e->dev_count, e->test, e->test_count);
}

static verdict_kind choose(const error_ladder *e, const verdict *v, verdict_kind before)
{
    if (isnan(e->train) || isnan(e->dev))
        return VERDICT_WAIT;
    double guessing = e->classes > 1 ? 1 - 1.0 / e->classes : 1;
    /* To leave "not learning" it must be clearly better than it had to be to get there. */
    if (e->train > guessing * (before == VERDICT_NOT_LEARNING ? 0.85 : 0.9))
        return VERDICT_NOT_LEARNING;
    const double scores[VERDICT_COUNT] = {
        /* Without a human level it is not known how much of the bias can be avoided. */
        [VERDICT_BIAS] = certain(v->bias) * (isnan(e->human) ? 0.5 : 1),
        [VERDICT_VARIANCE] = certain(v->variance),
        [VERDICT_MISMATCH] = certain(v->mismatch),
        [VERDICT_DEV_OVERFIT] = certain(v->overfit),
    };
    const verdict_kind first = VERDICT_BIAS, last = VERDICT_DEV_OVERFIT;
    verdict_kind best = first;
    for (int kind = (int)first; kind <= (int)last; kind++)
        if (scores[kind] > scores[best])
            best = (verdict_kind)kind;
    double enough = before == VERDICT_GOOD ? 0.006 : 0.004; /* about half a point */
    if (scores[best] < enough)
        return VERDICT_GOOD;
    bool held = before >= first && before <= last && scores[before] >= 0.75 * scores[best] &&
                scores[before] >= enough;
    return held ? before : best;
}

static void say_bias(const error_ladder *e, verdict *v)
{
    v->chapter = 12;
    if (isnan(e->human)) {
        snprintf(v->what, sizeof v->what, "Mostly bias, if people do much better");
        snprintf(v->why, sizeof v->why,
                 "Train error is %.1f %%. How much of it is avoidable depends on the human level, "
                 "which is not set (:human 1.0).",
                 e->train * 100);
    } else {
        snprintf(v->what, sizeof v->what, "Avoidable bias");
        snprintf(v->why, sizeof v->why,
                 "Train error %.1f %% is %.1f points above the human level of %.1f %%.",
                 e->train * 100, v->bias.size * 100, e->human * 100);
    }
    snprintf(v->advice, sizeof v->advice,
             "Train longer, a larger model, another optimizer or rate; less L2 or dropout.");
}

static void say_variance(const error_ladder *e, verdict *v)
{
    v->chapter = 13;
    snprintf(v->what, sizeof v->what, "Variance: it overfits the train part");
    snprintf(v->why, sizeof v->why,
             "%s error %.1f %% is %.1f points (+-%.1f) above train, %.1f %%.",
             isnan(e->train_dev) ? "Dev" : "Train-dev",
             (isnan(e->train_dev) ? e->dev : e->train_dev) * 100, v->variance.size * 100,
             v->variance.noise * 100, e->train * 100);
    snprintf(v->advice, sizeof v->advice,
             "More data, L2 (l), dropout (d), a smaller model, or stop earlier.");
}

static void say(const error_ladder *e, verdict *v)
{
    switch (v->kind) {
    case VERDICT_BIAS:
        say_bias(e, v);
        break;
    case VERDICT_VARIANCE:
        say_variance(e, v);
        break;
    case VERDICT_MISMATCH:
        v->chapter = 26;
        snprintf(v->what, sizeof v->what, "Data mismatch: dev is of another kind than train");
        snprintf(v->why, sizeof v->why,
                 "Dev error %.1f %% is %.1f points (+-%.1f) above train-dev, %.1f %%.",
                 e->dev * 100, v->mismatch.size * 100, v->mismatch.noise * 100, e->train_dev * 100);
        snprintf(v->advice, sizeof v->advice,
                 "Look at dev mistakes; bring data like them into train.");
        break;
    case VERDICT_DEV_OVERFIT:
        v->chapter = 11;
        snprintf(v->what, sizeof v->what, "The dev part was used up by tuning");
        snprintf(v->why, sizeof v->why,
                 "Test error %.1f %% is %.1f points (+-%.1f) above dev, %.1f %%.", e->test * 100,
                 v->overfit.size * 100, v->overfit.noise * 100, e->dev * 100);
        snprintf(v->advice, sizeof v->advice, "A larger or a fresh dev part.");
        break;
    case VERDICT_NOT_LEARNING:
        v->chapter = 20;
        snprintf(v->what, sizeof v->what, "It does not learn");
        snprintf(v->why, sizeof v->why,
                 "Train error %.1f %% is about what guessing among %d classes gives.",
                 e->train * 100, e->classes);
        snprintf(v->advice, sizeof v->advice,
                 "A rate 10 times smaller or larger; check the labels.");
        break;
    case VERDICT_GOOD:
        v->chapter = 12;
        snprintf(v->what, sizeof v->what, "No gap beyond what sampling explains");
        snprintf(v->why, sizeof v->why, "Train %.1f %%, dev %.1f %% (+-%.1f from its size).",
                 e->train * 100, e->dev * 100, verdict_noise(e->dev, e->dev_count) * 100);
        snprintf(v->advice, sizeof v->advice,
                 "Set the human level (:human) to see whether more is possible.");
        if (!isnan(e->human))
            snprintf(v->advice, sizeof v->advice, "Nothing needs to change.");
        break;
    case VERDICT_WAIT:
    case VERDICT_COUNT:
        snprintf(v->what, sizeof v->what, "Nothing to judge yet");
        snprintf(v->why, sizeof v->why,
                 "Train and dev errors are compared at the end of every epoch.");
        break;
    }
}

verdict verdict_of(const error_ladder *errors, verdict_kind before)
{
    verdict v = {.kind = VERDICT_WAIT};
    measure(errors, &v);
    v.kind = choose(errors, &v, before);
    say(errors, &v);
    return v;
}

/* --- of a run -----------------------------------------------------------------------------------
 */

static double last_of(const curve *points)
{
    double x, y;
    return curve_last(points, &x, &y) ? y : NAN;
}

/* The value of an epoch, or NaN. */
static double epoch_of(const curve *points, const run_view *run, int epoch)
{
    double x = (double)epoch * (double)run->row.steps_per_epoch, found, y;
    curve_point(points, curve_at(points, x), &found, &y);
    return found == x ? y : NAN;
}

bool verdict_of_best(const run_view *run)
{
    bool tested = run->test.count > 0 || !isnan(run->row.test_error);
    return tested && run->row.best_epoch > 0 &&
           !isnan(epoch_of(run->dev_error, run, run->row.best_epoch));
}

error_ladder verdict_ladder(const run_view *run)
{
    const store_evaluation *dev =
        run->evaluation_count > 0 ? &run->evaluations[run->evaluation_count - 1] : NULL;
    /* The test part is measured with the best weights; the others must be of the same ones. */
    bool best = verdict_of_best(run);
    int epoch = run->row.best_epoch;
    return (error_ladder){
        .human = run->human_error,
        .train = best ? epoch_of(run->train_error, run, epoch) : last_of(run->train_error),
        .train_dev = run->train_dev_error,
        .dev = best ? epoch_of(run->dev_error, run, epoch) : last_of(run->dev_error),
        .test = run->test.count > 0 ? run->test.error : run->row.test_error,
        .train_count = run->train_count,
        .train_dev_count = run->train_dev_count,
        .dev_count = dev ? dev->count : 0,
        .test_count = run->test.count,
        .classes = run->row.classes,
    };
}

verdict verdict_of_run(const run_view *run)
{
    error_ladder now = verdict_ladder(run), then = now;
    then.test = then.train_dev = NAN; /* measured at the end only */
    verdict_kind kind = VERDICT_WAIT;
    int64_t epochs = curve_count(run->train_error);
    for (int64_t i = epochs > 64 ? epochs - 64 : 0; i < epochs; i++) {
        double x;
        curve_point(run->train_error, i, &x, &then.train);
        int64_t at = curve_at(run->dev_error, x);
        curve_point(run->dev_error, at, &x, &then.dev);
        kind = verdict_of(&then, kind).kind;
    }
    return verdict_of(&now, kind);
}
