/* What `gradus lesson` writes: traces and proofs as JSON and as text. */
#ifndef GRADUS_UI_LESSON_OUT_H
#define GRADUS_UI_LESSON_OUT_H

#include "ui/commands/json_out.h"
#include "ui/lesson_check.h"

/* An array under `key`: every input and step with formula, numbers, value, shape, why. */
void lesson_trace_json(json_out *json, const char *key, const lesson_trace *t);
void lesson_trace_text(const lesson_trace *t, lesson_language language);
/* {"chapter":N,"trace":[...],"claims":[...],"checks":[...],"runs":[...]} as one value. */
void lesson_proof_json(json_out *json, const lesson *l, const lesson_proof *proof);
void lesson_proof_text(const lesson *l, const lesson_proof *proof, lesson_language language);

#endif
