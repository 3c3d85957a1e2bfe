#include "ui/terminal/terminfo.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/terminal/terminal.h"

/* Last: it defines macros with everyday names. */
#include <curses.h>
#include <term.h>

/* --- what the terminal can do ----------------------------------------------------------------- */

bool terminal_locale(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *named = NULL;
    for (int i = 0; i < 3 && (named == NULL || named[0] == '\0'); i++) {
        named = getenv(variables[i]);
    }
    if (setlocale(LC_CTYPE, "") == NULL && named != NULL &&
        (strcasestr(named, "utf-8") != NULL || strcasestr(named, "utf8") != NULL)) {
        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* wanted, but not installed here */
    }
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

glyph_level terminal_glyphs(bool utf8, const char *term)
{
    bool plain = term == NULL || strncmp(term, "linux", 5) == 0 || strncmp(term, "vt", 2) == 0;
    return utf8 && !plain ? GLYPHS_BRAILLE : GLYPHS_ASCII;
}

/* Appends a terminfo string without its padding marks, which only old hardware needs. */
static void append_capability(char *bytes, size_t size, const char *name)
{
    const char *text = tigetstr(name);
    size_t length = strlen(bytes);
    if (text == NULL || text == (char *)-1) {
        return;
    }
    while (*text != '\0' && length + 1 < size) {
        const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;
        if (end != NULL) {
            text = end + 1;
        } else {
            bytes[length++] = *text++;
        }
    }
    bytes[length] = '\0';
}

static bool known_type(const char *type)
{
    int found = 0;
    return setupterm(type, STDOUT_FILENO, &found) == OK && found == 1;
}

/* Finds a type that terminfo knows and that can move the cursor; prepares what restores it. */
nn_status terminal_choose_type(terminal_type *t, nn_error *error)
{
    static const char fallback[] = "xterm-256color";
    const char *type = getenv("TERM");
    bool named = type != NULL && type[0] != '\0';
    if (!named || !known_type(type)) {
        if (named && strcmp(type, "dumb") == 0) {
            return nn_fail(error, NN_E_STATE,
                           "TERM=dumb cannot move the cursor; use `gradus --print SCREEN`");
        }
        (void)snprintf(t->note, sizeof t->note,
                       named ? "TERM=%.40s is unknown here; using %s"
                             : "%sTERM is not set; using %s",
                       named ? type : "", fallback);
        type = fallback;
        if (!known_type(type)) {
            return nn_fail(error, NN_E_MISSING,
                           "terminfo knows neither TERM nor %s (install ncurses-base); use `gradus "
                           "--print SCREEN`",
                           fallback);
        }
    }
    (void)snprintf(t->name, sizeof t->name, "%s", type);
    const char *move = tigetstr("cup");
    bool moves = move != NULL && move != (char *)-1;
    t->restore[0] = '\0';
    static const char *const capabilities[] = {"sgr0", "cnorm", "rmkx", "rmcup"};
    for (int i = 0; i < 4; i++) {
        append_capability(t->restore, sizeof t->restore, capabilities[i]);
    }
    t->colors = tigetnum("colors");
    del_curterm(cur_term);
    if (!moves) {
        return nn_fail(error, NN_E_STATE,
                       "TERM=%s cannot move the cursor; use `gradus --print SCREEN`", t->name);
    }
    return NN_OK;
}

void terminal_avoid_repeat(void)
{
    repeat_char = NULL;
}
