/* The rules about text.en.md and text.ko.md. */
#include "ui/lesson_lint.h"

#include "engine/number.h"
#include "ui/terminal/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 600, MOST = 1200, WIDE = 76, EXPRESSIONS = 64 };
/* A Korean word group (eojeol) carries what about 1.4 English words do: particles are part of it.
 */
static const double korean_words = 1.4;

static const char *file_of(lesson_language language)
{
    return language == LESSON_KO ? "text.ko.md" : "text.en.md";
}

static bool begins(const char *at, const char *end, const char *what)
{
    return (size_t)(end - at) >= strlen(what) && strncmp(at, what, strlen(what)) == 0;
}

/* --- numbers ------------------------------------------------------------------------------------
 */

/* 0, 1 and 2, premises (inputs of the trace), and years. */
static bool may_be_typed(const lesson_linter *lint, double value, size_t digits)
{
    if (value == 0 || value == 1 || value == 2 || (digits == 4 && value >= 1900 && value < 2100))
        return true;
    for (int i = 0; i < trace_count(lint->trace); i++) {
        const trace_entry *entry = trace_at(lint->trace, i);
        for (int k = 0; entry->input && k < entry->rows * entry->columns; k++)
            if (entry->values[k] == value || entry->values[k] == -value)
                return true;
    }
    return false;
}

static bool before_is(const char *start, const char *at, const char *what)
{
    size_t length = strlen(what);
    return (size_t)(at - start) >= length && strncasecmp(at - length, what, length) == 0;
}

/* "chapter 7", "7장", "28×28", "(5,1)", "x1", "L2". */
static bool is_name(const char *start, const char *at, const char *end, const char *stop)
{
    bool word = at > start && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
    bool shape = (at > start && (at[-1] == '(' || at[-1] == ',') && end < stop &&
                  (*end == ',' || *end == ')')) ||
                 before_is(start, at, "×") || begins(end, stop, "×");
    return word || shape || before_is(start, at, "chapter ") || before_is(start, at, "chapters ") ||
           before_is(start, at, "and ") || begins(end, stop, "장") || begins(end, stop, "·");
}

/* Behind what is not prose: {expression}, `code`, “quoted”. */
static const char *skip(const char *at, const char *end)
{
    const char *close = *at == '{' ? "}" : *at == '`' ? "`" : begins(at, end, "“") ? "”" : NULL;
    if (!close)
        return at;
    for (const char *to = at + 1; to < end; to++)
        if (begins(to, end, close))
            return to + strlen(close);
    return end;
}

static void lint_numbers(lesson_linter *lint, lesson_language language, const lesson_block *block)
{
    const char *end = block->text + block->length;
    for (const char *at = block->text; at < end;) {
        const char *behind = skip(at, end);
        if (behind != at || !isdigit((unsigned char)*at)) {
            at = behind != at ? behind : at + 1;
            continue;
        }
        char number[32];
        const char *stop = at;
        while (stop < end && (isdigit((unsigned char)*stop) ||
                              ((*stop == '.' || *stop == ',') && stop + 1 < end &&
                               isdigit((unsigned char)stop[1]) && at[-1] != '(')))
            stop++;
        double value = 0;
        snprintf(number, sizeof number, "%.*s", (int)(stop - at), at);
        bool read = nn_parse_number(number, &value);
        if (!is_name(block->text, at, stop, end) &&
            !(read && may_be_typed(lint, value, (size_t)(stop - at))))
            lint_complain(lint, file_of(language), block->line,
                          "the number %s is typed: write {expression}, or “%s” for a quotation",
                          number, number);
        at = stop;
    }
}

/* --- expressions --------------------------------------------------------------------------------
 */

typedef struct {
    char text[EXPRESSIONS][96];
    int count;
} expressions;

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void collect(const lesson_block *block, expressions *found)
{
    const char *end = block->text + block->length;
    found->count = 0;
    for (const char *at = block->text; at < end && found->count < EXPRESSIONS; at++) {
        const char *close = *at == '{' ? memchr(at, '}', (size_t)(end - at)) : NULL;
        if (!close)
            continue;
        snprintf(found->text[found->count++], sizeof found->text[0], "%.*s", (int)(close - at - 1),
                 at + 1);
        at = close;
    }
    qsort(found->text, (size_t)found->count, sizeof found->text[0], by_text);
}

static bool same_expressions(const expressions *a, const expressions *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = strcmp(a->text[i], b->text[i]) == 0;
    return same;
}

static void lint_values(lesson_linter *lint, lesson_language language, const lesson_block *block,
                        const expressions *found)
{
    lesson_scope scope = {.trace = lint->trace};
    for (int i = 0; i < found->count; i++) {
        char whole[128], out[256];
        nn_error error = {NN_OK, ""};
        snprintf(whole, sizeof whole, "{%s}", found->text[i]);
        if (lesson_fill(&scope, whole, out, sizeof out, &error) != NN_OK)
            lint_complain(lint, file_of(language), block->line, "%s", error.text);
    }
}

/* --- blocks -------------------------------------------------------------------------------------
 */

static bool prose(const lesson_block *block)
{
    return block->kind != BLOCK_MATH && block->kind != BLOCK_CODE;
}

static void lint_quote(lesson_linter *lint, lesson_language language, const lesson_block *block)
{
    char path[128];
    if (sscanf(block->info, "c %127s", path) != 1) {
        lint_complain(lint, file_of(language), block->line,
                      "expected ```c PATH, ```math or ```guess ID");
        return;
    }
    for (const char *at = block->text; at < block->text + block->length;) {
        size_t length = strcspn(at, "\n");
        if (!lint_quoted(lint, path, at, length))
            lint_complain(lint, file_of(language), block->line, "%s has no line: %.*s", path,
                          (int)length, at);
        at += length + 1;
    }
}

static void lint_lines(lesson_linter *lint, lesson_language language, const lesson_block *block)
{
    for (const char *at = block->text; at < block->text + block->length;) {
        char line[512];
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        if (text_columns(line) > WIDE)
            lint_complain(lint, file_of(language), block->line, "%d columns, at most %d: %s",
                          text_columns(line), WIDE, line);
        at += length + 1;
    }
}

static void lint_guess(lesson_linter *lint, lesson_language language, const lesson_block *block,
                       lesson_guess *guess)
{
    nn_error error = {NN_OK, ""};
    if (lesson_guess_read(block->info, block->text, block->length, guess, &error) != NN_OK) {
        lint_complain(lint, file_of(language), block->line, "%s", error.text);
        return;
    }
    for (int i = 0; i < guess->options; i++)
        if (!*guess->option[i].text || !*guess->option[i].reason)
            lint_complain(lint, file_of(language), block->line, "guess '%s', option %c: no %s",
                          guess->id, 'a' + i, *guess->option[i].text ? "reason" : "text");
}

static void lint_block(lesson_linter *lint, lesson_language language, const lesson_block *block,
                       expressions *found, lesson_guess *guess)
{
    *guess = (lesson_guess){.right = -1};
    found->count = 0;
    if (prose(block)) {
        collect(block, found);
        lint_values(lint, language, block, found);
        lint_numbers(lint, language, block);
    } else {
        lint_lines(lint, language, block);
    }
    if (block->kind == BLOCK_CODE)
        lint_quote(lint, language, block);
    if (block->kind == BLOCK_GUESS)
        lint_guess(lint, language, block, guess);
}

/* The two blocks that should say the same. */
static void lint_pair(lesson_linter *lint, const lesson_block *en, const lesson_block *ko)
{
    expressions found[2];
    lesson_guess guess[2];
    lint_block(lint, LESSON_EN, en, &found[0], &guess[0]);
    lint_block(lint, LESSON_KO, ko, &found[1], &guess[1]);
    if (!same_expressions(&found[0], &found[1]))
        lint_complain(lint, "text.ko.md", ko->line, "other {expressions} than text.en.md:%d",
                      en->line);
    if (strcmp(guess[0].id, guess[1].id) != 0 || guess[0].options != guess[1].options ||
        guess[0].right != guess[1].right)
        lint_complain(lint, "text.ko.md", ko->line, "another guess than text.en.md:%d", en->line);
    if (!prose(en) && (en->length != ko->length || memcmp(en->text, ko->text, en->length) != 0))
        lint_complain(lint, "text.ko.md", ko->line, "other formulas or code than text.en.md:%d",
                      en->line);
}

/* --- terms --------------------------------------------------------------------------------------
 */

/* A term of a later chapter, in a paragraph that does not point to a chapter. */
static void lint_terms_of(lesson_linter *lint, const lesson *later, const lesson_block *block)
{
    char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)block->length, block->text);
    if (strcasestr(text, "chapter"))
        return;
    for (int i = 0; i < lesson_term_count(later); i++) {
        const char *term = later->terms[i].term.en, *at = text;
        while ((at = strcasestr(at, term)) != NULL) {
            bool alone = (at == text || !isalpha((unsigned char)at[-1])) &&
                         !isalpha((unsigned char)at[strlen(term)]);
            at += strlen(term);
            if (alone)
                lint_complain(lint, "text.en.md", block->line,
                              "'%s' is taught in chapter %d: explain it, or point there", term,
                              later->chapter);
        }
    }
}

static bool taught_before(const lesson_linter *lint, const char *term)
{
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        for (int i = 0;
             s->lesson->chapter <= lint->lesson->chapter && i < lesson_term_count(s->lesson); i++)
            if (strcasecmp(s->lesson->terms[i].term.en, term) == 0)
                return true;
    return false;
}

static void lint_later_terms(lesson_linter *lint, const lesson_block *block)
{
    for (const lesson_source *s = lesson_sources; prose(block) && s->folder; s++) {
        lesson open = {.chapter = s->lesson->chapter};
        int count = 0;
        if (s->lesson->chapter <= lint->lesson->chapter)
            continue;
        for (int i = 0; i < lesson_term_count(s->lesson); i++)
            if (!taught_before(lint, s->lesson->terms[i].term.en))
                open.terms[count++] = s->lesson->terms[i];
        lint_terms_of(lint, &open, block);
    }
}

/* Each term is marked **so** where it is taught. */
static void lint_own_terms(lesson_linter *lint)
{
    if (lesson_term_count(lint->lesson) == 0)
        lint_complain(lint, "lesson.c", 0, "no term for the glossary");
    for (int i = 0; i < lesson_term_count(lint->lesson); i++) {
        const lesson_term *term = &lint->lesson->terms[i];
        if (!lesson_said(term->term) || !lesson_said(term->meaning)) {
            lint_complain(lint, "lesson.c", 0, "term '%s': name and meaning in both languages",
                          term->term.en);
            continue;
        }
        for (int k = 0; k < LESSON_LANGUAGES; k++) {
            char marked[160];
            snprintf(marked, sizeof marked, "**%s", lesson_say(term->term, (lesson_language)k));
            if (!strcasestr(lint->source->text[k], marked))
                lint_complain(lint, file_of((lesson_language)k), 0, "%s** is nowhere marked",
                              marked);
        }
    }
}

/* --- the texts ----------------------------------------------------------------------------------
 */

static int count_words(const lesson_block *block)
{
    int words = 0;
    bool inside = false;
    for (size_t i = 0; prose(block) && i < block->length; i++) {
        bool space = isspace((unsigned char)block->text[i]);
        words += !space && !inside;
        inside = !space;
    }
    return words;
}

static void lint_length(lesson_linter *lint, lesson_language language, double words)
{
    if (words < LEAST || words > MOST)
        lint_complain(lint, file_of(language), 0, "%.0f words%s; expected %d to %d", words,
                      language == LESSON_KO ? " (1.4 for each that blanks part)" : "", LEAST, MOST);
}

void lint_texts(lesson_linter *lint)
{
    const char *at[2] = {lint->source->text[LESSON_EN], lint->source->text[LESSON_KO]};
    int line[2] = {1, 1};
    double words[2] = {0, 0};
    for (;;) {
        lesson_block block[2];
        bool more[2];
        for (int i = 0; i < 2; i++)
            more[i] = lesson_block_next(&at[i], &line[i], &block[i]);
        if (!more[0] && !more[1])
            break;
        if (!more[0] || !more[1] || block[0].kind != block[1].kind) {
            lint_complain(lint, "text.ko.md", more[1] ? block[1].line : line[1],
                          "out of step with text.en.md:%d", more[0] ? block[0].line : line[0]);
            return;
        }
        lint_pair(lint, &block[0], &block[1]);
        lint_later_terms(lint, &block[0]);
        for (int i = 0; i < 2; i++)
            words[i] += count_words(&block[i]);
    }
    lint_length(lint, LESSON_EN, words[0]);
    lint_length(lint, LESSON_KO, words[1] * korean_words);
    lint_own_terms(lint);
}
