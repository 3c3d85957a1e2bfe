/* Tags, notes, fixes and samples of examples: what is kept, what takes it back, what two processes
 * do to each other; and the selections made from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/examples.h"
#include "tests/example_fixture.h"
#include "ui/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char data[] = "00000000deadbeef";

static example_change change_of(example_change_kind kind, int64_t example, const char *text,
                                const char *other)
{
    example_change change = {.kind = kind, .example = example};
    snprintf(change.text, sizeof change.text, "%s", text);
    snprintf(change.other, sizeof change.other, "%s", other);
    return change;
}

static void change(recorder *r, example_change_kind kind, int64_t example, const char *text,
                   const char *other)
{
    nn_error error = {0};
    example_change what = change_of(kind, example, text, other);
    if (recorder_examples(r, data, "me", &what, 1, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static void refused(recorder *r, const example_change *what, const char *words)
{
    nn_error error = {0};
    assert_int_not_equal(recorder_examples(r, data, "me", what, 1, &error), NN_OK);
    if (!strstr(error.text, words))
        fail_msg("'%s' is not in: %s", words, error.text);
}

/* Everything that is said about the data as one text: "1 blurry blue 2 h: 4 7; note 3 x". */
static char *all_of(const store_place *place, char *text, size_t size)
{
    store *s = open_store(place);
    nn_error error = {0};
    example_tag *tags;
    example_tagging *taggings;
    example_note *notes;
    label_fix *fixes;
    int tag_count, tagging_count, note_count, fix_count;
    assert_int_equal(store_example_tags(s, data, &tags, &tag_count, &error), NN_OK);
    assert_int_equal(store_taggings(s, data, &taggings, &tagging_count, &error), NN_OK);
    assert_int_equal(store_example_notes(s, data, &notes, &note_count, &error), NN_OK);
    assert_int_equal(store_label_fixes(s, data, &fixes, &fix_count, &error), NN_OK);
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < tag_count; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s(%s):", tags[i].name, tags[i].effort);
        for (int k = 0; k < tagging_count; k++)
            if (taggings[k].tag == tags[i].id)
                used += (size_t)snprintf(text + used, size - used, "%lld,",
                                         (long long)taggings[k].example);
        used += (size_t)snprintf(text + used, size - used, " ");
    }
    for (int i = 0; i < note_count; i++)
        used += (size_t)snprintf(text + used, size - used, "note%lld=%s ",
                                 (long long)notes[i].example, notes[i].text);
    for (int i = 0; i < fix_count; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "fix%lld=%d>%d by %s ",
                             (long long)fixes[i].example, fixes[i].from, fixes[i].to, fixes[i].who);
    free(tags);
    free(taggings);
    free(notes);
    free(fixes);
    store_close(s);
    return text;
}

#define EXPECT(place, words)                                                                       \
    do {                                                                                           \
        char now_[512];                                                                            \
        assert_string_equal(all_of(place, now_, sizeof now_), words);                              \
    } while (0)

static void test_changes_and_undo(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    static const char *const after[] = {
        "",
        "blurry():4, ",
        "blurry():4,7, ",
        "blurry():4,7, dark():7, ",
        "blurry(2 h):4,7, dark():7, ",
        "blurry(2 h):4,7, dark():7, note4=odd ",
        "dark():7, blurry(2 h):4,7, note4=odd ",
        "dark():7, foggy(2 h):4,7, note4=odd ",
        "dark():4,7, note4=odd ",
        "note4=odd ",
        "note4=odd fix9=1>3 by me ",
        "note4=odd ",
    };
    enum { STEPS = sizeof after / sizeof *after - 1 };
    EXPECT(place, after[0]);
    change(r, EXAMPLE_TAG, 4, "blurry", "");
    EXPECT(place, after[1]);
    change(r, EXAMPLE_TAG, 7, "Blurry", ""); /* names are the same in either case */
    EXPECT(place, after[2]);
    change(r, EXAMPLE_TAG, 7, "dark", "");
    change(r, TAG_EFFORT, 0, "blurry", "2 h");
    change(r, EXAMPLE_SET_NOTE, 4, "odd", "");
    EXPECT(place, after[5]);
    example_change move = change_of(TAG_MOVE, 0, "dark", "");
    move.position = 1;
    nn_error error = {0};
    assert_int_equal(recorder_examples(r, data, "me", &move, 1, &error), NN_OK);
    EXPECT(place, after[6]);
    change(r, TAG_RENAME, 0, "blurry", "foggy");
    EXPECT(place, after[7]);
    change(r, TAG_MERGE, 0, "foggy", "dark");
    EXPECT(place, after[8]);
    change(r, TAG_REMOVE, 0, "dark", "");
    EXPECT(place, after[9]);
    example_change fix = {.kind = EXAMPLE_FIX, .example = 9, .from = 1, .to = 3, .who = "me"};
    assert_int_equal(recorder_examples(r, data, "me", &fix, 1, &error), NN_OK);
    EXPECT(place, after[10]);
    change(r, EXAMPLE_UNFIX, 9, "", "");
    EXPECT(place, after[11]);

    /* All the way back and forth, in a process that has just begun. */
    close_recorder(r);
    r = open_recorder(place);
    for (int i = STEPS - 1; i >= 0; i--) {
        if (recorder_examples_undo(r, data, "me", NULL, &error) != NN_OK)
            fail_msg("step %d: %s", i, error.text);
        EXPECT(place, after[i]);
    }
    assert_int_equal(recorder_examples_undo(r, data, "me", NULL, &error), NN_E_MISSING);
    for (int i = 1; i <= STEPS; i++) {
        if (recorder_examples_redo(r, data, "me", NULL, &error) != NN_OK)
            fail_msg("step %d: %s", i, error.text);
        EXPECT(place, after[i]);
    }
    assert_int_equal(recorder_examples_redo(r, data, "me", NULL, &error), NN_E_MISSING);

    /* A new step ends what could be done again. */
    char what[EXAMPLE_WHAT];
    assert_int_equal(recorder_examples_undo(r, data, "me", what, &error), NN_OK);
    assert_string_equal(what, "label of example 9");
    change(r, EXAMPLE_SET_NOTE, 4, "", "");
    assert_int_equal(recorder_examples_redo(r, data, "me", NULL, &error), NN_E_MISSING);
    assert_int_equal(recorder_examples_undo(r, data, "me", what, &error), NN_OK);
    assert_string_equal(what, "note of example 4");
    close_recorder(r);
}

static void test_refusals(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    change(r, EXAMPLE_TAG, 4, "blurry", "");
    change(r, EXAMPLE_TAG, 5, "dark", "");
    example_change what = change_of(EXAMPLE_UNTAG, 4, "bright", "");
    refused(r, &what, "no tag of this data is called 'bright'");
    what = change_of(EXAMPLE_UNTAG, 4, "dark", "");
    refused(r, &what, "example 4 has no tag 'dark'");
    what = change_of(TAG_RENAME, 0, "dark", "blurry");
    refused(r, &what, "merge 'dark' into it");
    what = change_of(TAG_MERGE, 0, "dark", "dark");
    refused(r, &what, "into itself");
    what = change_of(EXAMPLE_TAG, 4, "17", "");
    refused(r, &what, "numbers are examples");
    what = change_of(EXAMPLE_TAG, 4, "two words", "");
    refused(r, &what, "holds a blank");
    what = change_of(EXAMPLE_TAG, -3, "blurry", "");
    refused(r, &what, "example -3");
    what = change_of(TAG_COLOUR, 0, "dark", "mauve");
    refused(r, &what, "colour 'mauve' is unknown");
    what = change_of(EXAMPLE_UNFIX, 4, "", "");
    refused(r, &what, "is not fixed");
    what = (example_change){.kind = EXAMPLE_FIX, .example = 4, .from = 2, .to = 2, .who = "me"};
    refused(r, &what, "is no fix");
    EXPECT(place, "blurry():4, dark():5, ");

    /* All or none. */
    nn_error error = {0};
    example_change both[] = {change_of(EXAMPLE_TAG, 6, "dark", ""),
                             change_of(EXAMPLE_UNTAG, 6, "blurry", "")};
    assert_int_not_equal(recorder_examples(r, data, "me", both, 2, &error), NN_OK);
    EXPECT(place, "blurry():4, dark():5, ");
    close_recorder(r);
}

/* Undo meets what somebody else has changed since, and leaves it alone. */
static void test_others(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_error error = {0};
    change(r, EXAMPLE_SET_NOTE, 4, "mine", "");
    example_change note = change_of(EXAMPLE_SET_NOTE, 4, "yours", "");
    assert_int_equal(recorder_examples(r, data, "you", &note, 1, &error), NN_OK);
    assert_int_equal(recorder_examples_undo(r, data, "me", NULL, &error), NN_E_STATE);
    assert_non_null(strstr(error.text, "somebody else"));
    EXPECT(place, "note4=yours ");
    assert_int_equal(recorder_examples_undo(r, data, "you", NULL, &error), NN_OK);
    assert_int_equal(recorder_examples_undo(r, data, "me", NULL, &error), NN_OK);
    EXPECT(place, "");
    close_recorder(r);
}

enum { EACH = 40 };

/* One process's part: tags every second example from `first`, one step each. */
static bool tag_many(const char *path, int first, const char *journal)
{
    nn_error error = {0};
    recorder *r = recorder_open(path, &error);
    bool good = r != NULL;
    for (int i = 0; i < EACH && good; i++) {
        example_change what = change_of(EXAMPLE_TAG, first + 2 * i, "shared", "");
        good = recorder_examples(r, data, journal, &what, 1, &error) == NN_OK;
    }
    return r && recorder_close(r, &error) == NN_OK && good;
}

static void test_two_processes(void **state)
{
    const store_place *place = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(tag_many(place->path, 1, "child") ? 0 : 1);
    assert_true(tag_many(place->path, 0, "parent"));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    store *s = open_store(place);
    nn_error error = {0};
    example_tag *tags;
    int count;
    assert_int_equal(store_example_tags(s, data, &tags, &count, &error), NN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(tags[0].count, 2 * EACH);
    free(tags);
    store_close(s);
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

/* --- samples and books -------------------------------------------------------------------------
 */

static example_book *open_book(store *s, run_id run)
{
    nn_error error = {0};
    example_book *book = example_book_open(s, run, NN_DEV, &error);
    if (!book)
        fail_msg("%s", error.text);
    return book;
}

static int64_t selected(const example_book *book, const char *filter)
{
    nn_error error = {0};
    selection found;
    selection_query query = selection_everything();
    query.filter = filter;
    if (selection_make(book, &query, &found, &error) != NN_OK)
        fail_msg("%s", error.text);
    int64_t count = found.count;
    selection_free(&found);
    return count;
}

static void not_selected(const example_book *book, const char *filter, const char *complaint)
{
    nn_error error = {0};
    selection found;
    selection_query query = selection_everything();
    query.filter = filter;
    assert_int_not_equal(selection_make(book, &query, &found, &error), NN_OK);
    if (!strstr(error.text, complaint))
        fail_msg("'%s' is not in: %s", complaint, error.text);
}

static void test_samples(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_dataset *digits = fixture_digits(0);
    run_id run = fixture_answers(r, "one", digits, 6);
    nn_error error = {0};
    int64_t id, again;
    assert_int_not_equal(recorder_new_analysis(r, run, NN_DEV, 1, 0, &id, &error), NN_OK);
    assert_int_not_equal(recorder_new_analysis(r, 99, NN_DEV, 1, 5, &id, &error), NN_OK);
    assert_int_not_equal(recorder_new_analysis(r, run, NN_TRAIN, 1, 5, &id, &error), NN_OK);
    assert_non_null(strstr(error.text, "no answers for its train part"));
    assert_int_equal(recorder_new_analysis(r, run, NN_DEV, 7, 10, &id, &error), NN_OK);
    assert_int_equal(recorder_new_analysis(r, run, NN_DEV, 7, 10, &again, &error), NN_OK);
    store *s = open_store(place);
    analysis_example *one, *other;
    int count;
    assert_int_equal(store_analysis_examples(s, id, &one, &count, &error), NN_OK);
    assert_int_equal(count, 10);
    assert_int_equal(store_analysis_examples(s, again, &other, &count, &error), NN_OK);
    example_book *book = open_book(s, run);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(one[i].example, other[i].example);
        const book_example *e = example_book_find(book, one[i].example);
        assert_non_null(e);
        assert_true(book_example_wrong(e));
        for (int k = 0; k < i; k++)
            assert_int_not_equal(one[i].example, one[k].example);
    }
    assert_int_equal(book->sample.id, again);
    assert_int_equal(book->sample.errors, book->errors);
    assert_int_equal(book->sample.seen, 0);

    /* Looked at: with a tag, or said so. */
    example_change tag = change_of(EXAMPLE_TAG, one[0].example, "blurry", "");
    assert_int_equal(recorder_examples(r, book->content, "", &tag, 1, &error), NN_OK);
    assert_int_equal(recorder_analysis_seen(r, again, &one[3].example, 1, &error), NN_OK);
    assert_int_equal(example_book_refresh(book, s, &error), NN_OK);
    assert_int_equal(book->sample.seen, 2);
    assert_int_equal(selected(book, "seen"), 2);
    assert_int_equal(selected(book, "unseen"), 8);
    assert_int_equal(selected(book, "sampled tag=blurry"), 1);
    assert_int_equal(selected(book, "sampled tag!=blurry"), 9);
    assert_int_equal(recorder_analysis_seen(r, again, NULL, -1, &error), NN_OK);
    assert_int_equal(example_book_sample(book, s, again, &error), NN_OK);
    assert_int_equal(book->sample.seen, 10);
    assert_int_equal(example_book_sample(book, s, id, &error), NN_OK);
    assert_int_equal(book->sample.seen, 1);
    assert_int_not_equal(example_book_sample(book, s, 77, &error), NN_OK);
    assert_int_equal(book->sample.id, id); /* as it was */

    /* The tag serves another run on that data, with another split. */
    nn_data_args args = {.seed = 5};
    nn_dataset *split = nn_dataset_open("digits", &args, &error);
    assert_non_null(split);
    assert_string_not_equal(nn_dataset_fingerprint(split), nn_dataset_fingerprint(digits));
    run_id second = fixture_answers(r, "two", split, 5);
    char content[EXAMPLE_CONTENT];
    assert_int_equal(store_run_content(s, second, content, &error), NN_OK);
    assert_string_equal(content, book->content);
    assert_string_equal(content, nn_dataset_checksum(split));
    nn_dataset_free(split);
    free(one);
    free(other);
    example_book_free(book);
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

static void test_selections(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    nn_dataset *digits = fixture_digits(0);
    run_id run = fixture_answers(r, "one", digits, 6);
    store *s = open_store(place);
    example_book *book = open_book(s, run);
    int64_t count = nn_dataset_count(digits, NN_DEV), wrong = (count + 5) / 6;
    assert_int_equal(book->count, count);
    assert_int_equal(book->errors, wrong);
    assert_int_equal(selected(book, NULL), count);
    assert_int_equal(selected(book, "  "), count);
    assert_int_equal(selected(book, "wrong"), wrong);
    assert_int_equal(selected(book, "right"), count - wrong);
    assert_int_equal(selected(book, "true=5") + selected(book, "true!=5"), count);
    assert_int_equal(selected(book, "p<0.74") + selected(book, "p>=0.74"), count);
    int64_t cell = 0;
    for (int64_t i = 0; i < count; i++)
        cell += nn_dataset_label(digits, NN_DEV, i) == 4 && i % 6 == 0;
    assert_int_equal(selected(book, "true=4 pred=5"), cell);
    selection found;
    nn_error error = {0};
    selection_query query = {.truth = 4, .predicted = 5};
    assert_int_equal(selection_make(book, &query, &found, &error), NN_OK);
    assert_int_equal(found.count, cell);
    selection_free(&found);

    query = selection_everything();
    query.errors_only = true;
    query.order = SELECT_CONFIDENT;
    query.limit = 4;
    assert_int_equal(selection_make(book, &query, &found, &error), NN_OK);
    assert_int_equal(found.count, 4);
    assert_int_equal(found.matching, wrong);
    for (int i = 1; i < 4; i++)
        assert_true(book->examples[found.index[i]].probability <=
                    book->examples[found.index[i - 1]].probability);
    selection_free(&found);
    query.order = SELECT_SAMPLE;
    assert_int_equal(selection_make(book, &query, &found, &error), NN_E_STATE);

    not_selected(book, "colour=5", "'colour' is unknown");
    not_selected(book, "true=12", "no class");
    not_selected(book, "true<5", "by = or !=");
    not_selected(book, "tag=nothing", "no tag of this data");
    not_selected(book, "p>x", "expected a number");
    not_selected(book, "p", "expected a comparison");
    not_selected(book, "wrong=1", "stands alone");
    not_selected(book, "p!0.5", "expected =");
    example_book_free(book);
    assert_null(example_book_open(s, run, NN_TRAIN, &error));
    assert_non_null(strstr(error.text, "no answers for its train part"));
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

/* Four evaluations, one an epoch: right or wrong as the columns say. */
static void test_learned_and_forgotten(void **state)
{
    const store_place *place = *state;
    static const struct {
        bool right[4];
        int learned, forgotten;
    } cases[] = {{{1, 1, 1, 1}, 1, 0}, {{0, 0, 1, 1}, 3, 0}, {{1, 0, 1, 1}, 3, 2},
                 {{1, 1, 1, 0}, 0, 4}, {{0, 0, 0, 0}, 0, 0}, {{1, 0, 1, 0}, 0, 4}};
    enum { CASES = sizeof cases / sizeof *cases };
    recorder *r = open_recorder(place);
    nn_dataset *digits = fixture_digits(0);
    int64_t count = nn_dataset_count(digits, NN_DEV);
    nn_error error = {0};
    run_description description = plain_description("history");
    description.classes = 10;
    description.class_names = NULL;
    description.dataset = digits;
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    assert_true(run > 0);
    for (int epoch = 1; epoch <= 4; epoch++) {
        nn_event event = event_of(NN_EVENT_EVALUATION, (uint64_t)epoch * 100);
        event.evaluation = plain_evaluation(NN_DEV, (uint64_t)epoch * 100, 10, count);
        event.evaluation->epoch = epoch;
        for (int64_t i = 0; i < count; i++) {
            int truth = nn_dataset_label(digits, NN_DEV, i);
            bool right = i < CASES ? cases[i].right[epoch - 1] : true;
            event.evaluation->predicted[i] = right ? truth : (truth + 1) % 10;
        }
        tell(r, run, event);
    }
    tell_end(r, run, NN_FINISHED, 400);
    assert_int_equal(recorder_wait(r, run, &error), NN_OK);
    store *s = open_store(place);
    example_book *book = open_book(s, run);
    for (int i = 0; i < CASES; i++) {
        assert_int_equal(book->examples[i].learned, cases[i].learned);
        assert_int_equal(book->examples[i].forgotten, cases[i].forgotten);
    }
    assert_int_equal(selected(book, "learned=3"), 2);
    assert_int_equal(selected(book, "forgotten>0"), 3);
    example_book_free(book);
    store_close(s);
    nn_dataset_free(digits);
    close_recorder(r);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_changes_and_undo),      IN_PLACE(test_refusals), IN_PLACE(test_others),
        IN_PLACE(test_two_processes),         IN_PLACE(test_samples),  IN_PLACE(test_selections),
        IN_PLACE(test_learned_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
