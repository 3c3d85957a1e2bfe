/* How two threads of a training talk without waiting for each other. Private to engine/.
 *
 * nn_ring: a queue of fixed-size items from one thread to another. nn_mailbox: the newest whole
 * item, for readers that care for nothing older. nn_outbox: a ring of events with a file descriptor
 * to poll, whose important events are never lost.
 *
 * One thread puts and one thread takes; none of the calls here blocks on the other side. */
#ifndef GRADUS_ENGINE_CHANNEL_H
#define GRADUS_ENGINE_CHANNEL_H

#include "engine/trainer.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NN_CACHE_LINE = 64 };

/* --- ring ----------------------------------------------------------------------------------- */

typedef struct {
    /* Positions only grow; item i sits in slot i % capacity. Each on a line of its own, so that the
     * two threads do not fight over one. */
    _Alignas(NN_CACHE_LINE) atomic_size_t put;
    _Alignas(NN_CACHE_LINE) atomic_size_t taken;
    _Alignas(NN_CACHE_LINE) unsigned char *slots;
    size_t capacity, item_size;
} nn_ring;

/* capacity is rounded up to a power of two. False: out of memory. */
bool nn_ring_open(nn_ring *ring, size_t capacity, size_t item_size);
void nn_ring_close(nn_ring *ring);
/* Putting thread: free slots (at least so many), and put; false when full. */
size_t nn_ring_room(nn_ring *ring);
bool nn_ring_put(nn_ring *ring, const void *item);
/* Taking thread: false when empty. */
bool nn_ring_take(nn_ring *ring, void *item);

/* --- mailbox: a triple buffer --------------------------------------------------------------- */

typedef struct {
    unsigned char *slots; /* three items */
    size_t item_size;
    _Alignas(NN_CACHE_LINE) atomic_uint middle; /* a slot's number, and whether it is news */
    _Alignas(NN_CACHE_LINE) unsigned back;      /* the writer's slot */
    _Alignas(NN_CACHE_LINE) unsigned front;     /* the reader's */
    bool delivered;                             /* the front slot holds something */
} nn_mailbox;

bool nn_mailbox_open(nn_mailbox *mailbox, size_t item_size);
void nn_mailbox_close(nn_mailbox *mailbox);
/* Writing thread: fill what _back returns, then send. */
void *nn_mailbox_back(nn_mailbox *mailbox);
void nn_mailbox_send(nn_mailbox *mailbox);
/* Reading thread: the newest item, valid until the next call; NULL before the first. */
const void *nn_mailbox_latest(nn_mailbox *mailbox);

/* --- outbox: the events for one listener ---------------------------------------------------- */

/* Ring slots that step events leave free. */
enum { NN_OUTBOX_RESERVED = 64 };

typedef struct nn_letter nn_letter;

struct nn_listener {
    nn_ring ring;
    int fd;
    atomic_bool rung; /* the descriptor is readable: ring it only once a drain */
    _Atomic uint64_t dropped;
    _Atomic uint64_t kept; /* see nn_listener_kept; 0: this listener writes nothing down */
    /* What found no room and must not be lost, oldest first. While anything waits here nothing new
     * goes to the ring, so the order holds. The lock is taken only in that case and held for a few
     * instructions. */
    pthread_mutex_t lock;
    nn_letter *first, *last;
    atomic_size_t waiting;
};

/* capacity: step events it may lag behind. */
nn_status nn_outbox_open(nn_listener *outbox, int capacity, nn_error *error);
/* Releases the evaluations of events nobody took. */
void nn_outbox_close(nn_listener *outbox);
/* Takes over the event's reference to an evaluation. A step event that finds only reserved slots is
 * dropped and counted; any other is kept, whatever happens (but for memory: then counted too). */
void nn_outbox_put(nn_listener *outbox, const nn_event *event);

#endif
