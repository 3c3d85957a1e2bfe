#include "ui/terminal/screen.h"

#include <stdlib.h>
#include <string.h>

struct memory_screen {
    screen base; /* first: the screen's address is ours */
    int w, h;
    key_event *keys;
    size_t key_count, key_room, key_next;
    screen_signal signals[16];
    int signal_count;
    bool lost, read_since_show;
    canvas *shown;
    int frames;
    double seconds; /* pretended time of a flush */
};

static memory_screen *self(screen *s)
{
    return (memory_screen *)(void *)s;
}

static int no_fd(screen *s)
{
    (void)s;
    return -1;
}

static screen_signal read_signal(screen *s)
{
    memory_screen *m = self(s);
    if (m->signal_count == 0) {
        return SCREEN_NO_SIGNAL;
    }
    screen_signal first = m->signals[0];
    m->signal_count--;
    memmove(m->signals, m->signals + 1, (size_t)m->signal_count * sizeof first);
    return first;
}

/* One key a frame, so that every state in between is drawn too. */
static screen_input read_key(screen *s, key_event *key)
{
    memory_screen *m = self(s);
    if (m->read_since_show) {
        return SCREEN_NO_KEY;
    }
    if (m->key_next < m->key_count) {
        *key = m->keys[m->key_next++];
        m->read_since_show = true;
        return SCREEN_KEY;
    }
    return m->lost ? SCREEN_LOST : SCREEN_NO_KEY;
}

static void size(screen *s, int *w, int *h)
{
    *w = self(s)->w;
    *h = self(s)->h;
}

static double show(screen *s, const canvas *c)
{
    memory_screen *m = self(s);
    m->read_since_show = false;
    if ((m->shown->w != c->w || m->shown->h != c->h) && !canvas_resize(m->shown, c->w, c->h)) {
        return m->seconds; /* out of memory: the old picture stays */
    }
    memcpy(m->shown->cells, c->cells, (size_t)c->w * (size_t)c->h * sizeof *c->cells);
    m->shown->glyphs = c->glyphs;
    m->shown->clipped = c->clipped;
    m->shown->cursor_x = c->cursor_x;
    m->shown->cursor_y = c->cursor_y;
    m->frames++;
    return m->seconds;
}

static void repaint(screen *s)
{
    (void)s;
}

static void suspend(screen *s, bool group)
{
    (void)s;
    (void)group;
}

static const screen_class memory_class = {no_fd, no_fd, read_signal, read_key,
                                          size,  show,  repaint,     suspend};

memory_screen *memory_screen_new(int w, int h, glyph_level glyphs)
{
    memory_screen *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->base.class = &memory_class;
    m->base.glyphs = glyphs;
    m->w = w;
    m->h = h;
    m->shown = canvas_new(w, h, glyphs);
    if (m->shown == NULL) {
        free(m);
        return NULL;
    }
    return m;
}

void memory_screen_free(memory_screen *m)
{
    if (m != NULL) {
        canvas_free(m->shown);
        free(m->keys);
        free(m);
    }
}

screen *memory_screen_base(memory_screen *m)
{
    return &m->base;
}

bool memory_screen_key(memory_screen *m, const key_event *key)
{
    if (m->key_count == m->key_room) {
        size_t room = m->key_room > 0 ? m->key_room * 2 : 64;
        key_event *keys = realloc(m->keys, room * sizeof *keys);
        if (keys == NULL) {
            return false;
        }
        m->keys = keys;
        m->key_room = room;
    }
    m->keys[m->key_count++] = *key;
    return true;
}

bool memory_screen_keys(memory_screen *m, const char *names)
{
    char name[32];
    for (names += strspn(names, " "); *names != '\0'; names += strspn(names, " ")) {
        size_t length = strcspn(names, " ");
        key_event key;
        if (length >= sizeof name) {
            return false;
        }
        memcpy(name, names, length);
        name[length] = '\0';
        if (!key_parse(name, &key) || !memory_screen_key(m, &key)) {
            return false;
        }
        names += length;
    }
    return true;
}

void memory_screen_resize(memory_screen *m, int w, int h)
{
    m->w = w;
    m->h = h;
    memory_screen_signal(m, SCREEN_RESIZED);
}

void memory_screen_signal(memory_screen *m, screen_signal signal)
{
    if (m->signal_count < (int)(sizeof m->signals / sizeof *m->signals)) {
        m->signals[m->signal_count++] = signal;
    }
}

void memory_screen_hang_up(memory_screen *m)
{
    m->lost = true;
}

const canvas *memory_screen_canvas(const memory_screen *m)
{
    return m->shown;
}

int memory_screen_frames(const memory_screen *m)
{
    return m->frames;
}

void memory_screen_slow(memory_screen *m, double seconds)
{
    m->seconds = seconds;
}
