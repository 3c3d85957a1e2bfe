/* The loop on a screen in memory: keys at once, data paced, endings, back-off. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/terminal/loop.h"

typedef struct {
    memory_screen *memory;
    loop *loop;
    int keys, data, ticks, closed, w, h;
    int bell[2];
    double started;
    int enough;          /* stop when the bell was served so often; 0: never */
    bool refuse, greedy; /* refuse to close once; ring again from the callback */
    char seen[64];
} app_state;

static void draw(void *app, canvas *c)
{
    app_state *s = app;
    canvas_format(c, 0, 0, -1, ROLE_TEXT, "keys %d data %d %dx%d", s->keys, s->data, c->w, c->h);
}

static void key(void *app, const key_event *k)
{
    app_state *s = app;
    char name[16];
    key_text(k, name, sizeof name);
    s->keys++;
    strncat(s->seen, name, sizeof s->seen - strlen(s->seen) - 1);
    if (key_is_char(k, 'q')) {
        loop_quit(s->loop, 5);
    } else if (key_is_char(k, 'R')) {
        memory_screen_resize(s->memory, 40, 7);
    } else if (key_is_char(k, 'T')) {
        memory_screen_signal(s->memory, SCREEN_TERMINATE);
    } else if (key_is_char(k, 'I')) {
        memory_screen_signal(s->memory, SCREEN_INTERRUPT);
    } else if (key_is_char(k, 'S')) {
        memory_screen_signal(s->memory, SCREEN_SUSPEND);
    }
}

static bool tick(void *app, double now)
{
    (void)now;
    ((app_state *)app)->ticks++;
    return false;
}

static void resized(void *app, int w, int h)
{
    app_state *s = app;
    s->w = w;
    s->h = h;
}

static bool closing(void *app, loop_reason why)
{
    app_state *s = app;
    s->closed = (int)why + 1;
    bool refuse = s->refuse;
    s->refuse = false;
    return !refuse;
}

static const ui_app app = {draw, key, tick, resized, closing};

static app_state *begin(const char *keys)
{
    app_state *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->memory = memory_screen_new(30, 5, GLYPHS_ASCII);
    assert_non_null(s->memory);
    s->loop = loop_new(memory_screen_base(s->memory));
    assert_non_null(s->loop);
    assert_true(memory_screen_keys(s->memory, keys));
    memory_screen_hang_up(s->memory);
    assert_int_equal(pipe(s->bell), 0);
    s->started = loop_now();
    return s;
}

static void end(app_state *s)
{
    close(s->bell[0]);
    close(s->bell[1]);
    loop_free(s->loop);
    memory_screen_free(s->memory);
    free(s);
}

static void keys_arrive_one_a_frame(void **state)
{
    (void)state;
    app_state *s = begin("a left ctrl-a q z");
    assert_int_equal(loop_run(s->loop, &app, s), 5);
    assert_string_equal(s->seen, "aleftctrl-aq");
    assert_int_equal(memory_screen_frames(s->memory), 4);
    assert_int_equal(s->w, 30);
    char *text = canvas_dump(memory_screen_canvas(s->memory));
    assert_string_equal(text, "keys 3 data 0 30x5\n\n\n\n\n");
    free(text);
    end(s);
}

static void a_lost_keyboard_ends_it(void **state)
{
    (void)state;
    app_state *s = begin("a");
    s->refuse = true; /* nobody is there to be asked */
    assert_int_equal(loop_run(s->loop, &app, s), 129);
    assert_int_equal(s->closed, LOOP_HANGUP + 1);
    end(s);
}

static void signals_end_it(void **state)
{
    (void)state;
    app_state *s = begin("a T b");
    s->refuse = true;
    assert_int_equal(loop_run(s->loop, &app, s), 143);
    assert_int_equal(s->closed, LOOP_TERMINATE + 1);
    assert_string_equal(s->seen, "aT");
    end(s);
    s = begin("I");
    assert_int_equal(loop_run(s->loop, &app, s), 130);
    end(s);
    s = begin("I b I"); /* refused once: asked first */
    s->refuse = true;
    assert_int_equal(loop_run(s->loop, &app, s), 130);
    assert_string_equal(s->seen, "IbI");
    end(s);
}

static void resizes(void **state)
{
    (void)state;
    app_state *s = begin("R a S q");
    loop_run(s->loop, &app, s);
    assert_int_equal(s->w, 40);
    assert_int_equal(s->h, 7);
    assert_int_equal(memory_screen_canvas(s->memory)->w, 40);
    end(s);
}

static void drain(void *data, int fd)
{
    app_state *s = data;
    char bytes[64];
    ssize_t got = read(fd, bytes, sizeof bytes);
    s->data += got > 0 ? 1 : 0;
    loop_dirty(s->loop);
    if (s->greedy && write(s->bell[1], "b", 1) != 1) {
        loop_quit(s->loop, 1);
    }
    if (s->data == s->enough) {
        loop_quit(s->loop, 0);
    }
}

/* A bell that always rings is served ten times a second, no more. */
static void data_is_paced(void **state)
{
    (void)state;
    app_state *s = begin("");
    memory_screen_free(s->memory);
    s->memory = memory_screen_new(30, 5, GLYPHS_ASCII); /* without the hang-up */
    loop_free(s->loop);
    s->loop = loop_new(memory_screen_base(s->memory));
    s->greedy = true;
    s->enough = 5;
    assert_true(loop_add_fd(s->loop, s->bell[0], drain, s));
    assert_int_equal(write(s->bell[1], "b", 1), 1);
    loop_set_tick(s->loop, 0.05);
    assert_int_equal(loop_run(s->loop, &app, s), 0);
    double taken = loop_now() - s->started; /* a busy machine only makes it longer */
    assert_true(taken > 0.39);
    assert_in_range(memory_screen_frames(s->memory), 2, (int)(taken / 0.1) + 3);
    assert_true(s->ticks > 0);
    end(s);
}

static void a_slow_flush_backs_off_and_recovers(void **state)
{
    (void)state;
    app_state *s = begin("a b c d e f q");
    memory_screen_slow(s->memory, 0.5);
    loop_run(s->loop, &app, s);
    assert_true(loop_interval(s->loop) > 3.9 && loop_interval(s->loop) <= 4.0);
    memory_screen_slow(s->memory, 0.001);
    assert_true(memory_screen_keys(s->memory, "a b c d e q"));
    double before = loop_interval(s->loop);
    loop_run(s->loop, &app, s); /* keys are answered at once even so */
    assert_true(loop_interval(s->loop) < before);
    assert_true(loop_now() - s->started < 5 * before); /* what five paced frames would take */
    end(s);
}

static void remove_self(void *data, int fd)
{
    app_state *s = data;
    char byte;
    s->data++;
    if (read(fd, &byte, 1) == 1) {
        loop_remove_fd(s->loop, fd);
        close(fd);
        loop_quit(s->loop, 3);
    }
}

static void a_callback_may_remove_itself(void **state)
{
    (void)state;
    app_state *s = begin("");
    memory_screen_free(s->memory);
    s->memory = memory_screen_new(30, 5, GLYPHS_ASCII);
    loop_free(s->loop);
    s->loop = loop_new(memory_screen_base(s->memory));
    for (int i = 0; i < 20; i++) { /* more than the first room */
        assert_true(loop_add_fd(s->loop, dup(s->bell[0]), remove_self, s));
        loop_remove_fd(s->loop, 1000 + i);
    }
    assert_int_equal(write(s->bell[1], "bbbbbbbbbbbbbbbbbbbb", 20), 20);
    assert_int_equal(loop_run(s->loop, &app, s), 3);
    assert_int_equal(s->data, 20);
    end(s);
}

static void idle_bytes_follow_answers(void **state)
{
    (void)state;
    int idle[2];
    char text[16], bytes[16];
    assert_int_equal(pipe(idle), 0);
    (void)snprintf(text, sizeof text, "%d", idle[1]);
    setenv("GRADUS_IDLE_FD", text, 1);
    app_state *s = begin("a b q");
    unsetenv("GRADUS_IDLE_FD");
    loop_run(s->loop, &app, s);
    assert_int_equal(read(idle[0], bytes, sizeof bytes), 3); /* first frame, a, b */
    close(idle[0]);
    close(idle[1]);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_arrive_one_a_frame),
        cmocka_unit_test(a_lost_keyboard_ends_it),
        cmocka_unit_test(signals_end_it),
        cmocka_unit_test(resizes),
        cmocka_unit_test(data_is_paced),
        cmocka_unit_test(a_slow_flush_backs_off_and_recovers),
        cmocka_unit_test(a_callback_may_remove_itself),
        cmocka_unit_test(idle_bytes_follow_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
