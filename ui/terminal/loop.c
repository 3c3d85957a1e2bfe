#include "ui/terminal/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const double frame_seconds = 0.1, slow_flush = 0.02, longest_interval = 4.0;

typedef struct {
    int fd;
    void (*ready)(void *data, int fd);
    void *data;
    bool pending; /* readable; served at the next frame time */
} source;

struct loop {
    screen *screen;
    canvas *canvas;
    source *sources;
    struct pollfd *polls; /* room for keyboard, signals and every source */
    int source_count, source_room;
    double next_frame, next_pump, next_tick, tick_seconds, interval;
    bool dirty, answered; /* answered: a key or signal since the last idle byte */
    bool quit;
    int status, idle_fd;
};

double loop_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int idle_descriptor(void)
{
    const char *text = getenv("GRADUS_IDLE_FD");
    char *end;
    if (text == NULL || text[0] == '\0') {
        return -1;
    }
    long fd = strtol(text, &end, 10);
    return *end == '\0' && fd > 2 && fd < 1024 && fcntl((int)fd, F_GETFD) >= 0 ? (int)fd : -1;
}

static bool reserve(loop *l, int room)
{
    source *sources = realloc(l->sources, (size_t)room * sizeof *sources);
    if (sources == NULL) {
        return false;
    }
    l->sources = sources;
    struct pollfd *polls = realloc(l->polls, ((size_t)room + 2) * sizeof *polls);
    if (polls == NULL) {
        return false;
    }
    l->polls = polls;
    l->source_room = room;
    return true;
}

loop *loop_new(screen *s)
{
    loop *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    int w, h;
    s->class->size(s, &w, &h);
    l->screen = s;
    l->canvas = canvas_new(w, h, s->glyphs);
    l->interval = frame_seconds;
    l->tick_seconds = 1.0;
    l->idle_fd = idle_descriptor();
    if (l->canvas == NULL || !reserve(l, 8)) {
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(loop *l)
{
    if (l != NULL) {
        canvas_free(l->canvas);
        free(l->sources);
        free(l->polls);
        free(l);
    }
}

void loop_quit(loop *l, int status)
{
    l->quit = true;
    l->status = status;
}

void loop_dirty(loop *l)
{
    l->dirty = true;
}

void loop_set_tick(loop *l, double seconds)
{
    l->tick_seconds = seconds;
    l->next_tick = loop_now() + seconds;
}

double loop_interval(const loop *l)
{
    return l->interval;
}

bool loop_add_fd(loop *l, int fd, void (*ready)(void *data, int fd), void *data)
{
    if (l->source_count == l->source_room && !reserve(l, l->source_room * 2)) {
        return false;
    }
    l->sources[l->source_count++] = (source){fd, ready, data, false};
    return true;
}

void loop_remove_fd(loop *l, int fd)
{
    for (int i = 0; i < l->source_count; i++) {
        if (l->sources[i].fd == fd) {
            l->sources[i].fd = -1; /* swept when nothing walks the list */
        }
    }
}

static void sweep(loop *l)
{
    int kept = 0;
    for (int i = 0; i < l->source_count; i++) {
        if (l->sources[i].fd >= 0) {
            l->sources[kept++] = l->sources[i];
        }
    }
    l->source_count = kept;
}

/* A key or a signal wants its answer now, not at the next frame time. */
static void answer_now(loop *l)
{
    l->dirty = l->answered = true;
    l->next_frame = 0;
}

void loop_repaint(loop *l)
{
    l->screen->class->repaint(l->screen);
    answer_now(l);
}

static void fit(loop *l, const ui_app *app, void *data)
{
    int w, h;
    l->screen->class->size(l->screen, &w, &h);
    if (w != l->canvas->w || h != l->canvas->h) {
        if (!canvas_resize(l->canvas, w, h)) {
            return; /* out of memory: the old size stays */
        }
        if (app->resized != NULL) {
            app->resized(data, w, h);
        }
    }
    answer_now(l);
}

void loop_suspend(loop *l)
{
    l->screen->class->suspend(l->screen, true);
    loop_repaint(l);
}

/* --- endings ---------------------------------------------------------------------------------- */

static void close_for(loop *l, const ui_app *app, void *data, loop_reason why, int status)
{
    bool leave = app->closing == NULL || app->closing(data, why);
    if (leave || why != LOOP_INTERRUPT) {
        loop_quit(l, status);
    }
    answer_now(l);
}

static void serve_signals(loop *l, const ui_app *app, void *data)
{
    screen *s = l->screen;
    for (screen_signal signal; !l->quit && (signal = s->class->read_signal(s)) != 0;) {
        switch (signal) {
        case SCREEN_SUSPEND:
            s->class->suspend(s, false);
            s->class->repaint(s);
            fit(l, app, data);
            break;
        case SCREEN_CONTINUED:
        case SCREEN_RESIZED:
            s->class->repaint(s);
            fit(l, app, data);
            break;
        case SCREEN_INTERRUPT:
            close_for(l, app, data, LOOP_INTERRUPT, 130);
            break;
        case SCREEN_TERMINATE:
            close_for(l, app, data, LOOP_TERMINATE, 143);
            break;
        case SCREEN_HANGUP:
            close_for(l, app, data, LOOP_HANGUP, 129);
            break;
        case SCREEN_NO_SIGNAL:
            break;
        }
    }
}

/* Reads until there is no more: curses may hold keys that poll cannot see. True if any came. */
static bool serve_keys(loop *l, const ui_app *app, void *data)
{
    screen *s = l->screen;
    bool any = false;
    while (!l->quit) {
        key_event key;
        screen_input got = s->class->read_key(s, &key);
        if (got == SCREEN_LOST) {
            close_for(l, app, data, LOOP_HANGUP, 129);
        }
        if (got != SCREEN_KEY) {
            break;
        }
        any = true;
        if (key.code == UI_KEY_CHAR && key.ctrl && key.ch == 'l') {
            loop_repaint(l);
        } else if (key.code == UI_KEY_CHAR && key.ctrl && key.ch == 'z') {
            loop_suspend(l);
            fit(l, app, data);
        } else {
            app->key(data, &key);
            answer_now(l);
        }
    }
    return any;
}

/* --- waiting and drawing ---------------------------------------------------------------------- */

static double earlier(double a, double b)
{
    return a < b ? a : b;
}

static double next_wake(const loop *l, double now)
{
    double wake = l->next_tick;
    if (l->dirty) {
        wake = earlier(wake, l->next_frame);
    }
    for (int i = 0; i < l->source_count; i++) {
        if (l->sources[i].pending) {
            wake = earlier(wake, l->next_pump);
        }
    }
    return wake > now ? wake - now : 0;
}

/* Waits in one poll; marks the sources that can be read. False when the keyboard is gone. */
static bool wait_for_input(loop *l, double seconds)
{
    screen *s = l->screen;
    struct pollfd *polls = l->polls;
    polls[0] = (struct pollfd){.fd = s->class->key_fd(s), .events = POLLIN};
    polls[1] = (struct pollfd){.fd = s->class->signal_fd(s), .events = POLLIN};
    for (int i = 0; i < l->source_count; i++) { /* a pending one waits for its frame, unpolled */
        const source *from = &l->sources[i];
        polls[i + 2] = (struct pollfd){.fd = from->pending ? -1 : from->fd, .events = POLLIN};
    }
    int milliseconds = (int)(seconds * 1000 + 0.999);
    if (poll(polls, (nfds_t)l->source_count + 2, milliseconds) <= 0) {
        return true; /* time is up, or a signal whose byte comes next */
    }
    for (int i = 0; i < l->source_count; i++) {
        l->sources[i].pending |= polls[i + 2].revents != 0;
    }
    return (polls[0].revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

static void pump(loop *l, double now)
{
    bool served = false;
    if (now < l->next_pump) {
        return;
    }
    for (int i = 0; i < l->source_count; i++) {
        if (l->sources[i].pending && l->sources[i].fd >= 0) {
            l->sources[i].pending = false;
            l->sources[i].ready(l->sources[i].data, l->sources[i].fd);
            served = true;
        }
    }
    if (served) {
        l->next_pump = now + frame_seconds;
    }
    sweep(l);
}

static void draw(loop *l, const ui_app *app, void *data)
{
    screen *s = l->screen;
    l->dirty = false;
    l->canvas->glyphs = s->glyphs;
    canvas_clear(l->canvas);
    app->draw(data, l->canvas);
    double flush = s->class->show(s, l->canvas);
    if (flush > slow_flush) {
        l->interval = earlier(longest_interval, 2 * l->interval + flush);
    } else {
        l->interval = 0.9 * l->interval > frame_seconds ? 0.9 * l->interval : frame_seconds;
    }
    l->next_frame = loop_now() + l->interval;
    if (l->answered && l->idle_fd >= 0) {
        ssize_t wrote = write(l->idle_fd, "i", 1);
        (void)wrote; /* a test that stopped listening is no reason to stop */
    }
    l->answered = false;
}

int loop_run(loop *l, const ui_app *app, void *data)
{
    screen *s = l->screen;
    bool scripted = s->class->key_fd(s) < 0, more = true;
    l->quit = false;
    l->next_tick = loop_now() + l->tick_seconds;
    if (app->resized != NULL) {
        app->resized(data, l->canvas->w, l->canvas->h);
    }
    fit(l, app, data);
    while (!l->quit) {
        double now = loop_now();
        pump(l, now);
        if (now >= l->next_tick) {
            l->next_tick = now + l->tick_seconds;
            l->dirty |= app->tick != NULL && app->tick(data, now);
        }
        if (!l->quit && l->dirty && now >= l->next_frame) {
            draw(l, app, data);
        }
        double seconds = next_wake(l, loop_now());
        if (scripted) { /* keys in memory cannot be polled */
            seconds = more ? 0 : earlier(seconds, 0.01);
        }
        if (!l->quit && !wait_for_input(l, seconds)) {
            serve_keys(l, app, data); /* what was typed before the line went */
            if (!l->quit) {
                close_for(l, app, data, LOOP_HANGUP, 129);
            }
        }
        serve_signals(l, app, data);
        more = serve_keys(l, app, data);
    }
    return l->status;
}
