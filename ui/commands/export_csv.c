/* Runs as CSV. */
#include "ui/commands/export.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void csv_number(FILE *out, double number)
{
    char text[32];
    if (isnan(number)) {
        fputs("nan", out);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (!(strtod(text, NULL) < number) && !(strtod(text, NULL) > number))
            break;
    }
    fputs(text, out);
}

static void begin_row(FILE *out, const run_view *view)
{
    fprintf(out, "%lld,", (long long)view->row.id);
    csv_text(out, view->row.name);
}

/* --- curves -------------------------------------------------------------------------------------
 */

enum { COLUMNS = 9 };
static const char *const column_names[COLUMNS] = {
    "loss",        "gradient_norm", "lr",        "update_ratio",  "train_loss",
    "train_error", "dev_loss",      "dev_error", "examples_per_s"};

static void columns_of(const run_view *view, const curve *list[COLUMNS])
{
    const curve *const all[COLUMNS] = {view->loss,         view->gradient_norm, view->lr,
                                       view->update_ratio, view->train_loss,    view->train_error,
                                       view->dev_loss,     view->dev_error,     view->speed};
    memcpy(list, all, sizeof all);
}

/* A row for every step that has a value in any column; what is not measured there stays empty. */
static void write_curves(FILE *out, const compared_run *run)
{
    const curve *columns[COLUMNS];
    int64_t at[COLUMNS] = {0};
    columns_of(run->view, columns);
    for (;;) {
        double step = INFINITY, x, y;
        for (int i = 0; i < COLUMNS; i++)
            if (at[i] < curve_count(columns[i])) {
                curve_point(columns[i], at[i], &x, &y);
                step = fmin(step, x);
            }
        if (isinf(step))
            return;
        begin_row(out, run->view);
        fprintf(out, ",%.0f,", step);
        csv_number(out, compared_x(run, COMPARE_BY_EPOCH, step));
        for (int i = 0; i < COLUMNS; i++) {
            fputc(',', out);
            curve_point(columns[i], at[i], &x, &y);
            if (at[i] >= curve_count(columns[i]) || x > step)
                continue;
            csv_number(out, y);
            at[i]++;
        }
        fputc('\n', out);
    }
}

static void write_all_curves(const comparison *c, FILE *out)
{
    fputs("run,name,step,epoch", out);
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, ",%s", column_names[i]);
    fputc('\n', out);
    for (int r = 0; r < c->count; r++)
        write_curves(out, &c->runs[r]);
}

/* --- the matrix ---------------------------------------------------------------------------------
 */

static void class_name(FILE *out, const run_view *view, int i)
{
    if (i < view->class_count)
        csv_text(out, view->class_names[i]);
    else
        fprintf(out, "%d", i);
}

/* A row for every pair of classes: runs with other classes fit into the same table. */
static nn_status write_confusion(const comparison *c, const char *which, FILE *out, nn_error *error)
{
    int found = 0;
    fputs("run,name,part,step,epoch,true,predicted,count\n", out);
    for (int r = 0; r < c->count; r++) {
        const run_view *view = c->runs[r].view;
        const store_evaluation *e = run_figure_evaluation(&c->runs[r], which);
        for (int i = 0; e && i < e->classes * e->classes; i++) {
            begin_row(out, view);
            fprintf(out, ",%s,%" PRIu64 ",%d,", nn_part_name(e->part), e->step, e->epoch);
            class_name(out, view, i / e->classes);
            fputc(',', out);
            class_name(out, view, i % e->classes);
            fprintf(out, ",%d\n", (int)e->confusion[i]);
        }
        found += e != NULL;
    }
    return found > 0 ? NN_OK
                     : nn_fail(error, NN_E_MISSING,
                               "no confusion matrix of the %s part was recorded in these runs",
                               which ? which : "dev or test");
}

/* --- the schedule -------------------------------------------------------------------------------
 */

static void write_schedule(const comparison *c, FILE *out)
{
    fputs("run,name,step,epoch,lr,planned\n", out);
    for (int r = 0; r < c->count; r++) {
        const run_view *view = c->runs[r].view;
        int64_t at = 0;
        uint64_t last = view->row.total_steps;
        last = view->row.step > last ? view->row.step : last;
        for (uint64_t step = 1; step <= last; step++) {
            double x = 0, used = (double)NAN;
            while (at < curve_count(view->lr) &&
                   (curve_point(view->lr, at, &x, &used), x < (double)step))
                at++;
            curve_point(view->lr, at, &x, &used);
            begin_row(out, view);
            fprintf(out, ",%" PRIu64 ",", step);
            csv_number(out, compared_x(&c->runs[r], COMPARE_BY_EPOCH, (double)step));
            fputc(',', out);
            if (at < curve_count(view->lr) && x <= (double)step)
                csv_number(out, used);
            fputc(',', out);
            double planned = run_figure_planned(view, (double)step);
            if (!isnan(planned))
                csv_number(out, planned);
            fputc('\n', out);
        }
    }
}

nn_status export_runs_csv(const comparison *c, const run_figure *what, FILE *out, nn_error *error)
{
    if (what->parts & SHOW_CONFUSION)
        return write_confusion(c, what->which, out, error);
    if (what->parts & SHOW_SCHEDULE)
        write_schedule(c, out);
    else
        write_all_curves(c, out);
    return NN_OK;
}
