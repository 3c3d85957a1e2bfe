/* What can be lit on a page: words of the glossary, and names of the worked example in formulas and
 * code. */
#include "ui/screens/course.h"

#include "engine/number.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- words --------------------------------------------------------------------------------------
 */

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether `text` begins with the word; in English it may stand in the plural. */
static bool begins_with(const char *text, const char *word, lesson_language language)
{
    size_t length = strlen(word);
    if (length == 0 || strncasecmp(text, word, length) != 0)
        return false;
    const char *end = text + length;
    if (language == LESSON_KO && (unsigned char)word[length - 1] >= 0x80)
        return true; /* particles follow */
    end += *end == 's' && !is_letter(end[1]);
    return !is_letter(*end) || (language == LESSON_KO && (unsigned char)*end >= 0x80);
}

/* The longest word of chapters up to this one that `text` begins with. */
static const lesson_term *longest(const app *a, const char *text, int *chapter)
{
    const lesson_term *best = NULL;
    size_t most = 0;
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        for (int i = 0;
             s->lesson->chapter <= a->course->chapter && i < lesson_term_count(s->lesson); i++) {
            const char *word = course_say(a, s->lesson->terms[i].term);
            if (strlen(word) > most && begins_with(text, word, a->course->language)) {
                best = &s->lesson->terms[i];
                most = strlen(word);
                *chapter = s->lesson->chapter;
            }
        }
    return best;
}

static bool is_prose(const lesson_line *line)
{
    return line->kind == LESSON_LINE_TEXT || line->kind == LESSON_LINE_ITEM;
}

/* Puts the hit that begins at `start` of the line, whose text goes on in `next` (or NULL). */
static void place_hit(course_term_hit *hit, const lesson_line *line, const lesson_line *next,
                      int start, int length)
{
    int left = (int)strlen(line->text) - start;
    hit->start = start;
    hit->here = length < left ? length : left;
    hit->rest = next && length > left + 1 ? length - left - 1 : 0;
    hit->rest_start = next ? (int)strspn(next->text, " ") : 0;
}

static bool is_new(const course_term_hit *hits, int count, const lesson_term *term)
{
    for (int i = 0; i < count; i++)
        if (hits[i].term == term)
            return false;
    return true;
}

int course_find_terms(const app *a, const int *lines, int count, course_term_hit hits[TERM_HITS])
{
    const lesson_page *page = &a->course->read.page;
    int found = 0;
    for (int i = 0; page->line && i < count; i++) {
        const lesson_line *line = &page->line[lines[i]];
        const lesson_line *next = i + 1 < count ? &page->line[lines[i + 1]] : NULL;
        next = next && is_prose(next) ? next : NULL;
        for (int at = 0; is_prose(line) && line->text[at] && found < TERM_HITS; at++) {
            char text[512];
            int chapter;
            if (!is_letter(line->text[at]) || (at > 0 && is_letter(line->text[at - 1])))
                continue;
            snprintf(text, sizeof text, "%s %s", line->text + at,
                     next ? next->text + strspn(next->text, " ") : "");
            const lesson_term *term = longest(a, text, &chapter);
            if (!term || !is_new(hits, found, term))
                continue;
            course_term_hit *hit = &hits[found++];
            *hit = (course_term_hit){.term = term, .chapter = chapter, .line = lines[i]};
            place_hit(hit, line, next, at, (int)strlen(course_say(a, term->term)));
        }
    }
    return found;
}

/* --- names --------------------------------------------------------------------------------------
 */

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The Greek letter that ends a heading such as "learning rate α" stands for the value, too. */
static const char *other_name(const trace_entry *entry)
{
    const char *what = entry->input ? entry->given.what.en : entry->note.what.en;
    const char *last = what ? strrchr(what, ' ') : NULL;
    return last && (unsigned char)last[1] >= 0xCE && (unsigned char)last[1] <= 0xCF && !last[3]
               ? last + 1
               : NULL;
}

/* Bytes [start, end) of the line are formula or code. */
static bool is_symbolic(const lesson_line *line, int start, int end)
{
    if (line->kind == LESSON_LINE_MATH || line->kind == LESSON_LINE_CODE)
        return true;
    for (int i = 0; i < line->marks; i++)
        if (line->mark[i].code && start >= line->mark[i].start &&
            end <= line->mark[i].start + line->mark[i].length)
            return true;
    return false;
}

int course_symbol_in(const lesson_line *line, const trace_entry *entry, int from, int *length)
{
    const char *text = line->text, *greek = other_name(entry);
    int name = (int)strlen(entry->name), total = (int)strlen(text);
    for (int at = from; at < total; at++) {
        bool plain = strncmp(text + at, entry->name, (size_t)name) == 0 &&
                     (at == 0 || !is_name(text[at - 1])) && !is_name(text[at + name]);
        bool other = greek && strncmp(text + at, greek, strlen(greek)) == 0;
        *length = plain ? name : 2;
        if ((plain || other) && is_symbolic(line, at, at + *length))
            return at;
    }
    return -1;
}

int course_find_symbols(const app *a, const int *lines, int count, int entries[TRACE_VALUES])
{
    const course_read *r = &a->course->read;
    int found = 0, length;
    for (int i = 0; r->trace && i < trace_count(r->trace); i++) {
        bool here = false;
        for (int j = 0; j < count && !here; j++)
            here =
                course_symbol_in(&r->page.line[lines[j]], trace_at(r->trace, i), 0, &length) >= 0;
        if (here)
            entries[found++] = i;
    }
    return found;
}

const char *course_value_text(const trace_entry *entry, char *text, size_t size)
{
    int count = entry->rows * entry->columns;
    if (entry->scalar || count == 1) {
        snprintf(text, size, "%.6g", entry->values[0]);
    } else if (count > 4) {
        snprintf(text, size, "%dx%d", entry->rows, entry->columns);
    } else {
        size_t used = 0;
        for (int i = 0; i < count && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%.4g", i ? ", " : "(",
                                     entry->values[i]);
        if (used < size)
            snprintf(text + used, size - used, ")");
    }
    return text;
}
