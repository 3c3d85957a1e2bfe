/* Words and their numbers. */
#include "engine/text/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int read_words(nn_vocabulary *v, const char *text, int32_t *ids, int room)
{
    int words = -1;
    nn_error error = {NN_OK, ""};
    if (nn_vocabulary_read(v, text, ids, room, &words, &error) != NN_OK)
        fail_msg("%s", error.text);
    return words;
}

static void words_are_numbered_as_they_come(void **state)
{
    (void)state;
    nn_vocabulary *v = nn_vocabulary_new(false);
    int32_t ids[8] = {-7, -7, -7, -7, -7, -7, -7, -7};
    assert_int_equal(read_words(v, "the cat\ton  the\n mat ", ids, 4), 5);
    assert_memory_equal(ids, ((int32_t[]){0, 1, 2, 0, -7}), 5 * sizeof *ids);
    assert_int_equal(read_words(v, "The dog", ids, 8), 2);
    assert_int_equal(ids[0], 4);
    assert_int_equal(nn_vocabulary_count(v), 6);
    assert_string_equal(nn_vocabulary_word(v, 3), "mat");
    assert_int_equal(nn_vocabulary_uses(v, 0), 2);
    assert_int_equal(nn_vocabulary_find(v, "dog"), 5);
    assert_int_equal(nn_vocabulary_find(v, "bird"), -1);
    assert_int_equal(nn_vocabulary_find(v, ""), -1);
    assert_null(nn_vocabulary_word(v, 6));
    assert_null(nn_vocabulary_word(v, -1));
    assert_int_equal(nn_vocabulary_uses(v, 6), 0);
    assert_int_equal(read_words(v, " \n", NULL, 0), 0);
    nn_vocabulary_free(v);
}

static void capitals_may_count_as_small_letters(void **state)
{
    (void)state;
    nn_vocabulary *v = nn_vocabulary_new(true);
    assert_int_equal(read_words(v, "The THE the", NULL, 0), 3);
    assert_int_equal(nn_vocabulary_count(v), 1);
    assert_string_equal(nn_vocabulary_word(v, 0), "the");
    assert_int_equal(nn_vocabulary_find(v, "tHe"), 0);
    nn_vocabulary_free(v);
}

static void many_words_are_all_found(void **state)
{
    (void)state;
    enum { WORDS = 20000 };
    nn_vocabulary *v = nn_vocabulary_new(false);
    char text[16];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < WORDS; i++) {
            int32_t id;
            snprintf(text, sizeof text, "w%x", i * 7919);
            assert_int_equal(read_words(v, text, &id, 1), 1);
            assert_int_equal(id, i);
        }
    assert_int_equal(nn_vocabulary_count(v), WORDS);
    assert_string_equal(nn_vocabulary_word(v, WORDS - 1), text);
    nn_vocabulary_free(v);
}

static void a_word_too_long_changes_nothing(void **state)
{
    (void)state;
    nn_vocabulary *v = nn_vocabulary_new(false);
    nn_error error;
    int words;
    char text[NN_WORD_MAX + 10] = "fine ";
    memset(text + 5, 'x', NN_WORD_MAX + 1);
    assert_int_equal(nn_vocabulary_read(v, text, NULL, 0, &words, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "256 bytes"));
    assert_int_equal(nn_vocabulary_count(v), 0);
    assert_int_equal(nn_vocabulary_find(v, text + 5), -1);
    text[5 + NN_WORD_MAX] = 0;
    assert_int_equal(read_words(v, text, NULL, 0), 2);
    assert_int_equal(nn_vocabulary_find(v, text + 5), 1);
    nn_vocabulary_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_numbered_as_they_come),
        cmocka_unit_test(capitals_may_count_as_small_letters),
        cmocka_unit_test(many_words_are_all_found),
        cmocka_unit_test(a_word_too_long_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
