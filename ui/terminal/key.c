#include "ui/terminal/key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ui/terminal/text.h"

static const struct {
    const char *name;
    ui_key code;
    uint32_t ch;
} names[] = {{"space", UI_KEY_CHAR, ' '},
             {"comma", UI_KEY_CHAR, ','},
             {"enter", UI_KEY_ENTER, 0},
             {"esc", UI_KEY_ESC, 0},
             {"tab", UI_KEY_TAB, 0},
             {"shift-tab", UI_KEY_BACKTAB, 0},
             {"backspace", UI_KEY_BACKSPACE, 0},
             {"delete", UI_KEY_DELETE, 0},
             {"insert", UI_KEY_INSERT, 0},
             {"left", UI_KEY_LEFT, 0},
             {"right", UI_KEY_RIGHT, 0},
             {"up", UI_KEY_UP, 0},
             {"down", UI_KEY_DOWN, 0},
             {"page-up", UI_KEY_PAGE_UP, 0},
             {"page-down", UI_KEY_PAGE_DOWN, 0},
             {"home", UI_KEY_HOME, 0},
             {"end", UI_KEY_END, 0}};

enum { NAMES = sizeof names / sizeof *names };

static bool parse_function_key(const char *name, key_event *key)
{
    if ((name[0] != 'f' && name[0] != 'F') || name[1] < '1' || name[1] > '9') {
        return false;
    }
    int number = name[1] - '0';
    size_t length = 2;
    if (name[2] >= '0' && name[2] <= '9') {
        number = number * 10 + name[2] - '0';
        length = 3;
    }
    if (number > 12 || name[length] != '\0') {
        return false;
    }
    key->code = (ui_key)(UI_KEY_F1 + number - 1);
    return true;
}

bool key_parse(const char *name, key_event *key)
{
    *key = (key_event){0};
    if (strncasecmp(name, "ctrl-", 5) == 0 && isalpha((unsigned char)name[5]) && name[6] == '\0') {
        key->code = UI_KEY_CHAR;
        key->ch = (uint32_t)tolower((unsigned char)name[5]);
        key->ctrl = true;
        return true;
    }
    for (int i = 0; i < NAMES; i++) {
        if (strcasecmp(name, names[i].name) == 0) {
            key->code = names[i].code;
            key->ch = names[i].ch;
            return true;
        }
    }
    if (parse_function_key(name, key)) {
        return true;
    }
    uint32_t code_point;
    int bytes = text_decode(name, &code_point);
    if (bytes == 0 || name[bytes] != '\0' || code_point <= ' ' || code_point == 0x7F ||
        code_point == 0xFFFD) {
        return false;
    }
    key->code = UI_KEY_CHAR;
    key->ch = code_point;
    return true;
}

void key_text(const key_event *key, char *name, size_t size)
{
    if (size == 0) {
        return;
    }
    name[0] = '\0';
    if (key->code == UI_KEY_CHAR && key->ctrl) {
        snprintf(name, size, "ctrl-%c", (int)(key->ch & 0x7F));
        return;
    }
    if (key->code >= UI_KEY_F1 && key->code <= UI_KEY_F12) {
        snprintf(name, size, "f%d", (int)key->code - UI_KEY_F1 + 1);
        return;
    }
    for (int i = 0; i < NAMES; i++) {
        if (names[i].code == key->code && names[i].ch == key->ch) {
            snprintf(name, size, "%s", names[i].name);
            return;
        }
    }
    if (key->code == UI_KEY_CHAR) {
        char bytes[5] = {0};
        text_encode(key->ch, bytes);
        snprintf(name, size, "%s", bytes);
    }
}

void key_label(const key_event *key, char *label, size_t size)
{
    bool comma = key->code == UI_KEY_CHAR && key->ch == ',' && !key->ctrl;
    key_text(key, label, size);
    if (comma && size > 1) {
        label[0] = ',';
        label[1] = '\0';
        return;
    }
    if (size < 3 || label[0] == '\0' || label[1] == '\0' || (label[0] & 0x80) != 0) {
        return; /* a single character stays as it is typed */
    }
    for (size_t i = 0; label[i] != '\0'; i++) {
        if (i == 0 || label[i - 1] == '-') {
            label[i] = (char)toupper((unsigned char)label[i]);
        }
    }
}

ui_key key_from_escape(const char *parameters, char final)
{
    static const struct {
        char final;
        ui_key key;
    } letters[] = {{'A', UI_KEY_UP},      {'B', UI_KEY_DOWN}, {'C', UI_KEY_RIGHT},
                   {'D', UI_KEY_LEFT},    {'H', UI_KEY_HOME}, {'F', UI_KEY_END},
                   {'Z', UI_KEY_BACKTAB}, {'M', UI_KEY_ENTER}};
    static const ui_key numbers[] = {UI_KEY_NONE,      UI_KEY_HOME, UI_KEY_INSERT,
                                     UI_KEY_DELETE,    UI_KEY_END,  UI_KEY_PAGE_UP,
                                     UI_KEY_PAGE_DOWN, UI_KEY_HOME, UI_KEY_END};
    if (final == '~') {
        bool single = parameters[0] >= '1' && parameters[0] <= '8' &&
                      (parameters[1] == '\0' || parameters[1] == ';');
        return single ? numbers[parameters[0] - '0'] : UI_KEY_NONE;
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].final == final) {
            return final == 'M' && parameters[0] != '\0' ? UI_KEY_NONE : letters[i].key;
        }
    }
    return UI_KEY_NONE;
}

bool key_equal(const key_event *a, const key_event *b)
{
    return a->code == b->code && (a->code != UI_KEY_CHAR || (a->ch == b->ch && a->ctrl == b->ctrl));
}

bool key_is_char(const key_event *key, uint32_t ch)
{
    return key->code == UI_KEY_CHAR && !key->ctrl && key->ch == ch;
}
