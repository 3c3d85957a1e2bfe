#include "engine/text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char *text;
    int64_t uses;
} word;

struct nn_vocabulary {
    bool fold;
    word *words;
    int32_t *slots; /* hash table of ids, -1 where empty; never more than half full */
    int count, capacity;
    uint32_t slot_count; /* a power of two */
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char folded(const nn_vocabulary *v, char c)
{
    return v->fold && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The next word at *at, folded; its length, 0 at the end. Longer ones are cut off but counted. */
static size_t next_word(const nn_vocabulary *v, const char **at, char text[NN_WORD_MAX + 1])
{
    const char *c = *at;
    size_t length = 0;
    while (is_blank(*c))
        c++;
    for (; *c && !is_blank(*c); c++, length++)
        if (length < NN_WORD_MAX)
            text[length] = folded(v, *c);
    text[length < NN_WORD_MAX ? length : NN_WORD_MAX] = 0;
    *at = c;
    return length;
}

/* --- the hash table -----------------------------------------------------------------------------
 */

static uint32_t hash_of(const char *text) /* FNV-1a */
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* The slot that holds `text`, or the empty one where it belongs. */
static int32_t *slot_of(const nn_vocabulary *v, const char *text)
{
    uint32_t at = hash_of(text) & (v->slot_count - 1);
    while (v->slots[at] >= 0 && strcmp(v->words[v->slots[at]].text, text) != 0)
        at = (at + 1) & (v->slot_count - 1);
    return &v->slots[at];
}

static bool resize(nn_vocabulary *v, uint32_t slot_count)
{
    int32_t *slots = malloc(slot_count * sizeof *slots);
    word *words = realloc(v->words, slot_count / 2 * sizeof *words);
    if (words)
        v->words = words;
    if (!slots || !words) {
        free(slots);
        return false;
    }
    memset(slots, 0xff, slot_count * sizeof *slots); /* -1 */
    free(v->slots);
    v->slots = slots;
    v->slot_count = slot_count;
    v->capacity = (int)(slot_count / 2);
    for (int i = 0; i < v->count; i++)
        *slot_of(v, v->words[i].text) = i;
    return true;
}

/* The id of the word, a new one where it is new; -1: no memory. */
static int32_t id_of(nn_vocabulary *v, const char *text)
{
    int32_t *slot = slot_of(v, text);
    if (*slot >= 0)
        return *slot;
    if (v->count == v->capacity) {
        if (v->slot_count >= 1u << 30 || !resize(v, 2 * v->slot_count))
            return -1;
        slot = slot_of(v, text);
    }
    char *copy = strdup(text);
    if (!copy)
        return -1;
    v->words[v->count] = (word){copy, 0};
    *slot = v->count;
    return v->count++;
}

/* --- the public functions -----------------------------------------------------------------------
 */

nn_vocabulary *nn_vocabulary_new(bool fold)
{
    nn_vocabulary *v = calloc(1, sizeof *v);
    if (v && !resize(v, 64)) {
        nn_vocabulary_free(v);
        return NULL;
    }
    if (v)
        v->fold = fold;
    return v;
}

void nn_vocabulary_free(nn_vocabulary *v)
{
    if (!v)
        return;
    for (int i = 0; i < v->count; i++)
        free(v->words[i].text);
    free(v->words);
    free(v->slots);
    free(v);
}

nn_status nn_vocabulary_read(nn_vocabulary *v, const char *text, int32_t *ids, int room, int *words,
                             nn_error *error)
{
    char one[NN_WORD_MAX + 1];
    size_t length;
    *words = 0;
    for (const char *at = text; (length = next_word(v, &at, one)) > 0; ++*words)
        if (length > NN_WORD_MAX)
            return nn_fail(error, NN_E_ARG,
                           "vocabulary: the word '%.20s...' has %zu bytes; expected at most %d",
                           one, length, NN_WORD_MAX);
    int i = 0;
    for (const char *at = text; next_word(v, &at, one) > 0; i++) {
        int32_t id = id_of(v, one);
        if (id < 0)
            return nn_fail(error, NN_E_NOMEM, "vocabulary of %d words: out of memory", v->count);
        v->words[id].uses++;
        if (i < room)
            ids[i] = id;
    }
    return NN_OK;
}

int32_t nn_vocabulary_find(const nn_vocabulary *v, const char *text)
{
    char one[NN_WORD_MAX + 1];
    size_t length = 0;
    for (; text[length]; length++) {
        if (length == NN_WORD_MAX)
            return -1;
        one[length] = folded(v, text[length]);
    }
    one[length] = 0;
    return *slot_of(v, one);
}

int nn_vocabulary_count(const nn_vocabulary *v)
{
    return v->count;
}

const char *nn_vocabulary_word(const nn_vocabulary *v, int32_t id)
{
    return id >= 0 && id < v->count ? v->words[id].text : NULL;
}

int64_t nn_vocabulary_uses(const nn_vocabulary *v, int32_t id)
{
    return id >= 0 && id < v->count ? v->words[id].uses : 0;
}
