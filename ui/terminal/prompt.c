#include "ui/terminal/prompt.h"

#include <string.h>

#include "ui/terminal/text.h"

void prompt_set(prompt *p, const char *text)
{
    size_t length = 0;
    int columns, bytes;
    while ((bytes = text_grapheme(text + length, &columns)) > 0 &&
           length + (size_t)bytes < sizeof p->text) {
        length += (size_t)bytes;
    }
    memcpy(p->text, text, length);
    p->text[length] = '\0';
    p->length = p->cursor = (int)length;
}

/* Start of the grapheme that ends at or before `at`. */
static int before(const prompt *p, int at)
{
    int start = 0, columns;
    for (int next = 0; next < at;) {
        start = next;
        next += text_grapheme(p->text + next, &columns);
    }
    return start;
}

static int after(const prompt *p, int at)
{
    int columns;
    return at + text_grapheme(p->text + at, &columns);
}

static void cut(prompt *p, int from, int to)
{
    memmove(p->text + from, p->text + to, (size_t)(p->length - to) + 1);
    p->length -= to - from;
    p->cursor = from;
}

static prompt_result insert(prompt *p, uint32_t ch)
{
    char bytes[4];
    int length = text_encode(ch, bytes);
    if (ch < ' ' || ch == 0x7F || p->length + length >= PROMPT_BYTES) {
        return PROMPT_UNUSED;
    }
    memmove(p->text + p->cursor + length, p->text + p->cursor, (size_t)(p->length - p->cursor) + 1);
    memcpy(p->text + p->cursor, bytes, (size_t)length);
    p->length += length;
    p->cursor += length;
    return PROMPT_CHANGED;
}

static void cut_word(prompt *p)
{
    int from = p->cursor;
    while (from > 0 && p->text[from - 1] == ' ') {
        from--;
    }
    while (from > 0 && p->text[from - 1] != ' ') {
        from--;
    }
    cut(p, from, p->cursor);
}

static prompt_result control_key(prompt *p, uint32_t ch)
{
    switch (ch) {
    case 'a':
        p->cursor = 0;
        return PROMPT_CHANGED;
    case 'e':
        p->cursor = p->length;
        return PROMPT_CHANGED;
    case 'u':
        cut(p, 0, p->cursor);
        return PROMPT_CHANGED;
    case 'k':
        cut(p, p->cursor, p->length);
        return PROMPT_CHANGED;
    case 'w':
        cut_word(p);
        return PROMPT_CHANGED;
    default:
        return PROMPT_UNUSED;
    }
}

prompt_result prompt_key(prompt *p, const key_event *key)
{
    switch (key->code) {
    case UI_KEY_CHAR:
        return key->ctrl ? control_key(p, key->ch) : insert(p, key->ch);
    case UI_KEY_ENTER:
        return PROMPT_ACCEPTED;
    case UI_KEY_ESC:
        return PROMPT_CANCELED;
    case UI_KEY_TAB:
        return PROMPT_COMPLETE;
    case UI_KEY_BACKSPACE:
        if (p->length == 0) {
            return PROMPT_CANCELED;
        }
        cut(p, before(p, p->cursor), p->cursor);
        return PROMPT_CHANGED;
    case UI_KEY_DELETE:
        cut(p, p->cursor, after(p, p->cursor));
        return PROMPT_CHANGED;
    case UI_KEY_LEFT:
        p->cursor = before(p, p->cursor);
        return PROMPT_CHANGED;
    case UI_KEY_RIGHT:
        p->cursor = after(p, p->cursor);
        return PROMPT_CHANGED;
    case UI_KEY_HOME:
        p->cursor = 0;
        return PROMPT_CHANGED;
    case UI_KEY_END:
        p->cursor = p->length;
        return PROMPT_CHANGED;
    default:
        return PROMPT_UNUSED;
    }
}

/* Columns of the first `bytes` of the text. */
static int columns_until(const prompt *p, int bytes)
{
    int total = 0, columns;
    for (int at = 0; at < bytes; total += columns) {
        at += text_grapheme(p->text + at, &columns);
    }
    return total;
}

void prompt_draw(const prompt *p, canvas *c, int x, int y, int columns, const char *label,
                 bool focus)
{
    if (columns < 0) {
        columns = c->clip.w - x;
    }
    int used =
        label != NULL && label[0] != '\0' ? canvas_text(c, x, y, columns, ROLE_KEY, label) : 0;
    canvas_rect old = canvas_push(c, (canvas_rect){x + used, y, columns - used, 1});
    int room = c->clip.w, at = columns_until(p, p->cursor);
    int start = 0; /* first byte shown: enough is skipped that the cursor has a cell of its own */
    while (focus && start < p->cursor && at - columns_until(p, start) >= room) {
        start = after(p, start);
    }
    if (room > 0) {
        canvas_text(c, 0, 0, -1, ROLE_TEXT, p->text + start);
    }
    if (focus && room > 0) {
        int cell = at - columns_until(p, start);
        int columns_here = 1;
        text_grapheme(p->text + p->cursor, &columns_here);
        canvas_role_fill(c, (canvas_rect){cell, 0, columns_here == 2 ? 2 : 1, 1}, ROLE_SELECT);
        c->cursor_x = c->clip.x + cell;
        c->cursor_y = c->clip.y;
    }
    canvas_pop(c, old);
}
