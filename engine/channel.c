#include "engine/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- ring ----------------------------------------------------------------------------------- */

bool nn_ring_open(nn_ring *ring, size_t capacity, size_t item_size)
{
    size_t rounded = 1;
    while (rounded < capacity)
        rounded *= 2;
    ring->capacity = rounded;
    ring->item_size = item_size;
    atomic_init(&ring->put, 0);
    atomic_init(&ring->taken, 0);
    ring->slots = calloc(rounded, item_size);
    return ring->slots != NULL;
}

void nn_ring_close(nn_ring *ring)
{
    free(ring->slots);
    ring->slots = NULL;
}

static unsigned char *slot(const nn_ring *ring, size_t position)
{
    return ring->slots + (position & (ring->capacity - 1)) * ring->item_size;
}

size_t nn_ring_room(nn_ring *ring)
{
    size_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    return ring->capacity - (put - taken);
}

bool nn_ring_put(nn_ring *ring, const void *item)
{
    if (nn_ring_room(ring) == 0)
        return false;
    size_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
    memcpy(slot(ring, put), item, ring->item_size);
    atomic_store_explicit(&ring->put, put + 1, memory_order_release);
    return true;
}

bool nn_ring_take(nn_ring *ring, void *item)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (atomic_load_explicit(&ring->put, memory_order_acquire) == taken)
        return false;
    memcpy(item, slot(ring, taken), ring->item_size);
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
    return true;
}

/* --- mailbox -------------------------------------------------------------------------------- */

#define NEWS 4u /* beside a slot's number 0..2 */

bool nn_mailbox_open(nn_mailbox *mailbox, size_t item_size)
{
    mailbox->item_size = item_size;
    mailbox->back = 0;
    mailbox->front = 2;
    mailbox->delivered = false;
    atomic_init(&mailbox->middle, 1);
    mailbox->slots = calloc(3, item_size);
    return mailbox->slots != NULL;
}

void nn_mailbox_close(nn_mailbox *mailbox)
{
    free(mailbox->slots);
    mailbox->slots = NULL;
}

void *nn_mailbox_back(nn_mailbox *mailbox)
{
    return mailbox->slots + mailbox->back * mailbox->item_size;
}

void nn_mailbox_send(nn_mailbox *mailbox)
{
    unsigned old =
        atomic_exchange_explicit(&mailbox->middle, mailbox->back | NEWS, memory_order_acq_rel);
    mailbox->back = old & ~NEWS;
}

const void *nn_mailbox_latest(nn_mailbox *mailbox)
{
    if (atomic_load_explicit(&mailbox->middle, memory_order_relaxed) & NEWS) {
        unsigned old =
            atomic_exchange_explicit(&mailbox->middle, mailbox->front, memory_order_acq_rel);
        mailbox->front = old & ~NEWS;
        mailbox->delivered = true;
    }
    return mailbox->delivered ? mailbox->slots + mailbox->front * mailbox->item_size : NULL;
}

/* --- outbox --------------------------------------------------------------------------------- */

struct nn_letter {
    nn_letter *next;
    nn_event event;
};

nn_status nn_outbox_open(nn_listener *outbox, int capacity, nn_error *error)
{
    if (capacity < 1 || capacity > 1 << 20)
        return nn_fail(error, NN_E_ARG, "listener: capacity %d, expected 1 to %d steps", capacity,
                       1 << 20);
    outbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (outbox->fd < 0)
        return nn_fail(error, NN_E_IO, "listener: no eventfd: %s; close some files",
                       strerror(errno));
    if (!nn_ring_open(&outbox->ring, (size_t)capacity + NN_OUTBOX_RESERVED, sizeof(nn_event))) {
        close(outbox->fd);
        return nn_fail(error, NN_E_NOMEM, "listener: no memory for %d events", capacity);
    }
    pthread_mutex_init(&outbox->lock, NULL);
    atomic_init(&outbox->rung, false);
    atomic_init(&outbox->dropped, 0);
    atomic_init(&outbox->kept, 0);
    atomic_init(&outbox->waiting, 0);
    outbox->first = outbox->last = NULL;
    return NN_OK;
}

void nn_outbox_close(nn_listener *outbox)
{
    nn_event event;
    while (nn_listener_next(outbox, &event))
        nn_evaluation_release(event.evaluation);
    nn_ring_close(&outbox->ring);
    pthread_mutex_destroy(&outbox->lock);
    close(outbox->fd);
}

/* Sets the descriptor readable, once until the listener clears it. The exchange and the one in
 * nn_listener_clear are ordered among themselves: either the listener sees this event when it
 * drains, or it is rung again. */
static void ring_bell(nn_listener *outbox)
{
    if (atomic_exchange(&outbox->rung, true))
        return;
    uint64_t one = 1;
    while (write(outbox->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void count_dropped(nn_listener *outbox, const nn_event *event)
{
    nn_evaluation_release(event->evaluation);
    atomic_fetch_add_explicit(&outbox->dropped, 1, memory_order_relaxed);
}

static void put_aside(nn_listener *outbox, const nn_event *event)
{
    nn_letter *letter = malloc(sizeof *letter);
    if (!letter) {
        count_dropped(outbox, event);
        return;
    }
    letter->next = NULL;
    letter->event = *event;
    pthread_mutex_lock(&outbox->lock);
    *(outbox->last ? &outbox->last->next : &outbox->first) = letter;
    outbox->last = letter;
    atomic_fetch_add(&outbox->waiting, 1);
    pthread_mutex_unlock(&outbox->lock);
}

void nn_outbox_put(nn_listener *outbox, const nn_event *event)
{
    bool behind = atomic_load(&outbox->waiting) > 0;
    if (event->kind == NN_EVENT_STEP &&
        (behind || nn_ring_room(&outbox->ring) <= NN_OUTBOX_RESERVED)) {
        count_dropped(outbox, event);
        return;
    }
    if (behind || !nn_ring_put(&outbox->ring, event))
        put_aside(outbox, event);
    ring_bell(outbox);
}

/* The oldest of what was put aside. Whatever is in the ring by now is older still: it went there
 * before anything had to wait, so it is looked for once more under the lock. */
static bool take_aside(nn_listener *listener, nn_event *event)
{
    pthread_mutex_lock(&listener->lock);
    bool found = nn_ring_take(&listener->ring, event);
    nn_letter *letter = found ? NULL : listener->first;
    if (letter) {
        listener->first = letter->next;
        if (!letter->next)
            listener->last = NULL;
        atomic_fetch_sub(&listener->waiting, 1);
    }
    pthread_mutex_unlock(&listener->lock);
    if (letter) {
        *event = letter->event;
        free(letter);
    }
    return found || letter;
}

bool nn_listener_next(nn_listener *listener, nn_event *event)
{
    if (nn_ring_take(&listener->ring, event))
        return true;
    return atomic_load(&listener->waiting) > 0 && take_aside(listener, event);
}

int nn_listener_fd(const nn_listener *listener)
{
    return listener->fd;
}

void nn_listener_clear(nn_listener *listener)
{
    uint64_t count;
    while (read(listener->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    atomic_exchange(&listener->rung, false);
}

void nn_listener_kept(nn_listener *listener, uint64_t digest)
{
    atomic_store_explicit(&listener->kept, digest, memory_order_release);
}

uint64_t nn_listener_dropped(const nn_listener *listener)
{
    return atomic_load_explicit(&listener->dropped, memory_order_relaxed);
}
