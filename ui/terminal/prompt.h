/* A line that the user edits: ':' commands, '/' searches, values of a form. UTF-8, cursor keys,
 * Home/End, Backspace/Delete, Ctrl-A/E/U/W/K. */
#ifndef GRADUS_UI_PROMPT_H
#define GRADUS_UI_PROMPT_H

#include "ui/terminal/canvas.h"
#include "ui/terminal/key.h"

enum { PROMPT_BYTES = 512 };

typedef struct {
    char text[PROMPT_BYTES];
    int length; /* bytes, without the NUL */
    int cursor; /* byte, always at the start of a grapheme */
} prompt;

typedef enum {
    PROMPT_CHANGED,  /* text or cursor moved */
    PROMPT_ACCEPTED, /* Enter */
    PROMPT_CANCELED, /* Esc, or Backspace on an empty line */
    PROMPT_COMPLETE, /* Tab: the caller may complete */
    PROMPT_UNUSED    /* the key means nothing here */
} prompt_result;

void prompt_set(prompt *p, const char *text); /* cursor at the end; cut at a whole character */
prompt_result prompt_key(prompt *p, const key_event *key);
/* `label` in ROLE_KEY, then the text, scrolled so that the cursor is seen; the cursor's cell is in
 * ROLE_SELECT when `focus`, and the canvas cursor is parked there. */
void prompt_draw(const prompt *p, canvas *c, int x, int y, int columns, const char *label,
                 bool focus);

#endif
