/* Running tasks on a pool's threads. Private to engine/; the pool itself is declared in exec.h.
 *
 * The caller works too. Each thread begins with its own tasks (i mod threads), so that a shard
 * mostly finds its data in the cache of the same core, and then takes what the others have not
 * begun: where another program holds a core, the thread that it keeps waiting delays nobody. A
 * thread that has nothing to do spins for a few microseconds, then sleeps: the next phase of a step
 * is usually that near, and a core is never burnt for nothing. */
#ifndef GRADUS_ENGINE_POOL_H
#define GRADUS_ENGINE_POOL_H

#include "engine/exec.h"

typedef void (*nn_task)(void *context, int index);

/* task(context, i) for i = 0 .. count - 1; returns when all are done. Everything written before the
 * call is seen by the tasks, everything the tasks wrote is seen after it. pool may be NULL (the
 * caller does all). Allocates nothing. Not reentrant. */
void nn_pool_run(nn_pool *pool, int count, nn_task task, void *context);

#endif
