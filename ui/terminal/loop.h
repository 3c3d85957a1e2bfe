/* The one loop of the UI thread: keyboard, signals, data descriptors, frame timer in one poll.
 *
 * Keys are answered at once. Data callbacks run, and data frames are drawn, at most ten times a
 * second. When a flush takes over 20 ms the time between frames doubles, up to 4 s, and recovers
 * slowly. A lost keyboard ends the loop. Ctrl-L repaints everything, Ctrl-Z suspends: the
 * application never sees those two.
 *
 * If GRADUS_IDLE_FD names a descriptor, one byte is written to it after the first frame and after
 * every frame that answered a key or a signal, so that tests need not sleep. */
#ifndef GRADUS_UI_LOOP_H
#define GRADUS_UI_LOOP_H

#include "ui/terminal/screen.h"

typedef struct loop loop;

typedef enum {
    LOOP_INTERRUPT, /* SIGINT, Ctrl-C: may be refused, to ask first */
    LOOP_TERMINATE, /* SIGTERM */
    LOOP_HANGUP     /* SIGHUP, or the keyboard is gone: nobody will see another frame */
} loop_reason;

typedef struct {
    /* Draws everything on a cleared canvas; must not change what it shows. */
    void (*draw)(void *app, canvas *c);
    void (*key)(void *app, const key_event *key);
    /* About once a second (loop_set_tick); true: draw again. May be NULL. */
    bool (*tick)(void *app, double now);
    /* Before the first frame and after every change of size. May be NULL. */
    void (*resized)(void *app, int w, int h);
    /* Somebody wants the program to end: save. Returns whether to leave now; only LOOP_INTERRUPT
     * may answer false. May be NULL (leaves). */
    bool (*closing)(void *app, loop_reason why);
} ui_app;

loop *loop_new(screen *s); /* NULL: out of memory */
void loop_free(loop *l);

/* Runs until loop_quit(). Returns its status, or 128 + the signal that ended it (129 for a lost
 * terminal), 1 when memory is out. */
int loop_run(loop *l, const ui_app *app, void *data);
void loop_quit(loop *l, int status);
void loop_dirty(loop *l); /* draw at the next frame */
/* Calls `ready` when `fd` is readable (or hung up), at most ten times a second; it must drain the
 * descriptor, and call loop_dirty() if something changed. False: out of memory. */
bool loop_add_fd(loop *l, int fd, void (*ready)(void *data, int fd), void *data);
/* May be called from any callback, also for the descriptor being served. */
void loop_remove_fd(loop *l, int fd);
void loop_set_tick(loop *l, double seconds);
void loop_repaint(loop *l);
/* As if the user pressed Ctrl-Z. */
void loop_suspend(loop *l);
/* Seconds of the monotonic clock, also given to tick(). */
double loop_now(void);
/* Present time between data frames (0.1 unless the terminal is slow), for the status line. */
double loop_interval(const loop *l);

#endif
