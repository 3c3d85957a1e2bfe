/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"). A number depends only on (seed, stream, step, element), so a
 * dropout mask needs no storage, no order and no thread, and a resumed run draws what the
 * uninterrupted one would have drawn. All functions are pure and callable from any thread. */
#ifndef GRADUS_ENGINE_RNG_H
#define GRADUS_ENGINE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t word[4];
} nn_random_block;

/* Block number `block` of the sequence (seed, stream, step). */
nn_random_block nn_random(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block);

/* The words of `blocks` blocks from number `first` on, 4 a block; many at a time are several times
 * faster. */
void nn_random_words(uint64_t seed, uint32_t stream, uint64_t step, uint32_t first, int blocks,
                     uint32_t *words);

/* Uniform in [0,1) with 24 random bits. */
float nn_random_uniform(uint32_t word);
/* Element `element` of the sequence (seed, stream, step): uniform in [0,1) with 53 bits, and
 * standard normal (Box and Muller 1958). */
double nn_uniform_at(uint64_t seed, uint32_t stream, uint64_t step, uint32_t element);
double nn_normal_at(uint64_t seed, uint32_t stream, uint64_t step, uint32_t element);

/* FNV-1a: a stream number from a name, so that adding a layer leaves the others' weights unchanged.
 */
uint32_t nn_stream_of(const char *name);

/* order[i] = i shuffled by Fisher and Yates, keyed by (seed, epoch). Unbiased. */
void nn_shuffle(uint32_t *order, size_t count, uint64_t seed, uint64_t epoch);

#endif
