#include "ui/lesson_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void blame(lesson_proof *proof, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void blame(lesson_proof *proof, const char *format, ...)
{
    va_list list;
    proof->pass = false;
    if (proof->message[0])
        return;
    va_start(list, format);
    vsnprintf(proof->message, sizeof proof->message, format, list);
    va_end(list);
}

/* Every gradient of the trace against finite differences. Where a slope is infinite there is none
 * to check. */
static void prove_slopes(lesson_proof *proof)
{
    proof->slopes_agree = true;
    for (int i = 0; i < trace_count(proof->trace); i++) {
        const trace_entry *step = trace_at(proof->trace, i);
        nn_error why = {NN_OK, ""};
        trace_slope slope;
        if (step->input || !step->note.of)
            continue;
        if (trace_check_slope(proof->trace, step, &slope, &why) != NN_OK)
            blame(proof, "%s", why.text);
        else if (!(slope.worst < 1e-6))
            blame(proof, "gradient '%s': %.9g given, %.9g measured", step->name, slope.given,
                  slope.measured);
        proof->slopes_agree = proof->pass;
    }
}

static nn_status prove_lab(const lesson *l, const lesson_lab *what, bool full,
                           lesson_record *record, int threads, lesson_proof *proof, nn_error *error)
{
    lab *work = lab_new(l, what, !full, error);
    if (!work)
        return NN_E_NOMEM;
    nn_error why = {NN_OK, ""};
    lab_set_threads(work, threads);
    if (record)
        lab_set_sink(work, lesson_record_sink(record));
    if (lab_prove(work, &why) != NN_OK)
        blame(proof, "lab '%s': %s", what->id, why.text);
    proof->numbers += lab_numbers(work, proof->number + proof->numbers, LAB_NUMBERS);
    proof->runs += (int)lab_runs(work, proof->run + proof->runs, PROOF_RUNS - proof->runs);
    lab_free(work);
    return NN_OK;
}

static void judge(const lesson *l, bool full, lesson_proof *proof)
{
    lesson_scope scope = {proof->trace, proof->number, proof->numbers};
    for (int i = 0; i < lesson_claim_count(l); i++) {
        const lesson_claim *claim = &l->claims[i];
        claim_result *result = &proof->claim[i];
        nn_error why = {NN_OK, ""};
        if (claim_judge(claim, &scope, !full, result, &why) != NN_OK)
            blame(proof, "%s", why.text);
        else if (!result->pass && !result->skipped)
            blame(proof, "claim '%s': %.6g, expected %s %.6g", claim->id, result->measured,
                  claim_sign(claim->relation), result->bound);
    }
    for (int i = 0; i < lesson_check_count(l); i++) {
        nn_error why = {NN_OK, ""};
        proof->check_sound[i] = check_examples(l, &l->checks[i], &why) == NN_OK;
        if (!proof->check_sound[i])
            blame(proof, "%s", why.text);
    }
}

nn_status lesson_prove(const lesson *l, bool full, lesson_record *record, int threads,
                       lesson_proof *proof, nn_error *error)
{
    double start = now();
    *proof = (lesson_proof){.pass = true};
    proof->trace = trace_run(l->trace, error);
    if (!proof->trace)
        return error ? error->code : NN_E_ARG;
    prove_slopes(proof);
    nn_status status = NN_OK;
    for (int i = 0; i < lesson_lab_count(l) && status == NN_OK; i++)
        status = prove_lab(l, &l->labs[i], full, record, threads, proof, error);
    if (status == NN_OK)
        judge(l, full, proof);
    else
        lesson_proof_free(proof);
    proof->seconds = now() - start;
    return status;
}

void lesson_proof_free(lesson_proof *proof)
{
    trace_free(proof->trace);
    proof->trace = NULL;
}
