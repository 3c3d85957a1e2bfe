/* `gradus diagnose`: which gap to close first, and where the errors are. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/errors.h"
#include "ui/diagnosis.h"
#include "ui/run_data.h"
#include "ui/threshold.h"

#include "engine/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *part, *human, *class_name, *cost, *store;
    double threshold, beta;
    int limit;
    bool rule, json;
} diagnose_settings;

#define FIELD(name) offsetof(diagnose_settings, name)
static const option options[] = {
    {"human", OPTION_TEXT, "SHARE", FIELD(human), 0,
     "the error of people (or Bayes error) on this data, such as 0.02; kept for all its runs; none "
     "forgets it",
     NULL},
    {"part", OPTION_TEXT, "PART", FIELD(part), 0, "of classes and slices: dev (default) or test",
     "dev test"},
    {"class", OPTION_TEXT, "CLASS", FIELD(class_name), 0,
     "this class against the rest: precision, recall, F-beta, curves, cost", NULL},
    {"threshold", OPTION_REAL, "P", FIELD(threshold), 0, "with --class (default 0.5)", NULL},
    {"beta", OPTION_REAL, "B", FIELD(beta), 0,
     "with --class: recall counts B times as much as precision (default 1)", NULL},
    {"cost", OPTION_TEXT, "FP,FN", FIELD(cost), 0,
     "with --class: of a false alarm and of a miss (default 1,1)", NULL},
    {"limit", OPTION_INTEGER, "N", FIELD(limit), 1, "at most N slices (default 12; JSON: all)",
     NULL},
    {"rule", OPTION_FLAG, NULL, FIELD(rule), 0, "how all this is decided", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

typedef struct {
    const diagnose_settings *o;
    store *s;
    run_id run;
    run_view *view;
    example_book *book;
    nn_dataset *data; /* NULL: cannot be opened */
    char no_data[320];
    diagnosis d;
    slices parts;
    threshold_report class_report;
    bool has_class;
} patient;

/* --- gathering ---------------------------------------------------------------------------------
 */

static nn_status keep_human(patient *p, const char *text, nn_error *error)
{
    double share = NAN;
    char content[EXAMPLE_CONTENT];
    if (strcmp(text, "none") != 0 &&
        (!nn_parse_number(text, &share) || !(share >= 0 && share <= 1)))
        return nn_fail(error, NN_E_ARG, "--human '%.40s': expected a share from 0 to 1, or none",
                       text);
    nn_status status = store_run_content(p->s, p->run, content, error);
    recorder *r = status == NN_OK ? recorder_open(store_path(p->s), error) : NULL;
    if (!r)
        return error->code;
    status = recorder_human_error(r, content, share, error);
    nn_status closed = recorder_close(r, status == NN_OK ? error : NULL);
    return status == NN_OK ? closed : status;
}

static nn_status judge_class(patient *p, nn_error *error)
{
    const diagnose_settings *o = p->o;
    threshold_report *r = &p->class_report;
    *r = (threshold_report){.threshold = o->threshold,
                            .beta = o->beta,
                            .false_positive_cost = 1,
                            .false_negative_cost = 1};
    int which = example_book_class(p->book, o->class_name, error);
    if (which < 0)
        return error->code;
    char end;
    if (o->cost &&
        sscanf(o->cost, "%lf,%lf%c", &r->false_positive_cost, &r->false_negative_cost, &end) != 2)
        return nn_fail(error, NN_E_ARG, "--cost '%.40s': expected two numbers, like 1,20", o->cost);
    answers found = {0};
    bool two = p->book->classes == 2;
    if (!two && !p->data)
        return nn_fail(error, NN_E_MISSING, "%s", p->no_data);
    nn_status status =
        two ? NN_OK : answers_ask(p->s, p->run, p->data, p->book->part, &found, error);
    if (status == NN_OK)
        status = threshold_judge(p->book, two ? NULL : &found, which, r, error);
    answers_free(&found);
    p->has_class = status == NN_OK;
    return status;
}

/* Trainings measure dev and test only; the weights that the ladder is of are asked for it. */
static nn_status measure_train_dev(patient *p, nn_error *error)
{
    answers found;
    nn_status status = answers_ask(p->s, p->run, p->data, NN_TRAIN_DEV, &found, error);
    if (status != NN_OK)
        return status;
    int64_t wrong = 0;
    for (int64_t i = 0; i < found.count; i++) {
        const float *row = found.probability + i * found.classes;
        int best = 0;
        for (int k = 1; k < found.classes; k++)
            best = row[k] > row[best] ? k : best;
        wrong += best != nn_dataset_label(p->data, NN_TRAIN_DEV, i);
    }
    p->view->train_dev_count = found.count;
    p->view->train_dev_error = (double)wrong / (double)found.count;
    answers_free(&found);
    return NN_OK;
}

static nn_status examine(patient *p, nn_error *error)
{
    nn_error problem = {0};
    const char *part = p->o->part ? p->o->part : "dev";
    bool test = strcmp(part, "test") == 0;
    if (!test && strcmp(part, "dev") != 0)
        return nn_fail(error, NN_E_ARG, "--part '%.40s': expected dev or test", part);
    nn_status status = p->o->human ? keep_human(p, p->o->human, error) : NN_OK;
    if (status == NN_OK && !(p->view = run_view_new()))
        status = nn_fail(error, NN_E_NOMEM, "out of memory for a run");
    if (status == NN_OK)
        status = run_view_load(p->view, p->s, p->run, error);
    if (status == NN_OK &&
        !(p->book = example_book_open(p->s, p->run, test ? NN_TEST : NN_DEV, error)))
        status = error->code;
    if (status != NN_OK)
        return status;
    p->data = run_data_open(p->s, p->run, &problem);
    if (p->data && nn_dataset_count(p->data, NN_TRAIN_DEV) > 0)
        status = measure_train_dev(p, error);
    if (status != NN_OK)
        return status;
    p->d = diagnose(p->view);
    snprintf(p->no_data, sizeof p->no_data, "%s", problem.text);
    status = slices_make(p->book, p->data, &p->parts, error);
    return status == NN_OK && p->o->class_name ? judge_class(p, error) : status;
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void json_ladder(json_out *json, const diagnosis *d)
{
    json_open(json, "ladder", '[');
    for (int i = 0; i < DIAGNOSIS_RUNGS; i++) {
        json_open(json, NULL, '{');
        json_text(json, "name", d->rungs[i].name);
        json_number(json, "error", d->rungs[i].error);
        json_number(json, "low", d->rungs[i].low);
        json_number(json, "high", d->rungs[i].high);
        json_whole(json, "count", d->rungs[i].count);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "gaps", '[');
    for (int i = 0; i < DIAGNOSIS_LINKS; i++) {
        const diagnosis_link *link = &d->links[i];
        json_open(json, NULL, '{');
        json_text(json, "name", link->name);
        json_number(json, "size", link->size);
        json_number(json, "noise", link->noise);
        json_text(json, "state", link_state_name(link->state));
        json_open(json, "tools", '[');
        for (int k = 0; k < 5 && link->tools[k]; k++)
            json_text(json, NULL, link->tools[k]);
        json_close(json, ']');
        json_whole(json, "chapter", link->chapter);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_text(json, "next", d->next >= 0 ? d->links[d->next].name : NULL);
}

static void json_verdict(json_out *json, const verdict *v)
{
    json_open(json, "verdict", '{');
    json_text(json, "what", v->what);
    json_text(json, "why", v->why);
    json_text(json, "advice", v->advice);
    json_whole(json, "chapter", v->chapter);
    json_close(json, '}');
}

static void json_slices(json_out *json, const patient *p)
{
    json_open(json, "slices", '[');
    for (int i = 0; i < p->parts.count && (p->o->limit == 0 || i < p->o->limit); i++) {
        const slice *one = &p->parts.list[i];
        json_open(json, NULL, '{');
        json_text(json, "kind", one->kind);
        json_text(json, "name", one->name);
        json_whole(json, "count", one->count);
        json_whole(json, "errors", one->errors);
        json_number(json, "error", one->error);
        json_number(json, "low", one->low);
        json_number(json, "high", one->high);
        json_number(json, "share_of_errors",
                    p->book->errors > 0 ? (double)one->errors / (double)p->book->errors : 0);
        json_flag(json, "real", one->real);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_text(json, "slices_without", p->data ? NULL : p->no_data);
}

static void json_class(json_out *json, const patient *p)
{
    const threshold_report *r = &p->class_report;
    json_open(json, "class", '{');
    json_whole(json, "class", r->class_number);
    json_text(json, "name", errors_class_name(p->book, r->class_number));
    json_number(json, "threshold", r->threshold);
    json_number(json, "beta", r->beta);
    json_whole(json, "positives", r->positives);
    json_whole(json, "true_positive", r->outcomes.true_positive);
    json_whole(json, "false_positive", r->outcomes.false_positive);
    json_whole(json, "false_negative", r->outcomes.false_negative);
    json_whole(json, "true_negative", r->outcomes.true_negative);
    json_number(json, "precision", r->precision);
    json_number(json, "recall", r->recall);
    json_number(json, "f_beta", r->f_beta);
    json_number(json, "accuracy", r->accuracy);
    json_number(json, "cost", r->cost);
    json_number(json, "best_threshold", r->best_threshold);
    json_number(json, "best_f_beta", r->best_f_beta);
    json_number(json, "cheapest_threshold", r->cheapest_threshold);
    json_number(json, "least_cost", r->least_cost);
    json_number(json, "roc_area", r->roc_area);
    json_number(json, "average_precision", r->average_precision);
    json_open(json, "curve", '[');
    for (int64_t i = 0; i < r->point_count; i++) {
        json_open(json, NULL, '[');
        json_number(json, NULL, r->points[i].threshold);
        json_number(json, NULL, r->points[i].recall);
        json_number(json, NULL, r->points[i].false_positive);
        json_number(json, NULL, r->points[i].precision);
        json_close(json, ']');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static nn_status tell_json(const patient *p, nn_error *error)
{
    json_out json = {.out = stdout};
    errors_json_head(&json, p->book);
    json_whole(&json, "epoch", p->d.epoch);
    json_text(&json, "weights", p->d.best ? "best" : "last");
    json_ladder(&json, &p->d);
    json_verdict(&json, &p->d.verdict);
    json_slices(&json, p);
    if (p->has_class)
        json_class(&json, p);
    json_text(&json, "rule", p->o->rule ? diagnosis_rule() : NULL);
    return errors_json_end(&json, error);
}

/* --- text --------------------------------------------------------------------------------------
 */

static void print_ladder(const diagnosis *d)
{
    char a[16], low[16], high[16];
    for (int i = 0; i < DIAGNOSIS_RUNGS; i++) {
        const diagnosis_rung *rung = &d->rungs[i];
        printf("  %-10s %8s", rung->name, percent(rung->error, a));
        if (!isnan(rung->low))
            printf("   %s to %s of %lld", percent(rung->low, low), percent(rung->high, high),
                   (long long)rung->count);
        putchar('\n');
        if (i == DIAGNOSIS_LINKS || isnan(d->links[i].size))
            continue;
        const diagnosis_link *link = &d->links[i];
        printf("      %s %+.2f points (+-%.2f): %s\n", link->name, 100 * link->size,
               100 * link->noise, link_state_name(link->state));
    }
}

static void print_class(const patient *p)
{
    const threshold_report *r = &p->class_report;
    printf("\n%s against the rest, at threshold %.3g: precision %.3f, recall %.3f, F%.3g %.3f, "
           "accuracy %.3f\n",
           errors_class_name(p->book, r->class_number), r->threshold, r->precision, r->recall,
           r->beta, r->f_beta, r->accuracy);
    printf("  %lld hits, %lld false alarms, %lld misses; cost %.6g\n",
           (long long)r->outcomes.true_positive, (long long)r->outcomes.false_positive,
           (long long)r->outcomes.false_negative, r->cost);
    printf("  best F%.3g %.3f at %.3f; least cost %.6g at %.3f\n", r->beta, r->best_f_beta,
           r->best_threshold, r->least_cost, r->cheapest_threshold);
    printf("  area under ROC %.4f, average precision %.4f\n", r->roc_area, r->average_precision);
}

static nn_status tell_text(const patient *p, nn_error *error)
{
    const verdict *v = &p->d.verdict;
    printf("run %lld  %s, epoch %d%s\n", (long long)p->run, p->view->row.name, p->d.epoch,
           p->d.best ? " (the best)" : "");
    print_ladder(&p->d);
    printf("\n%s. %s\n  %s", v->what, v->why, v->advice);
    if (v->chapter > 0)
        printf(" (chapter %d)", v->chapter);
    putchar('\n');
    if (p->d.next >= 0) {
        const diagnosis_link *link = &p->d.links[p->d.next];
        printf("\nFirst in the chain: %s (chapter %d)\n", link->name, link->chapter);
        for (int k = 0; k < 5 && link->tools[k]; k++)
            printf("  %d. %s\n", k + 1, link->tools[k]);
    }
    printf("\nWorst slices of %s (* differs from the whole beyond noise)\n",
           nn_part_name(p->book->part));
    int most = p->o->limit > 0 ? p->o->limit : 12;
    for (int i = 0; i < p->parts.count && i < most; i++) {
        const slice *one = &p->parts.list[i];
        printf("  %-10s ", one->kind);
        print_cell(one->name, 22);
        printf(" %6.2f%% %6.2f -%6.2f%% %6lld of %lld%s\n", 100 * one->error, 100 * one->low,
               100 * one->high, (long long)one->errors, (long long)one->count,
               one->real ? " *" : "");
    }
    if (!p->data)
        printf("  nothing measured of the examples: %s\n", p->no_data);
    if (p->has_class)
        print_class(p);
    if (p->o->rule)
        printf("\n%s\n", diagnosis_rule());
    return errors_text_end(error);
}

/* --- the command -------------------------------------------------------------------------------
 */

static int run(int argc, char **argv)
{
    diagnose_settings settings = {.threshold = 0.5, .beta = 1};
    arguments found;
    nn_error error = {0};
    int exit_status;
    if (!options_begin(&command_diagnose, argc, argv, &settings, &found, 1, 1, &exit_status))
        return exit_status;
    patient *p = calloc(1, sizeof *p);
    if (!p) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    p->o = &settings;
    nn_status status = NN_E_IO;
    if ((p->s = require_store(settings.store))) {
        status = store_find_run(p->s, found.word[0], &p->run, &error);
        if (status == NN_OK)
            status = examine(p, &error);
        if (status == NN_OK)
            status = settings.json ? tell_json(p, &error) : tell_text(p, &error);
        if (status != NN_OK)
            complain("%s", error.text);
    }
    threshold_free(&p->class_report);
    slices_free(&p->parts);
    nn_dataset_free(p->data);
    example_book_free(p->book);
    run_view_free(p->view);
    store_close(p->s);
    free(p);
    return status == NN_OK ? EXIT_OK : status == NN_E_ARG ? EXIT_USAGE : EXIT_FAILED;
}

const program_command command_diagnose = {
    .name = "diagnose",
    .arguments = "RUN",
    .summary = "which gap of a run to close first, and where its errors are",
    .details = "RUN is a run's number, its name, or last. Bias, variance, mismatch and\n"
               "overfitting to dev are judged with the noise of their sample sizes; classes,\n"
               "tags and what can be measured of the examples come worst first.\n"
               "  gradus diagnose last --human 0.02\n"
               "  gradus diagnose last --class Shirt --threshold 0.4 --json",
    .options = options,
    .words = "last",
    .run = run,
};
