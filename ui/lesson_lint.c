/* The rules about trace, labs, claims and checks; those about the texts are in lesson_lint_text.c.
 */
#include "ui/lesson_lint.h"

#include "ui/screens/course_lint.h"
#include "ui/terminal/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMULA = 72, HEADING = 60, LABEL = 24, WIDTH = 76, ROWS = 18 };

void lint_complain(lesson_linter *lint, const char *file, int line, const char *format, ...)
{
    char text[512], whole[768];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (line > 0)
        snprintf(whole, sizeof whole, "lessons/%s/%s:%d: %s", lint->source->folder, file, line,
                 text);
    else
        snprintf(whole, sizeof whole, "lessons/%s/%s: %s", lint->source->folder, file, text);
    lint->complaints++;
    lint->say(lint->context, whole);
}

static const char here[] = "lesson.c";

void lint_filled(lesson_linter *lint, const char *what, const lesson_scope *scope, lesson_text text)
{
    char out[4096];
    if (!lesson_said(text)) {
        lint_complain(lint, here, 0, "%s is missing in %s", what,
                      text.en && *text.en ? "Korean" : "English");
        return;
    }
    for (int i = 0; i < LESSON_LANGUAGES; i++) {
        nn_error error = {NN_OK, ""};
        if (lesson_fill(scope, lesson_say(text, (lesson_language)i), out, sizeof out, &error) !=
            NN_OK)
            lint_complain(lint, here, 0, "%s: %s", what, error.text);
    }
}

/* --- quotes -------------------------------------------------------------------------------------
 */

static char *read_source(const lesson_linter *lint, const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", lint->root, path);
    FILE *file = strstr(path, "..") ? NULL : fopen(whole, "rb");
    enum { ROOM = 1 << 18 };
    char *text = file ? malloc(ROOM) : NULL;
    if (text)
        text[fread(text, 1, ROOM - 1, file)] = '\0';
    if (file)
        fclose(file);
    return text;
}

bool lint_quoted(const lesson_linter *lint, const char *path, const char *line, size_t length)
{
    while (length > 0 && *line == ' ') {
        line++;
        length--;
    }
    char *text = read_source(lint, path);
    bool found = text && memmem(text, strlen(text), line, length) != NULL;
    free(text);
    return found;
}

/* The fragment of a trace's step must be in the file beside its own mention, which has backslashes
 * before quotes. */
static bool quoted_twice(const lesson_linter *lint, const char *path, const char *fragment)
{
    char *text = read_source(lint, path);
    int count = 0;
    for (const char *at = text; at && (at = strstr(at, fragment)); at++)
        count++;
    char own[64];
    snprintf(own, sizeof own, "lessons/%s/", lint->source->folder);
    free(text);
    return count >= (strncmp(path, own, strlen(own)) == 0 && !strchr(fragment, '"') ? 2 : 1);
}

static void lint_code(lesson_linter *lint, const trace_entry *step)
{
    char path[256];
    const char *code = step->note.code, *colon = code ? strstr(code, ": ") : NULL;
    if (!colon || (size_t)(colon - code) >= sizeof path) {
        lint_complain(lint, here, 0, "step '%s': code: expected \"path: part of its line\"",
                      step->name);
        return;
    }
    memcpy(path, code, (size_t)(colon - code));
    path[colon - code] = '\0';
    if (!quoted_twice(lint, path, colon + 2))
        lint_complain(lint, here, 0, "step '%s': %s has no line with: %s", step->name, path,
                      colon + 2);
}

/* --- trace --------------------------------------------------------------------------------------
 */

static void lint_width(lesson_linter *lint, const char *what, const char *name, const char *text,
                       int columns)
{
    if (text && text_columns(text) > columns)
        lint_complain(lint, here, 0, "%s '%s': %d columns, at most %d: %s", what, name,
                      text_columns(text), columns, text);
}

static void lint_entry(lesson_linter *lint, const trace_entry *entry)
{
    char what[64];
    lesson_scope scope = {.trace = lint->trace};
    snprintf(what, sizeof what, "'%s' of the trace", entry->name);
    lesson_text heading = entry->input ? entry->given.what : entry->note.what;
    lint_filled(lint, what, &scope, heading);
    lint_width(lint, "heading of", entry->name, heading.en, HEADING);
    lint_width(lint, "heading of", entry->name, heading.ko, HEADING);
    if (entry->input)
        return;
    snprintf(what, sizeof what, "why of '%s'", entry->name);
    lint_filled(lint, what, &scope, entry->note.why);
    if (!entry->note.formula)
        lint_complain(lint, here, 0, "step '%s' has no formula", entry->name);
    lint_width(lint, "formula of", entry->name, entry->note.formula, FORMULA);
    lint_code(lint, entry);
}

static void lint_trace(lesson_linter *lint)
{
    int inputs = 0;
    for (int i = 0; i < trace_count(lint->trace); i++) {
        const trace_entry *entry = trace_at(lint->trace, i);
        inputs += entry->input;
        lint_entry(lint, entry);
    }
    if (inputs == 0)
        lint_complain(lint, here, 0, "the trace has no input to edit");
}

/* --- labs and claims ----------------------------------------------------------------------------
 */

static void lint_control(lesson_linter *lint, const lesson_lab *what, const lab_control *control)
{
    if (!lesson_said(control->label) || !lesson_said(control->help))
        lint_complain(lint, here, 0, "lab '%s': label and help of '%s' in both languages", what->id,
                      control->name);
    lint_width(lint, "label of", control->name, control->label.en, LABEL);
    lint_width(lint, "label of", control->name, control->label.ko, LABEL);
    if ((control->kind == LAB_CHOICE) != (control->choices != NULL))
        lint_complain(lint, here, 0, "lab '%s': choices of '%s'", what->id, control->name);
    if (control->kind <= LAB_WHOLE &&
        (control->least >= control->most || control->value < control->least ||
         control->value > control->most))
        lint_complain(lint, here, 0, "lab '%s': '%s' is %g, outside %g to %g", what->id,
                      control->name, control->value, control->least, control->most);
}

static void lint_lab(lesson_linter *lint, const lesson_lab *what)
{
    const lesson_scope nothing = {0};
    lint_filled(lint, "a lab's title", &nothing, what->title);
    lint_filled(lint, "a lab's goal", &nothing, what->goal);
    lint_filled(lint, "a lab's guess", &nothing, what->guess);
    lint_filled(lint, "the answer to a lab's guess", &nothing, what->guess_answer);
    if (!what->run)
        lint_complain(lint, here, 0, "lab '%s' has nothing to run", what->id);
    if (!what->panels || !*what->panels)
        lint_complain(lint, here, 0, "lab '%s' shows no panel", what->id);
    if (lab_control_count(what) < 2)
        lint_complain(lint, here, 0, "lab '%s': at least two things to change", what->id);
    for (int i = 0; i < lab_control_count(what); i++)
        lint_control(lint, what, &what->controls[i]);
}

static void lint_claims(lesson_linter *lint)
{
    const lesson *l = lint->lesson;
    if (lesson_claim_count(l) == 0)
        lint_complain(lint, here, 0, "no claim");
    for (int i = 0; i < lesson_claim_count(l); i++) {
        const lesson_claim *claim = &l->claims[i];
        bool known = claim->lab == NULL;
        for (int k = 0; k < lesson_lab_count(l); k++)
            known |= claim->lab && strcmp(claim->lab, l->labs[k].id) == 0;
        if (!known)
            lint_complain(lint, here, 0, "claim '%s': no lab '%s'", claim->id, claim->lab);
        if (!lesson_said(claim->text) || !claim->measured || !claim->bound)
            lint_complain(lint, here, 0, "claim '%s': text in both languages, measured and bound",
                          claim->id);
    }
}

/* --- checks -------------------------------------------------------------------------------------
 */

static int rows_of(lesson_text text, lesson_language language)
{
    return text_wrap_rows(lesson_say(text, language), WIDTH);
}

/* Question and options, or question and all hints, on a screen of 80x24. */
static void lint_fits(lesson_linter *lint, const lesson_check *check)
{
    for (int i = 0; i < LESSON_LANGUAGES; i++) {
        lesson_language language = (lesson_language)i;
        int rows = rows_of(check->question, language), hints = 0, options = 0;
        for (int k = 0; k < LESSON_HINTS; k++)
            hints += rows_of(check->hints[k], language);
        for (int k = 0; k < LESSON_OPTIONS && check->options[k].holds; k++)
            options += rows_of(check->options[k].text, language);
        if (rows + options + hints > ROWS)
            lint_complain(lint, here, 0, "check '%s' takes %d rows in %s; at most %d fit 80x24",
                          check->id, rows + options + hints, lesson_language_name(language), ROWS);
    }
}

static void lint_reasons(lesson_linter *lint, const lesson_check *check, const lesson_scope *scope)
{
    char what[64];
    int reasons = 0;
    snprintf(what, sizeof what, "check '%s'", check->id);
    for (int i = 0; i < LESSON_FORESEEN && check->foreseen[i].answer; i++, reasons++)
        lint_filled(lint, what, scope, check->foreseen[i].why);
    if (check->kind == CHECK_CHOICE)
        for (reasons = 0; reasons < LESSON_OPTIONS && check->options[reasons].holds; reasons++) {
            lint_filled(lint, what, scope, check->options[reasons].text);
            lint_filled(lint, what, scope, check->options[reasons].why);
        }
    if (reasons < 2)
        lint_complain(lint, here, 0, "%s: at least two foreseen mistakes or options", what);
}

static void lint_check(lesson_linter *lint, const lesson_check *check)
{
    char what[64];
    nn_error error = {NN_OK, ""};
    lesson_trace *t = check_trace(lint->lesson, check, &error);
    if (!t) {
        lint_complain(lint, here, 0, "%s", error.text);
        return;
    }
    lesson_scope scope = {.trace = t};
    snprintf(what, sizeof what, "check '%s'", check->id);
    lint_filled(lint, what, &scope, check->question);
    lint_filled(lint, what, &scope, check->explanation);
    for (int i = 0; i < LESSON_HINTS; i++)
        lint_filled(lint, what, &scope, check->hints[i]);
    lint_reasons(lint, check, &scope);
    if (check->kind == CHECK_NUMBER && !(check->tolerance > 0))
        lint_complain(lint, here, 0, "%s has no tolerance", what);
    if (check_examples(lint->lesson, check, &error) != NN_OK)
        lint_complain(lint, here, 0, "%s", error.text);
    lint_fits(lint, check);
    trace_free(t);
}

/* --- the chapter --------------------------------------------------------------------------------
 */

static void lint_prerequisites(lesson_linter *lint)
{
    for (const char *at = lint->lesson->prerequisites; at && *at;) {
        char *end;
        long chapter = strtol(at, &end, 10);
        if (end == at || chapter < 1 || chapter >= lint->lesson->chapter) {
            lint_complain(lint, here, 0, "prerequisites '%s': expected earlier chapters", at);
            return;
        }
        at = end + strspn(end, " ");
    }
}

int lesson_lint(const lesson_source *source, const char *root, lesson_lint_say *say, void *context)
{
    nn_error error = {NN_OK, ""};
    lesson_linter lint = {
        .source = source, .lesson = source->lesson, .root = root, .say = say, .context = context};
    const lesson *l = source->lesson;
    lint.trace = trace_run(l->trace, &error);
    if (!lint.trace) {
        lint_complain(&lint, here, 0, "%s", error.text);
        return lint.complaints;
    }
    if (l->chapter != atoi(source->folder + 2))
        lint_complain(&lint, here, 0, "chapter %d in this folder", l->chapter);
    if (lesson_lab_count(l) == 0 || lesson_check_count(l) < 3)
        lint_complain(&lint, here, 0, "at least one lab and three checks");
    lint_prerequisites(&lint);
    lint_trace(&lint);
    for (int i = 0; i < lesson_lab_count(l); i++)
        lint_lab(&lint, &l->labs[i]);
    lint_claims(&lint);
    for (int i = 0; i < lesson_check_count(l); i++)
        lint_check(&lint, &l->checks[i]);
    lint_texts(&lint);
    if (lesson_lab_count(l) > 0 && lesson_check_count(l) > 0)
        lint_screens(&lint);
    trace_free(lint.trace);
    return lint.complaints;
}
