/* `gradus runs show RUN`. */
#include "ui/commands/common.h"
#include "ui/commands/options.h"
#include "ui/commands/runs.h"
#include "store/examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything the store knows about a run that is shown. */
typedef struct {
    run_row row;
    store_param *params;
    metric_summary *metrics;
    run_event *events;
    store_evaluation *evaluations;
    run_tag *tags;
    char (*classes)[64];
    label_fix *fixes;
    int fix_count;
    int tag_count, param_count, metric_count, event_count, evaluation_count, class_count;
} run_facts;

static nn_status read_facts(store *s, run_id id, run_facts *facts, nn_error *error)
{
    nn_status status = store_run(s, id, &facts->row, error);
    if (status == NN_OK)
        status = store_params(s, id, &facts->params, &facts->param_count, error);
    if (status == NN_OK)
        status = store_run_tags(s, id, &facts->tags, &facts->tag_count, error);
    if (status == NN_OK)
        status = store_metrics(s, id, &facts->metrics, &facts->metric_count, error);
    if (status == NN_OK)
        status = store_events(s, id, &facts->events, &facts->event_count, error);
    if (status == NN_OK)
        status = store_evaluations(s, id, NN_PARTS, &facts->evaluations, &facts->evaluation_count,
                                   error);
    if (status == NN_OK)
        status = store_class_names(s, id, &facts->classes, &facts->class_count, error);
    if (status == NN_OK)
        status = store_run_fixes(s, id, &facts->fixes, &facts->fix_count, error);
    return status;
}

static void free_facts(run_facts *facts)
{
    free(facts->params);
    free(facts->tags);
    free(facts->metrics);
    free(facts->events);
    store_free_evaluations(facts->evaluations, facts->evaluation_count);
    free(facts->classes);
    free(facts->fixes);
}

/* The test part's when it was measured, else the newest of the dev part; NULL without any. */
static const store_evaluation *final_evaluation(const run_facts *facts)
{
    const store_evaluation *chosen = NULL;
    for (int i = 0; i < facts->evaluation_count; i++) {
        const store_evaluation *e = &facts->evaluations[i];
        bool better = !chosen || (e->part == NN_TEST && chosen->part != NN_TEST) ||
                      (e->part == chosen->part && e->step >= chosen->step);
        if (e->part != NN_TRAIN && better)
            chosen = e;
    }
    return chosen;
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void json_params(json_out *json, const run_facts *facts)
{
    json_open(json, "parameters", '{');
    for (int i = 0; i < facts->param_count; i++) {
        const store_param *param = &facts->params[i];
        if (param->is_number)
            json_number(json, param->key, param->number);
        else
            json_text(json, param->key, param->text);
    }
    json_close(json, '}');
}

/* The labels that it was trained and judged with in place of those in the source. */
static void json_fixes(json_out *json, const run_facts *facts)
{
    json_open(json, "label_fixes", '[');
    for (int i = 0; i < facts->fix_count; i++) {
        json_open(json, NULL, '{');
        json_whole(json, "id", facts->fixes[i].example);
        json_whole(json, "from", facts->fixes[i].from);
        json_whole(json, "to", facts->fixes[i].to);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_metrics(json_out *json, const run_facts *facts)
{
    json_open(json, "metrics", '{');
    for (int i = 0; i < facts->metric_count; i++) {
        const metric_summary *m = &facts->metrics[i];
        json_open(json, m->name, '{');
        json_whole(json, "count", m->count);
        json_number(json, "min", m->min);
        json_seed(json, "min_step", m->min_step);
        json_number(json, "max", m->max);
        json_seed(json, "max_step", m->max_step);
        json_number(json, "last", m->last);
        json_seed(json, "last_step", m->last_step);
        json_whole(json, "nan_count", m->nan_count);
        if (m->nan_count > 0)
            json_seed(json, "first_nan_step", m->first_nan_step);
        else
            json_null(json, "first_nan_step");
        json_close(json, '}');
    }
    json_close(json, '}');
}

static void json_events(json_out *json, const run_facts *facts)
{
    json_open(json, "events", '[');
    for (int i = 0; i < facts->event_count; i++) {
        const run_event *e = &facts->events[i];
        json_open(json, NULL, '{');
        json_seed(json, "step", e->step);
        json_whole(json, "time_ms", e->time_ms);
        json_text(json, "kind", e->kind);
        json_text(json, "key", e->key);
        /* A checkpoint's old value is the digest of its file, of no use to people. */
        json_number(json, "old", strcmp(e->kind, "checkpoint") == 0 ? NAN : e->old_value);
        json_number(json, "new", e->value);
        json_text(json, "text", e->text);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_evaluation(json_out *json, const store_evaluation *e)
{
    json_text(json, "part", nn_part_name(e->part));
    json_seed(json, "step", e->step);
    json_whole(json, "epoch", e->epoch);
    json_whole(json, "count", e->count);
    json_number(json, "loss", e->loss);
    json_number(json, "error", e->error);
}

static void json_confusion(json_out *json, const run_facts *facts)
{
    const store_evaluation *e = final_evaluation(facts);
    if (!e || !e->confusion) {
        json_null(json, "confusion_matrix");
        return;
    }
    json_open(json, "confusion_matrix", '{');
    json_evaluation(json, e);
    json_open(json, "classes", '[');
    for (int i = 0; i < e->classes && i < facts->class_count; i++)
        json_text(json, NULL, facts->classes[i]);
    json_close(json, ']');
    json_open(json, "rows", '[');
    for (int i = 0; i < e->classes; i++) {
        json_open(json, NULL, '[');
        for (int k = 0; k < e->classes; k++)
            json_whole(json, NULL, e->confusion[i * e->classes + k]);
        json_close(json, ']');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static bool write_json(const run_facts *facts)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    runs_json_row(&json, &facts->row);
    runs_json_tags(&json, facts->tags, facts->tag_count);
    json_params(&json, facts);
    json_fixes(&json, facts);
    json_metrics(&json, facts);
    json_events(&json, facts);
    json_open(&json, "evaluations", '[');
    for (int i = 0; i < facts->evaluation_count; i++) {
        json_open(&json, NULL, '{');
        json_evaluation(&json, &facts->evaluations[i]);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_confusion(&json, facts);
    json_close(&json, '}');
    return json_line(&json);
}

/* --- text --------------------------------------------------------------------------------------
 */

static void print_summary(const run_row *row)
{
    char a[32], b[32], c[32], train[16], dev[16], test[16];
    printf("run %lld  %s  %s\n", (long long)row->id, row->name, run_state_name(row->state));
    if (row->message[0])
        printf("  %s\n", row->message);
    printf("  %s on %s (%s), %s parameters, %s multiply-adds an example\n", row->model, row->data,
           row->fingerprint, commas(row->parameters, a), commas(row->multiply_adds, b));
    printf("  epoch %d of %d, step %" PRIu64 " of %" PRIu64 ", %s in all, %.0f examples/s\n",
           row->epoch, row->epochs, row->step, row->total_steps, duration(row->seconds, a),
           isfinite(row->examples_per_s) ? row->examples_per_s : 0.0);
    printf("  started %s, ended %s\n", moment(row->started_ms, b), moment(row->ended_ms, c));
    printf("  error: train %s, dev %s, test %s", percent(row->train_error, train),
           percent(row->dev_error, dev), percent(row->test_error, test));
    if (row->best_epoch > 0)
        printf("; best dev %s in epoch %d", percent(row->best_dev_error, dev), row->best_epoch);
    putchar('\n');
    if (row->last_checkpoint[0])
        printf("  checkpoint: %s\n", row->last_checkpoint);
}

static void print_metrics(const run_facts *facts)
{
    printf("\n%-16s %8s  %10s %-10s %10s %-10s %10s\n", "metric", "points", "min", "at step", "max",
           "at step", "last");
    for (int i = 0; i < facts->metric_count; i++) {
        const metric_summary *m = &facts->metrics[i];
        char least[16], most[16], last[16];
        printf("%-16s %8" PRId64 "  %10s %-10" PRIu64 " %10s %-10" PRIu64 " %10s", m->name,
               m->count, decimal(m->min, least), m->min_step, decimal(m->max, most), m->max_step,
               decimal(m->last, last));
        if (m->nan_count > 0)
            printf("  %" PRId64 " not finite, first at %" PRIu64, m->nan_count, m->first_nan_step);
        putchar('\n');
    }
}

static void print_events(const run_facts *facts)
{
    if (facts->event_count > 0)
        printf("\n%8s  %-24s  %s\n", "step", "time", "event");
    for (int i = 0; i < facts->event_count; i++) {
        const run_event *e = &facts->events[i];
        char time[32];
        printf("%8" PRIu64 "  %-24s  %s %s", e->step, moment(e->time_ms, time), e->kind, e->key);
        if (isfinite(e->value) && strcmp(e->kind, "applied") == 0)
            printf(" %g -> %g", e->old_value, e->value);
        if (e->text[0])
            printf("  %s", e->text);
        putchar('\n');
    }
}

static void print_confusion(const run_facts *facts)
{
    const store_evaluation *e = final_evaluation(facts);
    if (!e || !e->confusion || e->classes > 20)
        return;
    printf("\nconfusion, %s part, step %" PRIu64 " (row: truth, column: answer)\n",
           nn_part_name(e->part), e->step);
    for (int i = 0; i < e->classes; i++) {
        print_cell(i < facts->class_count ? facts->classes[i] : "", 14);
        for (int k = 0; k < e->classes; k++)
            printf(" %5d", (int)e->confusion[i * e->classes + k]);
        putchar('\n');
    }
}

static void print_notes(const run_facts *facts)
{
    if (facts->tag_count > 0)
        fputs("  tags:", stdout);
    for (int i = 0; i < facts->tag_count; i++)
        printf(" %s", facts->tags[i].name);
    if (facts->tag_count > 0)
        putchar('\n');
    if (facts->row.note[0]) {
        fputs("  note: ", stdout);
        print_cell(facts->row.note, 0);
        putchar('\n');
    }
    if (facts->row.deleted_ms > 0 || facts->row.archived_ms > 0)
        printf("  %s; gradus runs restore %lld brings it back\n",
               facts->row.deleted_ms > 0 ? "deleted" : "archived", (long long)facts->row.id);
}

static void print_params(const run_facts *facts)
{
    fputs("\noptions:", stdout);
    for (int i = 0; i < facts->param_count; i++) {
        const store_param *param = &facts->params[i];
        if (param->is_number)
            printf(" %s=%g", param->key, param->number);
        else
            printf(" %s=\"%s\"", param->key, param->text);
    }
    putchar('\n');
}

int runs_show(store *s, run_id id, bool as_json)
{
    run_facts facts = {0};
    nn_error error = {0};
    bool written = false;
    if (read_facts(s, id, &facts, &error) != NN_OK) {
        complain("%s", error.text);
    } else if (as_json) {
        written = write_json(&facts);
    } else {
        print_summary(&facts.row);
        print_notes(&facts);
        if (facts.fix_count > 0)
            printf("  labels: %d were taken as fixed, not as they lie in the source\n",
                   facts.fix_count);
        print_params(&facts);
        print_metrics(&facts);
        print_events(&facts);
        print_confusion(&facts);
        written = fflush(stdout) == 0;
    }
    free_facts(&facts);
    return written ? EXIT_OK : EXIT_FAILED;
}
