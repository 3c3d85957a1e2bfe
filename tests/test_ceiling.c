/* Is the ceiling true? The tagged examples' answers are put right and the error is measured; and
 * the labels that a rule suspects, on data whose labels were made wrong on purpose. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/example_fixture.h"
#include "ui/ceiling.h"
#include "ui/run_data.h"
#include "ui/suspects.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tag(recorder *r, const char *content, int64_t example, const char *name)
{
    nn_error error = {0};
    example_change change = {.kind = EXAMPLE_TAG, .example = example};
    snprintf(change.text, sizeof change.text, "%s", name);
    if (recorder_examples(r, content, "", &change, 1, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static void set_effort(recorder *r, const char *content, const char *name, const char *effort)
{
    nn_error error = {0};
    example_change change = {.kind = TAG_EFFORT};
    snprintf(change.text, sizeof change.text, "%s", name);
    snprintf(change.other, sizeof change.other, "%s", effort);
    if (recorder_examples(r, content, "", &change, 1, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static example_book *open_book(store *s, run_id run, nn_part part)
{
    nn_error error = {0};
    example_book *book = example_book_open(s, run, part, &error);
    if (!book)
        fail_msg("%s", error.text);
    return book;
}

static const ceiling_row *row_of_tag(const example_book *book, const ceiling_table *table,
                                     const char *name)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(book->tags[table->rows[i].tag].name, name) == 0)
            return &table->rows[i];
    fail_msg("no row for %s", name);
    return NULL;
}

static ceiling_table make_table(const example_book *book, const example_book *other)
{
    nn_error error = {0};
    ceiling_table table;
    if (ceiling_make(book, other, &table, &error) != NN_OK)
        fail_msg("%s", error.text);
    return table;
}

/* A run as `book` says, but right on every example that bears the tag. */
static run_id run_with_tag_fixed(recorder *r, const nn_dataset *digits, const example_book *book,
                                 const char *name)
{
    int which = example_book_tag(book, name);
    assert_true(which >= 0);
    int *answers = calloc((size_t)book->count, sizeof *answers);
    assert_non_null(answers);
    for (int64_t i = 0; i < book->count; i++) {
        const book_example *e = &book->examples[i];
        answers[e->place] = e->tags >> which & 1 ? e->truth : e->predicted;
    }
    run_id run = fixture_dev_answers(r, name, digits, answers);
    free(answers);
    return run;
}

/* Every error is in the sample: the ceiling must be the very error. */
static void test_ceiling_is_what_fixing_gives(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    nn_dataset *digits = fixture_digits(0);
    run_id run = fixture_answers(r, "one", digits, 4);
    store *s = open_store(place);
    example_book *book = open_book(s, run, NN_DEV);
    int64_t id, seen = 0;
    assert_int_equal(recorder_new_analysis(r, run, NN_DEV, 1, 1000, &id, &error), NN_OK);
    for (int64_t i = 0; i < book->count; i++) {
        if (!book_example_wrong(&book->examples[i]))
            continue;
        if (seen % 3 == 0)
            tag(r, book->content, book->examples[i].example, "blurry");
        if (seen % 5 == 0)
            tag(r, book->content, book->examples[i].example, "dark");
        seen++;
    }
    set_effort(r, book->content, "dark", "30 min");
    assert_int_equal(recorder_analysis_seen(r, id, NULL, -1, &error), NN_OK);
    assert_int_equal(example_book_refresh(book, s, &error), NN_OK);
    ceiling_table table = make_table(book, NULL);
    assert_int_equal(table.looked_at, seen);
    assert_int_equal(table.sampled, seen);

    const char *const names[] = {"blurry", "dark"};
    for (int k = 0; k < 2; k++) {
        const ceiling_row *row = row_of_tag(book, &table, names[k]);
        example_book *fixed = open_book(s, run_with_tag_fixed(r, digits, book, names[k]), NN_DEV);
        double measured = (double)fixed->errors / (double)fixed->count;
        assert_float_equal(row->ceiling, measured, 1e-12);
        assert_float_equal(row->explains, (double)(book->errors - fixed->errors), 1e-9);
        ceiling_table beside = make_table(book, fixed);
        assert_int_equal(row_of_tag(book, &beside, names[k])->still_wrong, 0);
        assert_int_equal(beside.other_wrong, fixed->errors);
        ceiling_free(&beside);
        example_book_free(fixed);
    }
    /* Overlap: what each explains alone. */
    int64_t both = (seen + 14) / 15;
    const ceiling_row *blurry = row_of_tag(book, &table, "blurry");
    const ceiling_row *dark = row_of_tag(book, &table, "dark");
    assert_int_equal(blurry->alone, blurry->count - both);
    assert_int_equal(dark->alone, dark->count - both);
    assert_true(blurry->low < blurry->share && blurry->share < blurry->high);
    /* Half an hour for dark, a day for blurry: dark comes first although it is the smaller. */
    assert_true(dark->gain < blurry->gain);
    assert_ptr_equal(&table.rows[0], dark);
    ceiling_free(&table);
    example_book_free(book);
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

/* Part of the errors: the true share lies in the interval (the seed is fixed), and tags given
 * outside the sample change no share. */
static void test_only_the_sample_counts(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    nn_dataset *digits = fixture_digits(0);
    run_id run = fixture_answers(r, "one", digits, 2);
    store *s = open_store(place);
    example_book *book = open_book(s, run, NN_DEV);
    int64_t id, true_count = 0, outside = 0;

    ceiling_table table = make_table(book, NULL);
    assert_int_equal(table.sampled, 0);
    ceiling_free(&table);
    assert_int_equal(recorder_new_analysis(r, run, NN_DEV, 3, 30, &id, &error), NN_OK);
    assert_int_equal(recorder_analysis_seen(r, id, NULL, -1, &error), NN_OK);
    assert_int_equal(example_book_refresh(book, s, &error), NN_OK);
    for (int64_t i = 0; i < book->count; i++) {
        const book_example *e = &book->examples[i];
        if (!book_example_wrong(e) || e->truth < 4)
            continue;
        true_count++;
        outside += e->sampled == 0;
        tag(r, book->content, e->example, "high");
    }
    assert_int_equal(example_book_refresh(book, s, &error), NN_OK);
    table = make_table(book, NULL);
    const ceiling_row *row = row_of_tag(book, &table, "high");
    assert_int_equal(table.looked_at, 30);
    assert_int_equal(row->browsed, outside);
    assert_int_equal(row->count, true_count - outside);
    double share = (double)true_count / (double)book->errors;
    assert_true(row->low <= share && share <= row->high);
    assert_float_equal(row->share, (double)row->count / 30, 1e-12);
    ceiling_free(&table);
    example_book_free(book);
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

static void test_efforts(void **state)
{
    (void)state;
    assert_float_equal(ceiling_hours("2 h"), 2, 0);
    assert_float_equal(ceiling_hours("30 min"), .5, 0);
    assert_float_equal(ceiling_hours("1.5 days"), 12, 0);
    assert_float_equal(ceiling_hours("a week"), 40, 0);
    assert_true(ceiling_hours("easy") < ceiling_hours("medium"));
    assert_true(ceiling_hours("medium") < ceiling_hours("Hard"));
    assert_true(isnan(ceiling_hours("")));
    assert_true(isnan(ceiling_hours("some")));
    assert_true(isnan(ceiling_hours("-3 h")));
    assert_true(isnan(ceiling_hours("3 parsecs")));
}

/* --- labels ------------------------------------------------------------------------------------
 */

static void test_flips_are_exact(void **state)
{
    (void)state;
    nn_dataset *clean = fixture_digits(0), *flipped = fixture_digits(.05);
    int64_t changed = 0, count = 0;
    for (; nn_dataset_label_of(clean, count) >= 0; count++)
        changed += nn_dataset_label_of(clean, count) != nn_dataset_label_of(flipped, count);
    assert_int_equal(changed, llround(.05 * (double)count));
    assert_string_not_equal(nn_dataset_checksum(clean), nn_dataset_checksum(flipped));
    nn_dataset_free(clean);
    nn_dataset_free(flipped);
}

/* Fixes change labels and fingerprint, but neither split nor checksum; -1 leaves out. */
static void test_fixes_of_data(void **state)
{
    (void)state;
    nn_error error = {0};
    nn_dataset *data = fixture_digits(0), *clean = fixture_digits(0);
    int64_t id = nn_dataset_id(data, NN_TRAIN, 5), gone = nn_dataset_id(data, NN_DEV, 3), place;
    int label = nn_dataset_label_of(data, id);
    nn_label_fix fixes[] = {{id, label, (label + 1) % 10},
                            {gone, nn_dataset_label_of(data, gone), -1}};
    if (nn_dataset_fix(data, fixes, 2, &error) != NN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(nn_dataset_label(data, NN_TRAIN, 5), (label + 1) % 10);
    assert_int_equal(nn_dataset_count(data, NN_DEV), nn_dataset_count(clean, NN_DEV) - 1);
    assert_int_equal(nn_dataset_find(data, gone, &place), NN_PARTS);
    assert_int_equal(nn_dataset_find(data, id, &place), NN_TRAIN);
    assert_int_equal(place, 5);
    assert_int_equal(nn_dataset_class_count(data, NN_TRAIN, label),
                     nn_dataset_class_count(clean, NN_TRAIN, label) - 1);
    assert_string_equal(nn_dataset_checksum(data), nn_dataset_checksum(clean));
    assert_string_not_equal(nn_dataset_fingerprint(data), nn_dataset_fingerprint(clean));

    nn_label_fix bad[] = {{id, 77, 1}, {99999, 0, 1}, {gone + 1, 0, 10}};
    for (int i = 0; i < 3; i++) {
        char before[17];
        snprintf(before, sizeof before, "%s", nn_dataset_fingerprint(clean));
        assert_int_not_equal(nn_dataset_fix(clean, &bad[i], 1, &error), NN_OK);
        assert_string_equal(before, nn_dataset_fingerprint(clean));
    }
    nn_dataset_free(data);
    nn_dataset_free(clean);
}

/* Dev and test by one rule, or not at all. */
static void test_rule_for_dev_and_test(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    nn_dataset *digits = fixture_digits(0);
    run_id run = fixture_answers(r, "one", digits, 4);
    store *s = open_store(place);
    example_book *dev = open_book(s, run, NN_DEV), *test = open_book(s, run, NN_TEST);
    char rule[EXAMPLE_RULE];
    int64_t right = -1, likely = -1, in_train = nn_dataset_id(digits, NN_TRAIN, 0);
    const example_book *books[] = {dev, test};
    suspect_list found;
    assert_int_equal(suspects_rank(books, 2, SUSPECT_SELF, &found, &error), NN_OK);
    assert_int_equal(found.count, dev->count + test->count);
    for (int64_t i = 0; i < found.count; i++) {
        if (i > 0)
            assert_true(found.list[i].score >= found.list[i - 1].score);
        if (found.list[i].likely && likely < 0)
            likely = found.list[i].example;
        if (found.list[i].given == found.list[i].suggested)
            right = found.list[i].example;
    }
    suspects_free(&found);
    assert_int_equal(suspects_rule(dev, test, in_train, NULL, rule, &error), NN_OK);
    assert_string_equal(rule, "");
    assert_int_equal(suspects_rule(dev, test, likely, NULL, rule, &error), NN_OK);
    assert_non_null(strstr(rule, "dev and test alike"));
    assert_int_equal(suspects_rule(dev, test, right, NULL, rule, &error), NN_E_STATE);
    assert_non_null(strstr(error.text, "chapter 25"));
    assert_int_equal(suspects_rule(dev, test, right, "all digits", rule, &error), NN_OK);
    assert_string_equal(rule, "all digits");
    assert_int_equal(suspects_rule(dev, NULL, dev->examples[0].example, NULL, rule, &error), NN_OK);

    /* A fix made for train is not used where another split puts its example into dev. */
    int label = nn_dataset_label_of(digits, dev->examples[0].example);
    example_change fix = {.kind = EXAMPLE_FIX,
                          .example = dev->examples[0].example,
                          .from = label,
                          .to = (label + 1) % 10,
                          .who = "me"};
    int held_back;
    assert_int_equal(recorder_examples(r, dev->content, "", &fix, 1, &error), NN_OK);
    assert_int_equal(run_data_fix(digits, s, 0, &held_back, &error), NN_OK);
    assert_int_equal(held_back, 1);
    snprintf(fix.rule, sizeof fix.rule, "all digits");
    assert_int_equal(recorder_examples(r, dev->content, "", &fix, 1, &error), NN_OK);
    assert_int_equal(run_data_fix(digits, s, 0, &held_back, &error), NN_OK);
    assert_int_equal(held_back, 0);
    assert_int_equal(nn_dataset_label_of(digits, dev->examples[0].example), (label + 1) % 10);

    /* A run on it records what it saw. */
    run_id next = fixture_answers(r, "two", digits, 4);
    label_fix *seen;
    int count;
    assert_int_equal(store_run_fixes(s, next, &seen, &count, &error), NN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(seen[0].to, (label + 1) % 10);
    free(seen);
    example_book_free(dev);
    example_book_free(test);
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_ceiling_is_what_fixing_gives),
        IN_PLACE(test_only_the_sample_counts),
        cmocka_unit_test(test_efforts),
        cmocka_unit_test(test_flips_are_exact),
        cmocka_unit_test(test_fixes_of_data),
        IN_PLACE(test_rule_for_dev_and_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
