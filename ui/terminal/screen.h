/* Where canvases are shown and keys come from: a terminal (terminal.h) or memory (for tests and
 * --keys). The loop and the screens know only this. All calls on the UI thread. */
#ifndef GRADUS_UI_SCREEN_H
#define GRADUS_UI_SCREEN_H

#include "ui/terminal/canvas.h"
#include "ui/terminal/key.h"

typedef enum {
    SCREEN_NO_SIGNAL,
    SCREEN_RESIZED,   /* SIGWINCH: the new size is read by screen_size() */
    SCREEN_SUSPEND,   /* SIGTSTP: call screen_suspend() */
    SCREEN_CONTINUED, /* SIGCONT without our own suspend: repaint everything */
    SCREEN_INTERRUPT, /* SIGINT, Ctrl-C */
    SCREEN_TERMINATE, /* SIGTERM */
    SCREEN_HANGUP     /* SIGHUP */
} screen_signal;

typedef enum { SCREEN_KEY, SCREEN_NO_KEY, SCREEN_LOST } screen_input;

typedef struct screen screen;
typedef struct {
    int (*key_fd)(screen *s);    /* to poll; -1: none, read_key() never blocks anyway */
    int (*signal_fd)(screen *s); /* to poll; -1: none */
    screen_signal (*read_signal)(screen *s);
    screen_input (*read_key)(screen *s, key_event *key); /* never blocks */
    void (*size)(screen *s, int *w, int *h);
    double (*show)(screen *s, const canvas *c); /* seconds the flush took */
    void (*repaint)(screen *s);                 /* the next show() sends every cell */
    void (*suspend)(screen *s, bool group); /* leaves, stops (with the whole group), comes back */
} screen_class;

struct screen {
    const screen_class *class;
    glyph_level glyphs; /* what the terminal can surely show; `:glyphs` may change it */
    bool light;         /* theme for a light background */
    bool mouse;
};

/* The screen that only remembers: keys are fed to it, the last canvas can be read. */
typedef struct memory_screen memory_screen;
memory_screen *memory_screen_new(int w, int h, glyph_level glyphs); /* NULL: out of memory */
void memory_screen_free(memory_screen *m);
screen *memory_screen_base(memory_screen *m);
bool memory_screen_key(memory_screen *m, const key_event *key); /* false: out of memory */
/* Keys by name, separated by blanks: "p space ctrl-l". False at the first unknown name. */
bool memory_screen_keys(memory_screen *m, const char *names);
void memory_screen_resize(memory_screen *m, int w, int h);
void memory_screen_signal(memory_screen *m, screen_signal signal);
void memory_screen_hang_up(memory_screen *m);               /* the keyboard is lost */
const canvas *memory_screen_canvas(const memory_screen *m); /* as last shown */
int memory_screen_frames(const memory_screen *m);
/* Pretend that each flush takes this long, for tests of the back-off. */
void memory_screen_slow(memory_screen *m, double seconds);

#endif
