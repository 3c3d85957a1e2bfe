#include "tests/run_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_PER_EPOCH = 100, EPOCHS = 10 };

/* A value in [-1, 1) that depends on nothing but `n`: the same on every machine. */
static double noise(uint32_t n)
{
    n ^= n >> 16;
    n *= 0x7feb352dU;
    n ^= n >> 15;
    n *= 0x846ca68bU;
    n ^= n >> 16;
    return (double)n / 2147483648.0 - 1;
}

static run_view *base(void)
{
    run_view *v = run_view_new();
    if (!v)
        abort();
    run_row *row = &v->row;
    row->id = 42;
    row->state = RUN_RUNNING;
    snprintf(row->name, sizeof row->name, "lenet5-fashion-mnist-42");
    snprintf(row->data, sizeof row->data, "fashion-mnist");
    snprintf(row->model, sizeof row->model, "lenet5");
    snprintf(row->optimizer, sizeof row->optimizer, "adam");
    row->epochs = EPOCHS, row->batch = 64, row->classes = 10;
    row->steps_per_epoch = STEPS_PER_EPOCH, row->total_steps = STEPS_PER_EPOCH * EPOCHS;
    row->parameters = 61706;
    v->loaded = v->live = true;
    v->schedule = (nn_schedule){.kind = NN_SCHEDULE_COSINE,
                                .factor = 0.01,
                                .warmup = 1,
                                .steps_per_epoch = STEPS_PER_EPOCH,
                                .total_steps = STEPS_PER_EPOCH * EPOCHS};
    v->base_lr = 0.001;
    v->train_count = STEPS_PER_EPOCH * 64;
    return v;
}

static void name_classes(run_view *v, int count)
{
    static const char *const fashion[] = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                          "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
    v->class_names = calloc((size_t)count, sizeof *v->class_names);
    v->class_count = v->row.classes = count;
    for (int i = 0; i < count; i++) {
        if (count == 10)
            snprintf(v->class_names[i], sizeof *v->class_names, "%s", fashion[i]);
        else
            snprintf(v->class_names[i], sizeof *v->class_names, "letter %c", 'a' + i % 26);
    }
}

static void add_event(run_view *v, uint64_t step, const char *kind, const char *key,
                      double old_value, double value, const char *text)
{
    run_event e = {.step = step, .old_value = old_value, .value = value};
    snprintf(e.kind, sizeof e.kind, "%s", kind);
    snprintf(e.key, sizeof e.key, "%s", key);
    snprintf(e.text, sizeof e.text, "%s", text);
    run_view_add_event(v, &e);
}

static void add_step(run_view *v, int step, double loss)
{
    v->row.step = (uint64_t)step;
    curve_add(v->loss, step, loss);
    curve_add(v->gradient_norm, step, 0.8 + 0.2 * noise((uint32_t)step + 5000));
    double lr = v->base_lr * nn_schedule_factor(&v->schedule, (uint64_t)step - 1);
    curve_add(v->lr, step, lr);
    v->row.lr = lr;
    curve_add(v->update_ratio, step, 0.001);
}

static double loss_at(int step)
{
    double t = (double)step / STEPS_PER_EPOCH;
    return 0.25 + 2.05 * exp(-t * 1.6) + 0.12 * exp(-t / 6) * noise((uint32_t)step);
}

/* `each` examples of every class; mistakes where clothes look alike. */
static void add_evaluation(run_view *v, int epoch, double error, int each)
{
    int n = v->row.classes;
    int32_t *matrix = calloc((size_t)n * (size_t)n, sizeof *matrix);
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        int mistakes = (int)(error * each * (1 + 0.5 * noise((uint32_t)(i + 99 * epoch))));
        matrix[i * n + (i * 7 + 6) % n] += mistakes / 2;
        matrix[i * n + (i + 2) % n] += mistakes - mistakes / 2;
        matrix[i * n + i] = 0;
        int others = 0;
        for (int j = 0; j < n; j++)
            others += matrix[i * n + j];
        matrix[i * n + i] = each - others;
        wrong += others;
    }
    v->evaluations =
        realloc(v->evaluations, (size_t)(v->evaluation_count + 1) * sizeof *v->evaluations);
    v->evaluations[v->evaluation_count++] = (store_evaluation){
        .part = NN_DEV,
        .step = (uint64_t)epoch * STEPS_PER_EPOCH,
        .epoch = epoch,
        .classes = n,
        .count = (int64_t)each * n,
        .error = (double)wrong / (each * n),
        .confusion = matrix,
    };
    v->evaluation_room = v->evaluation_count;
}

static void add_epoch(run_view *v, int epoch)
{
    double x = (double)epoch * STEPS_PER_EPOCH;
    double train = 0.05 + 0.35 * exp(-epoch * 0.5), gap = 0.012 * epoch;
    curve_add(v->train_loss, x, loss_at(epoch * STEPS_PER_EPOCH));
    curve_add(v->train_error, x, train);
    curve_add(v->dev_loss, x, 0.3 + 1.4 * exp(-epoch * 0.9) + 0.02 * epoch);
    curve_add(v->dev_error, x, train + gap);
    curve_add(v->speed, x, 13000);
    v->row.epoch = epoch;
    v->row.train_error = train, v->row.dev_error = train + gap;
    if (!(v->row.best_dev_error <= train + gap)) {
        v->row.best_dev_error = train + gap;
        v->row.best_epoch = epoch;
    }
    add_evaluation(v, epoch, train + gap, 600);
}

static void add_health(run_view *v)
{
    static const char *const names[] = {"c1", "relu1", "c2", "relu2", "fc1", "fc2", "fc3"};
    v->has_health = true;
    v->health.layers = 7;
    for (int i = 0; i < 7; i++) {
        snprintf(v->health.layer[i].name, sizeof v->health.layer[i].name, "%s", names[i]);
        v->health.layer[i].gradient_norm = 0.1F * (float)(i + 1);
        v->health.layer[i].weight_norm = 3;
        v->health.layer[i].dead = names[i][0] == 'r' ? 0.04F * (float)i : NAN;
    }
}

run_view *fixture_normal(void)
{
    run_view *v = base();
    name_classes(v, 10);
    add_event(v, 0, "state", "running", NAN, NAN, "");
    for (int step = 1; step <= 650; step++) {
        if (step == 401) {
            add_event(v, 401, "applied", "lr", 0.001, 0.0005, "");
            v->base_lr = 0.0005;
        }
        add_step(v, step, loss_at(step));
        if (step % STEPS_PER_EPOCH == 0) {
            add_epoch(v, step / STEPS_PER_EPOCH);
            add_event(v, (uint64_t)step, "checkpoint", "last", NAN, 0.1,
                      "/home/ada/.local/share/gradus/runs/42/last.safetensors");
        }
    }
    add_event(v, 620, "applied", "dropout", 0.2, 0.4, "");
    v->has_dropout = true, v->dropout = 0.4;
    v->recorder = (recorder_health){.pending = 3, .written = 650};
    v->examples_per_s = 13120;
    v->train_error_now = 0.071, v->train_loss_now = 0.26;
    add_health(v);
    run_view_estimate(v);
    return v;
}

run_view *fixture_empty(void)
{
    return run_view_new();
}

run_view *fixture_begun(void)
{
    run_view *v = base();
    name_classes(v, 10);
    return v;
}

run_view *fixture_nan(void)
{
    run_view *v = base();
    name_classes(v, 10);
    for (int step = 1; step <= 310; step++) {
        add_step(v, step, loss_at(step) * (step > 280 ? pow(1.2, step - 280) : 1));
        if (step % STEPS_PER_EPOCH == 0)
            add_epoch(v, step / STEPS_PER_EPOCH);
    }
    v->row.step = 311;
    curve_add(v->loss, 311, NAN);
    curve_add(v->gradient_norm, 311, INFINITY);
    add_event(v, 311, "nonfinite", "", NAN, NAN, "c2.weight gradient [3,1,0,0] is inf");
    snprintf(v->alert, sizeof v->alert, "Step 311: c2.weight gradient [3,1,0,0] is inf");
    v->row.state = RUN_PAUSED;
    return v;
}

run_view *fixture_one(void)
{
    run_view *v = base();
    add_step(v, 1, 2.3026);
    return v;
}

run_view *fixture_flat(void)
{
    run_view *v = base();
    for (int step = 1; step <= 500; step++)
        add_step(v, step, 0.6931);
    return v;
}

run_view *fixture_all_nan(void)
{
    run_view *v = base();
    for (int step = 1; step <= 50; step++)
        add_step(v, step, NAN);
    return v;
}

run_view *fixture_negative(void)
{
    run_view *v = base();
    for (int step = 1; step <= 300; step++)
        add_step(v, step, step % 50 == 0 ? 0 : 1.5 - step / 100.0);
    return v;
}

run_view *fixture_finished(void)
{
    run_view *v = base();
    name_classes(v, 26);
    v->live = false;
    v->human_error = 0.012;
    for (int step = 1; step <= STEPS_PER_EPOCH * EPOCHS; step++) {
        add_step(v, step, loss_at(step));
        if (step % STEPS_PER_EPOCH == 0)
            add_epoch(v, step / STEPS_PER_EPOCH);
    }
    v->row.state = RUN_FINISHED;
    v->row.seconds = 187;
    v->row.test_error = 0.19;
    v->test = (store_evaluation){.part = NN_TEST, .classes = 26, .count = 10000, .error = 0.19};
    v->examples_per_s = 13000;
    return v;
}
