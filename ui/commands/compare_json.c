#include "ui/commands/compare.h"
#include "ui/commands/json_out.h"
#include "ui/commands/runs.h"

#include <math.h>
#include <stdlib.h>

static void letter(json_out *json, const char *key, const compared_run *run)
{
    json_text(json, key, (const char[]){run->letter, 0});
}

static void interval(json_out *json, const char *key, nn_interval range)
{
    json_open(json, key, '[');
    json_number(json, NULL, range.low);
    json_number(json, NULL, range.high);
    json_close(json, ']');
}

static void matrix(json_out *json, const char *key, const int32_t *cells, int classes)
{
    if (!cells) {
        json_null(json, key);
        return;
    }
    json_open(json, key, '[');
    for (int i = 0; i < classes; i++) {
        json_open(json, NULL, '[');
        for (int k = 0; k < classes; k++)
            json_whole(json, NULL, cells[i * classes + k]);
        json_close(json, ']');
    }
    json_close(json, ']');
}

/* --- runs --------------------------------------------------------------------------------------
 */

/* One array of each x and of the values, all of the same length. */
static void one_curve(json_out *json, const char *name, const compared_run *run,
                      const curve *points)
{
    static const char *const axes[] = {"epoch", "step", "seconds"};
    double x, y;
    json_open(json, name, '{');
    for (int axis = 0; axis <= COMPARE_AXES; axis++) {
        json_open(json, axis < COMPARE_AXES ? axes[axis] : "value", '[');
        for (int64_t i = 0; i < curve_count(points); i++) {
            curve_point(points, i, &x, &y);
            json_number(json, NULL,
                        axis < COMPARE_AXES ? compared_x(run, (compare_axis)axis, x) : y);
        }
        json_close(json, ']');
    }
    json_close(json, '}');
}

static void curves(json_out *json, const compared_run *run)
{
    const run_view *view = run->view;
    json_open(json, "curves", '{');
    one_curve(json, "train_loss", run, view->train_loss);
    one_curve(json, "train_error", run, view->train_error);
    one_curve(json, "dev_loss", run, view->dev_loss);
    one_curve(json, "dev_error", run, view->dev_error);
    json_close(json, '}');
}

static void evaluation(json_out *json, const compared_run *run)
{
    const store_evaluation *last = run->last;
    if (!last) {
        json_null(json, "dev");
        return;
    }
    json_open(json, "dev", '{');
    json_seed(json, "step", last->step);
    json_whole(json, "epoch", last->epoch);
    json_whole(json, "count", last->count);
    json_number(json, "loss", last->loss);
    json_number(json, "error", last->error);
    interval(json, "error_95", run->range);
    json_whole(json, "predictions", run->prediction_count);
    matrix(json, "confusion", last->confusion, last->classes);
    json_close(json, '}');
}

static void seeds(json_out *json, const compared_run *run)
{
    json_open(json, "seeds", '{');
    json_whole(json, "count", run->seed_count);
    json_open(json, "dev_errors", '[');
    for (int i = 0; i < run->seed_count; i++)
        json_number(json, NULL, run->seed_errors[i]);
    json_close(json, ']');
    json_number(json, "spread",
                run->seed_count > 1 ? run->seed_errors[run->seed_count - 1] - run->seed_errors[0]
                                    : (double)NAN);
    json_close(json, '}');
}

static void one_run(json_out *json, const compared_run *run)
{
    static const char *const standings[] = {"ranked", "other_dev_set", "not_evaluated", "nan"};
    json_open(json, NULL, '{');
    letter(json, "letter", run);
    runs_json_row(json, &run->view->row);
    json_text(json, "standing", standings[run->standing]);
    json_flag(json, "active", run_view_active(run->view));
    evaluation(json, run);
    seeds(json, run);
    curves(json, run);
    json_close(json, '}');
}

static void settings(json_out *json, const comparison *c)
{
    json_open(json, "different", '{');
    for (int i = 0; i < c->differing; i++) {
        json_open(json, c->settings[i].key, '{');
        for (int r = 0; r < c->count; r++)
            json_text(json, (const char[]){c->runs[r].letter, 0}, c->settings[i].value[r]);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "same", '{');
    for (int i = c->differing; i < c->setting_count; i++)
        json_text(json, c->settings[i].key, c->settings[i].value[0]);
    json_close(json, '}');
}

/* --- pairs -------------------------------------------------------------------------------------
 */

static void examples(json_out *json, const compared_example *list, int64_t count)
{
    json_open(json, "examples", '[');
    for (int64_t i = 0; i < count; i++) {
        const compared_example *e = &list[i];
        json_open(json, NULL, '{');
        json_whole(json, "id", e->example);
        json_whole(json, "truth", e->truth);
        json_whole(json, "first", e->first);
        json_whole(json, "second", e->second);
        json_number(json, "first_probability", (double)e->first_probability);
        json_number(json, "second_probability", (double)e->second_probability);
        json_text(json, "right", e->first == e->truth ? "first" : "second");
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void pair_numbers(json_out *json, const compared_pair *pair)
{
    static const char *const verdicts[] = {"not_ranked", "better", "worse", "not_distinguishable"};
    json_text(json, "verdict", verdicts[pair->verdict]);
    json_text(json, "sentence", pair->sentence);
    json_text(json, "test", pair->method);
    json_flag(json, "paired", pair->paired);
    json_whole(json, "count", pair->count);
    json_number(json, "difference", pair->difference);
    interval(json, "difference_95", pair->range);
    json_number(json, "p", pair->test.p);
    json_whole(json, "both_right", pair->pairs.both_right);
    json_whole(json, "only_first_right", pair->pairs.only_first);
    json_whole(json, "only_second_right", pair->pairs.only_second);
    json_whole(json, "both_wrong", pair->pairs.both_wrong);
}

static nn_status one_pair(json_out *json, const comparison *c, int first, int second,
                          nn_error *error)
{
    compared_pair pair = compare_pair(c, first, second);
    compared_example *list = NULL;
    int64_t count = 0;
    nn_status status = compare_examples(c, first, second, &list, &count, error);
    int32_t *confusion = compare_confusion(c, first, second);
    json_open(json, NULL, '{');
    letter(json, "first", &c->runs[first]);
    letter(json, "second", &c->runs[second]);
    pair_numbers(json, &pair);
    matrix(json, "confusion_difference", confusion, confusion ? c->runs[first].last->classes : 0);
    examples(json, list, count);
    json_close(json, '}');
    free(confusion);
    free(list);
    return status;
}

bool compare_write_json(const comparison *c, nn_error *error)
{
    json_out json = {.out = stdout};
    nn_status status = NN_OK;
    int best = comparison_best(c);
    json_open(&json, NULL, '{');
    if (best >= 0)
        letter(&json, "lowest_dev_error", &c->runs[best]);
    else
        json_null(&json, "lowest_dev_error");
    json_open(&json, "runs", '[');
    for (int i = 0; i < c->count; i++)
        one_run(&json, &c->runs[i]);
    json_close(&json, ']');
    settings(&json, c);
    json_open(&json, "pairs", '[');
    for (int i = 0; i < c->count; i++)
        for (int k = i + 1; k < c->count && status == NN_OK; k++)
            status = one_pair(&json, c, i, k, error);
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json) && status == NN_OK;
}
