#include "tests/run_table_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *have(void *memory)
{
    if (!memory)
        abort(); /* of a test's few kilobytes */
    return memory;
}

static void name_it(run_name *names, int i, const char *name, int goal)
{
    snprintf(names[i].name, sizeof names[i].name, "%s", name);
    names[i].goal = goal;
}

typedef struct {
    run_id id, parent;
    const char *name, *model, *word;
    run_state state;
    double rate, batch, last, best;
    uint64_t best_step;
    int tags; /* bits */
} made_run;

static void fill_row(run_row *row, const made_run *made)
{
    row->id = made->id, row->parent = made->parent, row->state = made->state;
    snprintf(row->name, sizeof row->name, "%s", made->name);
    snprintf(row->model, sizeof row->model, "%s", made->model);
    snprintf(row->data, sizeof row->data, "digits");
    snprintf(row->fingerprint, sizeof row->fingerprint, "0123456789abcdef");
    snprintf(row->optimizer, sizeof row->optimizer, "adam");
    snprintf(row->schedule, sizeof row->schedule, "constant");
    row->started_ms = 1790000000000 + made->id * 3600000;
    row->ended_ms = made->state == RUN_RUNNING ? 0 : row->started_ms + 60000;
    row->seconds = 60.0 * (double)made->id;
    row->epochs = 10, row->epoch = made->state == RUN_FINISHED ? 10 : 4;
    row->batch = (int)made->batch, row->seed = (uint64_t)made->id;
    row->step = 1000, row->total_steps = 1000, row->steps_per_epoch = 100;
    row->parameters = 61706, row->lr = made->rate;
    row->dev_error = made->last, row->best_dev_error = made->best;
    row->best_epoch = made->best_step ? (int)(made->best_step / 100) : 0;
    row->train_error = made->last - .02, row->test_error = made->best + .01;
    row->train_loss = row->dev_loss = made->last * 3;
    row->examples_per_s = 12000;
    row->latency_ms = row->memory_bytes = NAN;
}

static void add_facts(run_entry *e, const made_run *made)
{
    e->facts = have(calloc(3, sizeof *e->facts));
    e->facts[0] = (run_fact){.key = 0, .is_number = !made->word, .number = made->rate};
    if (made->word)
        e->facts[0].text = have(strdup(made->word));
    e->facts[1] = (run_fact){.key = 1, .is_number = true, .number = made->batch};
    e->facts[2] = (run_fact){.key = 2, .number = NAN, .text = have(strdup("digits"))};
    e->fact_count = 3;
}

static void add_measures(run_entry *e, const made_run *made)
{
    e->measures = have(calloc(4, sizeof *e->measures));
    bool broken = made->state == RUN_DIVERGED;
    e->measures[0] = (run_measure){0, 1000, broken, broken ? NAN : .2, .1, 2.5, 1000, 990, 1};
    e->measures[1] =
        (run_measure){1, 10, 0, made->last, made->best, .9, 1000, made->best_step, 100};
    e->measures[2] = (run_measure){2, 10, 0, 12000, 9000, 12500, 1000, 100, 300};
    e->measures[3] = (run_measure){3, 1000, 0, .5, .1, 9, 1000, 700, 2};
    e->measure_count = made->best_step ? 4 : 1;
}

static void add_tags(run_entry *e, int bits)
{
    e->tags = have(calloc(2, sizeof *e->tags));
    for (int i = 0; i < 2; i++)
        if (bits >> i & 1)
            e->tags[e->tag_count++] = i;
}

run_table *fixture_table(void)
{
    static const made_run made[] = {
        {6, 0, "mlp-late", "mlp", NULL, RUN_RUNNING, .01, 64, NAN, NAN, 0, 0},
        {5, 2, "lenet-branch", "lenet5", NULL, RUN_FINISHED, .001, 64, .11, .09, 800, 3},
        {4, 0, "mlp-bad", "mlp", NULL, RUN_DIVERGED, 10, 64, NAN, NAN, 0, 0},
        {3, 0, "mlp-crash", "mlp", NULL, RUN_CRASHED, .1, 32, .3, .28, 200, 0},
        {2, 0, "lenet-base", "lenet5", NULL, RUN_FINISHED, .001, 64, .12, .1, 900, 1},
        {1, 0, "logreg-old", "logreg", "auto", RUN_STOPPED, .5, 128, .4, .4, 100, 0},
    };
    run_table *t = have(run_table_new());
    t->keys = have(calloc(3, sizeof *t->keys)), t->key_count = 3;
    name_it(t->keys, 0, "lr", 0), name_it(t->keys, 1, "batch", 0), name_it(t->keys, 2, "data", 0);
    t->metrics = have(calloc(4, sizeof *t->metrics)), t->metric_count = 4;
    name_it(t->metrics, 0, "loss", -1), name_it(t->metrics, 1, "dev_error", -1);
    name_it(t->metrics, 2, "examples_per_s", 1), name_it(t->metrics, 3, "gradient_norm", 0);
    t->tags = have(calloc(2, sizeof *t->tags)), t->tag_count = 2;
    t->tags[0] = (run_tag){1, "good", "blue"};
    t->tags[1] = (run_tag){2, "to-check", "orange"};
    t->count = sizeof made / sizeof *made;
    t->entries = have(calloc((size_t)t->count, sizeof *t->entries));
    for (int i = 0; i < t->count; i++) {
        fill_row(&t->entries[i].row, &made[i]);
        add_facts(&t->entries[i], &made[i]);
        add_measures(&t->entries[i], &made[i]);
        add_tags(&t->entries[i], made[i].tags);
    }
    run_row *oldest = &t->entries[t->count - 1].row;
    oldest->archived_ms = 1790000100000;
    snprintf(oldest->note, sizeof oldest->note, "first try");
    return t;
}

run_table *fixture_large_table(int runs, int metrics)
{
    run_table *t = have(run_table_new());
    t->metrics = have(calloc((size_t)metrics, sizeof *t->metrics)), t->metric_count = metrics;
    t->keys = have(calloc(1, sizeof *t->keys)), t->key_count = 1;
    name_it(t->keys, 0, "lr", 0);
    for (int m = 0; m < metrics; m++) {
        snprintf(t->metrics[m].name, sizeof t->metrics[m].name, "metric_%d", m);
        t->metrics[m].goal = -1;
    }
    t->entries = have(calloc((size_t)runs, sizeof *t->entries));
    t->count = runs;
    for (int i = 0; i < runs; i++) {
        made_run made = {.id = runs - i,
                         .name = "run",
                         .model = "mlp",
                         .state = RUN_FINISHED,
                         .rate = pow(10, -1 - i % 5),
                         .batch = 64,
                         .last = .1,
                         .best = .1,
                         .best_step = 100};
        run_entry *e = &t->entries[i];
        fill_row(&e->row, &made);
        snprintf(e->row.name, sizeof e->row.name, "run-%d", runs - i);
        e->facts = have(calloc(1, sizeof *e->facts));
        e->facts[0] = (run_fact){.key = 0, .is_number = true, .number = made.rate};
        e->fact_count = 1;
        e->measures = have(calloc((size_t)metrics, sizeof *e->measures));
        e->measure_count = metrics;
        for (int m = 0; m < metrics; m++) {
            double value = fmod((double)(i + 1) * .6180339887 + m * .3, 1);
            e->measures[m] = (run_measure){m, 10, 0, value, value * .9, 1, 1000, 900, 1};
        }
    }
    return t;
}
