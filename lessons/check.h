/* Grading an answer to a check, and the claims of a chapter. */
#ifndef GRADUS_LESSONS_CHECK_H
#define GRADUS_LESSONS_CHECK_H

#include "lessons/lab.h"

typedef enum {
    CHECK_RIGHT,     /* within the tolerance */
    CHECK_NEARLY,    /* within ten times it, or right but rounded to fewer digits: accepted, said */
    CHECK_FORESEEN,  /* a known mistake: `why` says which */
    CHECK_WRONG,     /* none of these */
    CHECK_UNREADABLE /* no number, shape or letter: not an attempt */
} check_outcome;
const char *check_outcome_name(check_outcome outcome);

typedef struct {
    check_outcome outcome;
    lesson_text why;   /* FORESEEN and choices; else empty. May hold {expressions} */
    double answer;     /* number: the right one; choice: the place of the right option, from 0 */
    int rows, columns; /* shape: the right one */
} check_verdict;

/* Judges `answer`. An error only where the check itself is broken (its id is in the message). */
nn_status check_grade(const lesson *l, const lesson_check *check, const char *answer,
                      check_verdict *verdict, nn_error *error);
/* The trace with the check's own inputs, to fill its texts with; free with trace_free. */
lesson_trace *check_trace(const lesson *l, const lesson_check *check, nn_error *error);
/* "-0.5744 (within 0.001)", "(4,3)", "b": the answer as 0 shows it. Returns `text`. */
const char *check_answer_text(const lesson_check *check, const check_verdict *verdict, char *text,
                              size_t size);
/* Every right and wrong example judged as it says. */
nn_status check_examples(const lesson *l, const lesson_check *check, nn_error *error);

typedef struct {
    double measured, bound;
    bool pass, skipped; /* skipped: full_only in the quick preset */
} claim_result;
nn_status claim_judge(const lesson_claim *claim, const lesson_scope *scope, bool quick,
                      claim_result *result, nn_error *error);
const char *claim_sign(claim_relation relation); /* "<", "≤" ... */

#endif
