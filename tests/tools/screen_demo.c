/* A small application on the loop, for tests/test_terminal.c: shows what it is told, counts data,
 * and dies on request. Keys: q quits, s prints to stderr, c asks before Ctrl-C, x reads bad memory,
 * a aborts, e calls exit(), d starts steady data, f prints the flush interval, m the middle of a
 * crash on another thread, + one count. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/terminal/loop.h"
#include "ui/terminal/prompt.h"
#include "ui/terminal/terminal.h"

typedef struct {
    terminal *terminal;
    loop *loop;
    int count, data, w, h;
    char last[64];
    bool ask, steady;
    int bell[2];
    prompt prompt;
} demo;

static void draw(void *app, canvas *c)
{
    demo *d = app;
    char about[128];
    terminal_describe(d->terminal, about, sizeof about);
    canvas_box(c, (canvas_rect){0, 0, c->w, c->h}, "demo", true);
    canvas_format(c, 2, 1, -1, ROLE_TEXT, "size %dx%d count %d", c->w, c->h, d->count);
    canvas_text(c, 2, 2, c->w - 4, ROLE_DIM, about);
    canvas_text(c, 2, 3, c->w - 4, ROLE_WARN, terminal_note(d->terminal));
    canvas_format(c, 2, 4, -1, ROLE_TEXT, "key %s", d->last);
    canvas_format(c, 2, 5, -1, ROLE_TRAIN, "data %d", d->data);
    canvas_text(c, 2, 6, -1, ROLE_DEV, "\uD559\uC2B5 e\u0301 \u2500 \u28FF");
    canvas_text(c, 2, 7, -1, ROLE_TEXT, d->ask ? "leave? y" : "");
    prompt_draw(&d->prompt, c, 2, 8, 30, ":", true);
}

static void *crash(void *unused)
{
    (void)unused;
    raise(SIGSEGV);
    return NULL;
}

static void die(demo *d, uint32_t how)
{
    pthread_t thread;
    switch (how) {
    case 's':
        fprintf(stderr, "stray line %d\n", d->count);
        printf("stray print\n");
        fflush(stdout);
        break;
    case 'x':
        raise(SIGSEGV);
        break;
    case 'a':
        fprintf(stderr, "last words\n");
        abort();
    case 'e':
        exit(7);
    case 'm':
        if (pthread_create(&thread, NULL, crash, NULL) == 0) {
            pthread_join(thread, NULL);
        }
        break;
    case 'd':
        d->steady = true;
        loop_set_tick(d->loop, 0.05);
        break;
    default:
        break;
    }
}

static void key(void *app, const key_event *k)
{
    demo *d = app;
    key_text(k, d->last, sizeof d->last);
    if (key_is_char(k, 'q') || (d->ask && key_is_char(k, 'y'))) {
        loop_quit(d->loop, 0);
    } else if (key_is_char(k, 'c')) {
        d->ask = true;
    } else if (key_is_char(k, '+')) {
        d->count++;
    } else if (k->code == UI_KEY_CHAR && !k->ctrl && k->ch < 0x80) {
        die(d, k->ch);
    } else {
        (void)prompt_key(&d->prompt, k);
    }
}

/* Rings the bell as a trainer would. */
static bool tick(void *app, double now)
{
    demo *d = app;
    (void)now;
    if (d->steady) {
        ssize_t wrote = write(d->bell[1], "b", 1);
        (void)wrote;
    }
    return false;
}

static void ready(void *app, int fd)
{
    demo *d = app;
    char bytes[64];
    ssize_t got = read(fd, bytes, sizeof bytes);
    d->data += got > 0 ? (int)got : 0;
    loop_dirty(d->loop);
}

static bool closing(void *app, loop_reason why)
{
    demo *d = app;
    if (why == LOOP_INTERRUPT && d->ask) {
        (void)snprintf(d->last, sizeof d->last, "interrupt");
        return false;
    }
    fprintf(stderr, "demo saved (%s)\n", why == LOOP_HANGUP ? "hang-up" : "signal");
    return true;
}

int main(void)
{
    static const ui_app app = {.draw = draw, .key = key, .tick = tick, .closing = closing};
    nn_error error;
    demo d = {.bell = {-1, -1}};
    d.terminal = terminal_open(&error);
    if (d.terminal == NULL) {
        fprintf(stderr, "demo: %s\n", error.text);
        return 1;
    }
    d.loop = loop_new(terminal_screen(d.terminal));
    if (d.loop == NULL || pipe(d.bell) != 0 || !loop_add_fd(d.loop, d.bell[0], ready, &d)) {
        terminal_close(d.terminal);
        return 1;
    }
    /* ThreadSanitizer keeps a signal back until the next call: let there be one. */
    loop_set_tick(d.loop, 0.5);
    int status = loop_run(d.loop, &app, &d);
    loop_free(d.loop);
    terminal_close(d.terminal);
    close(d.bell[0]);
    close(d.bell[1]);
    return status;
}
