/* A worked example as a record: every value with its formula, the numbers in it, why, and the line
 * of C that computed it. Made by running a function; run again when an input is edited, so nothing
 * in it is ever typed.
 *
 *     static void exam(lesson_trace *t)
 *     {
 *         double x = trace_input(t, .name = "x", .value = 2, .what = {"hours", "시간"});
 *         double w = trace_input(t, .name = "w", .value = 0.1, .what = {...});
 *         double z = trace_step(t, .name = "z", .formula = "z = w·x", .value = w * x,
 *                               .why = {"...", "..."}, .code = "lessons/ch01_x/lesson.c: w * x");
 *         trace_step(t, .name = "dw", .formula = "∂z/∂w = x", .value = x, .of = "z", .by = "w",
 * ...);
 *     }
 *
 * Numbers are double. Matrices are row-major buffers of the function (trace_inputs, trace_steps).
 * ALWAYS go on with what a call returns (or leaves in the buffer): a finite-difference check runs
 * the function again with one value nudged, and the nudge arrives that way.
 *
 * Errors (too many values, a name twice) are kept in the trace; trace_run returns the first. */
#ifndef GRADUS_LESSONS_TRACE_H
#define GRADUS_LESSONS_TRACE_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *en, *ko;
} lesson_text;

typedef struct lesson_trace lesson_trace;

enum { TRACE_VALUES = 96, TRACE_NUMBERS = 4096 /* of one value */, TRACE_NAME = 32 };

/* --- for lessons --------------------------------------------------------------------------------
 */

typedef struct {
    const char *name;   /* letters, digits, _ ; starts with a letter; unique in the trace */
    double value;       /* default */
    double *values;     /* of trace_inputs: defaults, replaced by what the learner typed */
    int rows, columns;  /* of trace_inputs; a vector is a column: columns 1 (0 means 1) */
    double least, most; /* what may be typed; both 0: anything finite */
    bool whole;         /* only whole numbers */
    lesson_text what;   /* what it is, a few words */
} trace_given;

typedef struct {
    const char *name;    /* as above */
    const char *formula; /* Unicode, by the names: "z = w1·x1 + b"; at most 72 columns. "Numbers in
                            it" is made by putting values for names on the right of the first = */
    double value;
    double *values; /* of trace_steps */
    int rows, columns;
    lesson_text what; /* the heading: what is computed, a few words */
    lesson_text why;  /* one or two sentences; may hold {expressions} of values so far */
    const char *code; /* "path/of/source.c: fragment of its line"; the linter looks for it */
    /* A gradient: of the value `of` (a number) by the value or input `by`, in by's shape; checked
     * by central finite differences. NULL: not a gradient. */
    const char *of, *by;
} trace_note;

/* A heading inside the trace: "Forward", "Backward". */
void trace_part(lesson_trace *t, lesson_text title);
double trace_give(lesson_trace *t, const trace_given *given);
double trace_record(lesson_trace *t, const trace_note *note);
#define trace_input(t, ...) trace_give((t), &(trace_given){__VA_ARGS__})
#define trace_step(t, ...)  trace_record((t), &(trace_note){__VA_ARGS__})
/* The same for vectors and matrices; `values` holds the numbers to go on with. */
#define trace_inputs(t, ...) (void)trace_give((t), &(trace_given){__VA_ARGS__})
#define trace_steps(t, ...)  (void)trace_record((t), &(trace_note){__VA_ARGS__})

/* --- for screens and tests ----------------------------------------------------------------------
 */

typedef struct {
    char name[TRACE_NAME];
    bool input;
    bool scalar;
    int rows, columns;
    const double *values; /* rows x columns, row-major */
    int part;             /* which heading it stands under, -1 none */
    trace_given given;    /* of an input */
    trace_note note;      /* of a step */
} trace_entry;

/* Runs `record` with its default inputs. free with trace_free. NULL and an error. */
lesson_trace *trace_run(void (*record)(lesson_trace *t), nn_error *error);
void trace_free(lesson_trace *t);
int trace_count(const lesson_trace *t);
const trace_entry *trace_at(const lesson_trace *t, int i);
const trace_entry *trace_find(const lesson_trace *t, const char *name);
lesson_text trace_part_title(const lesson_trace *t, int part);
/* One input, "x", or a number of it, "x[2]", "W[1,2]" (from 1): then everything is computed anew.
 * Out of range or unknown: refused, nothing changes. trace_reset takes the defaults again. */
nn_status trace_set(lesson_trace *t, const char *name, double value, nn_error *error);
nn_status trace_set_all(lesson_trace *t, const char *assignments, nn_error *error); /* "x=1 y=2" */
nn_status trace_reset(lesson_trace *t, nn_error *error);
/* The step's formula with numbers for names: "z = 0.1·2 + (-0.1)·5 + 0". Matrices keep their names.
 * Returns `text`. */
const char *trace_numbers(const lesson_trace *t, const trace_entry *step, char *text, size_t size);
/* A gradient step against central finite differences: the largest difference and where. */
typedef struct {
    double worst; /* |given - measured| / max(1, |given|, |measured|) */
    int element;  /* of it, from 0 */
    double given, measured;
} trace_slope;
nn_status trace_check_slope(const lesson_trace *t, const trace_entry *step, trace_slope *slope,
                            nn_error *error);

#endif
