/* The workbench: the program that `gradus` without arguments opens. Screens (Home, Monitor, Runs),
 * prompt, help, hint bar and message line; one thread draws, everything slow happens elsewhere. */
#ifndef GRADUS_UI_WORKBENCH_H
#define GRADUS_UI_WORKBENCH_H

#include "ui/session.h"
#include "ui/terminal/screen.h"

typedef struct {
    const char *store_path;     /* NULL: the default one */
    const char *run;            /* "7", a name or "last": opens the Monitor on it; NULL: Home */
    const train_options *train; /* starts this training at once and opens its Monitor; NULL */
    int glyphs;                 /* a glyph_level, or -1: what the terminal can show */
} workbench_options;

/* Takes the terminal until the user leaves; returns the exit status. Says on stderr why it could
 * not start (no terminal, no such run). */
int workbench_run(const workbench_options *options);
/* The same on a screen that the caller owns: tests use a memory_screen. */
int workbench_run_on(screen *s, const workbench_options *options, nn_error *error);

typedef struct {
    const char *store_path; /* NULL: the default one */
    const char *screen;   /* "home", "train", "monitor", "runs", "course" ..., or a panel: "loss" */
    const char *run;      /* for monitor and panels; NULL: the last run */
    int w, h;             /* 0: 80x24 */
    int glyphs;           /* a glyph_level, or -1: what the locale and TERM can show */
    bool roles;           /* one letter a cell for its role instead of the text */
    int chapter;          /* of the course; 0: its Home */
    const char *part;     /* of the chapter: "read", "steps", "lab", "checks"; NULL: read */
    const char *language; /* "en", "ko"; NULL: as LANG says */
    int page;             /* of that part: page, step or question, from 1; 0: the first */
} print_options;

/* One screen as text through the path that draws it; *text is freed by the caller. */
nn_status workbench_print(const print_options *options, char **text, nn_error *error);
/* What print_options.screen may be, blank-separated, for messages and help. */
const char *workbench_print_names(void);

/* Every key and what it does, as text, made from the command table: for `gradus help keys` and the
 * README. malloc'd; NULL for memory. */
char *workbench_keys_text(void);

#endif
