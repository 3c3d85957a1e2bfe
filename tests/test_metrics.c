/* Metrics, BLEU and edit distance, against numbers worked by hand and plain second ways. */
#include "engine/metrics.h"
#include "engine/rng.h"
#include "engine/text/bleu.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-9 * (1 + fabs(expected))))
        fail_msg("%.12g, expected %.12g", got, expected);
}

static void nothing_found_is_no_precision(void **state)
{
    (void)state;
    const int32_t labels[4] = {1, 1, 0, 0}, none[4] = {0, 0, 0, 0};
    nn_outcomes o = nn_outcomes_of(labels, none, 4);
    assert_true(o.false_negative == 2 && o.true_negative == 2);
    assert_near(nn_precision(o), 0);
    assert_near(nn_recall(o), 0);
    assert_near(nn_accuracy(o), 0.5);
    assert_near(nn_f_score(0, 0, 1), 0);
    assert_near(nn_f_score(0.5, 1, 1), 2.0 / 3);
    assert_near(nn_accuracy((nn_outcomes){0, 0, 0, 0}), 0);
}

/* The area under ROC is the share of pairs in order, ties half. */
static void roc_area_is_the_share_of_pairs_in_order(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    for (uint32_t n = 0; n < 20; n++) {
        int32_t labels[COUNT];
        double scores[COUNT], pairs = 0, ordered = 0;
        nn_curve_point points[COUNT + 1];
        int64_t count;
        nn_error error;
        for (uint32_t i = 0; i < COUNT; i++) {
            labels[i] = i < 2 ? (int32_t)i : nn_uniform_at(9, 1, n, i) < 0.3;
            scores[i] = floor(nn_uniform_at(9, 2, n, i) * 20) + 3 * labels[i]; /* with ties */
        }
        for (int i = 0; i < COUNT; i++)
            for (int j = 0; j < COUNT; j++)
                if (labels[i] && !labels[j]) {
                    pairs++;
                    ordered += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                }
        assert_int_equal(nn_score_curve(labels, scores, COUNT, points, &count, &error), NN_OK);
        assert_near(nn_roc_area(points, count), ordered / pairs);
        for (int64_t i = 1; i < count; i++) {
            nn_outcomes o = nn_outcomes_at(labels, scores, COUNT, points[i].threshold);
            assert_near(points[i].precision, nn_precision(o));
            assert_near(points[i].recall, nn_recall(o));
        }
        assert_near(points[count - 1].recall, 1);
        assert_near(points[count - 1].false_positive, 1);
    }
}

static void a_curve_needs_both_kinds(void **state)
{
    (void)state;
    const int32_t ones[2] = {1, 1}, both[2] = {0, 1};
    const double scores[2] = {1, 2}, bad[2] = {1, (double)NAN};
    nn_curve_point points[3];
    int64_t count;
    nn_error error;
    assert_int_equal(nn_score_curve(ones, scores, 2, points, &count, &error), NN_E_ARG);
    assert_int_equal(nn_score_curve(both, bad, 2, points, &count, &error), NN_E_NONFINITE);
    assert_int_equal(nn_score_curve(ones, scores, 0, points, &count, &error), NN_E_ARG);
    assert_int_equal(nn_score_curve(both, scores, 2, points, &count, &error), NN_OK);
    assert_near(nn_roc_area(points, count), 1);
    assert_near(nn_average_precision(points, count), 1);
}

/* 8 of 10 at 95 %: 0.4901625 .. 0.9433178 (Brown, Cai and DasGupta's formula, by hand). */
static void wilson_stays_within_bounds(void **state)
{
    (void)state;
    nn_interval i = nn_wilson(8, 10, 1.959963984540054);
    assert_true(fabs(i.low - 0.4901625) < 1e-6 && fabs(i.high - 0.9433178) < 1e-6);
    i = nn_wilson(0, 10, 1.96);
    assert_true(i.low == 0 && i.high > 0.2 && i.high < 0.35);
    i = nn_wilson(10, 10, 1.96);
    assert_true(i.high == 1 && i.low > 0.65 && i.low < 0.8);
    i = nn_wilson(0, 0, 1.96);
    assert_true(i.low == 0 && i.high == 1);
    assert_near(nn_perplexity(log(50)), 50);
}

/* --- texts --------------------------------------------------------------------------------- */

#define SENTENCE(...)                                                                              \
    ((nn_sentence){(const int32_t[]){__VA_ARGS__},                                                 \
                   (int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))})

/* n-grams compared one with another. */
static int64_t plain_count(const int32_t *gram, int n, nn_sentence s)
{
    int64_t count = 0;
    for (int i = 0; i + n <= s.length; i++)
        count += memcmp(gram, s.token + i, (size_t)n * sizeof *gram) == 0;
    return count;
}

static int64_t plain_matches(nn_sentence candidate, const nn_sentence *reference, int references,
                             int n)
{
    int64_t matches = 0;
    for (int i = 0; i + n <= candidate.length; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen |=
                memcmp(candidate.token + i, candidate.token + j, (size_t)n * sizeof(int32_t)) == 0;
        int64_t own = seen ? 0 : plain_count(candidate.token + i, n, candidate), most = 0;
        for (int r = 0; r < references; r++) {
            int64_t there = plain_count(candidate.token + i, n, reference[r]);
            most = there > most ? there : most;
        }
        matches += own < most ? own : most;
    }
    return matches;
}

static void ngrams_are_counted_as_by_hand(void **state)
{
    (void)state;
    enum { LONGEST = 25 };
    for (uint32_t n = 0; n < 60; n++) {
        int32_t token[4][LONGEST];
        nn_sentence sentence[4];
        for (uint32_t s = 0; s < 4; s++) {
            int length = (int)(nn_uniform_at(2, s, n, 99) * (LONGEST + 1));
            for (int i = 0; i < length; i++)
                token[s][i] = (int32_t)(nn_uniform_at(2, s, n, (uint32_t)i) * 4) - 1;
            sentence[s] = (nn_sentence){token[s], length};
        }
        nn_bleu bleu = {.length = 0};
        nn_error error;
        assert_int_equal(nn_bleu_add(&bleu, sentence[0], sentence + 1, 3, &error), NN_OK);
        for (int k = 1; k <= NN_BLEU_ORDER; k++) {
            int total = sentence[0].length - k + 1;
            assert_int_equal(bleu.total[k - 1], total > 0 ? total : 0);
            assert_int_equal(bleu.matches[k - 1], plain_matches(sentence[0], sentence + 1, 3, k));
        }
    }
}

static void a_corpus_adds_its_counts(void **state)
{
    (void)state;
    nn_bleu bleu = {.length = 0};
    nn_error error;
    const nn_sentence first = SENTENCE(1, 2, 3, 4), second = SENTENCE(7, 8, 9, 1, 2);
    const nn_sentence wrong = SENTENCE(7, 8, 9, 1, 6);
    assert_int_equal(nn_bleu_add(&bleu, first, &first, 1, &error), NN_OK);
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_PLAIN), 1);
    assert_int_equal(nn_bleu_add(&bleu, wrong, &second, 1, &error), NN_OK);
    /* 8/9, 6/7, 4/5, 2/3 of both together. */
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_PLAIN), pow(8.0 / 9 * 6 / 7 * 4 / 5 * 2 / 3, 0.25));
    assert_int_equal(nn_bleu_add(&bleu, first, NULL, 0, &error), NN_E_ARG);
}

static void smoothing_lifts_what_has_no_match(void **state)
{
    (void)state;
    nn_bleu bleu = {.length = 0};
    nn_error error;
    const nn_sentence said = SENTENCE(1, 2, 4, 3), meant = SENTENCE(3, 1, 2, 4);
    /* Every word is right, no pair is. */
    assert_int_equal(nn_bleu_add(&bleu, SENTENCE(2, 1, 4, 3), &meant, 1, &error), NN_OK);
    assert_int_equal(bleu.matches[0], 4);
    assert_int_equal(bleu.matches[1], 0);
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_PLAIN), 0);
    assert_near(nn_bleu_score(&bleu, 1, NN_BLEU_PLAIN), 1);
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_EPSILON), pow(0.1 / 3 * 0.1 / 2 * 0.1, 0.25));
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_ADD_ONE), pow(1.0 / 4 * 1 / 3 * 1 / 2, 0.25));
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_HALVING), pow(0.5 / 3 * 0.25 / 2 * 0.125, 0.25));
    bleu = (nn_bleu){.length = 0};
    assert_int_equal(nn_bleu_add(&bleu, said, &meant, 1, &error), NN_OK);
    assert_int_equal(bleu.matches[2], 1); /* 1 2 4 */
    /* Nothing right at all stays 0, and so does silence. */
    bleu = (nn_bleu){.length = 0};
    assert_int_equal(nn_bleu_add(&bleu, SENTENCE(9, 9), &meant, 1, &error), NN_OK);
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_EPSILON), 0);
    bleu = (nn_bleu){.length = 0};
    assert_int_equal(nn_bleu_add(&bleu, (nn_sentence){NULL, 0}, &meant, 1, &error), NN_OK);
    assert_near(nn_bleu_score(&bleu, 4, NN_BLEU_EPSILON), 0);
}

static void edits_are_as_few_as_possible(void **state)
{
    (void)state;
    int distance;
    nn_error error;
    const nn_sentence kitten = SENTENCE('k', 'i', 't', 't', 'e', 'n');
    const nn_sentence sitting = SENTENCE('s', 'i', 't', 't', 'i', 'n', 'g');
    const nn_sentence nothing = {NULL, 0};
    assert_int_equal(nn_edit_distance(kitten, sitting, &distance, &error), NN_OK);
    assert_int_equal(distance, 3);
    assert_int_equal(nn_edit_distance(sitting, kitten, &distance, &error), NN_OK);
    assert_int_equal(distance, 3);
    assert_int_equal(nn_edit_distance(kitten, nothing, &distance, &error), NN_OK);
    assert_int_equal(distance, 6);
    assert_int_equal(nn_edit_distance(nothing, nothing, &distance, &error), NN_OK);
    assert_int_equal(distance, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_found_is_no_precision),
        cmocka_unit_test(roc_area_is_the_share_of_pairs_in_order),
        cmocka_unit_test(a_curve_needs_both_kinds),
        cmocka_unit_test(wilson_stays_within_bounds),
        cmocka_unit_test(ngrams_are_counted_as_by_hand),
        cmocka_unit_test(a_corpus_adds_its_counts),
        cmocka_unit_test(smoothing_lifts_what_has_no_match),
        cmocka_unit_test(edits_are_as_few_as_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
