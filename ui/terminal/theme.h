/* Roles to attributes and colours: mono, 8, 16 or 256 colours, for a dark or a light background.
 * Blue and orange carry the contrasts; no meaning rests on colour alone. */
#ifndef GRADUS_UI_THEME_H
#define GRADUS_UI_THEME_H

#include "ui/terminal/canvas.h"

typedef enum { COLORS_MONO, COLORS_8, COLORS_16, COLORS_256, COLORS_DEPTHS } color_depth;

enum { STYLE_BOLD = 1, STYLE_DIM = 2, STYLE_REVERSE = 4, STYLE_UNDERLINE = 8 };

typedef struct {
    int16_t foreground, background; /* colour number, -1: the terminal's own */
    uint8_t attributes;             /* STYLE_* */
} theme_style;

theme_style theme_of(canvas_role role, color_depth depth, bool light);
/* One letter for canvas_dump_roles(), one name for the theme documentation. */
char theme_letter(canvas_role role);
const char *theme_name(canvas_role role);
/* What a terminal with `colors` colours can show; mono when NO_COLOR (its value) is not empty. */
color_depth theme_depth(int colors, const char *no_color);
/* From GRADUS_THEME ("light", "dark") or COLORFGBG ("0;15"), either NULL; dark when unknown. */
bool theme_is_light(const char *gradus_theme, const char *colorfgbg);

#endif
