/* One key press (or mouse event), free of curses. Names ("p", "space", "ctrl-l", "left", "page-up")
 * parse and print both ways. */
#ifndef GRADUS_UI_KEY_H
#define GRADUS_UI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    UI_KEY_NONE,
    UI_KEY_CHAR, /* `ch`, with `ctrl` for a control letter; the space bar is ' ' */
    UI_KEY_ENTER,
    UI_KEY_ESC,
    UI_KEY_TAB,
    UI_KEY_BACKTAB,
    UI_KEY_BACKSPACE,
    UI_KEY_DELETE,
    UI_KEY_INSERT,
    UI_KEY_LEFT,
    UI_KEY_RIGHT,
    UI_KEY_UP,
    UI_KEY_DOWN,
    UI_KEY_PAGE_UP,
    UI_KEY_PAGE_DOWN,
    UI_KEY_HOME,
    UI_KEY_END,
    UI_KEY_F1, /* F1 ... F12 in a row */
    UI_KEY_F12 = UI_KEY_F1 + 11,
    UI_KEY_MOUSE, /* only after screen_set_mouse(true) */
    UI_KEY_COUNT
} ui_key;

typedef enum { MOUSE_CLICK = 1, MOUSE_WHEEL_UP = 4, MOUSE_WHEEL_DOWN = 5 } mouse_button;

typedef struct {
    ui_key code;
    uint32_t ch; /* code point, for UI_KEY_CHAR; lower case when `ctrl` */
    bool ctrl;
    int x, y; /* for UI_KEY_MOUSE: cell and button */
    mouse_button button;
} key_event;

/* "left", "page-down", "ctrl-l", "space", "?", "F5" (any case for names of several letters). A
 * single code point stands for itself. False if `name` is none of these. */
bool key_parse(const char *name, key_event *key);
/* The name that key_parse() reads back; "" for mouse and none. Cut to `size`. */
void key_text(const key_event *key, char *name, size_t size);
/* The name as people read it: "Ctrl-L", "Page-Up", "Space", "p". */
void key_label(const key_event *key, char *label, size_t size);
/* The key of an escape sequence that terminfo does not list: `parameters` and the final byte of
 * "ESC [ parameters final" or "ESC O final". UI_KEY_NONE: not a key of ours, to be dropped. */
ui_key key_from_escape(const char *parameters, char final);
bool key_equal(const key_event *a, const key_event *b);
/* True for UI_KEY_CHAR `ch` without ctrl. */
bool key_is_char(const key_event *key, uint32_t ch);

#endif
