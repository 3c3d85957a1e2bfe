/* The terminal: taken, drawn on, given back on every way out. Only terminal.c and curses_canvas.c
 * know curses. One terminal a process at a time, used from the UI thread.
 *
 * While it is owned, file descriptors 1 and 2 lead to a buffer (nothing else reaches the screen);
 * what was caught is printed after the screen is given back. */
#ifndef GRADUS_UI_TERMINAL_H
#define GRADUS_UI_TERMINAL_H

#include "engine/status.h"
#include "ui/terminal/screen.h"

typedef struct terminal terminal;

/* Takes stdin and stdout. Fails with one clear line, naming `gradus --print SCREEN`, when either is
 * no terminal or the terminal cannot move its cursor. */
terminal *terminal_open(nn_error *error);
/* Gives everything back and prints what was caught on stderr. NULL is fine. */
void terminal_close(terminal *t);

screen *terminal_screen(terminal *t);
/* "" or one line worth showing once: "TERM=foot is unknown here; using xterm-256color". */
const char *terminal_note(const terminal *t);
/* "xterm-256color", colours, codeset, glyphs: one line for `gradus doctor` and the help page. */
void terminal_describe(const terminal *t, char *text, size_t size);
/* The newest `size` - 1 bytes of what others wrote to stdout or stderr; returns the total. */
size_t terminal_caught(const terminal *t, char *text, size_t size);
/* The mouse costs the terminal its own text selection, so it is off until switched on. */
void terminal_set_mouse(terminal *t, bool on);
/* For a light or a dark background; also from GRADUS_THEME and COLORFGBG at the start. */
void terminal_set_light(terminal *t, bool light);

/* Selects LC_CTYPE from the environment (C.UTF-8 when the named UTF-8 locale is not installed), no
 * other category: numbers keep their point. True if the codeset is UTF-8. */
bool terminal_locale(void);
/* Braille when UTF-8 and TERM is not linux or vt*, ASCII otherwise. */
glyph_level terminal_glyphs(bool utf8, const char *term);

#endif
