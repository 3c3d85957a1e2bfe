/* Random numbers: the published answers, ranges, independence of order, an unbiased shuffle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The vectors that come with the authors' code (Random123, kat_vectors, philox4x32 10). */
static void philox_gives_the_published_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const uint32_t *c = known[i].counter, *k = known[i].key;
        nn_random_block got =
            nn_random(k[0] | (uint64_t)k[1] << 32, c[1], c[2] | (uint64_t)c[3] << 32, c[0]);
        assert_memory_equal(got.word, known[i].answer, sizeof got.word);
    }
}

static void words_are_those_of_the_blocks(void **state)
{
    (void)state;
    uint32_t words[4 * 41];
    for (int blocks = 0; blocks <= 41; blocks++) {
        uint32_t first = UINT32_MAX - 20; /* runs over the end */
        nn_random_words(3, 5, 1ull << 40, first, blocks, words);
        for (int b = 0; b < blocks; b++) {
            nn_random_block block = nn_random(3, 5, 1ull << 40, first + (uint32_t)b);
            assert_memory_equal(words + 4 * (ptrdiff_t)b, block.word, sizeof block.word);
        }
    }
}

static void uniforms_stay_in_range_and_spread(void **state)
{
    (void)state;
    enum { N = 40000 };
    double sum = 0, squares = 0;
    int bin[16] = {0};
    for (uint32_t i = 0; i < N; i++) {
        double u = nn_uniform_at(9, 4, 2, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
        bin[(int)(u * 16)]++;
    }
    assert_float_equal(sum / N, 0.5, 0.01);
    assert_float_equal(squares / N, 1 / 3.0, 0.01);
    for (int b = 0; b < 16; b++)
        assert_in_range(bin[b], N / 16 - 250, N / 16 + 250);
    assert_true(nn_random_uniform(UINT32_MAX) < 1);
    assert_true(nn_random_uniform(0) == 0);
}

static void normals_have_the_moments_of_a_normal(void **state)
{
    (void)state;
    enum { N = 60000 };
    double sum = 0, squares = 0, fourth = 0, neighbours = 0, before = 0;
    for (uint32_t i = 0; i < N; i++) {
        double x = nn_normal_at(1, 2, 3, i);
        assert_true(isfinite(x));
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
        neighbours += x * before;
        before = x;
    }
    assert_float_equal(sum / N, 0, 0.02);
    assert_float_equal(squares / N, 1, 0.02);
    assert_float_equal(fourth / N, 3, 0.15);
    assert_float_equal(neighbours / N, 0, 0.02);
}

static void every_part_of_the_key_counts(void **state)
{
    (void)state;
    double base = nn_uniform_at(1, 2, 3, 4);
    assert_true(nn_uniform_at(1, 2, 3, 4) == base);
    assert_true(nn_uniform_at(1 + (UINT64_C(1) << 40), 2, 3, 4) != base);
    assert_true(nn_uniform_at(1, 3, 3, 4) != base);
    assert_true(nn_uniform_at(1, 2, 3 + (UINT64_C(1) << 40), 4) != base);
    assert_true(nn_uniform_at(1, 2, 3, 5) != base);
}

static void streams_are_fnv1a(void **state)
{
    (void)state;
    assert_int_equal(nn_stream_of(""), 0x811c9dc5);
    assert_int_equal(nn_stream_of("a"), 0xe40c292c);
    assert_int_equal(nn_stream_of("foobar"), 0xbf9cf968);
}

static void a_shuffle_is_a_permutation_keyed_by_seed_and_epoch(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint32_t first[N], again[N], other[N];
    char seen[N] = {0};
    nn_shuffle(first, N, 5, 1);
    nn_shuffle(again, N, 5, 1);
    assert_memory_equal(first, again, sizeof first);
    nn_shuffle(other, N, 5, 2);
    assert_memory_not_equal(first, other, sizeof first);
    nn_shuffle(other, N, 6, 1);
    assert_memory_not_equal(first, other, sizeof first);
    for (int i = 0; i < N; i++) {
        assert_true(first[i] < N && !seen[first[i]]);
        seen[first[i]] = 1;
    }
    nn_shuffle(first, 0, 1, 1); /* nothing to do, nothing touched */
    nn_shuffle(first, 1, 1, 1);
    assert_int_equal(first[0], 0);
}

/* All 24 orders of four come up equally often: chi squared with 23 degrees of freedom. */
static void a_shuffle_is_unbiased(void **state)
{
    (void)state;
    enum { N = 24000 };
    int count[256] = {0};
    for (uint64_t epoch = 0; epoch < N; epoch++) {
        uint32_t o[4];
        nn_shuffle(o, 4, 77, epoch);
        count[o[0] << 6 | o[1] << 4 | o[2] << 2 | o[3]]++;
    }
    double chi = 0;
    int orders = 0;
    for (int i = 0; i < 256; i++)
        if (count[i]) {
            orders++;
            chi += (count[i] - N / 24.0) * (count[i] - N / 24.0) / (N / 24.0);
        }
    assert_int_equal(orders, 24);
    assert_true(chi < 49.7); /* 1 in 1000 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(words_are_those_of_the_blocks),
        cmocka_unit_test(uniforms_stay_in_range_and_spread),
        cmocka_unit_test(normals_have_the_moments_of_a_normal),
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(streams_are_fnv1a),
        cmocka_unit_test(a_shuffle_is_a_permutation_keyed_by_seed_and_epoch),
        cmocka_unit_test(a_shuffle_is_unbiased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
