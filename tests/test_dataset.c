/* Data sets as their users see them: parts, statistics, determinism, generated points. */
#include "engine/data/dataset.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nn_dataset *open_or_fail(const char *source, nn_data_args args)
{
    nn_error error = {NN_OK, ""};
    nn_dataset *dataset = nn_dataset_open(source, &args, &error);
    if (!dataset)
        fail_msg("%s: %s", source, error.text);
    return dataset;
}

static void expect_refusal(const char *source, nn_data_args args, const char *part)
{
    nn_error error = {NN_OK, ""};
    assert_null(nn_dataset_open(source, &args, &error));
    assert_int_not_equal(error.code, NN_OK);
    if (!strstr(error.text, part))
        fail_msg("'%s' does not say '%s'", error.text, part);
}

static int64_t total(const nn_dataset *dataset)
{
    int64_t sum = 0;
    for (int p = 0; p < NN_PARTS; p++)
        sum += nn_dataset_count(dataset, (nn_part)p);
    return sum;
}

/* Every example in exactly one part; in every part every class within one of its share. */
static void check_split(const nn_dataset *dataset, const double share[NN_PARTS])
{
    int64_t all = total(dataset);
    unsigned char *seen = calloc((size_t)all, 1);
    assert_non_null(seen);
    for (int p = 0; p < NN_PARTS; p++)
        for (int64_t i = 0; i < nn_dataset_count(dataset, (nn_part)p); i++) {
            int64_t id = nn_dataset_id(dataset, (nn_part)p, i);
            assert_in_range(id, 0, all - 1);
            assert_int_equal(seen[id]++, 0);
        }
    free(seen);
    for (int k = 0; k < nn_dataset_classes(dataset); k++) {
        int64_t of_class = 0, count[NN_PARTS];
        for (int p = 0; p < NN_PARTS; p++)
            of_class += count[p] = nn_dataset_class_count(dataset, (nn_part)p, k);
        for (int p = 0; p < NN_PARTS; p++)
            assert_true(fabs((double)count[p] - share[p] * (double)of_class) < 1);
    }
}

static void digits_are_split_by_class(void **state)
{
    (void)state;
    nn_dataset *usual = open_or_fail("digits", (nn_data_args){0});
    assert_int_equal(total(usual), 1797);
    assert_int_equal(nn_dataset_classes(usual), 10);
    assert_true(nn_shape_equal(nn_dataset_sample(usual), nn_shape3(1, 8, 8)));
    assert_string_equal(nn_dataset_name(usual), "digits");
    check_split(usual, (const double[]){0.8, 0.1, 0.1});
    nn_dataset_free(usual);
    nn_dataset *other = open_or_fail("digits", (nn_data_args){.dev = 0.25, .test = -1, .seed = 9});
    check_split(other, (const double[]){0.75, 0.25, 0});
    assert_int_equal(nn_dataset_count(other, NN_TEST), 0);
    nn_dataset_free(other);
    nn_dataset *few = open_or_fail("iris", (nn_data_args){.dev = 0.013, .test = 0.3});
    check_split(few, (const double[]){0.687, 0.013, 0.3});
    assert_int_equal(nn_dataset_count(few, NN_DEV),
                     2); /* over all classes the share is right too */
    nn_dataset_free(few);
}

static void labels_fit_their_pictures(void **state)
{
    (void)state;
    nn_dataset *digits = open_or_fail("digits", (nn_data_args){0});
    /* The first of scikit-learn's digits.csv is a 0, the second a 1, ... up to 9. */
    for (int p = 0; p < NN_PARTS; p++)
        for (int64_t i = 0; i < nn_dataset_count(digits, (nn_part)p); i++)
            if (nn_dataset_id(digits, (nn_part)p, i) < 10)
                assert_int_equal(nn_dataset_label(digits, (nn_part)p, i),
                                 nn_dataset_id(digits, (nn_part)p, i));
    float x[64];
    int64_t sum = 0;
    for (int p = 0; p < NN_PARTS; p++)
        for (int64_t i = 0; i < nn_dataset_count(digits, (nn_part)p); i++) {
            nn_dataset_raw(digits, (nn_part)p, i, x);
            for (int j = 0; j < 64; j++) {
                assert_true(x[j] >= 0 && x[j] <= 1);
                sum += lroundf(x[j] * 16);
            }
        }
    assert_int_equal(sum, 561718); /* of all pixels of digits.csv.gz */
    nn_dataset_free(digits);
}

static void a_seed_fixes_everything(void **state)
{
    (void)state;
    static const char *const source[] = {"digits", "moons", "iris", "spirals:n=60"};
    for (int s = 0; s < 4; s++) {
        nn_dataset *a = open_or_fail(source[s], (nn_data_args){.seed = 3});
        nn_dataset *b = open_or_fail(source[s], (nn_data_args){.seed = 3});
        nn_dataset *c = open_or_fail(source[s], (nn_data_args){.seed = 4});
        assert_string_equal(nn_dataset_fingerprint(a), nn_dataset_fingerprint(b));
        assert_string_not_equal(nn_dataset_fingerprint(a), nn_dataset_fingerprint(c));
        assert_int_equal(strlen(nn_dataset_fingerprint(a)), 16);
        for (int64_t i = 0; i < nn_dataset_count(a, NN_TRAIN); i++)
            assert_int_equal(nn_dataset_id(a, NN_TRAIN, i), nn_dataset_id(b, NN_TRAIN, i));
        nn_dataset_free(a);
        nn_dataset_free(b);
        nn_dataset_free(c);
    }
}

/* Mean 0 and deviation 1 over train, measured again from what gather gives. */
static void check_normalised(const char *source, int channels, int64_t plane)
{
    nn_dataset *dataset = open_or_fail(source, (nn_data_args){.seed = 5});
    int64_t count = nn_dataset_count(dataset, NN_TRAIN), row = channels * plane;
    nn_real *x = malloc((size_t)(count * row) * sizeof *x);
    int32_t *y = malloc((size_t)count * sizeof *y);
    assert_true(x && y);
    nn_dataset_gather(dataset, NN_TRAIN, NULL, 0, count, x, y);
    for (int c = 0; c < channels; c++) {
        double n = (double)count * (double)plane, mean = 0, square = 0;
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < plane; j++) {
                double v = (double)x[i * row + c * plane + j];
                mean += v / n;
                square += v * v / n;
            }
        assert_true(fabs(mean) < 1e-5);
        assert_true(fabs(square - 1) < 1e-5);
    }
    const double *mean, *std;
    int columns;
    nn_dataset_statistics(dataset, &mean, &std, &columns);
    assert_int_equal(columns, channels);
    float natural[64];
    nn_dataset_raw(dataset, NN_TRAIN, 7, natural);
    for (int64_t j = 0; j < row; j++)
        assert_true(fabs((natural[j] - mean[j / plane]) / std[j / plane] - (double)x[7 * row + j]) <
                    1e-5);
    free(x);
    free(y);
    nn_dataset_free(dataset);
}

static void statistics_come_from_train(void **state)
{
    (void)state;
    check_normalised("digits", 1, 64);
    check_normalised("iris", 4, 1);
    check_normalised("moons", 2, 1);
}

static void raw_leaves_the_numbers_alone(void **state)
{
    (void)state;
    nn_dataset *iris = open_or_fail("iris", (nn_data_args){.raw = true});
    nn_real x[4];
    float natural[4];
    int32_t y;
    nn_dataset_gather(iris, NN_DEV, (const uint32_t[]){3}, 0, 1, x, &y);
    nn_dataset_raw(iris, NN_DEV, 3, natural);
    for (int j = 0; j < 4; j++)
        assert_true((float)x[j] == natural[j]);
    assert_int_equal(y, nn_dataset_label(iris, NN_DEV, 3));
    nn_dataset_free(iris);
}

static void gather_follows_the_index(void **state)
{
    (void)state;
    nn_dataset *digits = open_or_fail("digits", (nn_data_args){0});
    const uint32_t index[3] = {9, 0, 9};
    nn_real some[3 * 64], all[10 * 64];
    int32_t some_y[3], all_y[10];
    nn_dataset_gather(digits, NN_TEST, index, 0, 3, some, some_y);
    nn_dataset_gather(digits, NN_TEST, NULL, 0, 10, all, all_y);
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(some + 64 * i, all + 64 * index[i], sizeof(nn_real) * 64);
        assert_int_equal(some_y[i], all_y[index[i]]);
    }
    nn_dataset_free(digits);
}

static void a_limit_keeps_the_shares(void **state)
{
    (void)state;
    nn_dataset *dataset = open_or_fail("blobs:n=3000,classes=4", (nn_data_args){.limit = 203});
    assert_int_equal(nn_dataset_count(dataset, NN_TRAIN), 203);
    assert_int_equal(nn_dataset_count(dataset, NN_DEV), 300);
    for (int k = 0; k < 4; k++)
        assert_in_range(nn_dataset_class_count(dataset, NN_TRAIN, k), 50, 51);
    nn_dataset_free(dataset);
}

static void shares_must_leave_something(void **state)
{
    (void)state;
    expect_refusal("digits", (nn_data_args){.dev = 1}, "dev share 1");
    expect_refusal("digits", (nn_data_args){.dev = 0.5, .test = 0.5}, "less than 1 together");
    expect_refusal("digits", (nn_data_args){.dev = NAN}, "dev share");
    expect_refusal("digits", (nn_data_args){.limit = -4}, "limit -4");
    expect_refusal("no-such-thing", (nn_data_args){0}, "no data set or file 'no-such-thing'");
    expect_refusal("", (nn_data_args){0}, "no data set named");
}

/* Without noise every point lies on its curve. */
/* Train and train-dev from one source, dev and test from the other. */
static void two_sources_share_out_their_parts(void **state)
{
    (void)state;
    nn_error error = {0};
    nn_data_args args = {.seed = 3, .target = "moons:n=400,noise=0.5"};
    nn_dataset *data = nn_dataset_open("moons:n=1000,noise=0.1", &args, &error);
    if (!data)
        fail_msg("%s", error.text);
    assert_int_equal(nn_dataset_count(data, NN_TRAIN), 900);
    assert_int_equal(nn_dataset_count(data, NN_TRAIN_DEV), 100);
    assert_int_equal(nn_dataset_count(data, NN_DEV), 200);
    assert_int_equal(nn_dataset_count(data, NN_TEST), 200);
    static const nn_part parts[] = {NN_TRAIN, NN_DEV, NN_TEST, NN_TRAIN_DEV};
    char seen[1400] = {0};
    for (int p = 0; p < 4; p++)
        for (int64_t i = 0; i < nn_dataset_count(data, parts[p]); i++) {
            int64_t id = nn_dataset_id(data, parts[p], i), place;
            bool target = parts[p] == NN_DEV || parts[p] == NN_TEST;
            assert_true(target ? id >= 1000 && id < 1400 : id >= 0 && id < 1000);
            assert_int_equal(seen[id]++, 0);
            assert_int_equal(nn_dataset_find(data, id, &place), parts[p]);
            assert_int_equal(place, i);
        }
    nn_dataset_free(data);
    args.target = "digits";
    expect_refusal("moons", args, "expected the same");
    args.target = "blobs:classes=5";
    expect_refusal("moons", args, "classes");
    args.target = "nosuch";
    expect_refusal("moons", args, "nosuch");
}

/* Every train example is held out exactly once; test stays. */
static void folds_hold_out_every_example_once(void **state)
{
    (void)state;
    nn_error error = {0};
    char seen[1797] = {0};
    int64_t held = 0, train = 0;
    for (int fold = 0; fold < 3; fold++) {
        nn_data_args args = {.seed = 3, .folds = 3, .fold = fold};
        nn_dataset *data = nn_dataset_open("digits", &args, &error);
        if (!data)
            fail_msg("%s", error.text);
        train = nn_dataset_count(data, NN_TRAIN) + nn_dataset_count(data, NN_DEV);
        held += nn_dataset_count(data, NN_DEV);
        for (int64_t i = 0; i < nn_dataset_count(data, NN_DEV); i++)
            assert_int_equal(seen[nn_dataset_id(data, NN_DEV, i)]++, 0);
        nn_dataset_free(data);
    }
    assert_int_equal(held, train);
    expect_refusal("digits", (nn_data_args){.folds = 3, .fold = 3}, "fold 3 of 3");
    expect_refusal("digits", (nn_data_args){.folds = 1}, "expected 2 or more folds");
}

static void points_lie_on_their_curves(void **state)
{
    (void)state;
    nn_dataset *rings = open_or_fail("circles:noise=0,classes=4", (nn_data_args){0});
    nn_dataset *moons = open_or_fail("moons:noise=0,n=300", (nn_data_args){0});
    float xy[2];
    for (int64_t i = 0; i < nn_dataset_count(rings, NN_TRAIN); i++) {
        nn_dataset_raw(rings, NN_TRAIN, i, xy);
        double radius = 1 - 0.25 * nn_dataset_label(rings, NN_TRAIN, i);
        assert_true(fabs(hypot((double)xy[0], (double)xy[1]) - radius) < 1e-6);
    }
    for (int64_t i = 0; i < nn_dataset_count(moons, NN_TRAIN); i++) {
        nn_dataset_raw(moons, NN_TRAIN, i, xy);
        bool lower = nn_dataset_label(moons, NN_TRAIN, i) == 1;
        double x = (double)xy[0] - lower, y = lower ? 0.5 - (double)xy[1] : (double)xy[1];
        assert_true(y >= 0);
        assert_true(fabs(hypot(x, y) - 1) < 1e-6);
    }
    nn_dataset_free(rings);
    nn_dataset_free(moons);
}

static void generators_say_what_fits(void **state)
{
    (void)state;
    expect_refusal("moons:petals=3", (nn_data_args){0}, "expected n, noise, classes");
    expect_refusal("flower:petals=x", (nn_data_args){0}, "petals=a number from 0 to 32");
    expect_refusal("blobs:classes=1", (nn_data_args){0}, "classes=a whole number from 2 to 100");
    expect_refusal("blobs:n=1e30", (nn_data_args){0}, "n=a whole number");
    expect_refusal("blobs:n=20,classes=10", (nn_data_args){0}, "at least 5 a class");
    expect_refusal("blobs:n", (nn_data_args){0}, "'n'");
    expect_refusal("blobs:n=12.5", (nn_data_args){0}, "whole number");
}

static void fashion_mnist_has_its_own_test_part(void **state)
{
    (void)state;
    nn_dataset_info list[16];
    int count = nn_dataset_list(list, 16);
    assert_in_range(count, 8, 16);
    assert_string_equal(list[0].name, "fashion-mnist");
    if (!list[0].available) {
        expect_refusal("fashion-mnist", (nn_data_args){0}, "apt install dataset-fashion-mnist");
        skip();
    }
    nn_dataset *fashion = open_or_fail("fashion-mnist", (nn_data_args){.limit = 1000, .test = 0.5});
    assert_int_equal(nn_dataset_count(fashion, NN_TRAIN), 1000);
    assert_int_equal(nn_dataset_count(fashion, NN_DEV), 6000);
    assert_int_equal(nn_dataset_count(fashion, NN_TEST), 10000);
    assert_string_equal(nn_dataset_class_name(fashion, 9), "Ankle boot");
    assert_int_equal(nn_dataset_id(fashion, NN_TEST, 0), 60000);
    for (int k = 0; k < 10; k++)
        assert_int_equal(nn_dataset_class_count(fashion, NN_TRAIN, k), 100);
    nn_dataset_free(fashion);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_split_by_class),
        cmocka_unit_test(labels_fit_their_pictures),
        cmocka_unit_test(a_seed_fixes_everything),
        cmocka_unit_test(statistics_come_from_train),
        cmocka_unit_test(raw_leaves_the_numbers_alone),
        cmocka_unit_test(gather_follows_the_index),
        cmocka_unit_test(a_limit_keeps_the_shares),
        cmocka_unit_test(shares_must_leave_something),
        cmocka_unit_test(points_lie_on_their_curves),
        cmocka_unit_test(two_sources_share_out_their_parts),
        cmocka_unit_test(folds_hold_out_every_example_once),
        cmocka_unit_test(generators_say_what_fits),
        cmocka_unit_test(fashion_mnist_has_its_own_test_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
