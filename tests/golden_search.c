/* Golden cases of the search: scales of chapter 20, limits of chapter 24. */
#include "engine/search/limits.h"
#include "engine/search/space.h"
#include "tests/golden_case.h"

#include <stdio.h>
#include <stdlib.h>

/* Rates in log(1e-4,1), momenta in beta(0.9,0.999), whose u runs the other way. */
static void log_sampling(golden_case *c)
{
    golden_array u = golden_in(c, "u");
    golden_array alpha = golden_new(c, u.shape), beta = golden_new(c, u.shape);
    for (int64_t i = 0; i < u.count; i++) {
        alpha.data[i] = nn_scale_at(NN_SCALE_LOG, 1e-4, 1, u.data[i]);
        beta.data[i] = nn_scale_at(NN_SCALE_BETA, 0.9, 0.999, 1 - u.data[i]);
    }
    golden_out(c, "alpha", alpha);
    golden_out(c, "beta", beta);
}

/* The most accurate of those that keep the limits; *feasible gets 1 for each that does. */
static int select_within(golden_case *c, const char *text, const golden_array *costs,
                         double *feasible)
{
    golden_array accuracy = golden_in(c, "acc");
    nn_limit limits[NN_LIMITS];
    int count = 0;
    nn_error error = {0};
    bool *kept = calloc((size_t)accuracy.count + 1, sizeof *kept);
    if (!kept || nn_limits_parse(text, limits, &count, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    for (int64_t i = 0; i < accuracy.count; i++) {
        kept[i] = true;
        for (int k = 0; k < count; k++)
            kept[i] = kept[i] && nn_limit_kept(&limits[k], costs[k].data[i]);
        if (feasible)
            feasible[i] = kept[i];
    }
    int best = nn_choose(accuracy.data, kept, (int)accuracy.count, true);
    free(kept);
    return best;
}

static void select_of_three(golden_case *c)
{
    golden_array costs[2] = {golden_in(c, "lat"), golden_in(c, "mem")};
    golden_array feasible = golden_new(c, costs[0].shape);
    int best = select_within(c, "latency<=100,memory<=500", costs, feasible.data);
    golden_out(c, "feasible", feasible);
    golden_out_number(c, "best", best);
}

static void select_of_two(golden_case *c)
{
    golden_array latency = golden_in(c, "lat");
    char text[64];
    snprintf(text, sizeof text, "latency<=%.9g", golden_number(c, "thresh"));
    golden_out_number(c, "", select_within(c, text, &latency, NULL));
}

const golden_known golden_search_cases[] = {
    {"ch20-log-sampling", log_sampling},
    {"ch24-select3", select_of_three},
    {"ch24-select", select_of_two},
    {"", NULL},
};
