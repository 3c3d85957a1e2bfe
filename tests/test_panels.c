/* Every panel of panels.def: its pictures, every size, every awkward run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/golden_text.h"
#include "tests/run_fixture.h"
#include "ui/panels/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    run_view *(*make)(void);
} fixture;

static const fixture fixtures[] = {
    {"normal", fixture_normal},   {"empty", fixture_empty},       {"nan", fixture_nan},
    {"begun", fixture_begun},     {"one", fixture_one},           {"flat", fixture_flat},
    {"all_nan", fixture_all_nan}, {"negative", fixture_negative}, {"finished", fixture_finished},
};
enum { FIXTURES = sizeof fixtures / sizeof *fixtures, GOLDEN_FIXTURES = 3 };

static canvas *draw(panel_id id, const run_view *run, const panel_state *state, int w, int h,
                    glyph_level glyphs)
{
    canvas *c = canvas_new(w, h, glyphs);
    assert_non_null(c);
    canvas_clear(c);
    panel_draw(panel_of(id), run, state ? state : &panel_of(id)->start, true, c,
               (canvas_rect){0, 0, w, h});
    return c;
}

static void golden_of(panel_id id, const fixture *f, int w, int h, glyph_level glyphs)
{
    static const char *const levels[] = {"ascii", "block", "braille"};
    run_view *run = f->make();
    canvas *c = draw(id, run, NULL, w, h, glyphs);
    char name[128], *text = canvas_dump(c);
    snprintf(name, sizeof name, "%s_%s_%dx%d_%s", panel_of(id)->id, f->name, w, h, levels[glyphs]);
    assert_golden(name, text);
    free(text);
    canvas_free(c);
    run_view_free(run);
}

/* A panel without its pictures fails here: the list is panels.def itself. */
static void pictures(void **given)
{
    (void)given;
    for (int id = 0; id < PANEL_COUNT; id++)
        for (int i = 0; i < GOLDEN_FIXTURES; i++) {
            golden_of((panel_id)id, &fixtures[i], 80, 24, GLYPHS_ASCII);
            golden_of((panel_id)id, &fixtures[i], 80, 24, GLYPHS_BRAILLE);
            golden_of((panel_id)id, &fixtures[i], 120, 40, GLYPHS_ASCII);
            golden_of((panel_id)id, &fixtures[i], 120, 40, GLYPHS_BLOCK);
        }
}

static void draw_sizes(panel_id id, const run_view *run, const panel_state *state, int coarse)
{
    canvas *c = canvas_new(200, 60, GLYPHS_BRAILLE);
    assert_non_null(c);
    const panel *p = panel_of(id);
    int border = p->min_h > 1 ? 2 : 0;
    for (int h = 1; h <= 60; h += h < 14 ? 1 : coarse)
        for (int w = 1; w <= 200; w += w < 60 ? 1 : coarse) {
            assert_true(canvas_resize(c, w, h));
            canvas_clear(c);
            c->clipped = 0;
            c->glyphs = (glyph_level)((w + h) % 3);
            panel_draw(p, run, state, w % 2 == 0, c, (canvas_rect){0, 0, w, h});
            if (w >= p->min_w + border && h >= p->min_h + border && c->clipped != 0) {
                char *text = canvas_dump(c);
                fail_msg("%s at %dx%d cuts %ld texts:\n%s", p->id, w, h, c->clipped, text);
            }
        }
    canvas_free(c);
}

static void every_size_is_safe(void **given)
{
    (void)given;
    for (int i = 0; i < FIXTURES; i++) {
        run_view *run = fixtures[i].make();
        for (int id = 0; id < PANEL_COUNT; id++)
            draw_sizes((panel_id)id, run, &panel_of((panel_id)id)->start, i == 0 ? 3 : 13);
        run_view_free(run);
    }
}

/* Zoomed, with cursor, on log axes: nothing may be cut or crash there either. */
static void every_command_is_safe(void **given)
{
    (void)given;
    for (int i = 0; i < FIXTURES; i++) {
        run_view *run = fixtures[i].make();
        for (int id = 0; id < PANEL_COUNT; id++) {
            const panel *p = panel_of((panel_id)id);
            panel_state state = p->start;
            uint32_t random = 12345;
            for (int k = 0; k < 400 && p->commands; k++) {
                random = random * 1664525 + 1013904223;
                int what = (int)(random >> 20) % (PANEL_DIAGONAL + 1);
                if (p->commands & 1u << what)
                    p->command(run, &state, (panel_command)what);
                if (k % 40 == 0)
                    draw_sizes((panel_id)id, run, &state, 61);
            }
        }
        run_view_free(run);
    }
}

static void round_axes(void **given)
{
    (void)given;
    const struct {
        double min, max;
        bool log_axis;
        double low, high;
    } cases[] = {
        {0.3, 2.31, false, 0, 2.5},  {0.3, 2.49, false, 0, 2.5},  {0, 0, false, -0.6, 0.6},
        {NAN, NAN, false, 0, 1},     {0.9, 1, false, 0.9, 1},     {-3, 4, false, -4, 4},
        {0.011, 0.9, true, 0.01, 1}, {0.3, 0.3, true, 0.2, 0.5},  {-1, 5, true, 0.0005, 5},
        {-2, -1, true, 0.1, 1},      {NAN, NAN, true, 0.0001, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double min = cases[i].min, max = cases[i].max;
        plot_round(&min, &max, cases[i].log_axis, 5);
        if (fabs(min - cases[i].low) > 1e-9 || fabs(max - cases[i].high) > 1e-9)
            fail_msg("case %zu: %g to %g, expected %g to %g", i, min, max, cases[i].low,
                     cases[i].high);
    }
    /* The axis moves in steps: a value inside it leaves it alone. */
    double moved = 0, last = NAN;
    for (double top = 1; top < 10; top += 0.01) {
        double min = 0, max = top;
        plot_round(&min, &max, false, 5);
        assert_true(max >= top - 1e-9 && min == 0);
        moved += max != last;
        last = max;
    }
    assert_true(moved < 20);
}

/* What the seen text is where colours differ in meaning. */
static char *text_of(panel_id id, run_view *run, int w, int h)
{
    canvas *c = draw(id, run, NULL, w, h, GLYPHS_ASCII);
    char *text = canvas_dump(c);
    canvas_free(c);
    return text;
}

static void meaning_does_not_rest_on_colour(void **given)
{
    (void)given;
    run_view *run = fixture_normal();
    char *loss = text_of(PANEL_loss, run, 80, 24);
    assert_non_null(strstr(loss, "* train"));
    assert_non_null(strstr(loss, "o dev"));
    assert_non_null(strstr(loss, ". each batch"));
    assert_non_null(strchr(loss, 'r')); /* the changed rate, on the curve */
    free(loss);
    char *gaps = text_of(PANEL_gaps, run, 40, 20);
    assert_non_null(strstr(gaps, "<--")); /* the gap that counts */
    free(gaps);
    run_view_free(run);
    run = fixture_nan();
    char *bad = text_of(PANEL_loss, run, 80, 24);
    assert_non_null(strchr(bad, '!'));
    free(bad);
    run_view_free(run);
}

static void the_cursor_reads_exact_values(void **given)
{
    (void)given;
    run_view *run = fixture_normal();
    panel_state state = panel_of(PANEL_loss)->start;
    panel_of(PANEL_loss)->command(run, &state, PANEL_CURSOR);
    state.at = 333;
    canvas *c = draw(PANEL_loss, run, &state, 80, 24, GLYPHS_ASCII);
    char *text = canvas_dump(c), expected[64];
    double x, y;
    curve_point(run->loss, 332, &x, &y);
    snprintf(expected, sizeof expected, "step 333  batch %.4f", y);
    if (!strstr(text, expected))
        fail_msg("'%s' is not in\n%s", expected, text);
    free(text);
    canvas_free(c);
    run_view_free(run);
}

static void zoom_keeps_its_place_and_finds_the_way_back(void **given)
{
    (void)given;
    run_view *run = fixture_normal();
    const panel *p = panel_of(PANEL_loss);
    panel_state state = p->start;
    double x0, x1;
    for (int i = 0; i < 20; i++)
        p->command(run, &state, PANEL_ZOOM_IN);
    plot_steps(run, &state, &x0, &x1);
    assert_true(x0 <= 650 && x1 >= 650 && x1 - x0 <= 20);
    for (int i = 0; i < 30; i++)
        p->command(run, &state, PANEL_ZOOM_OUT);
    plot_steps(run, &state, &x0, &x1);
    assert_true(x0 == 0 && x1 == 1000);
    p->command(run, &state, PANEL_ZOOM_IN);
    for (int i = 0; i < 100; i++)
        p->command(run, &state, PANEL_LEFT);
    plot_steps(run, &state, &x0, &x1);
    assert_true(x0 == 0 && x1 == 500);
    p->command(run, &state, PANEL_ZOOM_ALL);
    plot_steps(run, &state, &x0, &x1);
    assert_true(x0 == 0 && x1 == 1000);
    run_view_free(run);
}

/* New data inside the plan change no axis: frames stay small on slow links. */
static void axes_hold_still(void **given)
{
    (void)given;
    run_view *run = fixture_normal();
    canvas *before = draw(PANEL_loss, run, NULL, 80, 24, GLYPHS_ASCII);
    for (int step = 651; step < 680; step++) {
        curve_add(run->loss, step, 0.3);
        run->row.step = (uint64_t)step;
    }
    canvas *after = draw(PANEL_loss, run, NULL, 80, 24, GLYPHS_ASCII);
    int changed = 0;
    for (int i = 0; i < 80 * 24; i++)
        changed += strcmp(before->cells[i].text, after->cells[i].text) != 0;
    assert_true(changed > 0 && changed <= 12);
    canvas_free(before);
    canvas_free(after);
    run_view_free(run);
}

static void numbers_for_people(void **given)
{
    (void)given;
    const struct {
        void (*format)(char *, size_t, double);
        double value;
        const char *text;
    } cases[] = {
        {format_number, NAN, "-"},
        {format_number, 0, "0"},
        {format_number, 0.001, "0.001"},
        {format_number, 1.2e-5, "1.20e-05"},
        {format_number, 0.25, "0.2500"},
        {format_number, 12.345, "12.35"},
        {format_number, 5000, "5000"},
        {format_number, -INFINITY, "-inf"},
        {format_percent, 0.1234, "12.3"},
        {format_percent, NAN, "-"},
        {format_count, 999, "999"},
        {format_count, 44426, "44 426"},
        {format_count, 1234567, "1 234 567"},
        {format_count, 2.5e7, "25.0 M"},
        {format_duration, 2.34, "2.3 s"},
        {format_duration, 44, "44 s"},
        {format_duration, 192, "3 min 12 s"},
        {format_duration, 7500, "2 h 05 min"},
        {format_duration, NAN, "-"},
        {format_duration, INFINITY, "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        cases[i].format(text, sizeof text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(every_size_is_safe),
        cmocka_unit_test(every_command_is_safe),
        cmocka_unit_test(round_axes),
        cmocka_unit_test(meaning_does_not_rest_on_colour),
        cmocka_unit_test(the_cursor_reads_exact_values),
        cmocka_unit_test(zoom_keeps_its_place_and_finds_the_way_back),
        cmocka_unit_test(axes_hold_still),
        cmocka_unit_test(numbers_for_people),
    };
    return cmocka_run_group_tests_name("panels", tests, NULL, NULL);
}
