#include "ui/terminal/keymap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/terminal/text.h"

typedef struct {
    key_event key;
    int index; /* into the table */
} binding;

struct keymap {
    const command *table;
    int count;
    binding *bindings; /* in table order, then as listed */
    int binding_count;
    const char *(*translate)(const char *text);
};

static const char *translated(const keymap *k, const char *text)
{
    return k->translate != NULL ? k->translate(text) : text;
}

/* --- reading the table ------------------------------------------------------------------------ */

/* The next name of a list like "left,h" or "left h"; false at the end. */
static bool next_key_text(const char **at, char *name, size_t size)
{
    *at += strspn(*at, " ,");
    size_t length = strcspn(*at, " ,");
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length;
    return true;
}

static int count_keys(const command *c)
{
    const char *at = c->keys != NULL ? c->keys : "";
    int count = 0;
    for (at += strspn(at, " ,"); *at != '\0'; at += strspn(at, " ,")) {
        at += strcspn(at, " ,");
        count++;
    }
    return count;
}

static nn_status parse_keys(keymap *k, int index, nn_error *error)
{
    const command *c = &k->table[index];
    const char *at = c->keys != NULL ? c->keys : "";
    char name[32];
    for (int left = count_keys(c); left > 0; left--) {
        key_event key;
        if (!next_key_text(&at, name, sizeof name) || !key_parse(name, &key)) {
            return nn_fail(error, NN_E_ARG,
                           "command '%s': '%s' in \"%s\" is no key; use a character, ctrl-x or a "
                           "name like left, space, page-up, f5",
                           c->name, name, c->keys);
        }
        k->bindings[k->binding_count++] = (binding){key, index};
    }
    return NN_OK;
}

static nn_status check_clash(const keymap *k, const binding *a, const binding *b,
                             const unsigned *situations, int situation_count, nn_error *error)
{
    const command *first = &k->table[a->index], *second = &k->table[b->index];
    if (a->index == b->index || !key_equal(&a->key, &b->key) ||
        ((first->flags ^ second->flags) & COMMAND_SHADOWS) != 0) {
        return NN_OK;
    }
    for (int i = 0; i < situation_count; i++) {
        if ((first->contexts & situations[i]) != 0 && (second->contexts & situations[i]) != 0) {
            char name[16];
            key_text(&a->key, name, sizeof name);
            return nn_fail(error, NN_E_ARG,
                           "commands '%s' and '%s' both use the key '%s' in situation %d; change "
                           "one, or let the narrower one shadow",
                           first->name, second->name, name, i);
        }
    }
    return NN_OK;
}

static nn_status check_commands(const keymap *k, const unsigned *situations, int situation_count,
                                nn_error *error)
{
    for (int i = 0; i < k->count; i++) {
        for (int j = 0; j < i; j++) {
            if (k->table[i].id == k->table[j].id || !strcmp(k->table[i].name, k->table[j].name)) {
                return nn_fail(error, NN_E_ARG, "commands '%s' and '%s' share their name or id",
                               k->table[j].name, k->table[i].name);
            }
        }
    }
    for (int i = 0; i < k->binding_count; i++) {
        for (int j = 0; j < i; j++) {
            nn_status status = check_clash(k, &k->bindings[j], &k->bindings[i], situations,
                                           situation_count, error);
            if (status != NN_OK) {
                return status;
            }
        }
    }
    return NN_OK;
}

keymap *keymap_new(const command *table, int count, const unsigned *situations, int situation_count,
                   nn_error *error)
{
    size_t keys = 0;
    for (int i = 0; i < count; i++) {
        keys += (size_t)count_keys(&table[i]);
    }
    keymap *k = calloc(1, sizeof *k);
    binding *bindings = calloc(keys + 1, sizeof *bindings);
    if (k == NULL || bindings == NULL) {
        free(k);
        free(bindings);
        nn_fail(error, NN_E_NOMEM, "no memory for %d commands", count);
        return NULL;
    }
    k->table = table;
    k->count = count;
    k->bindings = bindings;
    nn_status status = NN_OK;
    for (int i = 0; i < count && status == NN_OK; i++) {
        status = parse_keys(k, i, error);
    }
    if (status == NN_OK) {
        status = check_commands(k, situations, situation_count, error);
    }
    if (status != NN_OK) {
        keymap_free(k);
        return NULL;
    }
    return k;
}

void keymap_free(keymap *k)
{
    if (k != NULL) {
        free(k->bindings);
        free(k);
    }
}

void keymap_set_translate(keymap *k, const char *(*translate)(const char *text))
{
    k->translate = translate;
}

/* --- finding ---------------------------------------------------------------------------------- */

int keymap_find(const keymap *k, const key_event *key, unsigned contexts)
{
    int found = -1;
    for (int i = 0; i < k->binding_count; i++) {
        const command *c = &k->table[k->bindings[i].index];
        if ((c->contexts & contexts) == 0 || !key_equal(&k->bindings[i].key, key)) {
            continue;
        }
        if ((c->flags & COMMAND_SHADOWS) != 0) {
            return c->id;
        }
        found = found < 0 ? c->id : found;
    }
    return found;
}

const command *keymap_command(const keymap *k, int id)
{
    for (int i = 0; i < k->count; i++) {
        if (k->table[i].id == id) {
            return &k->table[i];
        }
    }
    return NULL;
}

int keymap_by_name(const keymap *k, const char *name, unsigned contexts)
{
    int found = -1, matches = 0;
    size_t length = strlen(name);
    for (int i = 0; i < k->count && length > 0; i++) {
        const command *c = &k->table[i];
        if ((c->contexts & contexts) == 0) {
            continue;
        }
        if (strcmp(c->name, name) == 0) {
            return c->id;
        }
        if ((c->flags & COMMAND_HIDDEN) == 0 && strncmp(c->name, name, length) == 0) {
            found = c->id;
            matches++;
        }
    }
    return matches == 1 ? found : -1;
}

void keymap_keys_text(const keymap *k, int id, char *text, size_t size)
{
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (int i = 0; i < k->binding_count && used < size; i++) {
        if (k->table[k->bindings[i].index].id == id) {
            char label[24];
            key_label(&k->bindings[i].key, label, sizeof label);
            int wrote = snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", label);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

/* --- hint bar --------------------------------------------------------------------------------- */

/* The first key of a command, as people read it; "" when it has none. */
static void first_key(const keymap *k, int index, char *label, size_t size)
{
    label[0] = '\0';
    for (int i = 0; i < k->binding_count; i++) {
        if (k->bindings[i].index == index) {
            key_label(&k->bindings[i].key, label, size);
            return;
        }
    }
}

/* Whether the key of this hint would run this command and not one that shadows it. */
static bool reaches(const keymap *k, int index, unsigned contexts)
{
    for (int i = 0; i < k->binding_count; i++) {
        if (k->bindings[i].index == index) {
            return keymap_find(k, &k->bindings[i].key, contexts) == k->table[index].id;
        }
    }
    return false;
}

typedef struct {
    char key[24];
    const char *label;
    const char *dots; /* "..." when it asks first */
    int columns;
} hint;

/* The hints that fit, most important first; at most `room`. */
static int fit_hints(const keymap *k, unsigned contexts, int columns, command_why_not why_not,
                     void *app, hint *out, int room)
{
    int count = 0, used = 0;
    for (int priority = 1; priority <= 9; priority++) {
        for (int i = 0; i < k->count && count < room; i++) {
            const command *c = &k->table[i];
            if (c->hint != priority || (c->contexts & contexts) == 0 || !reaches(k, i, contexts) ||
                (why_not != NULL && why_not(app, c->id) != NULL)) {
                continue;
            }
            hint *h = &out[count];
            first_key(k, i, h->key, sizeof h->key);
            h->label = translated(k, c->label);
            h->dots = (c->flags & COMMAND_ASKS) != 0 ? "..." : "";
            h->columns = text_columns(h->key) + 1 + text_columns(h->label) + (int)strlen(h->dots);
            int gap = count > 0 ? 2 : 0;
            if (used + gap + h->columns <= columns) {
                used += gap + h->columns;
                count++;
            }
        }
    }
    return count;
}

enum { MAX_HINTS = 40 };

int keymap_draw_hints(const keymap *k, unsigned contexts, canvas *c, int x, int y, int columns,
                      command_why_not why_not, void *app)
{
    hint hints[MAX_HINTS];
    if (columns < 0) {
        columns = c->clip.w - x;
    }
    int count = fit_hints(k, contexts, columns, why_not, app, hints, MAX_HINTS);
    int at = x;
    for (int i = 0; i < count; i++) {
        at += i > 0 ? 2 : 0;
        at += canvas_text(c, at, y, -1, ROLE_KEY, hints[i].key) + 1;
        at += canvas_text(c, at, y, -1, ROLE_TEXT, hints[i].label);
        at += canvas_text(c, at, y, -1, ROLE_TEXT, hints[i].dots);
    }
    return at - x;
}

void keymap_hints_text(const keymap *k, unsigned contexts, int columns, char *text, size_t size)
{
    hint hints[MAX_HINTS];
    int count = fit_hints(k, contexts, columns, NULL, NULL, hints, MAX_HINTS);
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (int i = 0; i < count && used < size; i++) {
        int wrote = snprintf(text + used, size - used, "%s%s %s%s", i > 0 ? "  " : "", hints[i].key,
                             hints[i].label, hints[i].dots);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* --- help and completion ---------------------------------------------------------------------- */

int keymap_help(const keymap *k, unsigned contexts, const char *search, const command **out,
                int room)
{
    int count = 0;
    for (int i = 0; i < k->count; i++) {
        const command *c = &k->table[i];
        if ((c->contexts & contexts) == 0) {
            continue;
        }
        char keys[128];
        keymap_keys_text(k, c->id, keys, sizeof keys);
        bool found = search[0] == '\0' || strcasestr(c->name, search) != NULL ||
                     strcasestr(keys, search) != NULL ||
                     strcasestr(translated(k, c->label), search) != NULL ||
                     strcasestr(translated(k, c->help), search) != NULL;
        if (found) {
            if (count < room) {
                out[count] = c;
            }
            count++;
        }
    }
    return count;
}

int keymap_complete(const keymap *k, unsigned contexts, const char *text, const command **out,
                    int room)
{
    int count = 0;
    size_t length = strlen(text);
    for (int pass = 0; pass < 2; pass++) { /* first those that begin with it */
        for (int i = 0; i < k->count; i++) {
            const command *c = &k->table[i];
            if ((c->contexts & contexts) == 0 || (c->flags & COMMAND_HIDDEN) != 0) {
                continue;
            }
            bool begins = strncmp(c->name, text, length) == 0;
            if (pass == 0 ? begins : (!begins && strcasestr(c->name, text) != NULL)) {
                if (count < room) {
                    out[count] = c;
                }
                count++;
            }
        }
    }
    return count;
}
