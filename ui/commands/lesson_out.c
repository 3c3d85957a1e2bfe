#include "ui/commands/lesson_out.h"

#include "ui/commands/common.h"

#include <stdio.h>

enum { TEXT = 4096 };

/* --- traces -------------------------------------------------------------------------------------
 */

static void both(json_out *json, const char *key, const lesson_scope *scope, lesson_text text)
{
    char out[TEXT];
    if (!lesson_said(text))
        return;
    json_open(json, key, '{');
    for (int i = 0; i < LESSON_LANGUAGES; i++) {
        (void)lesson_fill(scope, lesson_say(text, (lesson_language)i), out, sizeof out, NULL);
        json_text(json, lesson_language_name((lesson_language)i), out);
    }
    json_close(json, '}');
}

static void value_json(json_out *json, const trace_entry *entry)
{
    if (entry->scalar) {
        json_number(json, "value", entry->values[0]);
        return;
    }
    json_open(json, "value", '[');
    for (int row = 0; row < entry->rows; row++) {
        if (entry->columns > 1)
            json_open(json, NULL, '[');
        for (int column = 0; column < entry->columns; column++)
            json_number(json, NULL, entry->values[row * entry->columns + column]);
        if (entry->columns > 1)
            json_close(json, ']');
    }
    json_close(json, ']');
    json_open(json, "shape", '[');
    json_whole(json, NULL, entry->rows);
    json_whole(json, NULL, entry->columns);
    json_close(json, ']');
}

static void step_json(json_out *json, const lesson_trace *t, const trace_entry *step)
{
    char numbers[TEXT];
    lesson_scope scope = {.trace = t};
    json_text(json, "formula", step->note.formula);
    json_text(json, "numbers", trace_numbers(t, step, numbers, sizeof numbers));
    both(json, "what", &scope, step->note.what);
    both(json, "why", &scope, step->note.why);
    json_text(json, "code", step->note.code);
    if (step->note.of) {
        trace_slope slope;
        json_open(json, "gradient", '{');
        json_text(json, "of", step->note.of);
        json_text(json, "by", step->note.by);
        if (trace_check_slope(t, step, &slope, NULL) == NN_OK)
            json_number(json, "off", slope.worst);
        json_close(json, '}');
    }
}

void lesson_trace_json(json_out *json, const char *key, const lesson_trace *t)
{
    lesson_scope scope = {.trace = t};
    json_open(json, key, '[');
    for (int i = 0; i < trace_count(t); i++) {
        const trace_entry *entry = trace_at(t, i);
        json_open(json, NULL, '{');
        json_text(json, "name", entry->name);
        json_flag(json, "input", entry->input);
        value_json(json, entry);
        if (entry->part >= 0)
            both(json, "part", &scope, trace_part_title(t, entry->part));
        if (entry->input)
            both(json, "what", &scope, entry->given.what);
        else
            step_json(json, t, entry);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void value_text(const trace_entry *entry)
{
    for (int i = 0; i < entry->rows * entry->columns && i < 12; i++)
        printf("%s%.6g", i == 0 ? "" : i % entry->columns ? " " : "; ", entry->values[i]);
    if (!entry->scalar)
        printf("   (%d,%d)", entry->rows, entry->columns);
    putchar('\n');
}

void lesson_trace_text(const lesson_trace *t, lesson_language language)
{
    lesson_scope scope = {.trace = t};
    int part = -1;
    for (int i = 0; i < trace_count(t); i++) {
        char text[TEXT];
        const trace_entry *entry = trace_at(t, i);
        if (entry->part != part) {
            part = entry->part;
            printf("\n%s\n", lesson_say(trace_part_title(t, part), language));
        }
        if (entry->input) {
            printf("  %s = ", entry->name);
            value_text(entry);
            printf("      %s\n", lesson_say(entry->given.what, language));
            continue;
        }
        printf("  %s\n", entry->note.formula);
        printf("      %s\n      = ", trace_numbers(t, entry, text, sizeof text));
        value_text(entry);
        (void)lesson_fill(&scope, lesson_say(entry->note.why, language), text, sizeof text, NULL);
        printf("      %s\n", text);
    }
}

/* --- proofs -------------------------------------------------------------------------------------
 */

static void claims_json(json_out *json, const lesson *l, const lesson_proof *proof)
{
    lesson_scope scope = {proof->trace, proof->number, proof->numbers};
    json_open(json, "claims", '[');
    for (int i = 0; i < lesson_claim_count(l); i++) {
        char text[TEXT];
        const claim_result *result = &proof->claim[i];
        json_open(json, NULL, '{');
        json_text(json, "id", l->claims[i].id);
        (void)lesson_fill(&scope, l->claims[i].text.en, text, sizeof text, NULL);
        json_text(json, "text", text);
        json_number(json, "measured", result->measured);
        json_text(json, "relation", claim_sign(l->claims[i].relation));
        json_number(json, "bound", result->bound);
        if (result->skipped)
            json_null(json, "pass");
        else
            json_flag(json, "pass", result->pass);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void checks_json(json_out *json, const lesson *l, const lesson_proof *proof)
{
    json_open(json, "checks", '[');
    for (int i = 0; i < lesson_check_count(l); i++) {
        char text[TEXT];
        check_verdict verdict;
        const lesson_check *check = &l->checks[i];
        json_open(json, NULL, '{');
        json_text(json, "id", check->id);
        lesson_trace *t = check_trace(l, check, NULL);
        lesson_scope scope = {.trace = t};
        if (t)
            both(json, "question", &scope, check->question);
        if (t && check_grade(l, check, "", &verdict, NULL) == NN_OK)
            json_text(json, "answer", check_answer_text(check, &verdict, text, sizeof text));
        json_flag(json, "pass", proof->check_sound[i]);
        trace_free(t);
        json_close(json, '}');
    }
    json_close(json, ']');
}

void lesson_proof_json(json_out *json, const lesson *l, const lesson_proof *proof)
{
    json_open(json, NULL, '{');
    json_whole(json, "chapter", l->chapter);
    json_text(json, "title", lesson_title(l->chapter).en);
    json_flag(json, "pass", proof->pass);
    json_text(json, "message", proof->message[0] ? proof->message : NULL);
    json_number(json, "seconds", proof->seconds);
    lesson_trace_json(json, "trace", proof->trace);
    json_open(json, "numbers", '{');
    for (int i = 0; i < proof->numbers; i++)
        json_number(json, proof->number[i].name, proof->number[i].value);
    json_close(json, '}');
    claims_json(json, l, proof);
    checks_json(json, l, proof);
    json_open(json, "runs", '[');
    for (int i = 0; i < proof->runs; i++)
        json_whole(json, NULL, proof->run[i]);
    json_close(json, ']');
    json_close(json, '}');
}

void lesson_proof_text(const lesson *l, const lesson_proof *proof, lesson_language language)
{
    lesson_scope scope = {proof->trace, proof->number, proof->numbers};
    printf("%d  %s: %s, %.1f s\n", l->chapter, lesson_say(lesson_title(l->chapter), language),
           proof->pass ? "ok" : "FAILED", proof->seconds);
    for (int i = 0; i < lesson_claim_count(l); i++) {
        char text[TEXT];
        const claim_result *result = &proof->claim[i];
        (void)lesson_fill(&scope, lesson_say(l->claims[i].text, language), text, sizeof text, NULL);
        printf("   %-7s %s\n",
               result->skipped ? "skipped"
               : result->pass  ? "holds"
                               : "FAILS",
               text);
        if (!result->skipped)
            printf("           measured %.6g %s %.6g\n", result->measured,
                   claim_sign(l->claims[i].relation), result->bound);
    }
    if (proof->message[0])
        printf("   %s\n", proof->message);
}
