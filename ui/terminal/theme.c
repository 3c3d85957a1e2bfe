#include "ui/terminal/theme.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    char letter;
    uint8_t mono, color;
    int16_t foreground[6], background[6]; /* 8, 16, 256; each dark, light */
} role_entry;

static const role_entry roles[ROLE_COUNT] = {
#define ROLE(name, letter, mono, color, ...)                                                       \
    [ROLE_##name] = {#name, letter, mono, color, {__VA_ARGS__}, {-1, -1, -1, -1, -1, -1}},
#define SHADE(name, letter, mono, color, f0, f1, f2, f3, f4, f5, ...)                              \
    [ROLE_##name] = {#name, letter, mono, color, {f0, f1, f2, f3, f4, f5}, {__VA_ARGS__}},
#include "ui/terminal/theme.def"
#undef ROLE
#undef SHADE
};

static const role_entry *entry(canvas_role role)
{
    return &roles[(unsigned)role < ROLE_COUNT ? role : ROLE_TEXT];
}

theme_style theme_of(canvas_role role, color_depth depth, bool light)
{
    const role_entry *r = entry(role);
    if (depth <= COLORS_MONO || depth >= COLORS_DEPTHS) {
        return (theme_style){-1, -1, r->mono};
    }
    int column = ((int)depth - COLORS_8) * 2 + (light ? 1 : 0);
    return (theme_style){r->foreground[column], r->background[column], r->color};
}

char theme_letter(canvas_role role)
{
    return entry(role)->letter;
}

const char *theme_name(canvas_role role)
{
    return entry(role)->name;
}

color_depth theme_depth(int colors, const char *no_color)
{
    if ((no_color != NULL && no_color[0] != '\0') || colors < 8) {
        return COLORS_MONO;
    }
    return colors >= 256 ? COLORS_256 : colors >= 16 ? COLORS_16 : COLORS_8;
}

bool theme_is_light(const char *gradus_theme, const char *colorfgbg)
{
    if (gradus_theme != NULL && gradus_theme[0] != '\0') {
        return strcmp(gradus_theme, "light") == 0;
    }
    const char *background = colorfgbg != NULL ? strrchr(colorfgbg, ';') : NULL;
    if (background == NULL || background[1] == '\0') {
        return false;
    }
    char *end;
    long color = strtol(background + 1, &end, 10);
    return *end == '\0' && (color == 7 || (color >= 9 && color <= 15));
}
