/* The Course by keys, read from the cells: Home, page, steps, checks, in both languages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/course_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void home_lists_all_chapters(void **state)
{
    course_bench *b = *state;
    course_expect(b, "[1 Course]");
    course_expect(b, "0/51 done");
    course_expect(b, "Part 1");
    for (int i = 1; i <= LESSON_CHAPTERS; i++) {
        char number[16];
        snprintf(number, sizeof number, ">%3d %s", i, lesson_find(i) ? "[ ]" : " - ");
        course_expect(b, number);
        course_keys(b, "down");
    }
    course_expect(b, "Part 5");
    course_keys(b, "g");
    course_expect(b, ">  1 [ ]");
    course_keys(b, "esc");
    course_expect(b, "[Gradus]");
}

static void unwritten_chapters_say_so(void **state)
{
    course_bench *b = *state;
    for (int i = 1; i <= LESSON_CHAPTERS; i++) {
        if (lesson_find(i))
            continue;
        course_jump(b->app, i);
        course_keys(b, "enter");
        course_expect(b, "not written yet");
        assert_int_equal(b->app->course->pane, PANE_HOME);
        return;
    }
}

/* --- the page ----------------------------------------------------------------------------------
 */

/* Goes on until a guess is open. */
static void find_guess(course_bench *b)
{
    course_enter(b, 1, PANE_READ);
    for (int i = 0; i < 60 && !course_shows(b, "then the page goes on"); i++)
        course_keys(b, "space");
    course_expect(b, "Guess: a-");
}

static void guesses_open_the_page(void **state)
{
    course_bench *b = *state;
    find_guess(b);
    course_read *r = &b->app->course->read;
    const lesson_guess *guess = &r->page.guess[0];
    int section = r->section, wrong = guess->right == 0 ? 1 : 0;
    char letter[2] = {(char)('a' + wrong), 0}, first[24];
    snprintf(first, sizeof first, "%.20s", guess->option[wrong].reason);
    course_expect_not(b, first);
    course_keys(b, "space space");
    assert_int_equal(r->section, section); /* nobody slips past it */
    course_keys(b, "z");                   /* no option */
    course_expect(b, "Guess: a-");
    course_type(b, letter);
    course_expect(b, first);
    course_expect(b, "does not hold");
    course_expect_not(b, "Guess: a-");
    const progress_item *item = course_item(b->app, 1, "guess", guess->id);
    assert_string_equal(item->outcome, "guessed");
    assert_string_equal(item->answer, letter);
}

static void a_guess_can_be_skipped(void **state)
{
    course_bench *b = *state;
    find_guess(b);
    const char *id = b->app->course->read.page.guess[0].id;
    course_keys(b, "0");
    course_expect_not(b, "Guess: a-");
    assert_string_equal(course_item(b->app, 1, "guess", id)->outcome, "skipped");
    course_reopen(b); /* and stays so */
    course_keys(b, "enter");
    assert_int_equal(b->app->course->pane, PANE_READ);
    course_expect_not(b, "Guess: a-");
}

static void language_keeps_the_place(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_READ);
    course_keys(b, "space space space");
    course_read *r = &b->app->course->read;
    int section = r->section;
    course_drawn(b);
    int top = r->top;
    course_keys(b, "L");
    assert_int_equal(r->section, section);
    course_expect(b, lesson_title(1).ko);
    course_keys(b, "L");
    assert_int_equal(r->section, section);
    assert_true(abs(r->top - top) <= 2);
    course_expect(b, lesson_title(1).en);
}

static void words_are_explained(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_READ);
    const lesson_term *first = &lesson_find(1)->lesson->terms[0];
    char words[64];
    snprintf(words, sizeof words, "{%s}: ", first->term.en);
    bool found = false;
    for (int page = 0; page < 20 && !found; page++) {
        for (int i = 0; i < 12 && !found; i++) {
            course_keys(b, "tab");
            found = course_shows(b, words);
        }
        if (!found)
            course_keys(b, "space 0");
    }
    assert_true(found);
    course_keys(b, "shift-tab tab");
    course_expect(b, words);
}

static void names_light_up(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_READ);
    course_read *r = &b->app->course->read;
    for (int i = 0; i < 40 && r->symbol < 0; i++)
        course_keys(b, "space 0 m");
    assert_true(r->symbol >= 0);
    course_expect(b, " = ");
    canvas_clear(b->canvas);
    app_draw(b->app, b->canvas);
    int lit = 0;
    for (int i = 80; i < 80 * 21; i++)
        lit += b->canvas->cells[i].role == ROLE_SELECT;
    assert_true(lit > 0);
}

static void formulas_are_spelt_in_ascii(void **state)
{
    course_bench *b = *state;
    static const char *const spelt[][2] = {
        {"z = wᵀx + b = w₁·x₁", "z = w^Tx + b = w1*x1"},
        {"w ← w - α·∂L/∂w", "w <- w - alpha*dL/dw"},
        {"a⁽¹⁾ = σ(z), a ≤ 1", "a^(1) = sigma(z), a <= 1"},
        {"10⁻¹⁴", "10^-14"},
        {"plain", "plain"},
    };
    char text[200];
    for (size_t i = 0; i < sizeof spelt / sizeof *spelt; i++) {
        assert_string_equal(course_plain(b->app, spelt[i][0], text, sizeof text), spelt[i][0]);
        b->app->glyphs = GLYPHS_ASCII;
        assert_string_equal(course_plain(b->app, spelt[i][0], text, sizeof text), spelt[i][1]);
        b->app->glyphs = GLYPHS_BLOCK;
    }
    b->app->glyphs = GLYPHS_ASCII;
    course_enter(b, 1, PANE_STEP);
    course_step_jump(b->app, 6);
    course_expect(b, "z = w1*x1 + w2*x2 + b");
}

/* --- the steps ---------------------------------------------------------------------------------
 */

static void back_is_as_it_was(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_STEP);
    int count = trace_count(b->app->course->step.trace);
    char **there = calloc((size_t)count, sizeof *there);
    assert_non_null(there);
    for (int i = 0; i < count; i++) {
        there[i] = strdup(course_drawn(b));
        course_keys(b, i + 1 < count ? "space" : "g G");
    }
    for (int i = count - 1; i >= 0; i--) {
        assert_string_equal(course_drawn(b), there[i]);
        free(there[i]);
        course_keys(b, "left");
    }
    free(there);
    course_type(b, ":7");
    course_keys(b, "enter");
    assert_int_equal(b->app->course->step.at, 6);
    course_expect(b, "7 of ");
}

static int place_of(const lesson_trace *t, const char *name)
{
    for (int i = 0; i < trace_count(t); i++)
        if (strcmp(trace_at(t, i)->name, name) == 0)
            return i;
    fail_msg("the trace has no '%s'", name);
    return -1;
}

static void edits_are_computed_through(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_STEP);
    course_step *s = &b->app->course->step;
    double before = trace_find(s->trace, "L")->values[0];
    course_keys(b, "e ctrl-u");
    course_type(b, "b=1");
    course_keys(b, "enter");
    double after = trace_find(s->trace, "L")->values[0];
    assert_true(after != before);
    assert_true(course_step_changed(s, place_of(s->trace, "L")));
    assert_false(course_step_changed(s, place_of(s->trace, "x")));
    course_expect(b, "4*b");
    course_keys(b, "u");
    assert_true(trace_find(s->trace, "L")->values[0] == before);
    course_keys(b, "e ctrl-u");
    course_type(b, "nothing=1");
    course_keys(b, "enter");
    course_expect(b, "nothing");
    assert_true(s->editing); /* to be put right */
    course_keys(b, "ctrl-u");
    course_type(b, "y=1 b=-2");
    course_keys(b, "enter r");
    assert_true(trace_find(s->trace, "L")->values[0] == before);
    course_keys(b, "u");
    assert_true(trace_find(s->trace, "b")->values[0] == -2);
}

static void gradients_are_checked(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_STEP);
    course_step *s = &b->app->course->step;
    course_step_jump(b->app, place_of(s->trace, "dz") + 1);
    course_keys(b, "f");
    course_expect(b, "they agree");
    course_expect(b, "lessons/ch01_logistic/lesson.c:");
    course_keys(b, "g f");
    course_expect(b, "no gradient");
}

static void numbers_are_asked_for(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_STEP);
    course_step *s = &b->app->course->step;
    int z = place_of(s->trace, "z");
    for (int round = 0; round < 2; round++) {
        char answer[40];
        course_step_jump(b->app, z);
        if (!s->asking)
            course_keys(b, "a");
        course_keys(b, "space");
        assert_true(s->hidden);
        course_expect(b, "What is z?");
        course_type(b, "99");
        course_keys(b, "enter");
        course_expect(b, "Not yet");
        course_type(b, "1/x");
        course_keys(b, "enter");
        course_expect(b, "is no number");
        course_keys(b, "esc");
        snprintf(answer, sizeof answer, "%.4f", trace_at(s->trace, z)->values[0]);
        course_type(b, answer);
        course_keys(b, "enter");
        course_expect(b, "Right, within");
        assert_false(s->hidden);
        s->streak[z] = round + 1; /* the wrong one in between is not the point here */
    }
    course_step_jump(b->app, z);
    course_keys(b, "space");
    assert_false(s->hidden); /* known well enough */
    course_keys(b, "space");
    assert_true(s->hidden);
    course_keys(b, "0 space");
    assert_false(s->hidden);
    assert_int_equal(s->at, z + 1);
}

/* --- the checks --------------------------------------------------------------------------------
 */

static void answer(course_bench *b, const lesson_check *check, const char *text)
{
    course_type(b, text);
    if (check->kind != CHECK_CHOICE)
        course_keys(b, "enter");
}

/* Whether these keys would be typed: they begin with what an answer begins with. */
static bool can_be_typed(const lesson_check *check, const char *text)
{
    return check->kind == CHECK_CHOICE ? text[0] >= 'a' && text[0] <= 'f' && !text[1]
                                       : strchr("0123456789-+.(", text[0]) != NULL;
}

static void examples_are_judged(void **state)
{
    course_bench *b = *state;
    const lesson *l = lesson_find(1)->lesson;
    course_enter(b, 1, PANE_CHECK);
    for (int i = 0; i < lesson_check_count(l); i++) {
        const lesson_check *check = &l->checks[i];
        for (int j = 0; j < LESSON_EXAMPLES && check->wrong[j]; j++) {
            if (!can_be_typed(check, check->wrong[j]))
                continue;
            course_check_jump(b->app, i + 1);
            answer(b, check, check->wrong[j]);
            course_expect_not(b, ": right");
        }
        for (int j = 0; j < LESSON_EXAMPLES && check->right[j]; j++) {
            if (!can_be_typed(check, check->right[j]))
                continue;
            course_check_jump(b->app, i + 1);
            course_keys(b, "r");
            answer(b, check, check->right[j]);
            course_expect(b, ": right");
        }
        assert_true(course_item(b->app, 1, "check", check->id)->passed);
    }
    assert_true(b->app->course->place[1].done);
}

/* The place of the first check of that kind in chapter 1. */
static int check_of(check_kind kind)
{
    const lesson *l = lesson_find(1)->lesson;
    for (int i = 0; i < lesson_check_count(l); i++)
        if (l->checks[i].kind == kind)
            return i;
    fail_msg("chapter 1 has no such check");
    return -1;
}

static void mistakes_are_answered(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_CHECK);
    int number = check_of(CHECK_NUMBER);
    const lesson_check *check = &lesson_find(1)->lesson->checks[number];
    course_check_jump(b->app, number + 1);
    course_keys(b, "space");
    course_expect(b, "0 and then Space");
    course_type(b, "12345.6");
    course_keys(b, "enter");
    course_expect(b, "12345.6: not yet. H gives a hint.");
    course_type(b, "1//2");
    course_keys(b, "enter");
    course_expect(b, "is no number");
    assert_string_equal(course_item(b->app, 1, "check", check->id)->outcome, "wrong");
    course_keys(b, "H");
    course_expect(b, "Hint 1/3");
    course_keys(b, "H H H");
    course_expect(b, "Hint 3/3");
    course_keys(b, "h");
    course_expect(b, "Hint 2/3");
    course_keys(b, "0 space");
    course_expect(b, "The answer: ");
    assert_string_equal(course_item(b->app, 1, "check", check->id)->outcome, "skipped");
    assert_false(course_item(b->app, 1, "check", check->id)->passed);
    course_keys(b, "r"); /* skipped is never lost */
    course_expect(b, "Answer (");
    int shape = check_of(CHECK_SHAPE);
    course_check_jump(b->app, shape + 1);
    course_type(b, lesson_find(1)->lesson->checks[shape].foreseen[0].answer);
    course_keys(b, "enter");
    course_expect(b, "not yet, because:");
}

static void progress_is_found_again(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_CHECK);
    course_keys(b, "0 space space");
    course_type(b, "7");
    course_keys(b, "enter");
    char *there = strdup(course_drawn(b));
    course_reopen(b);
    course_keys(b, "enter");
    assert_string_equal(course_drawn(b), there);
    free(there);
    course_enter(b, 1, PANE_STEP);
    course_keys(b, "space space space");
    there = strdup(course_drawn(b));
    course_reopen(b);
    course_keys(b, "enter");
    assert_string_equal(course_drawn(b), there);
    free(there);
}

/* --- search, glossary, forgetting ---------------------------------------------------------------
 */

static void search_opens_what_it_finds(void **state)
{
    course_bench *b = *state;
    course_keys(b, "/");
    course_type(b, "zqzq");
    course_expect(b, "Nothing fits");
    course_keys(b, "esc /");
    course_type(b, "cross-entropy");
    course_expect(b, "Search all chapters");
    course_find *f = &b->app->course->find;
    int at = 0;
    while (at < f->count && !(f->hit[at].chapter == 1 && f->hit[at].section > 0))
        at++;
    assert_true(at < f->count);
    int section = f->hit[at].section;
    for (int i = 0; i < at; i++)
        course_keys(b, "down");
    course_keys(b, "enter");
    assert_int_equal(b->app->course->pane, PANE_READ);
    assert_int_equal(b->app->course->read.section, section);
    course_keys(b, "esc /");
    course_type(b, lesson_title(LESSON_CHAPTERS).en); /* titles of what is not written, too */
    assert_int_equal(f->hit[0].chapter, LESSON_CHAPTERS);
}

static void words_lead_to_their_lesson(void **state)
{
    course_bench *b = *state;
    const lesson_term *term = &lesson_find(1)->lesson->terms[1];
    course_keys(b, "w");
    course_expect(b, "Words of the course");
    course_type(b, term->meaning.en);
    course_expect(b, term->term.en);
    assert_int_equal(b->app->course->find.count, 1);
    course_keys(b, "enter");
    assert_int_equal(b->app->course->pane, PANE_READ);
    course_expect(b, term->term.en);
    course_keys(b, "esc w L"); /* typed, not done */
    course_expect(b, "w L");
    course_keys(b, "esc L w");
    course_expect(b, "용어집");
    course_expect(b, lesson_find(1)->lesson->terms[0].term.ko);
}

static void contents_lead_to_pages(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_READ);
    course_keys(b, "space space t");
    course_expect(b, "Contents");
    assert_int_equal(b->app->course->find.list.selected, b->app->course->read.section);
    course_keys(b, "down down enter");
    course_expect(b, " 5/");
    course_type(b, ":2");
    course_keys(b, "enter");
    course_expect(b, " 2/");
}

static void chapters_are_forgotten_and_brought_back(void **state)
{
    course_bench *b = *state;
    course_enter(b, 1, PANE_CHECK);
    course_keys(b, "0 space space esc");
    int items = b->app->course->item_count;
    assert_true(items > 0);
    course_keys(b, "x n");
    assert_int_equal(b->app->course->item_count, items); /* asked first */
    course_keys(b, "x");
    course_expect(b, "y:forget");
    course_keys(b, "y");
    assert_int_equal(b->app->course->item_count, 0);
    course_expect(b, "Enter: begin");
    course_reopen(b);
    assert_int_equal(b->app->course->item_count, 0);
    course_enter(b, 1, PANE_CHECK);
    course_keys(b, "0 space esc x y u");
    course_reopen(b);
    assert_int_equal(b->app->course->item_count, 1);
    assert_string_equal(b->app->course->items[0].outcome, "skipped");
}

/* Every label and help line that the Course can show is there in Korean. */
static void commands_are_translated(void **state)
{
    course_bench *b = *state;
    b->app->course->language = LESSON_KO;
    for (int pane = 0; pane < PANE_COUNT; pane++) {
        const command *found[DO_COUNT];
        course_enter(b, 1, (course_pane)pane);
        if (pane == PANE_LAB)
            continue; /* has words of its own */
        int count = keymap_help(b->app->keys, app_contexts(b->app), "", found, DO_COUNT);
        for (int i = 0; i < count; i++) {
            if (!(found[i]->contexts & (IN_COURSE | IN_COURSE_HOME | IN_READ | IN_STEP | IN_CHECK)))
                continue;
            if (course_korean(found[i]->label) == found[i]->label)
                fail_msg("'%s' has no Korean label in course_korean.def", found[i]->name);
            if (course_korean(found[i]->help) == found[i]->help)
                fail_msg("'%s' has no Korean help in course_korean.def", found[i]->name);
        }
    }
    course_enter(b, 1, PANE_READ);
    course_expect(b, "Space 다음");
    course_keys(b, "L");
    course_expect(b, "Space next");
}

/* --- everything fits ---------------------------------------------------------------------------
 */

static void assert_fits(course_bench *b, canvas *c, const char *what, int at)
{
    canvas_clear(c);
    c->clipped = 0;
    app_draw(b->app, c);
    if (c->clipped > 0) {
        char *text = canvas_dump(c);
        fail_msg("chapter %d, %s %d: cut off at %dx%d:\n%s", b->app->course->chapter, what, at,
                 c->w, c->h, text);
    }
}

static void fits_at(course_bench *b, canvas *c, int chapter)
{
    course_screen *s = b->app->course;
    const lesson *l = lesson_find(chapter)->lesson;
    course_go(b->app, chapter, PANE_READ);
    assert_fits(b, c, "page", 1);
    for (int i = 1; i <= s->read.page.sections; i++) {
        course_read_jump(b->app, i);
        assert_fits(b, c, "page", i);
    }
    course_go(b->app, chapter, PANE_STEP);
    for (int i = 1; i <= trace_count(s->step.trace); i++) {
        course_step_jump(b->app, i);
        assert_fits(b, c, "step", i);
    }
    course_go(b->app, chapter, PANE_CHECK);
    for (int i = 1; i <= lesson_check_count(l); i++) {
        course_check_jump(b->app, i);
        assert_fits(b, c, "check", i);
    }
    course_go(b->app, chapter, PANE_HOME);
    assert_fits(b, c, "home", 0);
}

static void everything_fits(void **state)
{
    course_bench *b = *state;
    b->app->course->reading_only = true;
    for (int wide = 0; wide < 2; wide++) {
        canvas *c = canvas_new(wide ? 120 : 80, wide ? 40 : 24, GLYPHS_BLOCK);
        assert_non_null(c);
        for (int i = 0; i < LESSON_LANGUAGES; i++)
            for (const lesson_source *s = lesson_sources; s->folder; s++) {
                b->app->course->language = (lesson_language)i;
                fits_at(b, c, s->lesson->chapter);
            }
        canvas_free(c);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, course_set_up, course_tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(home_lists_all_chapters),
        TEST(unwritten_chapters_say_so),
        TEST(guesses_open_the_page),
        TEST(a_guess_can_be_skipped),
        TEST(language_keeps_the_place),
        TEST(words_are_explained),
        TEST(names_light_up),
        TEST(formulas_are_spelt_in_ascii),
        TEST(back_is_as_it_was),
        TEST(edits_are_computed_through),
        TEST(gradients_are_checked),
        TEST(numbers_are_asked_for),
        TEST(examples_are_judged),
        TEST(mistakes_are_answered),
        TEST(progress_is_found_again),
        TEST(search_opens_what_it_finds),
        TEST(words_lead_to_their_lesson),
        TEST(contents_lead_to_pages),
        TEST(chapters_are_forgotten_and_brought_back),
        TEST(commands_are_translated),
        TEST(everything_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
