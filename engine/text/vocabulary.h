/* The words of texts and their numbers (chapters 40, 43, 44, 46 and 48). Not thread-safe: one
 * thread reads texts into a vocabulary; several may look words up while none does. */
#ifndef GRADUS_ENGINE_TEXT_VOCABULARY_H
#define GRADUS_ENGINE_TEXT_VOCABULARY_H

#include "engine/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct nn_vocabulary nn_vocabulary;

/* Words get the ids 0, 1, ... as they come. `fold`: "The" and "the" are one word (errata E48.2):
 * ASCII capitals count as small letters. NULL: no memory. */
nn_vocabulary *nn_vocabulary_new(bool fold);
void nn_vocabulary_free(nn_vocabulary *vocabulary);

/* The words of `text`, as white space separates them, counted and added where they are new. Writes
 * the ids of the first `room` words; `ids` may be NULL with room 0. *words: how many there are,
 * also where that is more than `room`. Refuses a word of more than NN_WORD_MAX bytes; then nothing
 * has changed. */
enum { NN_WORD_MAX = 255 };
nn_status nn_vocabulary_read(nn_vocabulary *vocabulary, const char *text, int32_t *ids, int room,
                             int *words, nn_error *error);
/* -1 for a word that no text had. */
int32_t nn_vocabulary_find(const nn_vocabulary *vocabulary, const char *word);

int nn_vocabulary_count(const nn_vocabulary *vocabulary); /* of different words */
/* NULL and 0 for ids that do not exist. The text lives as long as the vocabulary. */
const char *nn_vocabulary_word(const nn_vocabulary *vocabulary, int32_t id);
int64_t nn_vocabulary_uses(const nn_vocabulary *vocabulary, int32_t id);

#endif
