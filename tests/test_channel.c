/* Rings, mailbox and outbox between two threads: nothing torn, nothing out of order, and nothing
 * lost but step events. */
#include "engine/channel.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- ring ----------------------------------------------------------------------------------- */

static void test_ring_is_a_queue(void **state)
{
    (void)state;
    nn_ring ring;
    assert_true(nn_ring_open(&ring, 5, sizeof(int)));
    assert_int_equal(ring.capacity, 8);
    int out = -1;
    assert_false(nn_ring_take(&ring, &out));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++)
            assert_true(nn_ring_put(&ring, &(int){round * 8 + i}));
        assert_false(nn_ring_put(&ring, &out));
        assert_int_equal(nn_ring_room(&ring), 0);
        for (int i = 0; i < 8; i++) {
            assert_true(nn_ring_take(&ring, &out));
            assert_int_equal(out, round * 8 + i);
        }
        assert_false(nn_ring_take(&ring, &out));
    }
    nn_ring_close(&ring);
}

enum { RING_ITEMS = 200000 };
typedef struct {
    uint64_t number, check[5];
} item;

static void *put_items(void *context)
{
    nn_ring *ring = context;
    for (uint64_t i = 1; i <= RING_ITEMS; i++) {
        item it = {i, {i * 3, i * 5, i * 7, i * 11, ~i}};
        while (!nn_ring_put(ring, &it))
            sched_yield();
    }
    return NULL;
}

static void test_ring_between_threads(void **state)
{
    (void)state;
    nn_ring ring;
    pthread_t thread;
    assert_true(nn_ring_open(&ring, 32, sizeof(item)));
    assert_int_equal(pthread_create(&thread, NULL, put_items, &ring), 0);
    for (uint64_t i = 1; i <= RING_ITEMS; i++) {
        item it;
        while (!nn_ring_take(&ring, &it))
            sched_yield();
        item expected = {i, {i * 3, i * 5, i * 7, i * 11, ~i}};
        assert_memory_equal(&it, &expected, sizeof it);
    }
    pthread_join(thread, NULL);
    nn_ring_close(&ring);
}

/* --- mailbox -------------------------------------------------------------------------------- */

enum { LETTERS = 50000, WORDS = 300 };
typedef struct {
    nn_mailbox box;
    atomic_bool done;
} post;

static void *send_letters(void *context)
{
    post *p = context;
    for (uint64_t n = 1; n <= LETTERS; n++) {
        uint64_t *words = nn_mailbox_back(&p->box);
        for (int i = 0; i < WORDS; i++)
            words[i] = n * (uint64_t)(i + 1);
        nn_mailbox_send(&p->box);
    }
    atomic_store(&p->done, true);
    return NULL;
}

static void test_mailbox_never_tears(void **state)
{
    (void)state;
    post p;
    pthread_t thread;
    assert_true(nn_mailbox_open(&p.box, WORDS * sizeof(uint64_t)));
    atomic_init(&p.done, false);
    assert_null(nn_mailbox_latest(&p.box));
    assert_int_equal(pthread_create(&thread, NULL, send_letters, &p), 0);
    uint64_t newest = 0, torn = 0, back = 0;
    bool done;
    do {
        done = atomic_load(&p.done);
        const uint64_t *words = nn_mailbox_latest(&p.box);
        if (!words)
            continue;
        back += words[0] < newest;
        newest = words[0];
        for (int i = 0; i < WORDS; i++)
            torn += words[i] != newest * (uint64_t)(i + 1);
    } while (!done);
    pthread_join(thread, NULL);
    assert_int_equal(torn, 0);
    assert_int_equal(back, 0);
    assert_int_equal(newest, LETTERS); /* the last one arrives */
    nn_mailbox_close(&p.box);
}

/* --- outbox --------------------------------------------------------------------------------- */

static bool readable(const nn_listener *listener, int milliseconds)
{
    struct pollfd fd = {.fd = nn_listener_fd(listener), .events = POLLIN};
    return poll(&fd, 1, milliseconds) == 1;
}

static void put_event(nn_listener *listener, nn_event_kind kind, uint64_t step)
{
    nn_event event = {.kind = kind, .step = step};
    nn_outbox_put(listener, &event);
}

static void test_descriptor_rings_once_a_drain(void **state)
{
    (void)state;
    nn_listener *listener = aligned_alloc(NN_CACHE_LINE, sizeof *listener);
    nn_error error = {0};
    nn_event event;
    assert_int_equal(nn_outbox_open(listener, 100, &error), NN_OK);
    assert_false(readable(listener, 0));
    put_event(listener, NN_EVENT_STEP, 1);
    put_event(listener, NN_EVENT_STEP, 2);
    assert_true(readable(listener, 0));
    nn_listener_clear(listener);
    assert_false(readable(listener, 0)); /* one ring for two events */
    assert_true(nn_listener_next(listener, &event) && event.step == 1);
    put_event(listener, NN_EVENT_STEP, 3);
    assert_true(readable(listener, 0));
    assert_true(nn_listener_next(listener, &event) && event.step == 2);
    assert_true(nn_listener_next(listener, &event) && event.step == 3);
    assert_false(nn_listener_next(listener, &event));
    nn_outbox_close(listener);
    assert_int_equal(nn_outbox_open(listener, 0, &error), NN_E_ARG);
    assert_int_equal(nn_outbox_open(listener, INT32_MAX, &error), NN_E_ARG);
    free(listener);
}

/* Nobody listens: steps are dropped and counted, the others kept in order, whatever their number.
 */
static void test_only_steps_are_dropped(void **state)
{
    (void)state;
    enum { STEPS = 1000, OTHERS = 500 };
    nn_listener *listener = aligned_alloc(NN_CACHE_LINE, sizeof *listener);
    nn_error error = {0};
    nn_event event;
    assert_int_equal(nn_outbox_open(listener, 64, &error), NN_OK);
    uint64_t number = 0;
    for (int i = 0; i < STEPS; i++)
        put_event(listener, NN_EVENT_STEP, ++number);
    assert_int_equal(nn_listener_dropped(listener), STEPS - 64);
    for (int i = 0; i < OTHERS; i++) {
        put_event(listener, NN_EVENT_NOTE, ++number);
        put_event(listener, NN_EVENT_STEP, ++number); /* full: dropped too */
    }
    assert_int_equal(nn_listener_dropped(listener), STEPS - 64 + OTHERS);
    uint64_t before = 0;
    int steps = 0, others = 0;
    while (nn_listener_next(listener, &event)) {
        assert_true(event.step > before);
        before = event.step;
        *(event.kind == NN_EVENT_STEP ? &steps : &others) += 1;
    }
    assert_int_equal(steps, 64);
    assert_int_equal(others, OTHERS);
    /* Room again: steps arrive again. */
    put_event(listener, NN_EVENT_STEP, ++number);
    assert_true(nn_listener_next(listener, &event) && event.step == number);
    nn_outbox_close(listener);
    free(listener);
}

enum { EVENTS = 100000, EVERY = 7 };

static void *send_events(void *context)
{
    nn_listener *listener = context;
    for (uint64_t i = 1; i <= EVENTS; i++)
        put_event(listener, i % EVERY == 0 ? NN_EVENT_APPLIED : NN_EVENT_STEP, i);
    put_event(listener, NN_EVENT_END, EVENTS + 1);
    return NULL;
}

/* A small ring and a reader that sleeps in poll: the order holds, no important event is lost, every
 * step is either delivered or counted, and the reader is always woken. */
static void test_outbox_between_threads(void **state)
{
    (void)state;
    nn_listener *listener = aligned_alloc(NN_CACHE_LINE, sizeof *listener);
    nn_error error = {0};
    pthread_t thread;
    assert_int_equal(nn_outbox_open(listener, 16, &error), NN_OK);
    assert_int_equal(pthread_create(&thread, NULL, send_events, listener), 0);
    uint64_t before = 0, steps = 0, applied = 0, disorder = 0;
    for (bool end = false; !end;) {
        nn_event event;
        if (!readable(listener, 60000))
            fail_msg("not woken after event %d", (int)before);
        nn_listener_clear(listener);
        while (nn_listener_next(listener, &event)) {
            disorder += event.step <= before;
            before = event.step;
            steps += event.kind == NN_EVENT_STEP;
            applied += event.kind == NN_EVENT_APPLIED;
            end |= event.kind == NN_EVENT_END;
        }
    }
    pthread_join(thread, NULL);
    assert_int_equal(disorder, 0);
    assert_int_equal(applied, EVENTS / EVERY);
    assert_int_equal(steps + nn_listener_dropped(listener), EVENTS - EVENTS / EVERY);
    nn_outbox_close(listener);
    free(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_is_a_queue),
        cmocka_unit_test(test_ring_between_threads),
        cmocka_unit_test(test_mailbox_never_tears),
        cmocka_unit_test(test_descriptor_rings_once_a_drain),
        cmocka_unit_test(test_only_steps_are_dropped),
        cmocka_unit_test(test_outbox_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
