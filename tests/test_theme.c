/* Roles to styles at every depth. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "ui/terminal/theme.h"

static const int limits[COLORS_DEPTHS] = {0, 8, 16, 256};

static void every_role_is_mapped(void **state)
{
    (void)state;
    bool used[256] = {false};
    for (int role = 0; role < ROLE_COUNT; role++) {
        unsigned char letter = (unsigned char)theme_letter((canvas_role)role);
        assert_true(isgraph(letter));
        assert_false(used[letter]); /* a dump of roles must be unambiguous */
        used[letter] = true;
        assert_non_null(theme_name((canvas_role)role));
        for (int depth = 0; depth < COLORS_DEPTHS; depth++) {
            for (int light = 0; light < 2; light++) {
                theme_style s = theme_of((canvas_role)role, (color_depth)depth, light != 0);
                assert_in_range(s.foreground + 1, 0, limits[depth]);
                assert_in_range(s.background + 1, 0, limits[depth]);
                assert_true((s.attributes & ~15) == 0);
                assert_true(s.background == -1 || s.foreground != s.background);
            }
        }
    }
}

static bool same(theme_style a, theme_style b)
{
    return a.foreground == b.foreground && a.background == b.background &&
           a.attributes == b.attributes;
}

/* Roles that mean opposite things never look the same, also without colour. */
static void opposites_differ(void **state)
{
    static const canvas_role pairs[][2] = {
        {ROLE_TEXT, ROLE_SELECT},       {ROLE_GOOD, ROLE_BAD},
        {ROLE_GOOD, ROLE_WARN},         {ROLE_WARN, ROLE_BAD},
        {ROLE_TRAIN, ROLE_DEV},         {ROLE_BORDER, ROLE_BORDER_FOCUS},
        {ROLE_TITLE, ROLE_TITLE_FOCUS}, {ROLE_TEXT, ROLE_KEY},
        {ROLE_SERIES_C, ROLE_SERIES_D}, {ROLE_HEAT_0, ROLE_HEAT_7},
        {ROLE_TRAIN, ROLE_SERIES_C},    {ROLE_DEV, ROLE_SERIES_D}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (int depth = 0; depth < COLORS_DEPTHS; depth++) {
            for (int light = 0; light < 2; light++) {
                assert_false(same(theme_of(pairs[i][0], (color_depth)depth, light != 0),
                                  theme_of(pairs[i][1], (color_depth)depth, light != 0)));
            }
        }
    }
}

static void mono_has_no_colour(void **state)
{
    (void)state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        theme_style s = theme_of((canvas_role)role, COLORS_MONO, false);
        assert_int_equal(s.foreground, -1);
        assert_int_equal(s.background, -1);
    }
    theme_style plain = theme_of(ROLE_TEXT, COLORS_256, false);
    assert_true(same(theme_of((canvas_role)99, COLORS_256, false), plain));
}

/* Text keeps the terminal's own colours; nothing stands in red or green. */
static void the_palette_is_blue_and_orange(void **state)
{
    (void)state;
    for (int depth = COLORS_8; depth < COLORS_DEPTHS; depth++) {
        for (int light = 0; light < 2; light++) {
            assert_int_equal(theme_of(ROLE_TEXT, (color_depth)depth, light != 0).foreground, -1);
            assert_int_equal(theme_of(ROLE_TEXT, (color_depth)depth, light != 0).background, -1);
            for (int role = 0; depth <= COLORS_16 && role < ROLE_COUNT; role++) {
                int color = theme_of((canvas_role)role, (color_depth)depth, light != 0).foreground;
                assert_true(color != 1 && color != 2 && color != 9 && color != 10);
            }
        }
    }
}

static void depth_follows_the_terminal_and_no_color(void **state)
{
    (void)state;
    assert_int_equal(theme_depth(256, NULL), COLORS_256);
    assert_int_equal(theme_depth(256, ""), COLORS_256);
    assert_int_equal(theme_depth(256, "1"), COLORS_MONO);
    assert_int_equal(theme_depth(16777216, NULL), COLORS_256);
    assert_int_equal(theme_depth(88, NULL), COLORS_16);
    assert_int_equal(theme_depth(8, NULL), COLORS_8);
    assert_int_equal(theme_depth(-1, NULL), COLORS_MONO);
}

static void background_is_guessed_from_the_environment(void **state)
{
    (void)state;
    assert_false(theme_is_light(NULL, NULL));
    assert_true(theme_is_light("light", NULL));
    assert_false(theme_is_light("dark", "0;15"));
    assert_true(theme_is_light(NULL, "0;15"));
    assert_true(theme_is_light("", "0;default;7"));
    assert_false(theme_is_light(NULL, "15;0"));
    assert_false(theme_is_light(NULL, "7;8"));
    assert_false(theme_is_light(NULL, "7;"));
    assert_false(theme_is_light(NULL, "0;default"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_is_mapped),
        cmocka_unit_test(opposites_differ),
        cmocka_unit_test(mono_has_no_colour),
        cmocka_unit_test(the_palette_is_blue_and_orange),
        cmocka_unit_test(depth_follows_the_terminal_and_no_color),
        cmocka_unit_test(background_is_guessed_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
