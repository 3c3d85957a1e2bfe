#include "ui/terminal/list.h"

void list_fit(list_view *l, int count, int rows)
{
    l->count = count > 0 ? count : 0;
    l->rows = rows > 0 ? rows : 0;
    list_select(l, l->selected);
}

void list_select(list_view *l, int row)
{
    row = row >= l->count ? l->count - 1 : row;
    l->selected = row < 0 && l->count > 0 ? 0 : row < -1 ? -1 : row;
    int last_top = l->count > l->rows ? l->count - l->rows : 0;
    if (l->selected >= l->top + l->rows) {
        l->top = l->selected - l->rows + 1;
    }
    l->top = l->top > last_top ? last_top : l->top;
    if (l->selected >= 0 && l->selected < l->top) {
        l->top = l->selected;
    }
    l->top = l->top < 0 ? 0 : l->top;
}

/* Rows to move for a control or mouse key; 0: not one of ours. */
static int half_pages(const list_view *l, const key_event *key)
{
    int half = l->rows > 2 ? l->rows / 2 : 1;
    if (key->code == UI_KEY_MOUSE) {
        return key->button == MOUSE_WHEEL_UP ? -3 : key->button == MOUSE_WHEEL_DOWN ? 3 : 0;
    }
    if (key->code == UI_KEY_CHAR && key->ctrl) {
        return key->ch == 'd' ? half : key->ch == 'u' ? -half : 0;
    }
    return 0;
}

bool list_key(list_view *l, const key_event *key)
{
    int page = l->rows > 1 ? l->rows - 1 : 1;
    int half = half_pages(l, key);
    if (half != 0) {
        list_select(l, l->selected + half < 0 ? 0 : l->selected + half);
    } else if (key->code == UI_KEY_UP || key_is_char(key, 'k')) {
        list_select(l, l->selected > 0 ? l->selected - 1 : 0);
    } else if (key->code == UI_KEY_DOWN || key_is_char(key, 'j')) {
        list_select(l, l->selected + 1);
    } else if (key->code == UI_KEY_PAGE_UP) {
        list_select(l, l->selected > page ? l->selected - page : 0);
    } else if (key->code == UI_KEY_PAGE_DOWN) {
        list_select(l, l->selected + page);
    } else if (key->code == UI_KEY_HOME || key_is_char(key, 'g')) {
        list_select(l, 0);
    } else if (key->code == UI_KEY_END || key_is_char(key, 'G')) {
        list_select(l, l->count - 1);
    } else {
        return false;
    }
    return true;
}

void list_draw_bar(const list_view *l, canvas *c, int x, int y)
{
    if (l->count <= l->rows || l->rows < 2) {
        return;
    }
    int size = (int)((long)l->rows * l->rows / l->count);
    size = size < 1 ? 1 : size;
    int start = (int)((long)l->top * (l->rows - size) / (l->count - l->rows));
    bool ascii = c->glyphs == GLYPHS_ASCII;
    for (int i = 0; i < l->rows; i++) {
        bool thumb = i >= start && i < start + size;
        uint32_t glyph = thumb ? (ascii ? '#' : 0x2588) : (ascii ? '|' : 0x2502);
        canvas_put(c, x, y + i, thumb ? ROLE_BORDER_FOCUS : ROLE_BORDER, glyph);
    }
}
