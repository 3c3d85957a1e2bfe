/* The grid of cells: text, clipping, shapes, dots at every size and glyph level. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/terminal/canvas.h"
#include "ui/terminal/list.h"
#include "ui/terminal/prompt.h"
#include "ui/terminal/text.h"

static void assert_shows(const canvas *c, const char *expected)
{
    char *text = canvas_dump(c);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static canvas *make(int w, int h, glyph_level glyphs)
{
    canvas *c = canvas_new(w, h, glyphs);
    assert_non_null(c);
    return c;
}

/* --- text ------------------------------------------------------------------------------------- */

static void decodes_and_encodes(void **state)
{
    (void)state;
    uint32_t code_point;
    char bytes[5] = {0};
    for (uint32_t i = 1; i < 0x110000; i += i < 0x3000 ? 1 : 97) {
        if (i >= 0xD800 && i <= 0xDFFF) {
            continue;
        }
        memset(bytes, 0, sizeof bytes);
        int length = text_encode(i, bytes);
        assert_int_equal(text_decode(bytes, &code_point), length);
        assert_int_equal(code_point, i);
    }
    static const char *const bad[] = {
        "\x80",         "\xC0\x80",         "\xC3",        "\xE0\x80\x80", "\xFF",
        "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF0\x9F\x92"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(text_decode(bad[i], &code_point), 1);
        assert_int_equal(code_point, 0xFFFD);
    }
    assert_int_equal(text_decode("", &code_point), 0);
}

static void measures_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int columns;
    } cases[] = {{"", 0},
                 {"loss", 4},
                 {"학습률", 6},
                 {"e\u0301", 1},
                 {"\u1112\u1161\u11AB", 2}, /* one syllable of three jamo */
                 {"\u0301", 1},
                 {"\u2500\u28FF\u2588", 3},
                 {"日本語", 6},
                 {"\uFF21", 2},
                 {"a\u200Bb", 2},
                 {"\x01\x7F", 2},
                 {"\xFFz", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(text_columns(cases[i].text), cases[i].columns);
    }
}

static void truncates_with_a_mark(void **state)
{
    (void)state;
    char out[32];
    assert_false(text_truncate(out, sizeof out, "epoch", 5, false));
    assert_string_equal(out, "epoch");
    assert_true(text_truncate(out, sizeof out, "epochs", 5, false));
    assert_string_equal(out, "epoc\u2026");
    assert_true(text_truncate(out, sizeof out, "epochs", 5, true));
    assert_string_equal(out, "epoc~");
    assert_true(text_truncate(out, sizeof out, "학습률", 5, true));
    assert_string_equal(out, "학습~");
    assert_true(text_truncate(out, sizeof out, "학습률", 4, true)); /* half a syllable is none */
    assert_string_equal(out, "학~");
    assert_true(text_truncate(out, 6, "abcdefgh", 8, true));
    assert_string_equal(out, "abcd~");
    assert_true(text_truncate(out, sizeof out, "abc", 0, true));
    assert_string_equal(out, "");
}

static void truncates_within_any_room(void **state)
{
    (void)state;
    static const char text[] = "a학e\u0301\u2026bc습";
    for (size_t size = 1; size < 24; size++) {
        for (int columns = 0; columns < 14; columns++) {
            char *out = malloc(size); /* exactly: a sanitizer sees one byte too many */
            assert_non_null(out);
            text_truncate(out, size, text, columns, size % 2 == 0);
            assert_true(strlen(out) < size);
            assert_true(text_columns(out) <= columns);
            free(out);
        }
    }
}

static void wraps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int columns;
        const char *expected;
    } cases[] = {{"the gap is variance", 8, "the gap|is|variance|"},
                 {"the gap is variance", 9, "the gap|is|variance|"},
                 {"the gap is variance", 10, "the gap is|variance|"},
                 {"one\ntwo", 10, "one|two|"},
                 {"extraordinary", 5, "extra|ordin|ary|"},
                 {"학습률이 크다", 6, "학습률|이|크다|"},
                 {"학습률이 크다", 8, "학습률이|크다|"},
                 {"가나다라", 5, "가나|다라|"},
                 {"a  b", 1, "a|b|"},
                 {"日本語学", 5, "日本|語学|"},
                 {"lr 日本語", 6, "lr 日|本語|"},
                 {"가", 1, "가|"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[128] = "";
        const char *at = cases[i].text;
        while (*at != '\0') {
            const char *next;
            size_t length = text_wrap_line(at, cases[i].columns, &next);
            assert_true(next > at);
            strncat(got, at, length);
            strcat(got, "|");
            at = next;
        }
        assert_string_equal(got, cases[i].expected);
    }
    assert_int_equal(text_wrap_rows("the gap is variance", 10), 2);
}

/* --- canvas ----------------------------------------------------------------------------------- */

static void draws_text(void **state)
{
    (void)state;
    canvas *c = make(12, 3, GLYPHS_BRAILLE);
    assert_int_equal(canvas_text(c, 0, 0, -1, ROLE_TEXT, "step 12"), 7);
    assert_int_equal(canvas_right(c, 0, 1, 12, ROLE_TEXT, "0.25"), 4);
    assert_int_equal(canvas_format(c, 0, 2, 6, ROLE_BAD, "%s %d", "학습", 42), 6);
    assert_shows(c, "step 12\n        0.25\n학습 \u2026\n");
    assert_int_equal(c->clipped, 1);
    char *roles = canvas_dump_roles(c);
    assert_string_equal(roles + 26, "!!!!!!......\n");
    free(roles);
    canvas_free(c);
}

static void shows_bad_bytes_as_marks(void **state)
{
    (void)state;
    canvas *c = make(10, 2, GLYPHS_ASCII);
    canvas_text(c, 0, 0, -1, ROLE_TEXT, "a\x1B[b\xFF\u2026");
    canvas_text(c, 0, 1, -1, ROLE_TEXT, "\u202Eab\u200D\u00D7");
    assert_shows(c, "a?[b?~\nabx\n");
    canvas_free(c);
    c = make(10, 1, GLYPHS_BLOCK);
    canvas_text(c, 0, 0, -1, ROLE_TEXT, "a\xFF");
    assert_shows(c, "a\uFFFD\n");
    canvas_free(c);
}

static void wide_halves_never_dangle(void **state)
{
    (void)state;
    canvas *c = make(6, 1, GLYPHS_BRAILLE);
    canvas_text(c, 0, 0, -1, ROLE_TEXT, "가나다");
    canvas_put(c, 1, 0, ROLE_TEXT, 'x'); /* over the right half of the first */
    canvas_put(c, 2, 0, ROLE_TEXT, 'y'); /* over the left half of the second */
    assert_shows(c, " xy 다\n");
    canvas_rect old = canvas_push(c, (canvas_rect){5, 0, 1, 1});
    canvas_text(c, 0, 0, -1, ROLE_TEXT, "가"); /* does not fit: only the mark does */
    canvas_pop(c, old);
    assert_shows(c, " xy  \u2026\n");
    canvas_text(c, -1, 0, -1, ROLE_TEXT, "가z");
    assert_shows(c, " zy  \u2026\n");
    canvas_free(c);
}

static void clips(void **state)
{
    (void)state;
    canvas *c = make(8, 3, GLYPHS_ASCII);
    canvas_rect old = canvas_push(c, (canvas_rect){2, 1, 4, 1});
    canvas_text(c, 0, 0, -1, ROLE_TEXT, "abcdef");
    canvas_text(c, 0, 1, -1, ROLE_TEXT, "below");
    canvas_fill(c, (canvas_rect){-5, -5, 3, 3}, ROLE_TEXT, "#");
    assert_int_equal(c->clipped, 2);
    canvas_rect inner = canvas_push(c, (canvas_rect){1, 0, 100, 100});
    assert_int_equal(c->clip.w, 3);
    canvas_text(c, 0, 0, -1, ROLE_TEXT, "XY");
    canvas_pop(c, inner);
    canvas_pop(c, old);
    assert_shows(c, "\n  aXY~\n\n");
    canvas_free(c);
}

static void boxes(void **state)
{
    (void)state;
    canvas *c = make(12, 3, GLYPHS_ASCII);
    canvas_box(c, (canvas_rect){0, 0, 12, 3}, "loss", false);
    assert_shows(c, "+ loss ----+\n|          |\n+----------+\n");
    canvas_box(c, (canvas_rect){0, 0, 12, 3}, "confusion matrix", true);
    assert_shows(c, "+[confusi~]+\n|          |\n+----------+\n");
    canvas_free(c);
}

static void wraps_into_an_area(void **state)
{
    (void)state;
    canvas *c = make(10, 3, GLYPHS_ASCII);
    assert_int_equal(canvas_wrap(c, (canvas_rect){0, 0, 8, 2}, ROLE_TEXT, "more data helps here"),
                     2);
    assert_shows(c, "more\ndata he~\n\n");
    assert_int_equal(c->clipped, 1);
    canvas_clear(c);
    assert_int_equal(canvas_wrap(c, (canvas_rect){0, 0, 10, 3}, ROLE_TEXT, "more data"), 1);
    assert_int_equal(c->clipped, 0);
    canvas_free(c);
}

static void bars(void **state)
{
    (void)state;
    canvas *c = make(4, 1, GLYPHS_BRAILLE);
    static const struct {
        double share;
        const char *expected;
    } cases[] = {{0, "\n"},
                 {0.001, "\u258F\n"},
                 {0.5, "\u2588\u2588\n"},
                 {0.625, "\u2588\u2588\u258C\n"},
                 {1, "\u2588\u2588\u2588\u2588\n"},
                 {7, "\u2588\u2588\u2588\u2588\n"},
                 {-1, "\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        canvas_clear(c);
        canvas_bar(c, 0, 0, 4, ROLE_TRAIN, cases[i].share);
        assert_shows(c, cases[i].expected);
    }
    canvas_clear(c);
    canvas_bar(c, 0, 0, 4, ROLE_TRAIN, (double)NAN);
    assert_shows(c, "\n");
    c->glyphs = GLYPHS_ASCII;
    canvas_bar(c, 0, 0, 4, ROLE_TRAIN, 0.7);
    assert_shows(c, "###\n");
    canvas_free(c);
}

/* --- dots ------------------------------------------------------------------------------------- */

static void lines_at_three_levels(void **state)
{
    (void)state;
    static const char *const expected[] = {"*\n *\n  o\n", "\u2580\u2584\n  \u2580\u2584\n\n", ""};
    canvas *c = make(4, 3, GLYPHS_ASCII);
    dot_grid *d = dots_new(3, 3, GLYPHS_ASCII);
    dots_line(d, 0, 0, 2, 2, ROLE_TRAIN, '*');
    dots_set(d, 2, 2, ROLE_DEV, 'o');
    dots_draw(d, c, 0, 0);
    assert_shows(c, expected[0]);
    dots_free(d);

    canvas_clear(c);
    d = dots_new(4, 3, GLYPHS_BLOCK);
    assert_int_equal(dots_high(d), 6);
    dots_line(d, 0, 0, 3, 3, ROLE_TRAIN, '*');
    dots_draw(d, c, 0, 0);
    assert_shows(c, expected[1]);
    dots_free(d);

    canvas_clear(c);
    d = dots_new(2, 1, GLYPHS_BRAILLE);
    assert_int_equal(dots_wide(d), 4);
    dots_line(d, 0, 0, 3, 3, ROLE_TRAIN, '*');
    dots_draw(d, c, 0, 0);
    assert_shows(c, "\u2811\u2884\n\n\n");
    dots_free(d);
    canvas_free(c);
}

static void crossing_series_share_a_cell(void **state)
{
    (void)state;
    canvas *c = make(1, 1, GLYPHS_BRAILLE);
    dot_grid *d = dots_new(1, 1, GLYPHS_BRAILLE);
    dots_set(d, 0, 0, ROLE_TRAIN, '*');
    dots_set(d, 1, 3, ROLE_DEV, 'o');
    dots_draw(d, c, 0, 0);
    assert_shows(c, "\u2881\n");
    assert_int_equal(c->cells[0].role, ROLE_DEV);
    dots_free(d);
    canvas_free(c);
}

static void far_lines_are_cut(void **state)
{
    (void)state;
    canvas *c = make(3, 1, GLYPHS_ASCII);
    dot_grid *d = dots_new(3, 1, GLYPHS_ASCII);
    dots_line(d, -2000000000, 0, 2000000000, 0, ROLE_TRAIN, '-');
    dots_line(d, 0, -2000000000, 0, -5, ROLE_TRAIN, '|');
    dots_draw(d, c, 0, 0);
    assert_shows(c, "---\n");
    dots_free(d);
    canvas_free(c);
}

/* --- every size ------------------------------------------------------------------------------- */

static void draw_everything(canvas *c)
{
    int w = c->w, h = c->h;
    canvas_box(c, (canvas_rect){0, 0, w, h}, "학습 곡선 loss", w % 2 == 0);
    canvas_text(c, w / 2, h / 2, -1, ROLE_TEXT, "가나다 abc e\u0301");
    canvas_text(c, -3, 1, w, ROLE_TEXT, "나다라마");
    canvas_right(c, 1, 2, w - 2, ROLE_DIM, "오른쪽");
    canvas_fill(c, (canvas_rect){w - 3, h - 3, 9, 9}, ROLE_HEAT_5, "가");
    canvas_role_fill(c, (canvas_rect){-2, h - 1, 1000, 5}, ROLE_SELECT);
    canvas_bar(c, 1, h - 2, w - 2, ROLE_TRAIN, 0.37);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, w - 2, h - 2});
    canvas_wrap(c, (canvas_rect){0, 0, w / 3, h}, ROLE_TEXT,
                "the dev error is far above 훈련 오류");
    dot_grid *d = dots_new(w - 2, h - 2, c->glyphs);
    assert_non_null(d);
    dots_line(d, -5, 3, 400, dots_high(d) + 3, ROLE_TRAIN, '*');
    dots_line(d, 0, dots_high(d) - 1, dots_wide(d) - 1, 0, ROLE_DEV, 'o');
    dots_draw(d, c, 0, 0);
    dots_free(d);
    list_view list = {0};
    list_fit(&list, 100, h - 2);
    list_select(&list, 60);
    list_draw_bar(&list, c, w - 3, 0);
    prompt p;
    prompt_set(&p, "filter 학습 state=running");
    prompt_draw(&p, c, 0, 1, -1, "/", true);
    canvas_pop(c, old);
}

static void every_size_is_harmless(void **state)
{
    (void)state;
    for (int w = 0; w <= 200; w += w < 20 ? 1 : 9) {
        for (int h = 0; h <= 60; h += h < 10 ? 1 : 5) {
            for (int glyphs = GLYPHS_ASCII; glyphs <= GLYPHS_BRAILLE; glyphs++) {
                canvas *c = make(w, h, (glyph_level)glyphs);
                draw_everything(c);
                for (int i = 0; i < w * h; i++) { /* each wide cell has its other half */
                    const canvas_cell *cell = &c->cells[i];
                    assert_true(cell->columns != 2 || (i % w < w - 1 && cell[1].columns == 0));
                    assert_true(cell->columns != 0 || (i % w > 0 && cell[-1].columns == 2));
                }
                char *text = canvas_dump(c);
                for (char *line = text, *end; *line != '\0'; line = end + 1) {
                    end = strchr(line, '\n');
                    *end = '\0';
                    assert_true(text_columns(line) <= w);
                }
                free(text);
                canvas_free(c);
            }
        }
    }
    canvas *c = make(-3, -1, GLYPHS_ASCII);
    assert_int_equal(c->w, 0);
    canvas_free(c);
}

/* --- widgets ---------------------------------------------------------------------------------- */

static void type(prompt *p, const char *names)
{
    char name[16];
    int used;
    for (; sscanf(names, "%15s%n", name, &used) == 1; names += used) {
        key_event key;
        assert_true(key_parse(name, &key));
        prompt_key(p, &key);
    }
}

static void edits_a_line(void **state)
{
    (void)state;
    prompt p;
    key_event key;
    prompt_set(&p, "");
    type(&p, "l r space 0 . 1");
    assert_string_equal(p.text, "lr 0.1");
    type(&p, "left left 0 home delete");
    assert_string_equal(p.text, "r 00.1");
    type(&p, "end ctrl-w ctrl-w 학 습 left backspace");
    assert_string_equal(p.text, "습");
    type(&p, "end ctrl-u backspace");
    assert_string_equal(p.text, "");
    key_parse("backspace", &key);
    assert_int_equal(prompt_key(&p, &key), PROMPT_CANCELED);
    key_parse("enter", &key);
    assert_int_equal(prompt_key(&p, &key), PROMPT_ACCEPTED);
    key_parse("tab", &key);
    assert_int_equal(prompt_key(&p, &key), PROMPT_COMPLETE);
    key_parse("f5", &key);
    assert_int_equal(prompt_key(&p, &key), PROMPT_UNUSED);
    for (int i = 0; i < 2000; i++) {
        type(&p, "학");
    }
    assert_true(p.length < PROMPT_BYTES && p.length > PROMPT_BYTES - 4);
}

static void the_cursor_of_a_long_line_is_seen(void **state)
{
    (void)state;
    canvas *c = make(8, 1, GLYPHS_ASCII);
    prompt p;
    prompt_set(&p, "0123456789");
    prompt_draw(&p, c, 0, 0, -1, ":", true);
    assert_shows(c, ":456789\n");
    assert_int_equal(c->cursor_x, 7);
    assert_int_equal(c->cells[7].role, ROLE_SELECT);
    canvas_free(c);
}

static void lists_keep_the_selection(void **state)
{
    (void)state;
    list_view l = {0};
    key_event key;
    list_fit(&l, 0, 5);
    assert_int_equal(l.selected, -1);
    list_fit(&l, 20, 5);
    assert_int_equal(l.selected, 0);
    key_parse("G", &key);
    assert_true(list_key(&l, &key));
    assert_int_equal(l.selected, 19);
    assert_int_equal(l.top, 15);
    list_fit(&l, 20, 8); /* a taller window shows more, not blank rows */
    assert_int_equal(l.top, 12);
    list_fit(&l, 3, 8);
    assert_int_equal(l.selected, 2);
    assert_int_equal(l.top, 0);
    list_fit(&l, 100, 10);
    key_parse("page-down", &key);
    list_key(&l, &key);
    assert_int_equal(l.selected, 11);
    key_parse("ctrl-u", &key);
    list_key(&l, &key);
    assert_int_equal(l.selected, 6);
    key_parse("x", &key);
    assert_false(list_key(&l, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_and_encodes),
        cmocka_unit_test(measures_columns),
        cmocka_unit_test(truncates_with_a_mark),
        cmocka_unit_test(truncates_within_any_room),
        cmocka_unit_test(wraps),
        cmocka_unit_test(draws_text),
        cmocka_unit_test(shows_bad_bytes_as_marks),
        cmocka_unit_test(wide_halves_never_dangle),
        cmocka_unit_test(clips),
        cmocka_unit_test(boxes),
        cmocka_unit_test(wraps_into_an_area),
        cmocka_unit_test(bars),
        cmocka_unit_test(lines_at_three_levels),
        cmocka_unit_test(crossing_series_share_a_cell),
        cmocka_unit_test(far_lines_are_cut),
        cmocka_unit_test(every_size_is_harmless),
        cmocka_unit_test(edits_a_line),
        cmocka_unit_test(the_cursor_of_a_long_line_is_seen),
        cmocka_unit_test(lists_keep_the_selection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
