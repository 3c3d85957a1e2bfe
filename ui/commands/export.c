/* `gradus export`: runs and studies as files for other programs and for reports. */
#include "ui/commands/export.h"

#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/figures/study_figure.h"
#include "ui/output_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *store, *output, *what, *part, *axis, *title;
    bool csv, json, svg, png, log_x, log_y, study;
    int smooth;
} settings;

#define FIELD(name) offsetof(settings, name)
static const option options[] = {
    {"output", OPTION_TEXT, "FILE", FIELD(output), 0,
     "written whole or not at all; its ending chooses the format (default: stdout)", NULL},
    {"csv", OPTION_FLAG, NULL, FIELD(csv), 0, "a table; the usual format without -o", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object with everything", NULL},
    {"svg", OPTION_FLAG, NULL, FIELD(svg), 0, "a picture of lines, for documents", NULL},
    {"png", OPTION_FLAG, NULL, FIELD(png), 0, "a picture of pixels", NULL},
    {"what", OPTION_TEXT, "PARTS", FIELD(what), 0,
     "curves, confusion, schedule, joined by commas, or all (default all; csv: curves, one part "
     "a file)",
     "curves confusion schedule all"},
    {"part", OPTION_TEXT, "NAME", FIELD(part), 0,
     "whose confusion matrix: dev or test (default: test where it was measured)", "dev test"},
    {"x", OPTION_TEXT, "AXIS", FIELD(axis), 0, "of pictures: epoch, step or time (default epoch)",
     "epoch step time"},
    {"log-x", OPTION_FLAG, NULL, FIELD(log_x), 0, "logarithmic x axes", NULL},
    {"log-y", OPTION_FLAG, NULL, FIELD(log_y), 0, "logarithmic y axes", NULL},
    {"smooth", OPTION_INTEGER, "N", FIELD(smooth), 0,
     "points of the mean of the batches' loss, 0 for none (default 50)", NULL},
    {"title", OPTION_TEXT, "TEXT", FIELD(title), 0, "of a picture", NULL},
    {"study", OPTION_FLAG, NULL, FIELD(study), 0, "the word names a study, not a run", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

typedef enum { FORMAT_CSV, FORMAT_JSON, FORMAT_SVG, FORMAT_PNG, FORMATS } format;
static const char *const format_names[FORMATS] = {"csv", "json", "svg", "png"};
enum { PNG_SCALE = 2 };

/* --- what is asked for --------------------------------------------------------------------------
 */

/* From the flags, else from the ending of the file's name, else CSV. */
static int choose_format(const settings *o, format *chosen)
{
    const bool flags[FORMATS] = {o->csv, o->json, o->svg, o->png};
    int count = 0;
    for (int i = 0; i < FORMATS; i++)
        if (flags[i]) {
            *chosen = (format)i;
            count++;
        }
    if (count > 1)
        return wrong_usage(&command_export, "one format at a time: --csv, --json, --svg or --png");
    if (count == 1)
        return EXIT_OK;
    *chosen = FORMAT_CSV;
    const char *ending = o->output ? strrchr(o->output, '.') : NULL;
    for (int i = 0; i < FORMATS && ending; i++)
        if (strcasecmp(ending + 1, format_names[i]) == 0) {
            *chosen = (format)i;
            return EXIT_OK;
        }
    if (o->output)
        return wrong_usage(&command_export,
                           "'%.200s' does not say its format: give --csv, --json, --svg or "
                           "--png, or end its name with one of them",
                           o->output);
    return EXIT_OK;
}

static int choose_parts(const settings *o, format chosen, unsigned *parts)
{
    static const struct {
        const char *word;
        unsigned part;
    } words[] = {{"curves", SHOW_CURVES},
                 {"confusion", SHOW_CONFUSION},
                 {"schedule", SHOW_SCHEDULE},
                 {"all", SHOW_EVERYTHING}};
    *parts = 0;
    for (const char *at = o->what ? o->what : ""; *at; at += *at == ',') {
        size_t length = strcspn(at, ","), i = 0;
        while (i < 4 &&
               (strlen(words[i].word) != length || strncmp(at, words[i].word, length) != 0))
            i++;
        if (i == 4)
            return wrong_usage(&command_export,
                               "--what '%.60s': expected curves, confusion, schedule or all", at);
        *parts |= words[i].part;
        at += length;
    }
    if (*parts == 0)
        *parts = chosen == FORMAT_CSV ? SHOW_CURVES : SHOW_EVERYTHING;
    if (chosen == FORMAT_CSV && (*parts & (*parts - 1)) != 0)
        return wrong_usage(&command_export, "a CSV file holds one part: curves, confusion or "
                                            "schedule");
    return EXIT_OK;
}

static int choose_words(const settings *o, run_figure *what)
{
    what->log_x = o->log_x, what->log_y = o->log_y;
    what->smoothing = o->smooth;
    what->title = o->title;
    what->which = o->part;
    if (o->part && strcmp(o->part, "dev") != 0 && strcmp(o->part, "test") != 0)
        return wrong_usage(&command_export, "--part '%.40s': expected dev or test", o->part);
    static const char *const axes[COMPARE_AXES] = {"epoch", "step", "time"};
    for (int i = 0; i < COMPARE_AXES; i++)
        if (!o->axis || strcmp(o->axis, axes[i]) == 0) {
            what->axis = (compare_axis)i;
            return EXIT_OK;
        }
    return wrong_usage(&command_export, "--x '%.40s': expected epoch, step or time", o->axis);
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* Takes `d` (NULL: `error` says why). */
static nn_status write_picture(drawing *d, format chosen, const char *title, FILE *out,
                               nn_error *error)
{
    if (!d)
        return error->code;
    nn_status status = chosen == FORMAT_SVG ? drawing_write_svg(d, title, out, error)
                                            : drawing_write_png(d, PNG_SCALE, out, error);
    drawing_free(d);
    return status;
}

static nn_status write_runs(comparison *c, const run_figure *what, format chosen, FILE *out,
                            nn_error *error)
{
    char title[256];
    if (chosen == FORMAT_CSV)
        return export_runs_csv(c, what, out, error);
    if (chosen == FORMAT_JSON)
        return export_runs_json(c, what, out, error);
    drawing *d = run_figure_draw(c, what, title, sizeof title, error);
    return write_picture(d, chosen, title, out, error);
}

static nn_status write_study(store *s, study_id study, const settings *o, format chosen, FILE *out,
                             nn_error *error)
{
    char title[256];
    if (chosen == FORMAT_CSV)
        return export_study_csv(s, study, out, error);
    if (chosen == FORMAT_JSON)
        return export_study_json(s, study, out, error);
    study_view view = {0};
    nn_status status = study_view_load(&view, s, study, NULL, error);
    if (status == NN_OK) {
        drawing *d = study_figure_draw(&view, o->log_y, title, sizeof title, error);
        status = write_picture(d, chosen, title, out, error);
    }
    study_view_free(&view);
    return status;
}

/* --- which runs, or which study -----------------------------------------------------------------
 */

typedef struct {
    run_id runs[ARGUMENTS_MAX];
    int count;
    study_id study; /* 0: runs */
} subject;

static nn_status find_subject(store *s, const settings *o, const arguments *found, subject *of,
                              nn_error *error)
{
    nn_error unknown = {0};
    *of = (subject){0};
    if (o->study)
        return store_find_study(s, found->word[0], &of->study, error);
    for (int i = 0; i < found->count; i++) {
        run_id id = 0;
        bool named = store_find_run(s, found->word[i], &id, &unknown) == NN_OK;
        if (!named && found->count == 1 &&
            store_find_study(s, found->word[0], &of->study, error) == NN_OK)
            return NN_OK;
        if (!named) {
            *error = unknown;
            return unknown.code;
        }
        for (int k = 0; k < i; k++)
            if (of->runs[k] == id)
                return nn_fail(error, NN_E_ARG, "'%.60s' and '%.60s' are the same run (%lld)",
                               found->word[k], found->word[i], (long long)id);
        of->runs[of->count++] = id;
    }
    return NN_OK;
}

static nn_status write_all(store *s, const settings *o, const run_figure *what, format chosen,
                           const subject *of, nn_error *error)
{
    comparison c = {0};
    output_file file;
    nn_status status = NN_OK;
    if (!of->study)
        status = comparison_read(&c, s, NULL, of->runs, of->count, error);
    if (status == NN_OK && (status = output_open(&file, o->output, error)) == NN_OK) {
        status = of->study ? write_study(s, of->study, o, chosen, file.out, error)
                           : write_runs(&c, what, chosen, file.out, error);
        status = output_close(&file, status, error);
    }
    comparison_free(&c);
    return status;
}

static int run(int argc, char **argv)
{
    settings o = {.smooth = 50};
    arguments found;
    run_figure what = {0};
    format chosen = FORMAT_CSV;
    int status;
    if (!options_begin(&command_export, argc, argv, &o, &found, 1, ARGUMENTS_MAX, &status))
        return status;
    if ((status = choose_format(&o, &chosen)) != EXIT_OK ||
        (status = choose_parts(&o, chosen, &what.parts)) != EXIT_OK ||
        (status = choose_words(&o, &what)) != EXIT_OK)
        return status;
    if (chosen == FORMAT_PNG && !o.output && isatty(STDOUT_FILENO))
        return wrong_usage(&command_export, "a PNG is nothing for a terminal: give -o FILE");
    if (o.study && found.count > 1)
        return wrong_usage(&command_export, "one study at a time");
    store *s = require_store(o.store);
    if (!s)
        return EXIT_FAILED;
    subject of;
    nn_error error = {0};
    nn_status done = find_subject(s, &o, &found, &of, &error);
    if (done == NN_OK)
        done = write_all(s, &o, &what, chosen, &of, &error);
    if (done != NN_OK)
        complain("%s", error.text);
    store_close(s);
    return done == NN_OK ? EXIT_OK : EXIT_FAILED;
}

const program_command command_export = {
    .name = "export",
    .arguments = "RUN... | STUDY",
    .summary = "Writes runs or a study as CSV, JSON, SVG or PNG.",
    .details = "RUN is a number, a name, or last; several stand in one picture in different\n"
               "colours, A, B, ... in the order they were named. Errors are shares from 0 to 1\n"
               "in tables and JSON, percent in pictures. In CSV a value that was not measured\n"
               "at a step is empty, and nan or inf are written so; JSON has null for both. The\n"
               "letters of a PNG are ASCII; an SVG has all.\n\n"
               "Examples:\n"
               "  gradus export last -o run.svg\n"
               "  gradus export 3 7 --what curves --log-y -o both.png\n"
               "  gradus export last --what confusion --csv -o confusion.csv\n"
               "  gradus export lenet --csv > trials.csv",
    .options = options,
    .run = run,
};
