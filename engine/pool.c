#include "engine/pool.h"

#include "engine/blas.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    MAX_THREADS = 64,
    SPINS = 5000 /* pauses before sleeping: about the length of a short phase */
};

struct nn_pool {
    int threads; /* the caller included */
    int most;    /* 1 where the BLAS cannot be called from several threads */
    pthread_t worker[MAX_THREADS];

    /* The job. Written while no task is under way, read only by who has claimed one of its tasks:
     * a thread that comes late finds none left and touches nothing. */
    nn_task task;
    void *context;
    int count, lanes;
    struct {
        _Alignas(64) atomic_uint_least64_t left; /* generation << 32 | unclaimed tasks */
    } lane[MAX_THREADS];

    _Alignas(64) atomic_uint generation; /* one up for every job, and to stop */
    _Alignas(64) atomic_int unfinished;  /* tasks of this job that are not done */
    _Alignas(64) atomic_int sleepers;    /* workers at `wake` */
    atomic_bool caller_sleeps;
    atomic_bool stopping;
    pthread_mutex_t mutex;
    pthread_cond_t wake, finished;
};

typedef struct {
    nn_pool *pool;
    int lane;
    unsigned seen; /* generation when the worker was made */
} seat;

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* --- workers ------------------------------------------------------------------------------- */

static void wait_for_job(nn_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen)
            return;
        pause_briefly();
    }
    /* Sequentially consistent on both sides: either the caller sees the sleeper, or the sleeper
     * sees the new generation. */
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->generation) == seen)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Takes one task of a lane, if the job is still this one and the lane has any; its number. */
static int claim(nn_pool *pool, int lane, unsigned generation)
{
    atomic_uint_least64_t *left = &pool->lane[lane].left;
    uint_least64_t seen = atomic_load_explicit(left, memory_order_acquire);
    while (seen >> 32 == generation && (uint32_t)seen > 0)
        if (atomic_compare_exchange_weak_explicit(left, &seen, seen - 1, memory_order_acquire,
                                                  memory_order_acquire)) {
            int in_lane = (pool->count - lane + pool->lanes - 1) / pool->lanes;
            return lane + (in_lane - (int)(uint32_t)seen) * pool->lanes;
        }
    return -1;
}

static void finish_task(nn_pool *pool)
{
    if (atomic_fetch_sub(&pool->unfinished, 1) > 1 || !atomic_load(&pool->caller_sleeps))
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->finished);
    pthread_mutex_unlock(&pool->mutex);
}

/* First the tasks of one's own lane, then what the others have not begun: a thread that the system
 * keeps waiting holds nobody up. */
static void take_part(nn_pool *pool, int own, unsigned generation)
{
    for (int i = 0; i < pool->threads; i++) {
        int lane = (own + i) % pool->threads, index;
        while ((index = claim(pool, lane, generation)) >= 0) {
            pool->task(pool->context, index);
            finish_task(pool);
        }
    }
}

static void *work(void *argument)
{
    seat mine = *(seat *)argument;
    nn_pool *pool = mine.pool;
    free(argument);
    for (;;) {
        wait_for_job(pool, mine.seen);
        mine.seen = atomic_load(&pool->generation);
        if (atomic_load(&pool->stopping))
            return NULL;
        take_part(pool, mine.lane, mine.seen);
    }
}

static void announce(nn_pool *pool)
{
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

static void await_tasks(nn_pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->unfinished) != 0)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

void nn_pool_run(nn_pool *pool, int count, nn_task task, void *context)
{
    if (!pool || pool->threads == 1 || count <= 1) {
        for (int i = 0; i < count; i++)
            task(context, i);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->count = count;
    pool->lanes = pool->threads < count ? pool->threads : count;
    atomic_store_explicit(&pool->unfinished, count, memory_order_relaxed);
    unsigned generation = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
    for (int lane = 0; lane < pool->lanes; lane++) {
        uint_least64_t tasks = (uint_least64_t)((count - lane + pool->lanes - 1) / pool->lanes);
        atomic_store_explicit(&pool->lane[lane].left, (uint_least64_t)generation << 32 | tasks,
                              memory_order_release);
    }
    announce(pool);
    take_part(pool, 0, generation);
    await_tasks(pool);
}

/* --- making and changing a pool ------------------------------------------------------------ */

static int start_worker(nn_pool *pool, int lane)
{
    seat *mine = malloc(sizeof *mine);
    if (!mine)
        return -1;
    *mine = (seat){pool, lane, atomic_load(&pool->generation)};
    /* Signals belong to the user interface: a new thread inherits the mask of its maker. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&pool->worker[lane], NULL, work, mine);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        free(mine);
    return failed ? -1 : 0;
}

/* Threads until there are `threads`, or fewer where the system gives no more. */
static void start_workers(nn_pool *pool, int threads)
{
    pool->threads = 1;
    while (pool->threads < threads && start_worker(pool, pool->threads) == 0)
        pool->threads++;
}

static void stop_workers(nn_pool *pool)
{
    atomic_store(&pool->stopping, true);
    announce(pool);
    for (int lane = 1; lane < pool->threads; lane++)
        pthread_join(pool->worker[lane], NULL);
    atomic_store(&pool->stopping, false);
    pool->threads = 1;
}

static int machine_cores(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : cores;
}

nn_pool *nn_pool_new(int threads, nn_error *error)
{
    nn_pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool) {
        nn_fail(error, NN_E_NOMEM, "thread pool: out of memory");
        return NULL;
    }
    *pool = (nn_pool){.threads = 1};
    pool->most = nn_blas_prepare() == 1 ? MAX_THREADS : 1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->finished, NULL);
    int wanted = threads > 0 ? threads : machine_cores();
    start_workers(pool, wanted < pool->most ? wanted : pool->most);
    return pool;
}

void nn_pool_free(nn_pool *pool)
{
    if (!pool)
        return;
    stop_workers(pool);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

int nn_pool_threads(const nn_pool *pool)
{
    return pool->threads;
}

nn_status nn_pool_resize(nn_pool *pool, int threads, nn_error *error)
{
    int wanted = threads == 0 ? machine_cores() : threads;
    if (wanted < 1 || wanted > MAX_THREADS)
        return nn_fail(error, NN_E_ARG, "threads %d: expected 1 to %d, or 0 for the machine's",
                       threads, MAX_THREADS);
    if (wanted > pool->most)
        return nn_fail(error, NN_E_STATE,
                       "threads %d: this OpenBLAS cannot be called from several threads (install "
                       "libopenblas0-pthread)",
                       wanted);
    if (wanted == pool->threads)
        return NN_OK;
    stop_workers(pool);
    start_workers(pool, wanted);
    if (pool->threads < wanted)
        return nn_fail(error, NN_E_IO, "threads %d: the system gave only %d", wanted,
                       pool->threads);
    return NN_OK;
}
