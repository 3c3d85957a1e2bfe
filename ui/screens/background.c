#include "ui/screens/background.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct task {
    struct task *next;
    void (*work)(void *job);
    void (*done)(void *app, void *job);
    void *job;
} task;

typedef struct {
    task *first, *last;
} task_list;

struct background {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    task_list waiting, finished;
    bool busy, leaving;
    int bell;
};

static void append(task_list *list, task *t)
{
    t->next = NULL;
    if (list->last)
        list->last->next = t;
    else
        list->first = t;
    list->last = t;
}

static task *take_first(task_list *list)
{
    task *t = list->first;
    if (t) {
        list->first = t->next;
        if (!list->first)
            list->last = NULL;
    }
    return t;
}

static void *run_tasks(void *given)
{
    background *b = given;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        task *t = take_first(&b->waiting);
        if (!t && b->leaving)
            break;
        if (!t) {
            pthread_cond_wait(&b->changed, &b->lock);
            continue;
        }
        b->busy = true;
        pthread_mutex_unlock(&b->lock);
        t->work(t->job);
        pthread_mutex_lock(&b->lock);
        b->busy = false;
        append(&b->finished, t);
        pthread_cond_broadcast(&b->changed);
        uint64_t one = 1;
        ssize_t written = write(b->bell, &one, sizeof one); /* fails only when already ringing */
        (void)written;
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

background *background_new(void)
{
    background *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    b->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->bell < 0 || pthread_create(&b->thread, NULL, run_tasks, b) != 0) {
        if (b->bell >= 0)
            close(b->bell);
        pthread_mutex_destroy(&b->lock);
        pthread_cond_destroy(&b->changed);
        free(b);
        return NULL;
    }
    return b;
}

void background_free(background *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->leaving = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
    for (task *t; (t = take_first(&b->finished));)
        free(t);
    close(b->bell);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->changed);
    free(b);
}

int background_fd(const background *b)
{
    return b->bell;
}

bool background_submit(background *b, void (*work)(void *job), void (*done)(void *app, void *job),
                       void *job)
{
    task *t = calloc(1, sizeof *t);
    if (!t)
        return false;
    *t = (task){NULL, work, done, job};
    pthread_mutex_lock(&b->lock);
    append(&b->waiting, t);
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    return true;
}

bool background_deliver(background *b, void *app)
{
    uint64_t count;
    ssize_t drained = read(b->bell, &count, sizeof count);
    (void)drained;
    bool any = false;
    for (;;) {
        pthread_mutex_lock(&b->lock);
        task *t = take_first(&b->finished);
        pthread_mutex_unlock(&b->lock);
        if (!t)
            return any;
        t->done(app, t->job);
        free(t);
        any = true;
    }
}

void background_wait(background *b)
{
    pthread_mutex_lock(&b->lock);
    while (b->busy || b->waiting.first)
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
}
