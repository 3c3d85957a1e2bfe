/* One table of commands makes keys, help, hint bar, ':' completion and the clash test. */
#ifndef GRADUS_UI_KEYMAP_H
#define GRADUS_UI_KEYMAP_H

#include "engine/status.h"
#include "ui/terminal/canvas.h"
#include "ui/terminal/key.h"

enum {
    COMMAND_ASKS = 1,    /* asks before it acts: "..." after its hint */
    COMMAND_SHADOWS = 2, /* may take a key that a wider context uses too */
    COMMAND_HIDDEN = 4   /* not in the ':' completion */
};

typedef struct {
    int id;            /* 0 or more, unique; an enum of the caller */
    const char *name;  /* for ':', "log-axis" */
    const char *keys;  /* default keys separated by blanks or commas: "left,h" "space" "ctrl-l"; ','
                          itself is "comma"; "" for none */
    unsigned contexts; /* bits: where it is valid */
    int hint;          /* 1 first ... 9 last in the hint bar; 0 not shown there */
    unsigned flags;
    const char *label; /* a word or two for the hint bar: "pause" */
    const char *help;  /* one line for the help page */
} command;

typedef struct keymap keymap;

/* Parses the keys and refuses clashes: two commands with a key in common, both valid in one of the
 * `situations` (sets of context bits that are active together), unless exactly one of them shadows.
 * `table` and its strings must live as long as the keymap. */
keymap *keymap_new(const command *table, int count, const unsigned *situations, int situation_count,
                   nn_error *error);
void keymap_free(keymap *k);
/* Translates labels and help where they are shown (gettext); NULL: as they are. */
void keymap_set_translate(keymap *k, const char *(*translate)(const char *text));

/* The command of a key in the active contexts, shadowing ones first; -1 for none. */
int keymap_find(const keymap *k, const key_event *key, unsigned contexts);
const command *keymap_command(const keymap *k, int id); /* NULL: unknown */
/* By its exact name, or by a prefix that only one command valid in `contexts` has; -1. */
int keymap_by_name(const keymap *k, const char *name, unsigned contexts);
/* "left h", as text for people. */
void keymap_keys_text(const keymap *k, int id, char *text, size_t size);

/* Why a command cannot run now, for dimming; NULL: it can. */
typedef const char *(*command_why_not)(void *app, int id);
/* "p pause  s step  q quit": what fits `columns`, in order of priority; draws keys and labels in
 * their roles and returns the columns used. Commands that cannot run are left out. */
int keymap_draw_hints(const keymap *k, unsigned contexts, canvas *c, int x, int y, int columns,
                      command_why_not why_not, void *app);
/* The same as text. */
void keymap_hints_text(const keymap *k, unsigned contexts, int columns, char *text, size_t size);

/* Commands valid in `contexts` whose name, keys, label or help contain `search` (any case; "" all),
 * in table order; returns how many there are, fills at most `room`. */
int keymap_help(const keymap *k, unsigned contexts, const char *search, const command **out,
                int room);
/* Names that begin with, then names that contain `text`; returns how many, fills at most `room`. */
int keymap_complete(const keymap *k, unsigned contexts, const char *text, const command **out,
                    int room);

#endif
