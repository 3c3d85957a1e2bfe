/* The state of the workbench, shared by the files of this folder and by its tests. Everything here
 * belongs to the UI thread. */
#ifndef GRADUS_UI_APP_H
#define GRADUS_UI_APP_H

#include "ui/panels/panel.h"
#include "ui/run_listing.h"
#include "ui/screens/background.h"
#include "ui/screens/workbench.h"
#include "ui/terminal/keymap.h"
#include "ui/terminal/list.h"
#include "ui/terminal/loop.h"
#include "ui/terminal/prompt.h"

enum {
    APP_MIN_W = 80,
    APP_MIN_H = 24,
    APP_MARKS = 52 /* as many as there are letters */
};

typedef enum {
    VIEW_HOME,
    VIEW_MONITOR,
    VIEW_RUNS,
    VIEW_COMPARE,
    VIEW_TRIALS,
    VIEW_FORM,
    VIEW_COURSE
} app_view;

/* Contexts of commands. */
enum {
    IN_ALL = 1,
    IN_HOME = 2,
    IN_RUNS = 4,
    IN_MONITOR = 8,
    IN_PLOT = 16,
    IN_SMOOTH = 32, /* the loss plot */
    IN_TABLE = 64,
    IN_LOG = 128,
    IN_LIST = 256,
    IN_COMPARE = 1024,
    IN_TRIALS = 4096,
    IN_COURSE = 1 << 16,
    IN_COURSE_HOME = 1 << 17,
    IN_READ = 1 << 18,
    IN_STEP = 1 << 19,
    IN_LAB = 1 << 20,
    IN_CHECK = 1 << 21,
    IN_CHAPTER = IN_READ | IN_STEP | IN_LAB | IN_CHECK
};

#define COMMAND(id, name, keys, contexts, hint, flags, label, help) DO_##id,
typedef enum {
#include "ui/screens/bindings.def"
    DO_COUNT
} command_id;
#undef COMMAND

/* The form of a new training. Texts as typed; read_form() checks them. */
typedef enum {
    FIELD_START,
    FIELD_DATA,
    FIELD_MODEL,
    FIELD_OPTIMIZER,
    FIELD_RATE,
    FIELD_SCHEDULE,
    FIELD_BATCH,
    FIELD_EPOCHS,
    FIELD_DROPOUT,
    FIELD_L2,
    FIELD_SEED,
    FIELD_NAME,
    FIELD_COUNT
} form_field;
typedef struct {
    prompt fields[FIELD_COUNT];
    char problems[FIELD_COUNT][320]; /* "" or why the field cannot be used */
    char failure[400];               /* why the last start failed */
    int at;
    bool fresh; /* nothing was typed into this field since the cursor came to it */
} form;

typedef enum {
    TRAINING_NONE,
    TRAINING_OPENING, /* data are read, the model is built: in the background */
    TRAINING_RUNS,    /* until its END event */
    TRAINING_CLOSING  /* the last points are written: in the background */
} training_state;

/* A question that waits for one key. */
typedef enum { ASK_NOTHING, ASK_STOP, ASK_QUIT } app_question;
typedef enum { PROMPT_NONE, PROMPT_COMMAND, PROMPT_FIND } app_prompt;

/* A list over the Runs screen to choose from. */
typedef enum { PICK_NONE, PICK_COLUMNS, PICK_GROUP, PICK_TAGS, PICK_VIEWS } app_pick;

/* Changes of runs and what takes them back, for undo. */
typedef struct {
    run_change *forward, *back;
    int count;
    char text[120]; /* "2 runs archived" */
} run_step;
enum { UNDO_STEPS = 64 };

typedef struct app {
    loop *loop; /* NULL in tests and for --print */
    screen *screen;
    keymap *keys;
    glyph_level glyphs;
    int w, h;
    app_view view, before; /* before: where Esc of the form leads */
    bool help;
    list_view help_list;
    prompt help_search, line;
    app_prompt prompting;
    bool typed; /* the command that is done comes from the ':' line */
    app_question asking;
    char message[400];
    canvas_role message_role;
    char loading[200]; /* "" or what is being opened */

    char store_path[1024];
    store *store; /* NULL until it is open */
    char store_problem[400];
    int64_t store_seen;
    run_table *table;              /* every run; never NULL */
    run_listing listing;           /* what the Runs screen shows of it */
    list_view run_list, home_list; /* run_list: lines of the listing */
    run_id marks[APP_MARKS];       /* marked with Space, in that order: A, B, C ... for Compare */
    int mark_count;
    int first_column;                  /* of the listing, that is seen */
    char filter_draft[LISTING_FILTER]; /* a filter that was refused */
    app_pick pick;
    list_view pick_list;
    prompt pick_search;
    run_step steps[UNDO_STEPS];
    int step_count, step_at; /* undo takes back steps[step_at - 1] */
    int changing;            /* changes that are being written */

    struct compare_screen *compare; /* compare.h; NULL until the screen was opened */
    struct trials_screen *trials;   /* trials.h; NULL until the screen was opened */
    struct course_screen *course;   /* course.h; NULL until the screen was opened */

    background *background;
    recorder *courier; /* writes commands for other processes' runs, and changes of runs: touched
                          by work in the background alone */
    session *session;
    training_state training;
    run_view *live;  /* of the session; stays after it */
    run_view *other; /* a recorded run, or one of another process */
    run_view *shown; /* live, other or NULL */
    bool quitting;   /* leave as soon as the session is closed */
    int status;
    bool done;

    panel_state panels[PANEL_COUNT];
    panel_id focus;
    panel_id lower; /* the one of rate, confusion and log that a small screen shows */
    bool zoomed;
    form form;
    double now;
} app;

/* app.c */
app *app_new(screen *s, const workbench_options *options, nn_error *error);
void app_free(app *a); /* stops and saves what still runs */
void app_draw(void *app, canvas *c);
void app_key(void *app, const key_event *key);
bool app_tick(void *app, double now);
bool app_closing(void *app, loop_reason why);
/* Background jobs and training events that have arrived; true if something changed. */
bool app_pump(app *a);
void app_say(app *a, canvas_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void app_dirty(app *a);
void app_go(app *a, app_view view);
unsigned app_contexts(const app *a);
void app_leave(app *a, int status);
/* Leaves now, when the last points are written, or after asking whether to stop the training. */
void app_quit(app *a);
void app_open_line(app *a, const char *text); /* the ':' line, with this in it */
extern const ui_app app_callbacks;

/* commands.c: what commands do; `argument` is what followed the name in a ':' line, else "". */
void app_do(app *a, command_id what, const char *argument);
const char *app_why_not(void *app, int id); /* NULL: it can run */
keymap *app_keymap(nn_error *error);

/* training.c: the session of this process and steering of others */
void training_start(app *a, const train_options *options);
void training_resume(app *a, const run_row *row);
bool training_pump(app *a);
bool training_active(const app *a);
void training_steer(app *a, nn_command_kind kind, const char *name, double value);
/* Blocks until the session is closed: for the way out. */
void training_finish(app *a);

/* records.c: what the store knows */
void records_open(app *a, const char *show); /* in the background; then that run, if any */
bool records_refresh(app *a, bool force);
void records_show(app *a, run_id id);
void records_show_named(app *a, const char *text);
/* The listing again, after a rule or the table changed; the selection stays on its run. */
void records_list(app *a);
/* The newest run that is neither archived nor deleted; NULL: none. */
const run_row *records_newest(const app *a);
/* The recorder for changes; only in background work. NULL: `error` says why. */
recorder *records_courier(app *a, nn_error *error);

/* The screens. Each draws into the clip. */
void home_draw(app *a, canvas *c);
bool home_do(app *a, command_id what);
void runs_draw(app *a, canvas *c);
bool runs_do(app *a, command_id what, const char *argument);
const run_entry *runs_selected(const app *a);              /* NULL: none, or a heading */
int runs_mark(const app *a, run_id id);                    /* its place among the marks, or -1 */
void runs_standing(const app *a, char *text, size_t size); /* about the selected run */
void runs_find_key(app *a, const key_event *key);          /* while words are typed after '/' */
bool runs_back(app *a); /* Esc: words, then the filter go; false: neither is set */

/* runs_edit.c: changes of the selected or marked runs, and undo */
bool runs_edit(app *a, command_id what, const char *argument);
/* A change of one kind to the marked runs, or else the selected one. */
void runs_edit_marked(app *a, run_change_kind kind, const char *text, const char *colour);
void runs_save_view(app *a, const char *name, const char *rules); /* rules NULL: delete it */
void runs_forget(app *a);                                         /* frees the steps */

/* runs_pick.c: columns, groups, tags and views to choose from */
void runs_pick(app *a, app_pick what);
void runs_pick_draw(app *a, canvas *c);
void runs_pick_draw_bottom(const app *a, canvas *c, int y);
void runs_pick_key(app *a, const key_event *key);
void runs_open_view(app *a, const char *name);
/* compare.c: the marked runs side by side */
void compare_open(app *a);
bool compare_refresh(app *a, bool force); /* once a second while it is shown */
void compare_draw(app *a, canvas *c);
bool compare_do(app *a, command_id what);
bool compare_back(app *a); /* Esc: cursor, zoom; false: neither is set */
void compare_standing(const app *a, char *text, size_t size); /* the selected run's verdict */
void compare_free(app *a);

/* trials.c */
void trials_open(app *a);
bool trials_refresh(app *a, bool force); /* once a second while it is shown */
void trials_draw(app *a, canvas *c);
bool trials_do(app *a, command_id what, const char *argument);
const char *trials_why_not(const app *a, command_id what);
void trials_standing(const app *a, char *text, size_t size); /* about the selected trial */
void trials_free(app *a);

/* course.c */
bool course_open(app *a); /* false: out of memory, said */
bool course_refresh(app *a, bool force);
void course_draw(app *a, canvas *c);
bool course_do(app *a, command_id what, const char *argument);
bool course_key(app *a, const key_event *key); /* before the table of commands; false: not used */
const char *course_why_not(const app *a, command_id what);
const char *course_typing(const app *a); /* hints while a line is typed there; NULL: none is */
void course_jump(app *a, int number);    /* ":9": chapter, page, step or question, from 1 */
bool course_back(app *a);                /* Esc; false: Home of the course is shown */
void course_translate(app *a); /* the commands, into the language that the Course is shown in */
const char *course_corner(const app *a); /* "EN ?:help ": the right end of the top line */
void course_standing(const app *a, char *text, size_t size);
unsigned course_contexts(const app *a);
void course_resume(app *a, int chapter); /* where the learner was */
void course_take_up(app *a);             /* the chapter that was open last; else its Home */
/* "Go on with the course   chapter 3, ...": for the first screen. */
void course_invite(const app *a, char *text, size_t size);
void course_free(app *a);
nn_status course_print(app *a, const print_options *options, nn_error *error);

void monitor_draw(app *a, canvas *c);
bool monitor_do(app *a, command_id what, const char *argument);
void form_open(app *a);
void form_fill(form *f, const train_options *options);
void form_draw(app *a, canvas *c);
void form_key(app *a, const key_event *key);
/* Fills the options from the texts; false with problems set. The strings stay in the form. */
bool form_read(form *f, train_options *options);
void help_draw(app *a, canvas *c);
/* In the message line: the selected command in full, and why it cannot run now. */
void help_draw_bottom(app *a, canvas *c, int y);
void help_key(app *a, const key_event *key);
/* Moves a list by a command; false: it was no moving. */
bool list_do(list_view *list, command_id what);

#endif
