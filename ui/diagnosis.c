#include "ui/diagnosis.h"

#include "engine/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Gaps below this are no news, however well they are measured: as the verdict has it. */
static const double enough = 0.004;

const char *link_state_name(link_state state)
{
    static const char *const names[] = {"unknown", "noise", "small", "real"};
    return names[state];
}

const char *diagnosis_rule(void)
{
    return "Errors are shares of wrong answers; intervals are Wilson's at 95 %. A gap is the "
           "difference of two neighbours on the way human, train, train-dev, dev, test (without "
           "train-dev the step from train to dev is called variance). Its noise is 1.96 "
           "sqrt(p(1-p)/n + q(1-q)/m). A gap is real where size - noise is at least 0.4 points, "
           "small where it is above noise but less, and noise otherwise. Without a human level the "
           "whole train error counts as bias, at half its weight in the verdict. The verdict is "
           "the largest real gap; once given it holds while it keeps three quarters of the "
           "largest, and 'no gap' holds up to 0.6 points, so that words do not flicker. What to do "
           "first follows the chain (chapter 22): the first real gap from the left, and tools that "
           "move one gap alone before those that move several.";
}

static diagnosis_rung make_rung(const char *name, double error, int64_t count)
{
    diagnosis_rung rung = {name, error, NAN, NAN, count};
    if (count > 0 && !isnan(error)) {
        nn_interval range = nn_wilson(llround(error * (double)count), count, 1.96);
        rung.low = range.low;
        rung.high = range.high;
    }
    return rung;
}

static link_state state_of(error_gap gap)
{
    if (isnan(gap.size) || isnan(gap.noise))
        return LINK_UNKNOWN;
    if (gap.size - gap.noise >= enough)
        return LINK_REAL;
    return gap.size > gap.noise && gap.size > 0 ? LINK_SMALL : LINK_NOISE;
}

static diagnosis_link make_link(int which, error_gap gap)
{
    static const diagnosis_link links[DIAGNOSIS_LINKS] = {
        {.name = "avoidable bias",
         .tools = {"a larger network", "train longer, or a better optimizer or rate",
                   "another architecture", "less L2 or dropout (these move variance too)"},
         .chapter = 12},
        {.name = "variance",
         .tools = {"more data, or augmentation", "L2 or dropout", "another architecture",
                   "stop earlier (this moves bias too)"},
         .chapter = 13},
        {.name = "mismatch",
         .tools = {"look at what dev has and train has not", "bring data like dev's into train",
                   "synthesise such data"},
         .chapter = 26},
        {.name = "overfitting to dev", .tools = {"a larger or a fresh dev part"}, .chapter = 22},
    };
    diagnosis_link link = links[which];
    link.size = gap.size;
    link.noise = gap.noise;
    link.state = state_of(gap);
    return link;
}

diagnosis diagnose(const run_view *view)
{
    error_ladder e = verdict_ladder(view);
    diagnosis d = {.next = -1, .verdict = verdict_of_run(view), .best = verdict_of_best(view)};
    d.epoch = d.best ? view->row.best_epoch : view->row.epoch;
    d.rungs[0] = make_rung("human", e.human, 0);
    d.rungs[1] = make_rung("train", e.train, e.train_count);
    d.rungs[2] = make_rung("train-dev", e.train_dev, e.train_dev_count);
    d.rungs[3] = make_rung("dev", e.dev, e.dev_count);
    d.rungs[4] = make_rung("test", e.test, e.test_count);
    const error_gap gaps[] = {d.verdict.bias, d.verdict.variance, d.verdict.mismatch,
                              d.verdict.overfit};
    for (int i = 0; i < DIAGNOSIS_LINKS; i++) {
        d.links[i] = make_link(i, gaps[i]);
        /* Without a human level nobody knows how much of the train error can be avoided. */
        if (i == 0 && isnan(e.human) && d.verdict.kind != VERDICT_BIAS &&
            d.verdict.kind != VERDICT_NOT_LEARNING)
            d.links[i].state = LINK_UNKNOWN;
        if (d.next < 0 && d.links[i].state == LINK_REAL)
            d.next = i;
    }
    return d;
}
