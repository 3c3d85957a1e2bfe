/* Expressions in the text of lessons: {z}, {dz:.3f}, {100 * a:.1f}, {W[1,2]}, {rows(W)}.
 *
 * Numbers, + - * / ^, < <= > >= == (1 or 0), parentheses, names of the trace's values and of the
 * lab's measured numbers, elements from 1, and exp log sqrt abs sigmoid tanh min max round floor
 * rows columns norm sum. Formats: .Nf .Ne .Ng, .Np (percent with N decimals); without one the
 * shortest of 6 digits. Minus signs are written "-". */
#ifndef GRADUS_LESSONS_EXPRESS_H
#define GRADUS_LESSONS_EXPRESS_H

#include "lessons/trace.h"

/* Named numbers beside the trace's values: what a lab has measured. */
typedef struct {
    char name[TRACE_NAME];
    double value;
} lesson_number;

typedef struct {
    const lesson_trace *trace; /* or NULL */
    const lesson_number *numbers;
    int count;
} lesson_scope;

nn_status lesson_evaluate(const lesson_scope *scope, const char *expression, size_t length,
                          double *value, nn_error *error);
/* Writes `text` with every {expression} replaced. An expression that fails is written as it stands,
 * and the first such error is returned; `{{` is a brace. */
nn_status lesson_fill(const lesson_scope *scope, const char *text, char *out, size_t size,
                      nn_error *error);

#endif
