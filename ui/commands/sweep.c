/* `gradus sweep`: searches hyperparameters. Here: the options, a new study, going on with one, and
 * what is said while it runs. */
#include "ui/commands/sweep.h"

#include "ui/commands/common.h"
#include "ui/commands/signals.h"
#include "ui/sweep_options.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MOST = 64 };

#define FIELD(name) offsetof(sweep_settings, name)
static const option options[] = {
    {"space", OPTION_TEXT, "SPACE", FIELD(space), 0,
     "what to search: \"lr=log(1e-4,1) batch=choice(32,64) layers=int(1,4) dropout=uniform(0,.6) "
     "momentum=beta(.9,.999) if optimizer=momentum\" (the kinds are below)",
     NULL},
    {"sampler", OPTION_TEXT, "NAME", FIELD(sampler), 0,
     "grid, random, sobol (quasi-random), tpe (learns from the trials) or zoom (coarse to fine) "
     "(default tpe)",
     "grid random sobol tpe zoom"},
    {"pruner", OPTION_TEXT, "NAME", FIELD(pruner), 0,
     "gives up trials that are behind: none, median[:OTHERS[,EPOCHS]] or asha[:FACTOR[,FIRST]] "
     "(successive halving at epochs FIRST, FIRST*FACTOR, ...) (default none)",
     "none median asha"},
    {"trials", OPTION_INTEGER, "N", FIELD(trials), 1,
     "that the sampler proposes (default 20, or none with --hours)", NULL},
    {"hours", OPTION_REAL, "H", FIELD(hours), 0,
     "stop after so many hours of work; what is under way waits with a checkpoint", NULL},
    {"jobs", OPTION_INTEGER, "N", FIELD(jobs), 1,
     "trials side by side in this process (default 1); --threads is of each trial (default: the "
     "cores shared out)",
     NULL},
    {"objective", OPTION_TEXT, "METRIC", FIELD(objective), 0,
     "dev_error, dev_loss, train_error, train_loss or examples_per_s: the best of its epochs "
     "(default dev_error)",
     "dev_error dev_loss train_error train_loss examples_per_s"},
    {"direction", OPTION_TEXT, "min|max", FIELD(direction), 0,
     "which values are better (default: as the metric has it)", "min max"},
    {"search-seed", OPTION_SEED, "N", FIELD(search_seed), 0,
     "of the sampler (default 1); --seed is that of every training", NULL},
    {"resume", OPTION_TEXT, "NAME", FIELD(resume), 0,
     "go on with a study, also beside other processes; --trials and --hours may be raised", NULL},
    {"optimize", OPTION_TEXT, "METRIC", FIELD(optimize), 0,
     "of best: the metric to choose by (default: the objective)", NULL},
    {"subject-to", OPTION_TEXT, "LIMITS", FIELD(limits), 0,
     "of best: limits on others, \"latency_ms<=5, params<=1e6\"", NULL},
    {"against", OPTION_TEXT, "METRIC", FIELD(against), 0,
     "of show: the second metric of the Pareto front (default latency_ms)", NULL},
#include "ui/commands/train_rows.def"
    {"name", OPTION_TEXT, "NAME", FIELD(train.name), 0,
     "what the study is called (default: sweep-1, sweep-2, ...)", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "JSON on stdout; JSON lines while it runs", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(train.store_path), 0, "the file that keeps the runs",
     NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- words of trials ---------------------------------------------------------------------------
 */

void sweep_json_point(json_out *json, const char *key, const nn_space *space, const nn_point *point)
{
    json_open(json, key, '{');
    for (int p = 0; p < space->count; p++) {
        const nn_space_param *param = &space->param[p];
        char text[NN_SPACE_TEXT];
        if (isnan(point->value[p]))
            continue;
        if (param->scale == NN_SCALE_CHOICE)
            json_text(json, param->name, nn_space_text(param, point->value[p], text));
        else
            json_number(json, param->name, point->value[p]);
    }
    json_close(json, '}');
}

void sweep_print_point(FILE *out, const nn_space *space, const nn_point *point)
{
    bool first = true;
    for (int p = 0; p < space->count; p++) {
        char text[NN_SPACE_TEXT];
        if (isnan(point->value[p]))
            continue;
        nn_space_text(&space->param[p], point->value[p], text);
        fprintf(out, "%s%s=%s", first ? "" : " ", space->param[p].name, text);
        first = false;
    }
}

const char *sweep_value(const char *objective, double value, char text[32])
{
    char number[16];
    size_t length = strlen(objective);
    bool share = length > 6 && strcmp(objective + length - 6, "_error") == 0;
    snprintf(text, 32, "%s", share ? percent(value, number) : decimal(value, number));
    return text;
}

/* --- while it runs -----------------------------------------------------------------------------
 */

typedef struct {
    const sweep_settings *settings;
    study_row study;
    nn_space *space;
} teller;

static const char *const event_names[] = {"trial", "epoch", "rung", "pruned",
                                          "end",   "best",  "note"};

static void tell_json(const teller *t, const sweep_event *event)
{
    json_out json = {.out = stdout};
    const trial_row *trial = event->trial;
    json_open(&json, NULL, '{');
    json_text(&json, "event", event_names[event->kind]);
    if (trial) {
        json_whole(&json, "trial", trial->number);
        if (trial->run)
            json_whole(&json, "run", trial->run);
        else
            json_null(&json, "run");
    }
    if (trial && (event->kind == SWEEP_TRIAL || event->kind == SWEEP_BEST))
        sweep_json_point(&json, "parameters", t->space, &trial->point);
    if (trial && event->kind == SWEEP_TRIAL)
        json_text(&json, "origin", trial->origin);
    if (trial && event->kind == SWEEP_END)
        json_text(&json, "state", trial_state_name(trial->state));
    if (trial && event->kind != SWEEP_BEST) {
        json_whole(&json, "epoch", event->epoch);
        if (event->kind != SWEEP_END)
            json_whole(&json, "epochs", event->epochs);
    }
    if (trial && event->kind != SWEEP_TRIAL)
        json_number(&json, "value", event->value);
    if (event->text && event->text[0])
        json_text(&json, event->kind == SWEEP_NOTE ? "text" : "reason", event->text);
    json_close(&json, '}');
    json_line(&json);
}

static void tell_text(const teller *t, const sweep_event *event)
{
    const trial_row *trial = event->trial;
    char value[32];
    if (!trial) {
        complain("%s", event->text);
        return;
    }
    switch (event->kind) {
    case SWEEP_NOTE:
    case SWEEP_EPOCH:
    case SWEEP_RUNG:
    case SWEEP_PRUNED:
        return; /* the table in the store, and `gradus watch`, have them */
    case SWEEP_TRIAL:
        fprintf(stderr, "trial %d %s: ", trial->number, event->epoch > 0 ? "goes on" : "begins");
        sweep_print_point(stderr, t->space, &trial->point);
        fputc('\n', stderr);
        return;
    case SWEEP_BEST:
        printf("trial %-4d best so far\n", trial->number);
        break;
    case SWEEP_END:
        printf("trial %-4d %-8s  %s %-9s  ", trial->number, trial_state_name(trial->state),
               t->study.objective, sweep_value(t->study.objective, event->value, value));
        sweep_print_point(stdout, t->space, &trial->point);
        if (event->text && event->text[0])
            printf("  (%s)", event->text);
        putchar('\n');
        break;
    }
    fflush(stdout);
}

static void tell(void *context, const sweep_event *event)
{
    const teller *t = context;
    if (t->settings->json)
        tell_json(t, event);
    else
        tell_text(t, event);
}

static void say_study(const teller *t, const char *event, const char *status)
{
    const study_row *row = &t->study;
    json_out json = {.out = stdout};
    char value[32];
    if (!t->settings->json) {
        if (status && row->best)
            printf("study '%s' %s: best trial %d with %s %s (run %lld)\n", row->name, status,
                   row->best, row->objective, sweep_value(row->objective, row->best_value, value),
                   (long long)row->best_run);
        else if (status)
            printf("study '%s' %s: no trial has finished yet\n", row->name, status);
        fflush(stdout);
        return;
    }
    json_open(&json, NULL, '{');
    json_text(&json, "event", event);
    json_text(&json, "study", row->name);
    if (status)
        json_text(&json, "status", status);
    json_text(&json, "space", row->space);
    json_text(&json, "objective", row->objective);
    json_text(&json, "sampler", nn_sampler_name(row->sampler));
    json_text(&json, "pruner", row->pruner);
    json_open(&json, "count", '{');
    for (int i = 0; i < TRIAL_STATES; i++)
        json_whole(&json, trial_state_name((trial_state)i), row->count[i]);
    json_close(&json, '}');
    if (row->best) {
        json_whole(&json, "best", row->best);
        json_number(&json, "best_value", row->best_value);
        json_whole(&json, "best_run", row->best_run);
    }
    json_close(&json, '}');
    json_line(&json);
}

static bool read_row(teller *t, study_id id)
{
    store *s = require_store(t->settings->train.store_path);
    nn_error error = {0};
    bool read = s && store_study(s, id, &t->study, &error) == NN_OK;
    if (s && !read)
        complain("%s", error.text);
    store_close(s);
    return read;
}

static int work_on(const sweep_settings *settings, study_id id)
{
    teller t = {.settings = settings};
    nn_error error = {0};
    int signals = signals_open();
    if (!read_row(&t, id) || !(t.space = nn_space_parse(t.study.space, &error)))
        return EXIT_FAILED;
    say_study(&t, "study", NULL);
    sweep_args args = {.store_path = settings->train.store_path,
                       .study = id,
                       .jobs = settings->jobs,
                       .threads = settings->train.threads,
                       .signals = signals,
                       .tell = tell,
                       .context = &t};
    static const char *const results[] = {"finished", "stopped at its hours", "stopped", "failed"};
    sweep_result result = sweep_run(&args, &error);
    if (result == SWEEP_BROKEN)
        complain("%s", error.text);
    if (result == SWEEP_INTERRUPTED || result == SWEEP_LATE)
        complain("go on with: gradus sweep --resume %s", t.study.name);
    if (read_row(&t, id))
        say_study(&t, "done", results[result]);
    nn_space_free(t.space);
    return result == SWEEP_BROKEN ? EXIT_FAILED : EXIT_OK;
}

/* --- a new study -------------------------------------------------------------------------------
 */

/* sweep-1, sweep-2, ...: the first that is free. */
static nn_status free_name(const char *path, char *name, size_t size, nn_error *error)
{
    store *s = store_open(path, error);
    study_id id;
    if (!s)
        return error->code;
    nn_error missing;
    for (int i = 1; i < 1000000; i++) {
        snprintf(name, size, "sweep-%d", i);
        if (store_find_study(s, name, &id, &missing) != NN_OK)
            break;
    }
    store_close(s);
    return NN_OK;
}

static nn_status describe(const sweep_settings *settings, study_description *d, nn_error *error)
{
    bool highest = false;
    nn_status status = nn_sampler_of(settings->sampler, &d->sampler, error);
    if (status == NN_OK)
        status = nn_pruner_parse(settings->pruner, &d->pruner, error);
    if (status == NN_OK && !sweep_objective(settings->objective, &highest))
        status = nn_fail(error, NN_E_ARG, "no objective '%.40s': expected %s", settings->objective,
                         sweep_objectives());
    if (status == NN_OK && settings->direction && strcmp(settings->direction, "min") != 0 &&
        strcmp(settings->direction, "max") != 0)
        status = nn_fail(error, NN_E_ARG, "--direction '%.40s': expected min or max",
                         settings->direction);
    d->highest = settings->direction ? strcmp(settings->direction, "max") == 0 : highest;
    d->space = settings->space;
    d->objective = settings->objective;
    d->command_line = settings->command_line;
    d->seed = settings->search_seed;
    d->trials = settings->trials > 0 ? settings->trials : settings->hours > 0 ? 0 : 20;
    d->hours = settings->hours;
    return status;
}

/* The options in words that a later process in another folder understands as well. */
static nn_status complete_options(train_options *o, char *path, const nn_dataset *data,
                                  const char *objective, nn_error *error)
{
    if (o->data && !train_data_named(o->data) && realpath(o->data, path))
        o->data = path;
    if (!o->model)
        o->model = train_default_model(nn_dataset_sample(data));
    if (strncmp(objective, "dev_", 4) == 0 && nn_dataset_count(data, NN_DEV) < 1)
        return nn_fail(error, NN_E_ARG,
                       "the objective %s needs a dev part, and data '%s' has none: give --dev 0.1",
                       objective, nn_dataset_name(data));
    return NN_OK;
}

static study_id write_study(const char *path, const study_description *d, nn_error *error)
{
    recorder *r = recorder_open(path, error);
    study_id id = r ? recorder_begin_study(r, d, error) : 0;
    nn_error ignored;
    recorder_close(r, &ignored);
    return id;
}

static nn_status make_study(sweep_settings *settings, study_id *id, nn_error *error)
{
    char path[PATH_MAX], data_path[PATH_MAX], name[96];
    store_param base[TRAIN_PARAMS + 1];
    study_description d = {.name = settings->train.name, .options = base};
    train_options train = settings->train;
    nn_dataset *data = NULL;
    nn_space *space = NULL;
    nn_status status = describe(settings, &d, error);
    if (status == NN_OK && !(space = nn_space_parse(settings->space, error)))
        status = error->code;
    snprintf(path, sizeof path, "%s", train.store_path ? train.store_path : "");
    if (status == NN_OK && !train.store_path)
        status = store_default_path(path, sizeof path, error);
    if (status == NN_OK && !d.name && (status = free_name(path, name, sizeof name, error)) == NN_OK)
        d.name = name;
    if (status == NN_OK && !(data = session_read_data(&train, error)))
        status = error->code;
    if (status == NN_OK)
        status = complete_options(&train, data_path, data, d.objective, error);
    d.option_count = sweep_base_params(&train, base);
    if (status == NN_OK)
        status = sweep_check_space(base, d.option_count, space, data, error);
    if (status == NN_OK && d.sampler == NN_SAMPLER_GRID && nn_grid_size(space, d.trials) > d.trials)
        complain("the smallest grid has %lld points: %d of them are tried, in a shuffled order",
                 (long long)nn_grid_size(space, d.trials), d.trials);
    nn_dataset_free(data);
    nn_space_free(space);
    if (status == NN_OK && (*id = write_study(path, &d, error)) == 0)
        status = error->code;
    return status;
}

static int start(sweep_settings *settings)
{
    nn_error error = {0};
    study_id id = 0;
    if (!settings->space)
        return wrong_usage(
            &command_sweep,
            "what shall be searched? --space \"lr=log(1e-4,1) batch=choice(32,64)\"");
    if (make_study(settings, &id, &error) != NN_OK) {
        if (error.code == NN_E_ARG)
            return wrong_usage(&command_sweep, "%s", error.text);
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    return work_on(settings, id);
}

static nn_status extend(const sweep_settings *settings, const char *path, study_id id,
                        nn_error *error)
{
    if (settings->trials == 0 && settings->hours == 0)
        return NN_OK;
    recorder *r = recorder_open(path, error);
    if (!r)
        return error->code;
    nn_status status = recorder_extend_study(r, id, settings->trials, settings->hours, error);
    recorder_close(r, NULL);
    return status;
}

static int resume(const sweep_settings *settings)
{
    nn_error error = {0};
    study_id id = 0;
    char path[PATH_MAX];
    store *s = require_store(settings->train.store_path);
    if (!s)
        return EXIT_FAILED;
    nn_status status = store_find_study(s, settings->resume, &id, &error);
    snprintf(path, sizeof path, "%s", store_path(s));
    store_close(s);
    if (status == NN_OK)
        status = extend(settings, path, id, &error);
    if (status != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    return work_on(settings, id);
}

/* --- the command -------------------------------------------------------------------------------
 */

static void join_words(char *text, size_t size, int argc, char **argv)
{
    size_t used = (size_t)snprintf(text, size, "gradus");
    for (int i = 0; i < argc && used < size; i++) {
        bool plain = argv[i][strcspn(argv[i], " |'\"$&;<>()*")] == '\0' && *argv[i];
        used += (size_t)snprintf(text + used, size - used, plain ? " %s" : " '%s'", argv[i]);
    }
}

/* A resumed study is the one it was. */
static int check_resume(const arguments *found)
{
    static const char *const may[] = {"resume",  "trials", "hours", "jobs",
                                      "threads", "json",   "store"};
    uint64_t given = found->given;
    for (int i = 0; options[i].name; i++)
        for (size_t k = 0; k < sizeof may / sizeof *may; k++)
            if (strcmp(may[k], options[i].name) == 0)
                given &= ~(1ull << i);
    for (int i = 0; options[i].name; i++)
        if (given >> i & 1)
            return wrong_usage(&command_sweep,
                               "--%s with --resume: the study goes on as it was begun; for another "
                               "begin a new one",
                               options[i].name);
    return EXIT_OK;
}

static int read_study(const sweep_settings *settings, const arguments *found)
{
    const char *verb = found->word[0];
    nn_error error = {0};
    study_id id = 0;
    int status = EXIT_FAILED;
    bool list = strcmp(verb, "list") == 0;
    if (found->count != (list ? 1 : 2))
        return wrong_usage(&command_sweep,
                           list ? "sweep list takes no study"
                                : "sweep %s needs one study: its name, or last",
                           verb);
    store *s = require_store(settings->train.store_path);
    if (!s)
        return EXIT_FAILED;
    if (list)
        status = sweep_list(s, settings->json);
    else if (store_find_study(s, found->word[1], &id, &error) != NN_OK)
        complain("%s", error.text);
    else if (strcmp(verb, "show") == 0)
        status = sweep_show(s, id, settings->against, settings->json);
    else
        status = sweep_best(s, id, settings);
    store_close(s);
    return status;
}

static int run(int argc, char **argv)
{
    sweep_settings settings = {.train = train_options_default(),
                               .sampler = "tpe",
                               .pruner = "none",
                               .objective = "dev_error",
                               .jobs = 1,
                               .search_seed = 1};
    settings.train.model = NULL; /* chosen for the data, unless given */
    arguments found;
    int status;
    if (!options_begin(&command_sweep, argc, argv, &settings, &found, 0, ARGUMENTS_MAX, &status))
        return status;
    const char *verb = found.count > 0 ? found.word[0] : NULL;
    if (settings.jobs > JOBS_MOST)
        return wrong_usage(&command_sweep, "--jobs %d: expected 1 to %d", settings.jobs, JOBS_MOST);
    join_words(settings.command_line, sizeof settings.command_line, argc, argv);
    settings.train.command_line = settings.command_line;
    if (!verb && settings.resume)
        return (status = check_resume(&found)) != EXIT_OK ? status : resume(&settings);
    if (!verb)
        return start(&settings);
    if (strcmp(verb, "list") == 0 || strcmp(verb, "show") == 0 || strcmp(verb, "best") == 0)
        return read_study(&settings, &found);
    if (sweep_is_steering(verb)) {
        if (!option_given(&command_sweep, &found, "epochs"))
            settings.train.epochs = 0;
        return sweep_steer(verb, &settings, &found);
    }
    return wrong_usage(&command_sweep,
                       "sweep '%.40s': expected list, show, best, add, pause, go, kill, clone or "
                       "promote",
                       verb);
}

const program_command command_sweep = {
    .name = "sweep",
    .arguments = "[list|show|best|add|pause|go|kill|clone|promote]",
    .summary = "Searches hyperparameters: many trainings, side by side, kept as one study.",
    .details = "Without a word it begins a study, or goes on with one (--resume). With one:\n"
               "  list                        every study\n"
               "  show STUDY                  trials, importance, Pareto front\n"
               "  best STUDY                  by --optimize and --subject-to\n"
               "  add STUDY P=V ...           a trial by hand; what is not given is drawn\n"
               "  pause|go|kill STUDY TRIAL   in any process; go queues it again\n"
               "  clone STUDY TRIAL P=V ...   an edited copy\n"
               "  promote STUDY TRIAL         trains it on to --epochs, as a new trial\n\n"
               "Kinds of parameters: uniform(LOW,HIGH), log(LOW,HIGH), int(LOW,HIGH),\n"
               "beta(LOW,HIGH) (log in 1 - value), logint(LOW,HIGH), choice(A,B,...); after any:\n"
               "if OTHER=A|B, or with !=, <, <=, >, >=.\n"
               "A parameter is an option of a training (lr, batch, dropout, optimizer, ...), or\n"
               "stands in the text of one as {NAME}, with [TEXT]*{NAME} repeated:\n"
               "  --model \"flatten | [dense {units} | relu | ]*{layers} dense 10\"\n"
               "With --model mlp the parameters layers and units need no such text.\n\n"
               "Ctrl-C stops with checkpoints; --resume goes on, also after a kill. Every trial\n"
               "is a run: `gradus watch RUN` follows it.\n\n"
               "Examples:\n"
               "  gradus sweep --data digits --space 'lr=log(1e-4,1) batch=choice(32,64)'\n"
               "  gradus sweep --space 'lr=log(1e-4,.1) dropout=uniform(0,.6)' --pruner asha \\\n"
               "      --trials 40 --jobs 2 --epochs 9 --name lenet\n"
               "  gradus sweep best lenet --subject-to 'latency_ms<=5, params<=1e6'",
    .options = options,
    .words = "list show best add pause go kill clone promote",
    .run = run,
};
