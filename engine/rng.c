#include "engine/rng.h"

#include "engine/kernel.h"

#include <math.h>

/* One round of Philox4x32 and its ten-fold repetition: Salmon et al. 2011, section 3.3. */
static void philox_round(uint32_t counter[4], const uint32_t key[2])
{
    uint64_t left = (uint64_t)0xD2511F53u * counter[0];
    uint64_t right = (uint64_t)0xCD9E8D57u * counter[2];
    uint32_t c1 = counter[1], c3 = counter[3];
    counter[0] = (uint32_t)(right >> 32) ^ c1 ^ key[0];
    counter[1] = (uint32_t)right;
    counter[2] = (uint32_t)(left >> 32) ^ c3 ^ key[1];
    counter[3] = (uint32_t)left;
}

nn_random_block nn_random(uint64_t seed, uint32_t stream, uint64_t step, uint32_t block)
{
    nn_random_block result = {{block, stream, (uint32_t)step, (uint32_t)(step >> 32)}};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < 10; round++) {
        philox_round(result.word, key);
        key[0] += 0x9E3779B9u; /* golden ratio */
        key[1] += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    return result;
}

enum { WIDE = 16 }; /* blocks side by side */

/* WIDE blocks word by word, each step of a round in a loop that becomes vector code. */
static inline void wide_blocks(uint64_t seed, uint32_t stream, uint64_t step, uint32_t first,
                               uint32_t *words)
{
    uint32_t c0[WIDE], c1[WIDE], c2[WIDE], c3[WIDE];
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int i = 0; i < WIDE; i++) {
        c0[i] = first + (uint32_t)i;
        c1[i] = stream;
        c2[i] = (uint32_t)step;
        c3[i] = (uint32_t)(step >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < WIDE; i++) {
            uint64_t left = (uint64_t)0xD2511F53u * c0[i], right = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(right >> 32) ^ c1[i] ^ key0;
            c1[i] = (uint32_t)right;
            c2[i] = (uint32_t)(left >> 32) ^ c3[i] ^ key1;
            c3[i] = (uint32_t)left;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    for (int i = 0; i < WIDE; i++) {
        words[4 * i] = c0[i];
        words[4 * i + 1] = c1[i];
        words[4 * i + 2] = c2[i];
        words[4 * i + 3] = c3[i];
    }
}

NN_KERNEL void nn_random_words(uint64_t seed, uint32_t stream, uint64_t step, uint32_t first,
                               int blocks, uint32_t *words)
{
    int done = 0;
    for (; done + WIDE <= blocks; done += WIDE)
        wide_blocks(seed, stream, step, first + (uint32_t)done, words + 4 * (int64_t)done);
    for (; done < blocks; done++) {
        nn_random_block block = nn_random(seed, stream, step, first + (uint32_t)done);
        for (int i = 0; i < 4; i++)
            words[4 * (int64_t)done + i] = block.word[i];
    }
}

float nn_random_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

static double uniform53(uint32_t high, uint32_t low)
{
    return (double)((((uint64_t)high << 32) | low) >> 11) * 0x1p-53;
}

/* A block holds two elements: words 0,1 and words 2,3. */
double nn_uniform_at(uint64_t seed, uint32_t stream, uint64_t step, uint32_t element)
{
    nn_random_block r = nn_random(seed, stream, step, element >> 1);
    unsigned first = (element & 1) * 2;
    return uniform53(r.word[first], r.word[first + 1]);
}

double nn_normal_at(uint64_t seed, uint32_t stream, uint64_t step, uint32_t element)
{
    nn_random_block r = nn_random(seed, stream, step, element >> 1);
    double radius = sqrt(-2 * log(1 - uniform53(r.word[0], r.word[1]))); /* log of (0,1] */
    double angle = 2 * 3.14159265358979323846 * uniform53(r.word[2], r.word[3]);
    return radius * (element & 1 ? sin(angle) : cos(angle));
}

uint32_t nn_stream_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

/* The words of one (seed, stream, step) in order. */
typedef struct {
    uint64_t seed, step;
    uint32_t stream, block;
    int next;
    nn_random_block current;
} word_source;

static uint32_t next_word(word_source *source)
{
    if (source->next == 4) {
        source->current = nn_random(source->seed, source->stream, source->step, source->block++);
        source->next = 0;
    }
    return source->current.word[source->next++];
}

/* Uniform in [0, bound) without bias: Lemire 2019, "Fast random integer generation in an interval".
 */
static uint32_t next_below(word_source *source, uint32_t bound)
{
    uint64_t product = (uint64_t)next_word(source) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = (uint32_t)-bound % bound; /* 2^32 mod bound */
        while ((uint32_t)product < threshold)
            product = (uint64_t)next_word(source) * bound;
    }
    return (uint32_t)(product >> 32);
}

void nn_shuffle(uint32_t *order, size_t count, uint64_t seed, uint64_t epoch)
{
    word_source source = {
        .seed = seed, .step = epoch, .stream = nn_stream_of("shuffle"), .next = 4};
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t left = count; left > 1; left--) {
        uint32_t pick = next_below(&source, (uint32_t)left);
        uint32_t held = order[left - 1];
        order[left - 1] = order[pick];
        order[pick] = held;
    }
}
