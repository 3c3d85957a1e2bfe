/* One worker thread for what would make the screen wait: loading data, opening and closing a
 * session, writing to the store. Jobs run one after another; their end is delivered on the UI
 * thread. */
#ifndef GRADUS_UI_BACKGROUND_H
#define GRADUS_UI_BACKGROUND_H

#include <stdbool.h>

typedef struct background background;

background *background_new(void); /* NULL: no memory or no thread */
/* Waits for the jobs that were begun and those that wait; their `done` is not called. */
void background_free(background *b);
/* Readable while finished jobs wait for background_deliver(). */
int background_fd(const background *b);
/* work(job) on the thread, then done(app, job) from background_deliver(). False: out of memory,
 * nothing will happen. The job belongs to the caller. */
bool background_submit(background *b, void (*work)(void *job), void (*done)(void *app, void *job),
                       void *job);
/* Returns whether a job had finished. */
bool background_deliver(background *b, void *app);
/* Waits until no job runs or waits; for the way out. */
void background_wait(background *b);

#endif
