/* What terminfo says about the terminal, asked before the screen is taken. */
#ifndef GRADUS_UI_TERMINFO_H
#define GRADUS_UI_TERMINFO_H

#include "engine/status.h"

typedef struct {
    char name[64];
    char note[160];    /* "" or why another type than TERM is used */
    char restore[256]; /* bytes that give the picture back: attributes, cursor, keypad, screen */
    int colors;
} terminal_type;

/* TERM, or xterm-256color when terminfo does not know it; fails when the cursor cannot be moved. */
nn_status terminal_choose_type(terminal_type *type, nn_error *error);
/* After newterm(): no "repeat the last character" sequences. Many terminals that call themselves
 * xterm do not know them, or count wrongly at the right edge, and they save next to nothing. */
void terminal_avoid_repeat(void);

#endif
