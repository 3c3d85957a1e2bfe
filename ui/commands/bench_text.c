#include "ui/commands/bench_text.h"

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>

/* DRAWS: the table of words to draw from, each as often as it should come. */
enum { LENGTH = 1 << 17, WINDOW = 5, DRAWS = 1 << 18, SEED = 1, RANDOM_BLOCKS = 1024 };
enum { STREAM_TEXT, STREAM_DRAWS, STREAM_SHUFFLE };

typedef struct {
    int32_t i, j;
    nn_real count;
} meeting;

struct bench_text {
    int32_t *word;  /* LENGTH of them */
    int32_t *drawn; /* DRAWS */
    meeting *met;
    size_t meetings, next_meeting;
    uint64_t centres; /* begun so far */
    int64_t at;       /* the word in the middle, its window, the next place in it */
    int64_t window, place;
    uint32_t random[4 * RANDOM_BLOCKS];
    uint32_t used;
    uint64_t refills;
};

/* --- making ------------------------------------------------------------------------------------
 */

/* Place i of `count` evenly spaced ones, or a random one, to a word: `share` says how much each
 * word has of the whole. */
static void spread(int32_t *words, int count, const double *share, int vocabulary)
{
    double end = 0;
    int filled = 0;
    for (int w = 0; w < vocabulary; w++) {
        end += share[w] * count;
        while (filled < count && (filled < end || w == vocabulary - 1))
            words[filled++] = w;
    }
}

/* Shares of 1/(rank+1) to a power; they add up to 1. */
static void fill_shares(double *share, int vocabulary, double power)
{
    double sum = 0;
    for (int w = 0; w < vocabulary; w++)
        sum += share[w] = pow(w + 1, -power);
    for (int w = 0; w < vocabulary; w++)
        share[w] /= sum;
}

/* Words in random order, and how often each comes is exact. */
static bool write_text(bench_text *text, int vocabulary)
{
    double *share = malloc((size_t)vocabulary * sizeof *share);
    uint32_t *order = malloc(LENGTH * sizeof *order);
    int32_t *sorted = malloc(LENGTH * sizeof *sorted);
    if (share && order && sorted) {
        fill_shares(share, vocabulary, 1);
        spread(sorted, LENGTH, share, vocabulary);
        nn_shuffle(order, LENGTH, SEED, STREAM_TEXT);
        for (int i = 0; i < LENGTH; i++)
            text->word[i] = sorted[order[i]];
        fill_shares(share, vocabulary, 0.75);
        spread(text->drawn, DRAWS, share, vocabulary);
    }
    bool done = share && order && sorted;
    free(share);
    free(order);
    free(sorted);
    return done;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Keys of the same pair of words, which differ in the distance alone, become one entry. */
static void merge(bench_text *text, const uint64_t *key, size_t keys)
{
    for (size_t k = 0; k < keys; k++) {
        int32_t i = (int32_t)(key[k] >> 32), j = (int32_t)(key[k] >> 4 & 0xfffffff);
        bool again = k > 0 && key[k] >> 4 == key[k - 1] >> 4;
        if (!again)
            text->met[text->meetings++] = (meeting){i, j, 0};
        text->met[text->meetings - 1].count += 1 / (nn_real)(key[k] & 15);
    }
}

static void shuffle(bench_text *text)
{
    for (size_t k = text->meetings - 1; k > 0; k--) {
        double u = nn_uniform_at(SEED, STREAM_SHUFFLE, 0, (uint32_t)k);
        size_t other = (size_t)(u * (double)(k + 1));
        meeting kept = text->met[k];
        text->met[k] = text->met[other];
        text->met[other] = kept;
    }
}

static bool count_meetings(bench_text *text)
{
    size_t most = (size_t)LENGTH * 2 * WINDOW, keys = 0;
    uint64_t *key = malloc(most * sizeof *key);
    text->met = malloc(most * sizeof *text->met);
    for (int64_t a = 0; key && text->met && a < LENGTH; a++)
        for (int64_t d = -WINDOW; d <= WINDOW; d++)
            if (d != 0 && a + d >= 0 && a + d < LENGTH)
                key[keys++] = (uint64_t)text->word[a] << 32 | (uint64_t)text->word[a + d] << 4 |
                              (uint64_t)(d < 0 ? -d : d);
    if (keys > 0) {
        qsort(key, keys, sizeof *key, compare_keys);
        merge(text, key, keys);
        shuffle(text);
    }
    free(key);
    return keys > 0;
}

bench_text *bench_text_new(int vocabulary)
{
    bench_text *text = calloc(1, sizeof *text);
    if (!text)
        return NULL;
    text->word = malloc(LENGTH * sizeof *text->word);
    text->drawn = malloc(DRAWS * sizeof *text->drawn);
    text->used = 4 * RANDOM_BLOCKS;
    text->at = -1;
    if (!text->word || !text->drawn || !write_text(text, vocabulary) || !count_meetings(text)) {
        bench_text_free(text);
        return NULL;
    }
    return text;
}

void bench_text_free(bench_text *text)
{
    if (!text)
        return;
    free(text->word);
    free(text->drawn);
    free(text->met);
    free(text);
}

/* --- examples ----------------------------------------------------------------------------------
 */

static uint32_t draw(bench_text *text)
{
    if (text->used == 4 * RANDOM_BLOCKS) {
        nn_random_words(SEED, STREAM_DRAWS, text->refills++, 0, RANDOM_BLOCKS, text->random);
        text->used = 0;
    }
    return text->random[text->used++];
}

/* The next neighbour of the word in the middle, or the first one of the next word. */
static int32_t next_neighbour(bench_text *text)
{
    for (;;) {
        if (text->at < 0 || text->place > text->window) {
            text->at = (text->at + 1) % LENGTH;
            text->centres++;
            text->window = 1 + (int64_t)((uint64_t)draw(text) * WINDOW >> 32);
            text->place = -text->window;
        }
        int64_t neighbour = text->at + text->place++;
        if (neighbour != text->at && neighbour >= 0 && neighbour < LENGTH)
            return text->word[neighbour];
    }
}

void bench_text_pairs(bench_text *text, int rows, int others, int32_t *centre, int32_t *words)
{
    for (int r = 0; r < rows; r++) {
        *words++ = next_neighbour(text);
        centre[r] = text->word[text->at];
        for (int k = 0; k < others; k++)
            *words++ = text->drawn[draw(text) % DRAWS];
    }
}

double bench_text_read(const bench_text *text)
{
    return (double)text->centres;
}

void bench_text_meetings(bench_text *text, int rows, int32_t *i, int32_t *j, nn_real *count)
{
    for (int r = 0; r < rows; r++) {
        const meeting *m = &text->met[text->next_meeting];
        text->next_meeting = (text->next_meeting + 1) % text->meetings;
        i[r] = m->i;
        j[r] = m->j;
        count[r] = m->count;
    }
}
