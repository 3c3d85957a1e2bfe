/* A lab under way: what a lesson's `run` and `prove` are given, and what the screens hold.
 *
 * The lesson asks for its controls, does its work on the real engine, reports progress, and names
 * what it measured. Training goes through lab_train, which hands the trainer to the sink before it
 * starts (to be recorded and watched), waits, and stops it on cancellation. */
#ifndef GRADUS_LESSONS_LAB_H
#define GRADUS_LESSONS_LAB_H

#include "lessons/express.h"
#include "lessons/lesson.h"

enum { LAB_NUMBERS = 64, LAB_PICTURES = 16, LAB_CURVES = 16 };

/* --- for lessons --------------------------------------------------------------------------------
 */

bool lab_quick(const lab *l);    /* the preset for tests: under 5 s for all of `prove` */
int lab_threads(const lab *l);   /* 0: the machine's */
uint64_t lab_seed(const lab *l); /* the same after every reset */
double lab_value(const lab *l, const char *control); /* NaN for a control that does not exist */
int lab_choice(const lab *l, const char *control);   /* from 0 */
bool lab_flag(const lab *l, const char *control);
/* True once somebody asked to stop: free everything and return NN_E_STATE by lab_stopped. */
bool lab_cancelled(const lab *l);
nn_status lab_stopped(nn_error *error);
/* 0..1 and a few words; both may be shown, neither is kept. */
void lab_progress(lab *l, double share, const char *text);

/* A number by name, for claims, panels and text. Measured twice: the later one. */
void lab_measure(lab *l, const char *name, double value);
/* A grid of numbers to look at, copied, shown at once: name must be among the lab's panels. */
void lab_picture(lab *l, const char *name, int rows, int columns, const float *values);
/* Adds a point to a line of a curve panel: name "cost", line "zero". */
void lab_point(lab *l, const char *name, const char *line, double x, double y);

/* The data set to learn from: the first of the blank-separated sources that is here, such as
 * "fashion-mnist:classes=7+9 digits:classes=1+7". */
nn_dataset *lab_data(lab *l, const char *sources, const nn_data_args *args, nn_error *error);

/* One training on the real trainer, recorded. `args` as for nn_trainer_new (threads and seed are
 * the lab's where 0). `watch`, or NULL, is called after about every step on the lab's thread. */
typedef struct {
    double train_loss, train_error; /* of the last epoch; running means */
    double dev_loss, dev_error, test_error;
    uint64_t steps;
    nn_train_state state; /* NN_DIVERGED is a result like others */
    char message[256];    /* why it diverged */
    nn_model *model;      /* a copy of nn_trainer_model; free with nn_model_free */
} lab_result;
typedef void lab_watch(lab *l, const nn_event *event, void *context);
nn_status lab_train(lab *l, const char *name, const nn_train_args *args, lab_watch *watch,
                    void *context, lab_result *result, nn_error *error);

/* --- for screens, commands and tests ------------------------------------------------------------
 */

/* Where runs go. Called on the lab's thread; any may be NULL. `begin` gets the trainer before it
 * starts (it may listen to it) and returns a number for the run, 0 for not recorded; `end` comes
 * after the trainer's thread has ended and before it is freed. */
typedef struct {
    int64_t (*begin)(void *context, const char *name, nn_trainer *trainer,
                     const nn_train_args *args, const lab *l, nn_error *error);
    nn_status (*end)(void *context, int64_t run, nn_trainer *trainer, nn_error *error);
    void (*progress)(void *context, double share, const char *text);
    void *context;
} lab_sink;

lab *lab_new(const lesson *from, const lesson_lab *what, bool quick, nn_error *error);
void lab_free(lab *l);
void lab_set_sink(lab *l, lab_sink sink); /* before it runs */
void lab_set_threads(lab *l, int threads);
void lab_set_seed(lab *l, uint64_t seed);
/* Refuses what the control does not take, by name and range. `text`: a number, on/off, a choice. */
nn_status lab_set(lab *l, const char *control, const char *text, nn_error *error);
const char *lab_get(const lab *l, const char *control, char text[32]); /* as lab_set takes it */
void lab_reset(lab *l);                                                /* controls, seed, results */
nn_status lab_run(lab *l, nn_error *error);   /* blocks: give it a thread of its own */
nn_status lab_prove(lab *l, nn_error *error); /* the same */
void lab_cancel(lab *l);                      /* from any thread */
/* The trainer that trains now, for steering it (post); held until lab_release. NULL: none. */
nn_trainer *lab_hold(lab *l);
void lab_release(lab *l);

const lesson_lab *lab_of(const lab *l);
const lesson *lab_lesson(const lab *l);
/* Copies of what there is now; from any thread. */
int lab_numbers(lab *l, lesson_number *numbers, int room);
typedef struct {
    char name[TRACE_NAME];
    int rows, columns;
    float *values; /* free() */
} lab_image;
bool lab_image_of(lab *l, const char *name, lab_image *image);
typedef struct {
    char name[TRACE_NAME], line[TRACE_NAME];
    int count;
    double *x, *y; /* free() */
} lab_line;
int lab_lines(lab *l, const char *name, lab_line *lines, int room);
int64_t lab_runs(lab *l, int64_t *runs, int room); /* the numbers that the sink gave */

#endif
