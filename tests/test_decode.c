/* Beam search against every text there is, sampling against its shares, word vectors by hand. */
#include "engine/rng.h"
#include "engine/text/decode.h"
#include "engine/text/vectors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 3, LENGTH = 4, END = 2, TEXTS = 40 };

/* The probability of a word hangs on the whole text before it. */
static void distribution(uint64_t seed, const int32_t *text, int length, double p[WORDS])
{
    uint64_t place = 1;
    double sum = 0;
    for (int i = 0; i < length; i++)
        place = place * 4 + (uint64_t)text[i];
    for (uint32_t t = 0; t < WORDS; t++)
        sum += p[t] = nn_uniform_at(seed, 7, place, t) + 0.01;
    for (int t = 0; t < WORDS; t++)
        p[t] = log(p[t] / sum);
}

typedef struct {
    uint64_t seed;
    int calls, longest;
} asked;

static nn_status ask(void *context, const nn_beam_step *step, double *answer, nn_error *error)
{
    asked *a = context;
    a->calls++;
    a->longest = step->length;
    for (int i = 0; i < step->count; i++) {
        if (step->parent[i] < 0)
            return nn_fail(error, NN_E_STATE, "no parent");
        distribution(a->seed, step->tokens + (size_t)i * (size_t)step->stride, step->length,
                     answer + (size_t)i * WORDS);
    }
    return NN_OK;
}

/* The best score over all texts that begin with these tokens. */
static double best_of_all(uint64_t seed, int32_t *text, int length, double so_far, double power)
{
    double best = -INFINITY, p[WORDS];
    distribution(seed, text, length, p);
    for (int32_t t = 0; t < WORDS; t++) {
        double sum = so_far + p[t], one;
        text[length] = t;
        if (t == END || length + 1 == LENGTH)
            one = sum / pow(length + 1, power);
        else
            one = best_of_all(seed, text, length + 1, sum, power);
        best = fmax(best, one);
    }
    return best;
}

static void a_wide_beam_finds_the_best_text(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++)
        for (int power = 0; power <= 2; power++) {
            nn_beam_args args = {WORDS, TEXTS, LENGTH, END, power / 2.0};
            nn_beam_text texts[TEXTS];
            int32_t tokens[TEXTS * LENGTH], room[LENGTH];
            int count;
            nn_error error;
            asked a = {.seed = seed};
            assert_int_equal(nn_beam_search(args, ask, &a, texts, tokens, &count, &error), NN_OK);
            double best = best_of_all(seed, room, 0, 0, power / 2.0);
            assert_true(fabs(texts[0].score - best) < 1e-12);
            assert_int_equal(count, 31); /* 1 + 2 + 4 that end before, 8 x 3 of full length */
            for (int i = 1; i < count; i++)
                assert_true(texts[i].score <= texts[i - 1].score);
        }
}

static void width_one_is_greedy(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        nn_beam_args args = {WORDS, 1, LENGTH, END, 0};
        nn_beam_text text;
        int32_t tokens[LENGTH], greedy[LENGTH];
        int count, length = 0;
        double p[WORDS], sum = 0;
        nn_error error;
        asked a = {.seed = seed};
        assert_int_equal(nn_beam_search(args, ask, &a, &text, tokens, &count, &error), NN_OK);
        assert_int_equal(count, 1);
        while (length < LENGTH && (length == 0 || greedy[length - 1] != END)) {
            int32_t best = 0;
            distribution(seed, greedy, length, p);
            for (int32_t t = 1; t < WORDS; t++)
                best = p[t] > p[best] ? t : best;
            sum += p[best];
            greedy[length++] = best;
        }
        assert_int_equal(text.length, length);
        assert_memory_equal(tokens, greedy, (size_t)length * sizeof *tokens);
        assert_true(fabs(text.log_probability - sum) < 1e-12);
    }
}

static nn_status refuse(void *context, const nn_beam_step *step, double *answer, nn_error *error)
{
    (void)step;
    if (*(int *)context == 0)
        return nn_fail(error, NN_E_STATE, "the model is tired");
    for (int t = 0; t < WORDS; t++)
        answer[t] = *(int *)context == 1 ? (double)NAN : -INFINITY;
    return NN_OK;
}

static void a_search_that_cannot_go_on_says_so(void **state)
{
    (void)state;
    nn_beam_args args = {WORDS, 2, LENGTH, END, 0};
    nn_beam_text texts[2];
    int32_t tokens[2 * LENGTH];
    int count, mood = 0;
    nn_error error;
    assert_int_equal(nn_beam_search(args, refuse, &mood, texts, tokens, &count, &error),
                     NN_E_STATE);
    assert_string_equal(error.text, "the model is tired");
    mood = 1;
    assert_int_equal(nn_beam_search(args, refuse, &mood, texts, tokens, &count, &error),
                     NN_E_NONFINITE);
    mood = 2; /* nothing is possible: no text */
    assert_int_equal(nn_beam_search(args, refuse, &mood, texts, tokens, &count, &error), NN_OK);
    assert_int_equal(count, 0);
    args.width = 0;
    assert_int_equal(nn_beam_search(args, refuse, &mood, texts, tokens, &count, &error), NN_E_ARG);
    args.width = 1 << 30;
    assert_int_equal(nn_beam_search(args, refuse, &mood, texts, tokens, &count, &error), NN_E_ARG);
}

/* How often each token is drawn in many steps. */
static void draw(const double *logits, nn_sample_args args, double share[WORDS])
{
    enum { DRAWS = 20000 };
    nn_error error;
    memset(share, 0, WORDS * sizeof *share);
    for (uint64_t step = 0; step < DRAWS; step++) {
        int32_t token, again;
        assert_int_equal(nn_sample_token(logits, WORDS, args, 5, step, &token, &error), NN_OK);
        assert_int_equal(nn_sample_token(logits, WORDS, args, 5, step, &again, &error), NN_OK);
        assert_int_equal(token, again);
        share[token] += 1.0 / DRAWS;
    }
}

static void assert_shares(const double *share, double a, double b, double c)
{
    /* Five standard deviations of 20,000 draws are below 0.018. */
    assert_true(fabs(share[0] - a) < 0.018 && fabs(share[1] - b) < 0.018 &&
                fabs(share[2] - c) < 0.018);
}

static void tokens_are_drawn_by_their_shares(void **state)
{
    (void)state;
    const double logits[WORDS] = {log(0.2), log(0.5), log(0.3)};
    double share[WORDS];
    draw(logits, (nn_sample_args){.temperature = 1}, share);
    assert_shares(share, 0.2, 0.5, 0.3);
    draw(logits, (nn_sample_args){.temperature = 0.5}, share);
    assert_shares(share, 4.0 / 38, 25.0 / 38, 9.0 / 38);
    draw(logits, (nn_sample_args){.temperature = 1, .top_k = 2}, share);
    assert_true(share[0] == 0);
    assert_shares(share, 0, 0.625, 0.375);
    draw(logits, (nn_sample_args){.temperature = 1, .nucleus = 0.6}, share);
    assert_true(share[0] == 0);
    assert_shares(share, 0, 0.625, 0.375);
    draw(logits, (nn_sample_args){.temperature = 1, .nucleus = 0.01}, share);
    assert_true(share[0] == 0 && share[2] == 0);
    draw(logits, (nn_sample_args){0}, share);
    assert_true(share[0] == 0 && share[2] == 0);
}

static void sampling_refuses_what_it_cannot_draw(void **state)
{
    (void)state;
    const double bad[WORDS] = {0, (double)NAN, 0}, none[WORDS] = {-INFINITY, -INFINITY, -INFINITY};
    const double good[WORDS] = {-INFINITY, 0, -INFINITY};
    int32_t token;
    nn_error error;
    nn_sample_args args = {.temperature = 1};
    assert_int_equal(nn_sample_token(bad, WORDS, args, 1, 1, &token, &error), NN_E_NONFINITE);
    assert_int_equal(nn_sample_token(none, WORDS, args, 1, 1, &token, &error), NN_E_ARG);
    assert_int_equal(nn_sample_token(good, 0, args, 1, 1, &token, &error), NN_E_ARG);
    assert_int_equal(nn_sample_token(good, WORDS, args, 1, 1, &token, &error), NN_OK);
    assert_int_equal(token, 1);
    args.nucleus = 2;
    assert_int_equal(nn_sample_token(good, WORDS, args, 1, 1, &token, &error), NN_E_ARG);
}

/* --- vectors -------------------------------------------------------------------------------- */

static void the_nearest_rows_come_first(void **state)
{
    (void)state;
    const nn_real table[] = {1, 0, 0, 1, 3, 4, -1, 0, (nn_real)NAN, 0, 2, 0};
    const nn_real query[] = {1, 0};
    const int without[] = {0};
    nn_neighbour found[6];
    int count;
    nn_error error;
    assert_int_equal(
        nn_nearest(table, 6, 2, query, NN_BY_COSINE, NULL, 0, 4, found, &count, &error), NN_OK);
    assert_int_equal(count, 4);
    assert_true(found[0].row == 0 && found[1].row == 5 && found[2].row == 2 && found[3].row == 1);
    assert_true(fabs(found[2].value - 0.6) < 1e-7);
    assert_int_equal(
        nn_nearest(table, 6, 2, query, NN_BY_DISTANCE, without, 1, 6, found, &count, &error),
        NN_OK);
    assert_int_equal(count, 4); /* neither row 0 nor the one of NaN */
    assert_true(found[0].row == 5 && found[1].row == 1 && found[2].row == 3 && found[3].row == 2);
    assert_int_equal(
        nn_nearest(table, 6, 2, query, NN_BY_COSINE, NULL, 0, 0, found, &count, &error), NN_E_ARG);
    assert_true(nn_cosine((const nn_real[]){0, 0}, query, 2) == 0);
}

static void an_equalised_pair_differs_along_the_axis_alone(void **state)
{
    (void)state;
    nn_real one[3] = {(nn_real)0.8, (nn_real)0.3, (nn_real)0.1};
    nn_real two[3] = {(nn_real)-0.5, (nn_real)0.2, (nn_real)0.4};
    const nn_real axis[3] = {2, 0, 0}, none[3] = {0, 0, 0};
    nn_error error;
    assert_int_equal(nn_equalise(one, two, axis, 3, &error), NN_OK);
    assert_true(fabs((double)(one[0] + two[0])) < 1e-6);
    assert_true(one[1] == two[1] && one[2] == two[2] && one[0] > 0);
    assert_true(fabs(nn_inner_product(one, one, 3) - 1) < 1e-6);
    assert_int_equal(nn_equalise(one, two, none, 3, &error), NN_E_ARG);
    assert_int_equal(nn_equalise(one, one, axis, 3, &error), NN_E_ARG);
    assert_int_equal(nn_neutralise(one, none, 3, two, &error), NN_E_ARG);
    double shares[2];
    assert_int_equal(nn_unigram_shares((const double[]){16, 81}, 2, 0.75, shares, &error), NN_OK);
    assert_true(fabs(shares[0] - 8.0 / 35) < 1e-12);
    assert_int_equal(nn_unigram_shares((const double[]){0, 0}, 2, 0.75, shares, &error), NN_E_ARG);
    assert_int_equal(nn_unigram_shares((const double[]){1, -1}, 2, 0.75, shares, &error), NN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_beam_finds_the_best_text),
        cmocka_unit_test(width_one_is_greedy),
        cmocka_unit_test(a_search_that_cannot_go_on_says_so),
        cmocka_unit_test(tokens_are_drawn_by_their_shares),
        cmocka_unit_test(sampling_refuses_what_it_cannot_draw),
        cmocka_unit_test(the_nearest_rows_come_first),
        cmocka_unit_test(an_equalised_pair_differs_along_the_axis_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
