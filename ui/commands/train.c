/* `gradus train`: in the workbench on a terminal, headless everywhere else. */
#include "ui/commands/commands.h"
#include "ui/commands/detach.h"
#include "ui/commands/report.h"
#include "ui/commands/signals.h"
#include "ui/screens/workbench.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    train_options train;
    bool headless, json, detach;
    int tell;          /* of a detached training: who waits until its run has begun; -1: nobody */
    train_texts texts; /* of the run that is branched from */
    char command_line[1024];
} train_settings;

#define FIELD(name) offsetof(train_settings, name)
static const option options[] = {
#include "ui/commands/train_rows.def"
    {"name", OPTION_TEXT, "NAME", FIELD(train.name), 0, "what the run is called", NULL},
    {"resume", OPTION_TEXT, "RUN|FILE", FIELD(train.resume), 0,
     "go on with a run, bit for bit: its number, its name, last, or a checkpoint file", NULL},
    {"branch", OPTION_TEXT, "RUN@STEP", FIELD(train.branch), 0,
     "a new run from the run's checkpoint at or before STEP, with its options unless given anew",
     NULL},
    {"headless", OPTION_FLAG, NULL, FIELD(headless), 0,
     "no workbench: a progress line on stderr, a summary on stdout", NULL},
    {"detach", OPTION_FLAG, NULL, FIELD(detach), 0,
     "in a process of its own that outlives the terminal; any workbench on the same store watches "
     "and steers it",
     NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "headless, with JSON lines on stdout", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(train.store_path), 0,
     "the file that keeps the runs; none: keep nothing", NULL},
    {"no-store", OPTION_FLAG, NULL, FIELD(train.no_store), 0, "keep nothing", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- options -----------------------------------------------------------------------------------
 */

/* The command as it was typed, for the run's record. */
static void join_words(char *text, size_t size, int argc, char **argv)
{
    size_t used = (size_t)snprintf(text, size, "gradus");
    for (int i = 0; i < argc && used < size; i++) {
        bool plain = argv[i][strcspn(argv[i], " |'\"$&;<>()*")] == '\0' && *argv[i];
        used += (size_t)snprintf(text + used, size - used, plain ? " %s" : " '%s'", argv[i]);
    }
}

/* The options of the run that `text` begins with ("7", "name", "7@1200"), as settings. */
static nn_status options_of_run(const train_settings *settings, const char *text,
                                train_settings *own, nn_error *error)
{
    char path[4096], name[128];
    const char *given = settings->train.store_path;
    snprintf(path, sizeof path, "%s", given ? given : "");
    if (!given && store_default_path(path, sizeof path, error) != NN_OK)
        return error->code;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "@"), text);
    store *s = store_open(path, error);
    if (!s)
        return error->code;
    run_id id;
    nn_status status = store_find_run(s, name, &id, error);
    if (status == NN_OK)
        status = train_options_of_run(s, id, &own->train, &own->texts, error);
    store_close(s);
    return status;
}

static bool same_value(const option *o, const train_settings *a, const train_settings *b)
{
    const char *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;
    const char *text, *other;
    switch (o->kind) {
    case OPTION_TEXT:
        text = *(const char *const *)(const void *)x;
        other = *(const char *const *)(const void *)y;
        return text && other && strcmp(text, other) == 0;
    case OPTION_INTEGER:
        return memcmp(x, y, sizeof(int)) == 0;
    case OPTION_REAL:
    case OPTION_SHARE:
        return memcmp(x, y, sizeof(double)) == 0;
    case OPTION_BIG:
    case OPTION_SEED:
        return memcmp(x, y, sizeof(int64_t)) == 0;
    case OPTION_FLAG:
    case OPTION_SIZE:
        break;
    }
    return false;
}

/* A resumed run is the run it was: it may be given its own options again, and more epochs; what
 * would change it belongs to a branch. */
static int check_resume(const train_settings *settings, const arguments *found)
{
    static const char *const may[] = {"resume", "epochs", "threads", "headless",
                                      "detach", "json",   "store",   "no-store"};
    train_settings own = {0};
    nn_error error = {0};
    uint64_t given = found->given;
    for (int i = 0; options[i].name; i++)
        for (size_t k = 0; k < sizeof may / sizeof *may; k++)
            if (strcmp(may[k], options[i].name) == 0)
                given &= ~(1ull << i);
    /* What is no recorded run (a checkpoint file, a wrong name) the session will judge. */
    if (!given || settings->train.no_store ||
        options_of_run(settings, settings->train.resume, &own, &error) != NN_OK)
        return EXIT_OK;
    for (int i = 0; options[i].name; i++)
        if ((given >> i & 1) && !same_value(&options[i], settings, &own))
            return wrong_usage(&command_train,
                               "--%s with --resume: the run goes on with its own; to change it "
                               "use --branch RUN@STEP --%s ...",
                               options[i].name, options[i].name);
    return EXIT_OK;
}

/* Lays the run's own options below the given ones: theirs first, then the words once more. */
static nn_status take_branch(train_settings *settings, int argc, char **argv, nn_error *error)
{
    if (settings->train.no_store)
        return nn_fail(error, NN_E_ARG, "--branch needs the store where run '%.60s' is",
                       settings->train.branch);
    nn_status status = options_of_run(settings, settings->train.branch, settings, error);
    arguments again;
    return status == NN_OK ? options_parse(&command_train, argc, argv, settings, &again, error)
                           : status;
}

/* --- headless ----------------------------------------------------------------------------------
 */

static void say_start(report *r, session *s)
{
    const train_options *o = session_options(s);
    nn_train_facts facts = nn_trainer_facts(session_trainer(s));
    report_begin(r, &(report_start){
                        .run = session_run(s),
                        .name = o->name,
                        .data = nn_dataset_name(session_data(s)),
                        .model = o->model,
                        .optimizer = o->optimizer,
                        .schedule = o->schedule,
                        .store = session_store(s),
                        .parameters = facts.parameters,
                        .shards = facts.shards,
                        .threads = facts.threads,
                        .batch = facts.batch,
                        .epochs = facts.epochs,
                        .first_epoch = (int)(facts.start_step / facts.steps_per_epoch),
                        .seed = o->seed,
                        .step = facts.start_step,
                        .total_steps = facts.total_steps,
                        .lr = o->lr,
                    });
}

static void warn_recorder(report *r, session *s, bool *warned)
{
    if (!session_recorder(s))
        return;
    recorder_health health = recorder_state(session_recorder(s));
    if (health.failing && !*warned)
        report_say(r, "the store cannot be written: %s; the points are kept in memory",
                   health.text);
    *warned = health.failing;
}

/* What the main thread does while the trainer works. */
typedef struct {
    session *session;
    report *report;
    nn_event end;
    bool ended, warned, stopping;
    char trouble[256]; /* the non-finite tensor, or why it failed */
} follower;

static void post(follower *f, nn_command_kind kind)
{
    nn_trainer_post(session_trainer(f->session), &(nn_command){.kind = kind});
}

static void take_event(follower *f, nn_event *event)
{
    report *r = f->report;
    switch (event->kind) {
    case NN_EVENT_STEP:
        report_step(r, event->epoch, event->step, event->loss, event->examples_per_s,
                    event->seconds);
        break;
    case NN_EVENT_EPOCH:
        report_epoch_done(r, &(report_epoch){event->epoch, event->step, event->train_loss,
                                             event->train_error, event->dev_loss, event->dev_error,
                                             event->lr, event->examples_per_s, event->seconds});
        warn_recorder(r, f->session, &f->warned);
        break;
    case NN_EVENT_APPLIED:
        if (event->command.kind != NN_COMMAND_STOP)
            report_applied(r, event);
        break;
    case NN_EVENT_REFUSED:
    case NN_EVENT_NOTE:
        report_say(r, "%s", event->text);
        break;
    case NN_EVENT_NONFINITE:
        report_nonfinite(r, event->step, event->text);
        snprintf(f->trouble, sizeof f->trouble, "%s", event->text);
        post(f, NN_COMMAND_STOP); /* nobody is there to ask */
        break;
    case NN_EVENT_END:
        f->end = *event;
        f->ended = true;
        break;
    case NN_EVENT_EVALUATION:
        nn_evaluation_release(event->evaluation);
        break;
    case NN_EVENT_START:
    case NN_EVENT_STATE:
    case NN_EVENT_CHECKPOINT:
        break;
    }
}

static void take_signal(follower *f, int fd)
{
    int number = signals_take(fd);
    if (!number || f->stopping)
        return;
    f->stopping = true;
    post(f, NN_COMMAND_STOP);
    report_say(f->report, "%s: stopping%s; once more leaves at once",
               number == SIGINT ? "interrupted" : strsignal(number),
               session_run(f->session) ? " with a checkpoint" : "");
}

static void follow(follower *f, int signals)
{
    nn_listener *listener = session_listener(f->session);
    struct pollfd fds[2] = {{.fd = nn_listener_fd(listener), .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};
    nn_event event;
    while (!f->ended) {
        poll(fds, 2, -1);
        if (fds[1].revents)
            take_signal(f, signals);
        nn_listener_clear(listener);
        while (!f->ended && nn_listener_next(listener, &event))
            take_event(f, &event);
    }
}

static void advise(report *r, const follower *f)
{
    const train_options *o = session_options(f->session);
    report_say(r,
               "the loss left the range of numbers: try a lower rate (--lr %g), a warm-up "
               "(--schedule %s,warmup=1) or clipping (--clip 1)",
               o->lr / 10, o->schedule);
    if (session_run(f->session) && f->end.best_epoch > 0)
        report_say(r, "or go on from the last good state: gradus train --branch %lld --lr %g",
                   (long long)session_run(f->session), o->lr / 10);
}

/* A resumed run has the name that it was given once. */
static const char *name_of(const train_settings *settings, session *s)
{
    const char *name = session_options(s)->name;
    return name ? name : settings->train.resume ? settings->train.resume : "";
}

static int train_headless(const train_settings *settings)
{
    nn_error error = {0};
    int signals = signals_open();
    report r = report_new(settings->json);
    session *s = session_open(&settings->train, false, &error);
    if (!s) {
        complain("%s", error.text);
        return error.code == NN_E_ARG ? EXIT_USAGE : EXIT_FAILED;
    }
    if (settings->tell >= 0 && detach_begun(settings->tell, session_store(s), session_run(s),
                                            name_of(settings, s), &error) != NN_OK) {
        complain("%s", error.text);
        session_close(s, NULL);
        return EXIT_FAILED;
    }
    if (*session_label_note(s))
        report_say(&r, "%s", session_label_note(s));
    say_start(&r, s);
    follower f = {.session = s, .report = &r};
    follow(&f, signals);
    nn_train_state state = f.end.state;
    if (state == NN_DIVERGED)
        advise(&r, &f);
    if (state == NN_FAILED)
        report_say(&r, "%s", f.end.text);
    run_id run = session_run(s);
    /* The end is told when it is in the store: who reads "end" may look there at once. */
    nn_status closed = session_close(s, &error);
    if (closed != NN_OK)
        report_say(&r, "not everything was recorded: %s", error.text);
    report_finish(&r, &(report_end){
                          .run = run,
                          .status = nn_train_state_name(state),
                          .message = f.trouble[0] ? f.trouble : f.end.text,
                          .best_epoch = f.end.best_epoch,
                          .best_dev_error = f.end.best_epoch > 0 ? f.end.best_dev_error : NAN,
                          .test_error = f.end.test_error,
                          .seconds = f.end.seconds,
                      });
    bool good = state == NN_FINISHED || state == NN_STOPPED;
    return good && closed == NN_OK ? EXIT_OK : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    train_settings settings = {.train = train_options_default()};
    settings.train.model = NULL; /* chosen for the data, unless given */
    arguments found;
    nn_error error = {0};
    int status;
    if (!options_begin(&command_train, argc, argv, &settings, &found, 0, 0, &status))
        return status;
    if (settings.train.resume && settings.train.branch)
        return wrong_usage(&command_train, "--resume and --branch exclude each other");
    if (settings.train.resume && (status = check_resume(&settings, &found)) != EXIT_OK)
        return status;
    if (settings.train.resume && !option_given(&command_train, &found, "epochs"))
        settings.train.epochs = 0;
    if (settings.train.store_path && strcmp(settings.train.store_path, "none") == 0)
        settings.train.no_store = true;
    if (settings.train.branch && take_branch(&settings, argc, argv, &error) != NN_OK) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    if (settings.detach && settings.train.no_store)
        return wrong_usage(&command_train,
                           "--detach needs the store: without it nobody could watch "
                           "or stop the training");
    settings.tell = settings.detach ? detach_taken() : -1;
    if (settings.detach && settings.tell < 0)
        return detach_start(argc, argv, settings.json);
    join_words(settings.command_line, sizeof settings.command_line, argc, argv);
    settings.train.command_line = settings.command_line;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (settings.headless || settings.json || settings.detach || !terminal)
        return train_headless(&settings);
    workbench_options workbench = {
        .store_path = settings.train.store_path, .train = &settings.train, .glyphs = -1};
    return workbench_run(&workbench);
}

const program_command command_train = {
    .name = "train",
    .arguments = "",
    .summary = "Trains a network: in the workbench on a terminal, headless without one.",
    .details = "Ctrl-C stops with a checkpoint; `gradus train --resume last` goes on from there.\n"
               "Errors in the output are shares from 0 to 1. Exit status: 0 finished or stopped,\n"
               "1 failed or diverged, 2 wrong usage.\n\n"
               "Examples:\n"
               "  gradus train --data digits --epochs 20\n"
               "  gradus train --data moons --model \"dense 16 | tanh | dense 2\" --lr 0.01\n"
               "  gradus train --data fashion-mnist --model lenet5 --schedule cosine --json\n"
               "  gradus train --data fashion-mnist --epochs 30 --detach; gradus watch last",
    .options = options,
    .run = run,
};
