/* A whole chapter proved headless: its trace, its gradients, its labs, its claims, its checks. */
#ifndef GRADUS_UI_LESSON_CHECK_H
#define GRADUS_UI_LESSON_CHECK_H

#include "lessons/check.h"
#include "ui/lesson_record.h"

enum { PROOF_RUNS = 64 };

typedef struct {
    lesson_trace *trace;
    claim_result claim[LESSON_CLAIMS];
    bool check_sound[LESSON_CHECKS]; /* its examples are judged as they should be */
    bool slopes_agree;
    lesson_number number[LESSON_LABS * LAB_NUMBERS];
    int numbers;
    int64_t run[PROOF_RUNS];
    int runs;
    double seconds;
    char message[320]; /* the first thing that failed; "" when all is well */
    bool pass;
} lesson_proof;

/* `record` NULL: nothing is kept. An error only when it could not be tried; what fails is in
 * `proof`. lesson_proof_free frees it. */
nn_status lesson_prove(const lesson *l, bool full, lesson_record *record, int threads,
                       lesson_proof *proof, nn_error *error);
void lesson_proof_free(lesson_proof *proof);

#endif
