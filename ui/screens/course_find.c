/* Search through all chapters, and the glossary: a list over the Course that typing narrows. */
#include "ui/screens/course.h"

#include "ui/lesson_find.h"
#include "ui/terminal/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is found ------------------------------------------------------------------------------
 */

static bool take_place(void *context, const lesson_place *place)
{
    app *a = context;
    course_find *f = &a->course->find;
    if (place->language != a->course->language && !place->title)
        return true;
    course_hit *hit = &f->hit[f->count++];
    *hit =
        (course_hit){.chapter = place->chapter, .section = place->section, .block = place->block};
    snprintf(hit->heading, sizeof hit->heading, "%.120s",
             place->title ? course_word(a, "title", "제목") : place->heading);
    lesson_excerpt(place, 120, hit->text, sizeof hit->text);
    return f->count < FIND_HITS;
}

static void take_terms(app *a)
{
    course_find *f = &a->course->find;
    const char *words = f->search.text;
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        for (int i = 0; i < lesson_term_count(s->lesson) && f->count < FIND_HITS; i++) {
            const lesson_term *term = &s->lesson->terms[i];
            bool fits = strcasestr(term->term.en, words) || strcasestr(term->term.ko, words) ||
                        strcasestr(course_say(a, term->meaning), words);
            if (fits)
                f->hit[f->count++] = (course_hit){.chapter = s->lesson->chapter, .term = term};
        }
}

/* The headings of the chapter that is open. */
static void take_contents(app *a)
{
    course_find *f = &a->course->find;
    const char *at = course_source(a)->text[a->course->language];
    lesson_block block;
    int line = 1, section = 0;
    while (lesson_block_next(&at, &line, &block) && f->count < FIND_HITS) {
        course_hit *hit = &f->hit[f->count];
        if (block.kind != BLOCK_HEADING)
            continue;
        *hit = (course_hit){.chapter = a->course->chapter, .section = section++};
        snprintf(hit->text, sizeof hit->text, "%.*s", (int)block.length, block.text);
        f->count += strcasestr(hit->text, f->search.text) != NULL;
    }
}

static int by_term_en(const void *x, const void *y)
{
    return strcasecmp(((const course_hit *)x)->term->term.en,
                      ((const course_hit *)y)->term->term.en);
}

static int by_term_ko(const void *x, const void *y)
{
    return strcmp(((const course_hit *)x)->term->term.ko, ((const course_hit *)y)->term->term.ko);
}

/* Where the chapter teaches the term: it stands there between stars. */
static void find_lesson_of(const app *a, course_hit *hit)
{
    const char *at = lesson_find(hit->chapter)->text[a->course->language];
    char marked[128], text[8192];
    lesson_block block;
    int line = 1, section = -1, number = 0;
    snprintf(marked, sizeof marked, "**%.100s**", course_say(a, hit->term->term));
    while (lesson_block_next(&at, &line, &block)) {
        number = block.kind == BLOCK_HEADING ? 0 : number + 1;
        section += block.kind == BLOCK_HEADING;
        snprintf(text, sizeof text, "%.*s", (int)block.length, block.text);
        if (!strcasestr(text, marked))
            continue;
        hit->section = section < 0 ? 0 : section;
        hit->block = number;
        return;
    }
}

static void search(app *a)
{
    course_find *f = &a->course->find;
    f->count = 0;
    if (f->what == FIND_WORDS)
        take_terms(a);
    else if (f->what == FIND_CONTENTS)
        take_contents(a);
    else if (f->search.length > 0)
        lesson_search_all(f->search.text, take_place, a);
    if (f->what == FIND_WORDS)
        qsort(f->hit, (size_t)f->count, sizeof *f->hit,
              a->course->language == LESSON_KO ? by_term_ko : by_term_en);
    f->list.count = f->count;
    list_select(&f->list, 0);
    if (f->what == FIND_CONTENTS && f->search.length == 0) /* where the learner is */
        list_select(&f->list, a->course->read.section);
}

void course_find_open(app *a, course_find_what what, const char *words)
{
    course_find *f = &a->course->find;
    f->what = what;
    prompt_set(&f->search, words);
    search(a);
}

/* --- drawing ------------------------------------------------------------------------------------
 */

static void draw_hit(const app *a, canvas *c, const course_hit *hit, int y)
{
    const course_find *f = &a->course->find;
    bool contents = f->what == FIND_CONTENTS;
    int x = 2 + canvas_format(c, 2, y, -1, ROLE_DIM, "%2d ",
                              contents ? hit->section + 1 : hit->chapter);
    if (contents) {
        canvas_text(c, x, y, c->clip.w - x - 2, ROLE_TEXT, hit->text);
        return;
    }
    if (f->what == FIND_WORDS) {
        char both[200];
        snprintf(
            both, sizeof both, "%s (%s)", course_say(a, hit->term->term),
            lesson_say(hit->term->term, a->course->language == LESSON_EN ? LESSON_KO : LESSON_EN));
        canvas_text(c, x, y, 34, ROLE_KEY, both);
        canvas_text(c, x + 36, y, c->clip.w - x - 38, ROLE_TEXT, course_say(a, hit->term->meaning));
        return;
    }
    canvas_text(c, x, y, 24, ROLE_KEY, hit->heading);
    canvas_text(c, x + 26, y, c->clip.w - x - 28, ROLE_TEXT, hit->text);
}

void course_find_draw(app *a, canvas *c)
{
    course_find *f = &a->course->find;
    char title[96];
    bool words = f->what == FIND_WORDS;
    snprintf(title, sizeof title, "%s  %d%s",
             words                      ? course_word(a, "*Words of the course", "*용어집")
             : f->what == FIND_CONTENTS ? course_word(a, "*Contents", "*차례")
                                        : course_word(a, "*Search all chapters", "*모든 단원 검색"),
             f->count, f->count == FIND_HITS ? "+" : "");
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, title, true);
    prompt_draw(&f->search, c, 2, 1, c->clip.w - 4, words ? "w " : "/ ", true);
    int rows = c->clip.h - 3;
    list_fit(&f->list, f->count, rows);
    if (f->count == 0)
        canvas_text(c, 2, 3, -1, ROLE_DIM,
                    f->search.length > 0
                        ? course_word(a, "Nothing fits; Backspace widens the search.",
                                      "맞는 것이 없습니다. 지우면 넓어집니다.")
                        : course_word(a, "Type what you look for.", "찾을 말을 적으세요."));
    long clipped = c->clipped; /* below, the selected one stands in full */
    for (int i = 0; i < rows && f->list.top + i < f->count; i++) {
        bool here = f->list.top + i == f->list.selected;
        canvas_text(c, 1, 2 + i, 1, ROLE_TEXT, here ? ">" : " ");
        draw_hit(a, c, &f->hit[f->list.top + i], 2 + i);
        if (here)
            canvas_role_fill(c, (canvas_rect){1, 2 + i, c->clip.w - 3, 1}, ROLE_SELECT);
    }
    c->clipped = clipped;
    list_draw_bar(&f->list, c, c->clip.w - 2, 2);
}

static const course_hit *selected(const app *a)
{
    const course_find *f = &a->course->find;
    return f->list.selected >= 0 && f->list.selected < f->count ? &f->hit[f->list.selected] : NULL;
}

void course_find_standing(const app *a, char *text, size_t size)
{
    const course_hit *hit = selected(a);
    if (hit && hit->term)
        snprintf(text, size, "{%s}: %s", course_say(a, hit->term->term),
                 course_say(a, hit->term->meaning));
    else if (hit && a->course->find.what == FIND_CONTENTS)
        snprintf(text, size, "%d  %s", hit->section + 1, hit->text);
    else if (hit)
        snprintf(text, size, "%d, %s: %s", hit->chapter, hit->heading, hit->text);
}

const char *course_find_typing(const app *a)
{
    return course_word(a, "typing searches  Up/Down select  Enter opens it  Esc closes",
                       "적으면 검색  Up/Down 고르기  Enter 열기  Esc 닫기");
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void open_hit(app *a)
{
    course_hit hit = *selected(a);
    if (!lesson_find(hit.chapter)) {
        course_go(a, hit.chapter, PANE_READ); /* says that it is not written */
        return;
    }
    if (hit.term)
        find_lesson_of(a, &hit);
    a->course->find.what = FIND_NOTHING;
    course_go(a, hit.chapter, PANE_READ);
    course_read_jump(a, hit.section + 1);
    a->course->read.want_block = hit.block;
}

bool course_find_key(app *a, const key_event *key)
{
    course_find *f = &a->course->find;
    bool moves = key->code == UI_KEY_UP || key->code == UI_KEY_DOWN ||
                 key->code == UI_KEY_PAGE_UP || key->code == UI_KEY_PAGE_DOWN;
    if (f->what == FIND_NOTHING)
        return false;
    if (key->code == UI_KEY_ESC) {
        f->what = FIND_NOTHING;
    } else if (key->code == UI_KEY_ENTER) {
        if (selected(a))
            open_hit(a);
    } else if (moves) {
        list_key(&f->list, key);
    } else if (key->code != UI_KEY_BACKSPACE || f->search.length > 0) {
        char before[PROMPT_BYTES];
        snprintf(before, sizeof before, "%s", f->search.text);
        prompt_key(&f->search, key);
        if (strcmp(before, f->search.text) != 0)
            search(a);
    }
    return true;
}
