/* The Course as a whole: which part of which chapter is open, and what keys do in all of them. */
#include "ui/screens/course.h"

#include "ui/screens/course_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words --------------------------------------------------------------------------------------
 */

const lesson_source *course_source(const app *a)
{
    return lesson_find(a->course->chapter);
}

const char *course_say(const app *a, lesson_text text)
{
    return lesson_say(text, a->course->language);
}

const char *course_word(const app *a, const char *en, const char *ko)
{
    return a->course->language == LESSON_KO ? ko : en;
}

/* The language of the learner's surroundings, until they choose. */
static lesson_language first_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strncmp(value, "ko", 2) == 0 ? LESSON_KO : LESSON_EN;
    }
    return LESSON_EN;
}

/* --- opening ------------------------------------------------------------------------------------
 */

bool course_open(app *a)
{
    if (!a->course) {
        a->course = calloc(1, sizeof *a->course);
        if (!a->course) {
            app_say(a, ROLE_BAD, "Out of memory for the course.");
            return false;
        }
        a->course->chapter = 1;
        a->course->language = a->screen->glyphs > GLYPHS_ASCII ? first_language() : LESSON_EN;
        course_read_free(a);
    }
    course_read_progress(a);
    return true;
}

void course_free(app *a)
{
    if (!a->course)
        return;
    course_lab_free(a);
    course_read_free(a);
    course_step_free(a);
    course_check_free(a);
    free(a->course->items);
    free(a->course->forgotten_items);
    free(a->course);
    a->course = NULL;
}

void course_go(app *a, int chapter, course_pane pane)
{
    course_screen *s = a->course;
    if (pane != PANE_HOME && !lesson_find(chapter)) {
        app_say(a, ROLE_WARN,
                course_word(a, "Chapter %d is not written yet.", "%d장은 아직 쓰지 않았습니다."),
                chapter);
        return;
    }
    s->chapter = chapter;
    s->pane = pane;
    if (pane == PANE_READ)
        course_read_open(a);
    else if (pane == PANE_STEP)
        course_step_open(a);
    else if (pane == PANE_LAB)
        course_lab_open(a);
    else if (pane == PANE_CHECK)
        course_check_open(a);
    if (pane != PANE_HOME)
        course_save_place(a);
    app_dirty(a);
}

void course_next_pane(app *a, int by)
{
    course_screen *s = a->course;
    static const course_pane order[] = {PANE_READ, PANE_STEP, PANE_LAB, PANE_CHECK};
    int count = sizeof order / sizeof *order, at = 0;
    while (at < count && order[at] != s->pane)
        at++;
    bool over = at + by >= count;
    int next = over && lesson_find(s->chapter + 1) ? s->chapter + 1 : s->chapter;
    course_go(a, next, at + by >= 0 && !over ? order[at + by] : PANE_HOME);
}

void course_resume(app *a, int chapter)
{
    const progress_place *place = &a->course->place[chapter];
    course_go(a, chapter,
              strcmp(place->mode, "step") == 0    ? PANE_STEP
              : strcmp(place->mode, "lab") == 0   ? PANE_LAB
              : strcmp(place->mode, "check") == 0 ? PANE_CHECK
                                                  : PANE_READ);
}

void course_take_up(app *a)
{
    if (a->course && a->course->pane == PANE_HOME && a->course->place[a->course->chapter].chapter)
        course_resume(a, a->course->chapter);
}

void course_invite(const app *a, char *text, size_t size)
{
    int chapter = a->course ? a->course->chapter : 1;
    bool begun = a->course && a->course->place[chapter].chapter;
    if (begun)
        snprintf(text, size, "Go on learning       %d, %s", chapter,
                 course_say(a, lesson_title(chapter)));
    else
        snprintf(text, size, "Take the course      %d chapters to read, step through, try, check",
                 LESSON_CHAPTERS);
}

bool course_refresh(app *a, bool force)
{
    if (!a->course)
        return false;
    bool known = a->course->known;
    course_read_progress(a);
    bool changed = a->course->lab && course_lab_refresh(a, force);
    return changed || known != a->course->known;
}

/* --- drawing ------------------------------------------------------------------------------------
 */

void course_draw(app *a, canvas *c)
{
    if (!a->course)
        return;
    if (a->course->find.what != FIND_NOTHING) {
        course_find_draw(a, c);
        return;
    }
    switch (a->course->pane) {
    case PANE_READ:
        course_read_draw(a, c);
        return;
    case PANE_LAB:
        course_lab_draw(a, c);
        return;
    case PANE_STEP:
        course_step_draw(a, c);
        return;
    case PANE_CHECK:
        course_check_draw(a, c);
        return;
    case PANE_HOME:
    case PANE_COUNT:
        course_home_draw(a, c);
        return;
    }
}

const char *course_corner(const app *a)
{
    return a->course && a->course->language == LESSON_KO ? "KO ?:help " : "EN ?:help ";
}

void course_standing(const app *a, char *text, size_t size)
{
    if (!a->course)
        return;
    if (a->course->find.what != FIND_NOTHING) {
        course_find_standing(a, text, size);
        return;
    }
    switch (a->course->pane) {
    case PANE_READ:
        course_read_standing(a, text, size);
        return;
    case PANE_LAB:
        course_lab_standing(a, text, size);
        return;
    case PANE_STEP:
        course_step_standing(a, text, size);
        return;
    case PANE_CHECK:
        course_check_standing(a, text, size);
        return;
    case PANE_HOME:
    case PANE_COUNT:
        course_home_standing(a, text, size);
        return;
    }
}

/* --- keys ---------------------------------------------------------------------------------------
 */

unsigned course_contexts(const app *a)
{
    static const unsigned pane[PANE_COUNT] = {IN_COURSE_HOME | IN_LIST, IN_READ | IN_LOG,
                                              IN_STEP | IN_LOG, IN_LAB | IN_LOG, IN_CHECK | IN_LOG};
    return IN_ALL | IN_COURSE | (a->course ? pane[a->course->pane] : IN_COURSE_HOME);
}

/* Any key but y keeps everything. */
static bool answer_forgetting(app *a, const key_event *key)
{
    course_screen *s = a->course;
    int chapter = s->forgetting;
    s->forgetting = 0;
    if (chapter == 0)
        return false;
    if (key_is_char(key, 'y')) {
        course_forget(a, chapter);
        app_say(a, ROLE_TEXT,
                course_word(a, "Chapter %d is as new. u brings it back.",
                            "%d장을 처음으로 되돌렸습니다. u로 되살립니다."),
                chapter);
    }
    return true;
}

bool course_key(app *a, const key_event *key)
{
    if (!a->course)
        return false;
    if (course_find_key(a, key) || answer_forgetting(a, key))
        return true;
    switch (a->course->pane) {
    case PANE_READ:
        return course_read_key(a, key);
    case PANE_STEP:
        return course_step_key(a, key);
    case PANE_LAB:
        return course_lab_key(a, key);
    case PANE_CHECK:
        return course_check_key(a, key);
    case PANE_HOME:
    case PANE_COUNT:
        break;
    }
    return false;
}

course_answer course_answer_key(prompt *line, const key_event *key)
{
    bool begins = key->code == UI_KEY_CHAR && !key->ctrl && key->ch < 128 && key->ch > 0 &&
                  strchr("0123456789-+.(", (int)key->ch) != NULL;
    if (line->length == 0 && !begins)
        return ANSWER_UNUSED;
    if (line->length > 0 && key_is_char(key, ' ') &&
        strspn(line->text, "0") == (size_t)line->length)
        return ANSWER_SHOW;
    switch (prompt_key(line, key)) {
    case PROMPT_ACCEPTED:
        return ANSWER_GIVEN;
    case PROMPT_CANCELED:
        prompt_set(line, "");
        break;
    case PROMPT_CHANGED:
    case PROMPT_COMPLETE:
    case PROMPT_UNUSED:
        break;
    }
    return ANSWER_TYPED;
}

const char *course_typing(const app *a)
{
    if (!a->course)
        return NULL;
    if (a->course->find.what != FIND_NOTHING)
        return course_find_typing(a);
    return a->course->pane == PANE_STEP    ? course_step_typing(a)
           : a->course->pane == PANE_CHECK ? course_check_typing(a)
                                           : NULL;
}

void course_jump(app *a, int number)
{
    if (!a->course)
        return;
    switch (a->course->pane) {
    case PANE_HOME:
        if (number >= 1 && number <= LESSON_CHAPTERS)
            a->course->chapter = number;
        return;
    case PANE_READ:
        course_read_jump(a, number);
        return;
    case PANE_STEP:
        course_step_jump(a, number);
        return;
    case PANE_CHECK:
        course_check_jump(a, number);
        return;
    case PANE_LAB:
    case PANE_COUNT:
        return;
    }
}

const char *course_why_not(const app *a, command_id what)
{
    if (a->course && a->course->pane == PANE_LAB)
        return course_lab_why_not(a, what);
    return NULL;
}

const char *course_korean(const char *text)
{
    static const struct {
        const char *en, *ko;
    } words[] = {
#define KOREAN(en, ko) {en, ko},
#include "ui/screens/course_korean.def"
#undef KOREAN
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].en, text) == 0)
            return words[i].ko;
    return text;
}

void course_translate(app *a)
{
    bool korean = a->view == VIEW_COURSE && a->course && a->course->language == LESSON_KO;
    keymap_set_translate(a->keys, korean ? course_korean : NULL);
}

bool course_back(app *a)
{
    if (!a->course || a->course->pane == PANE_HOME)
        return false;
    course_go(a, a->course->chapter, PANE_HOME);
    return true;
}

static void switch_language(app *a)
{
    course_screen *s = a->course;
    if (s->language == LESSON_EN && a->screen->glyphs == GLYPHS_ASCII) {
        app_say(a, ROLE_WARN, "This terminal shows ASCII only; Korean needs UTF-8 (LANG=C.UTF-8).");
        return;
    }
    s->language = s->language == LESSON_EN ? LESSON_KO : LESSON_EN;
    app_say(a, ROLE_DIM, "%s", course_word(a, "English.", "한국어."));
}

static bool pane_do(app *a, command_id what, const char *argument)
{
    switch (a->course->pane) {
    case PANE_READ:
        return course_read_do(a, what);
    case PANE_LAB:
        return course_lab_do(a, what, argument);
    case PANE_STEP:
        return course_step_do(a, what);
    case PANE_CHECK:
        return course_check_do(a, what);
    case PANE_HOME:
    case PANE_COUNT:
        break;
    }
    return course_home_do(a, what);
}

bool course_do(app *a, command_id what, const char *argument)
{
    if (!a->course)
        return false;
    if (pane_do(a, what, argument))
        return true;
    switch (what) {
    case DO_COURSE_LANGUAGE:
        switch_language(a);
        return true;
    case DO_COURSE_FIND:
        course_find_open(a, FIND_TEXT, argument);
        return true;
    case DO_COURSE_CONTENTS:
        course_find_open(a, FIND_CONTENTS, argument);
        return true;
    case DO_COURSE_WORDS:
        course_find_open(a, FIND_WORDS,
                         a->course->pane == PANE_READ && !*argument ? course_read_word(a)
                                                                    : argument);
        return true;
    case DO_COURSE_PART:
    case DO_COURSE_PART_BACK:
        course_next_pane(a, what == DO_COURSE_PART ? 1 : -1);
        return true;
    case DO_COURSE_GUESS:
        if (a->course->pane == PANE_READ ? !course_read_guess(a, argument)
                                         : !course_check_answer(a, argument))
            app_say(a, ROLE_WARN, "%s",
                    course_word(a, "guess: a letter of the question that is open.",
                                "guess: 열린 질문의 글자를 적으세요."));
        return true;
    case DO_COURSE_SHOW:
        if (a->course->pane == PANE_LAB)
            course_next_pane(a, 1);
        return true;
    default:
        return false;
    }
}

/* --- as text ------------------------------------------------------------------------------------
 */

static int find_part(const char *name)
{
    static const char *const names[PANE_COUNT] = {"home", "read", "steps", "lab", "checks"};
    for (int i = 0; i < PANE_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

nn_status course_print(app *a, const print_options *options, nn_error *error)
{
    int pane = find_part(options->part ? options->part : options->chapter ? "read" : "home");
    if (!a->course)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the course");
    if (pane < 0)
        return nn_fail(error, NN_E_ARG, "--part %s: expected read, steps, lab or checks",
                       options->part);
    if (options->language)
        a->course->language = strcmp(options->language, "ko") == 0 ? LESSON_KO : LESSON_EN;
    int chapter = options->chapter ? options->chapter : a->course->chapter;
    if (pane != PANE_HOME && !lesson_find(chapter))
        return nn_fail(error, NN_E_MISSING, "chapter %d is not written yet", chapter);
    a->course->reading_only = true; /* nothing was learned by printing it */
    course_go(a, chapter, (course_pane)pane);
    if (options->page > 0)
        course_jump(a, options->page);
    return NN_OK;
}
