/* `gradus errors` by the real program: list, tag, sample, ceiling, suspects, fixes, and the next
 * training that uses them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRAIN                                                                                      \
    "train --data digits --flip-labels 0.05 --dev 0.3 --test-share 0.3 --epochs 20 --json --name "

static int make_run(void **state)
{
    (void)state;
    json_decref(train(TRAIN "flipped"));
    return 0;
}

static void refused(const char *line, int status, const char *words)
{
    program_result result = program_run(line);
    assert_int_equal(result.status, status);
    assert_string_equal(result.out, "");
    if (!strstr(result.err, words))
        fail_msg("%s: '%s' is not in: %s", line, words, result.err);
    program_free(&result);
}

static long long id_at(const json_t *examples, size_t i)
{
    return whole_of(json_array_get(examples, i), "id");
}

static void test_list_and_filter(void **state)
{
    (void)state;
    json_t *all = program_json("errors flipped --json --order confident");
    const json_t *examples = json_object_get(all, "examples");
    size_t count = json_array_size(examples);
    assert_int_equal(count, whole_of(all, "errors"));
    assert_true(count > 5);
    for (size_t i = 0; i < count; i++) {
        const json_t *e = json_array_get(examples, i);
        assert_int_not_equal(whole_of(e, "true"), whole_of(e, "predicted"));
        if (i > 0)
            assert_true(number_of(json_array_get(examples, i - 1), "p") >= number_of(e, "p"));
    }
    char line[160];
    const json_t *first = json_array_get(examples, 0);
    snprintf(line, sizeof line, "errors flipped --json --filter 'true=%lld pred=%lld p>=0.1'",
             whole_of(first, "true"), whole_of(first, "predicted"));
    json_t *cell = program_json(line);
    assert_true(whole_of(cell, "matching") >= 1);
    json_decref(cell);
    json_decref(all);
    refused("errors flipped --filter colour=3", 2, "is unknown");
    refused("errors flipped --filter tag=none", 1, "no tag of this data");
    refused("errors nothing", 1, "there is no run");
    refused("errors flipped --tag 999999 x", 1, "has no example 999999");
    refused("errors flipped --untag 1 nothing", 1, "no tag of this data");
    refused("errors flipped --ceiling --suspects", 2, "exclude each other");
    refused("errors flipped --part dve", 2, "expected dev, test or train");
    refused("errors flipped --undo", 1, "nothing to undo");
}

static void test_tags_and_ceiling(void **state)
{
    (void)state;
    char line[160];
    json_t *drawn = program_json("errors flipped --sample 10 --seed 4 --json");
    const json_t *examples = json_object_get(drawn, "examples");
    assert_int_equal(json_array_size(examples), 10);
    snprintf(line, sizeof line, "errors flipped --tag %lld %lld blurry --json", id_at(examples, 0),
             id_at(examples, 1));
    json_decref(program_json(line));
    snprintf(line, sizeof line, "errors flipped --tag %lld dark --json", id_at(examples, 1));
    json_decref(program_json(line));
    json_decref(program_json("errors flipped --effort dark '2 h' --json"));
    json_decref(program_json("errors flipped --seen --json"));
    json_t *table = program_json("errors flipped --ceiling --json");
    double errors = (double)whole_of(table, "errors"), total = (double)whole_of(table, "count");
    assert_int_equal(whole_of(table, "looked_at"), 10);
    const json_t *rows = json_object_get(table, "tags");
    assert_int_equal(json_array_size(rows), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *row = json_array_get(rows, i);
        bool blurry = strcmp(text_of(row, "tag"), "blurry") == 0;
        double share = blurry ? .2 : .1;
        assert_float_equal(number_of(row, "share"), share, 1e-12);
        assert_float_equal(number_of(row, "exclusive_share"), blurry ? .1 : 0, 1e-12);
        assert_float_equal(number_of(row, "ceiling"), errors / total * (1 - share), 1e-12);
        assert_true(number_of(row, "share_low") < share && share < number_of(row, "share_high"));
    }
    json_decref(table);
    json_decref(drawn);
    program_result undone = program_run("errors flipped --undo");
    assert_int_equal(undone.status, 0);
    assert_non_null(strstr(undone.out, "taken back"));
    program_free(&undone);
    json_decref(program_json("errors flipped --redo --json"));
}

/* Labels flipped at random are found again; some are fixed, and the next training takes them. */
static void test_suspects_and_fixes(void **state)
{
    (void)state;
    char line[256];
    json_t *found = program_json("errors flipped --suspects --json");
    const json_t *suspects = json_object_get(found, "suspects");
    assert_true(number_of(found, "precision") >= 0.7);
    assert_int_equal(json_array_size(suspects), llround(.05 * (double)whole_of(found, "examples")));
    const json_t *first = json_array_get(suspects, 0);
    long long id = whole_of(first, "id"), label = whole_of(first, "label");
    long long better = whole_of(first, "suggested");
    assert_true(json_is_true(json_object_get(first, "likely")));
    snprintf(line, sizeof line, "errors flipped --fix %lld %lld --json", id, label);
    refused(line, 2, "is no fix");
    snprintf(line, sizeof line, "errors flipped --fix %lld eleven", id);
    refused(line, 2, "is no class");
    snprintf(line, sizeof line, "errors flipped --fix %lld %lld --json", id, better);
    json_t *fixes = program_json(line);
    assert_int_equal(json_array_size(json_object_get(fixes, "fixes")), 1);
    json_decref(fixes);

    /* One that nobody suspects: not without a rule for dev and test. */
    json_t *right = program_json("errors flipped --all --filter 'right p>0.9' --limit 1 --json");
    long long other = id_at(json_object_get(right, "examples"), 0);
    snprintf(line, sizeof line, "errors flipped --wrong %lld", other);
    refused(line, 1, "chapter 25");
    json_decref(right);

    json_t *lines = train(TRAIN "fixed --limit 100 --epochs 1");
    long long run = run_of(lines);
    json_t *shown = show(run);
    const json_t *saw = json_object_get(shown, "label_fixes");
    assert_int_equal(json_array_size(saw), 1);
    assert_int_equal(whole_of(json_array_get(saw, 0), "id"), id);
    assert_int_equal(whole_of(json_array_get(saw, 0), "to"), better);
    json_decref(shown);
    json_decref(lines);
    lines = train(TRAIN "unfixed --limit 100 --epochs 1 --no-fixes");
    shown = show(run_of(lines));
    assert_int_equal(json_array_size(json_object_get(shown, "label_fixes")), 0);
    json_decref(shown);
    json_decref(lines);
    /* It goes on with what it saw, although the fix was taken back since. */
    snprintf(line, sizeof line, "errors flipped --unfix %lld --json", id);
    json_decref(program_json(line));
    snprintf(line, sizeof line, "train --resume %lld --epochs 2 --json", run);
    json_decref(train(line));
    json_decref(found);
}

/* Every train example is answered once, by a network that has not seen it. */
static void test_folds(void **state)
{
    (void)state;
    refused("errors flipped --part train", 1, "no answers for its train part");
    refused("errors flipped --folds 3", 2, "belongs to --suspects");
    refused("errors flipped --suspects --folds 99", 2, "expected 2 to 20");
    json_t *found = program_json("errors flipped --suspects --folds 3 --json");
    json_t *list = program_json("errors flipped --part train --all --json");
    const json_t *examples = json_object_get(list, "examples");
    size_t count = json_array_size(examples);
    assert_int_equal(whole_of(found, "examples"), count);
    assert_true(count > 500);
    for (size_t i = 1; i < count; i++)
        assert_true(id_at(examples, i) > id_at(examples, i - 1));
    assert_true(number_of(found, "precision") >= 0.7);
    json_decref(list);
    json_decref(found);
}

/* Data of two kinds: the train-dev part is made by itself and shows where the gap is. */
static void test_mismatch(void **state)
{
    (void)state;
    json_decref(
        train("train --data moons:n=2000,noise=0.1 --target moons:n=2000,noise=0.6 --epochs "
              "10 --lr 0.01 --name two --json"));
    json_t *d = program_json("diagnose two --json");
    const json_t *ladder = json_object_get(d, "ladder"), *gaps = json_object_get(d, "gaps");
    assert_string_equal(text_of(json_array_get(ladder, 2), "name"), "train-dev");
    assert_int_equal(whole_of(json_array_get(ladder, 2), "count"), 200);
    assert_true(number_of(json_array_get(ladder, 2), "error") < 0.1);
    assert_true(number_of(json_array_get(ladder, 3), "error") > 0.1);
    assert_string_equal(text_of(json_array_get(gaps, 2), "state"), "real");
    assert_string_equal(text_of(d, "next"), "mismatch");
    assert_int_equal(whole_of(json_object_get(d, "verdict"), "chapter"), 26);
    json_decref(d);
}

/* The ladder, one class against the rest, and neighbours by what the network asked again sees. */
static void test_diagnose_and_neighbours(void **state)
{
    (void)state;
    char line[200];
    json_t *d = program_json("diagnose flipped --human 0.01 --class 3 --json");
    assert_int_equal(json_array_size(json_object_get(d, "ladder")), 5);
    assert_int_equal(json_array_size(json_object_get(d, "gaps")), 4);
    assert_float_equal(number_of(json_array_get(json_object_get(d, "ladder"), 0), "error"), .01, 0);
    assert_true(number_of(json_object_get(d, "class"), "roc_area") > 0.8);
    assert_true(json_array_size(json_object_get(d, "slices")) >= 14);
    json_decref(d);
    refused("diagnose flipped --class eleven", 2, "is no class");
    refused("diagnose flipped --human 3", 2, "expected a share");
    refused("diagnose nothing", 1, "there is no run");

    json_t *list = program_json("errors flipped --all --limit 1 --json");
    long long id = id_at(json_object_get(list, "examples"), 0);
    static const char *const spaces[] = {"features", "pixels"};
    for (int k = 0; k < 2; k++) {
        snprintf(line, sizeof line, "errors flipped --nearest %lld --space %s --limit 8 --json", id,
                 spaces[k]);
        json_t *near = program_json(line);
        const json_t *examples = json_object_get(near, "examples");
        assert_int_equal(json_array_size(examples), 8);
        assert_string_equal(text_of(near, "space"), spaces[k]);
        for (size_t i = 0; i < 8; i++) {
            assert_int_not_equal(id_at(examples, i), id);
            if (i > 0)
                assert_true(number_of(json_array_get(examples, i), "distance") >=
                            number_of(json_array_get(examples, i - 1), "distance"));
        }
        json_decref(near);
    }
    json_decref(list);
}

/* A file that changed after the training, or is gone: what is in the store stays of use. */
static void test_changed_data(void **state)
{
    (void)state;
    char path[256], line[400];
    snprintf(path, sizeof path, "%s/points.csv", program_folder());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("x,y,kind\n", file);
    for (int i = 0; i < 60; i++)
        fprintf(file, "%d,%d,%s\n", i % 7, (i * i) % 11, i % 3 ? "a" : "b");
    fclose(file);
    snprintf(line, sizeof line, "train --data %s --model logreg --epochs 1 --name points --json",
             path);
    json_decref(train(line));
    assert_non_null(file = fopen(path, "a"));
    fputs("1,1,a\n", file);
    fclose(file);
    json_decref(program_json("errors points --json --all"));
    refused("errors points --tag 59999 x", 1, "changed since run");
    assert_int_equal(remove(path), 0);
    json_decref(program_json("errors points --json --all"));
    refused("errors points --tag 59999 x", 1, "points.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_and_filter),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_tags_and_ceiling),
        cmocka_unit_test(test_suspects_and_fixes),
        cmocka_unit_test(test_diagnose_and_neighbours),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_changed_data),
    };
    return cmocka_run_group_tests(tests, make_run, leave);
}
