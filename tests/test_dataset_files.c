/* Every file format, from files written here, and what is said about files that are wrong. */
#include "engine/data/dataset.h"
#include "tests/data_files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static nn_dataset *open_or_fail(const char *path, const nn_data_args *args)
{
    nn_error error = {NN_OK, ""};
    nn_dataset *dataset = nn_dataset_open(path, args, &error);
    if (!dataset)
        fail_msg("%s: %s", path, error.text);
    return dataset;
}

static void expect_refusal(const char *path, const char *target, const char *part)
{
    nn_error error = {NN_OK, ""};
    nn_data_args args = {.target = target};
    assert_null(nn_dataset_open(path, &args, &error));
    if (!strstr(error.text, part))
        fail_msg("'%s' does not say '%s'", error.text, part);
}

/* --- IDX -------------------------------------------------------------------------------------- */

enum { IMAGES = 20, TEST_IMAGES = 6, SIDE = 3 };

static uint8_t pixel(int image, int j)
{
    return (uint8_t)(image * 9 + j);
}

static void write_idx(const char *stem, const char *ending, uint32_t count, int labels)
{
    uint8_t values[IMAGES * SIDE * SIDE];
    char name[64];
    for (uint32_t i = 0; i < count * SIDE * SIDE; i++)
        values[i] = pixel((int)i / (SIDE * SIDE), (int)i % (SIDE * SIDE));
    test_bytes images = idx_bytes(3, (const uint32_t[]){count, SIDE, SIDE}, values);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (uint8_t)(i % (uint32_t)labels);
    test_bytes classes = idx_bytes(1, &count, values);
    bool packed = ending[0] != 0;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", stem, ending);
    (packed ? file_write_packed : file_write)(folder, name, images.bytes, images.size);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", stem, ending);
    (packed ? file_write_packed : file_write)(folder, name, classes.bytes, classes.size);
    free(images.bytes);
    free(classes.bytes);
}

static void check_idx(void)
{
    nn_dataset *dataset = open_or_fail(folder, NULL);
    float x[SIDE * SIDE];
    assert_int_equal(nn_dataset_classes(dataset), 4);
    assert_int_equal(nn_dataset_count(dataset, NN_TRAIN), 18);
    assert_int_equal(nn_dataset_count(dataset, NN_DEV), 2);
    assert_int_equal(nn_dataset_count(dataset, NN_TEST), TEST_IMAGES);
    for (int p = 0; p < NN_PARTS; p++)
        for (int64_t i = 0; i < nn_dataset_count(dataset, (nn_part)p); i++) {
            int64_t id = nn_dataset_id(dataset, (nn_part)p, i), in_file = id % IMAGES;
            assert_int_equal(p == NN_TEST, id >= IMAGES);
            assert_int_equal(nn_dataset_label(dataset, (nn_part)p, i), in_file % 4);
            nn_dataset_raw(dataset, (nn_part)p, i, x);
            for (int j = 0; j < SIDE * SIDE; j++)
                assert_int_equal(lroundf(x[j] * 255), pixel((int)in_file, j));
        }
    nn_dataset_free(dataset);
}

static void idx_plain_and_packed(void **state)
{
    (void)state;
    write_idx("train", "", IMAGES, 4);
    write_idx("t10k", ".gz", TEST_IMAGES, 4);
    check_idx();
}

static void idx_tells_what_is_wrong(void **state)
{
    (void)state;
    write_idx("train", "", IMAGES, 4);
    write_idx("t10k", "", TEST_IMAGES, 4);
    uint8_t labels[IMAGES] = {0, 1, 2, 3, 77};
    uint32_t count = IMAGES, fewer = IMAGES - 1;
    test_bytes bad = idx_bytes(1, &count, labels);
    file_write(folder, "train-labels-idx1-ubyte", bad.bytes, bad.size);
    expect_refusal(folder, NULL, "train-labels-idx1-ubyte: label 77 at byte 12");
    free(bad.bytes);
    bad = idx_bytes(1, &fewer, labels);
    file_write(folder, "train-labels-idx1-ubyte", bad.bytes, bad.size);
    expect_refusal(folder, NULL, "20 images");
    free(bad.bytes);
    file_write(folder, "train-labels-idx1-ubyte", "", 0);
    expect_refusal(folder, NULL, "train-labels-idx1-ubyte: empty file");
    assert_int_equal(remove(path_of("train-labels-idx1-ubyte")), 0);
    expect_refusal(folder, NULL, "no train-labels-idx1-ubyte");
    assert_int_equal(mkdir(path_of("train-labels-idx1-ubyte"), 0700), 0);
    expect_refusal(folder, NULL, "a folder; expected a file");
    assert_int_equal(remove(path_of("train-labels-idx1-ubyte")), 0);
    write_idx("train", "", IMAGES, 3);
    expect_refusal(folder, NULL, "t10k-labels-idx1-ubyte: label 3 at byte 11");
    write_idx("train", "", IMAGES, 1);
    write_idx("t10k", "", TEST_IMAGES, 1);
    expect_refusal(folder, NULL, "expected at least two classes");
}

static void a_cut_off_archive_is_refused(void **state)
{
    (void)state;
    write_idx("train", ".gz", IMAGES, 4);
    FILE *file = fopen(path_of("train-images-idx3-ubyte.gz"), "rb");
    unsigned char bytes[4096];
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    file_write(folder, "train-images-idx3-ubyte.gz", bytes, size - 12);
    expect_refusal(folder, NULL, "train-images-idx3-ubyte.gz");
    bytes[size / 2] ^= 0x55;
    file_write(folder, "train-images-idx3-ubyte.gz", bytes, size);
    expect_refusal(folder, NULL, "train-images-idx3-ubyte.gz: damaged");
}

/* 2^31 x 2^31 claimed pixels must not be believed, nor memory taken for them. */
static void huge_claims_are_compared_with_the_file(void **state)
{
    (void)state;
    write_idx("train", "", IMAGES, 4);
    const unsigned char huge[] = {0, 0, 8, 3, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3};
    file_write(folder, "train-images-idx3-ubyte", huge, sizeof huge);
    expect_refusal(folder, NULL, "promises 2147483648x2147483648x2147483648 bytes, but 3 follow");
}

/* --- CSV -------------------------------------------------------------------------------------- */

static const char *csv(const char *text)
{
    file_write(folder, "data.csv", text, strlen(text));
    return path_of("data.csv");
}

static void csv_numbers_categories_and_quotes(void **state)
{
    (void)state;
    nn_data_args args = {.target = "kind", .dev = -1, .test = -1, .raw = true};
    nn_dataset *dataset = open_or_fail(csv("\xEF\xBB\xBFsize, \"the, colour\",kind,weight\r\n"
                                           "1.5,red,\"a \"\"b\"\"\",-2\r\n"
                                           "\r\n"
                                           "2,blue,plain,3e2\r\n"
                                           "3,\"red\",plain,4\r\n"
                                           "4,green,\"a \"\"b\"\"\",5"),
                                       &args);
    assert_int_equal(nn_dataset_classes(dataset), 2);
    assert_string_equal(nn_dataset_class_name(dataset, 0), "a \"b\"");
    assert_string_equal(nn_dataset_class_name(dataset, 1), "plain");
    assert_true(nn_shape_equal(nn_dataset_sample(dataset), nn_shape1(5)));
    /* size, colour = blue, green, red, weight */
    const float expected[4][5] = {
        {1.5f, 0, 0, 1, -2}, {2, 1, 0, 0, 300}, {3, 0, 0, 1, 4}, {4, 0, 1, 0, 5}};
    float x[5];
    assert_int_equal(nn_dataset_count(dataset, NN_TRAIN), 4);
    for (int i = 0; i < 4; i++) {
        nn_dataset_raw(dataset, NN_TRAIN, i, x);
        assert_memory_equal(x, expected[i], sizeof x);
    }
    nn_dataset_free(dataset);
}

static void csv_without_header_takes_the_last_column(void **state)
{
    (void)state;
    nn_data_args args = {.dev = -1, .test = -1};
    nn_dataset *dataset = open_or_fail(csv("1;10\n2;9\n3;10\n4;2\n"), &args);
    assert_int_equal(nn_dataset_classes(dataset), 3);
    assert_string_equal(nn_dataset_class_name(dataset, 0), "2"); /* as numbers, not as texts */
    assert_string_equal(nn_dataset_class_name(dataset, 2), "10");
    assert_int_equal(nn_dataset_count(dataset, NN_TRAIN), 4);
    nn_dataset_free(dataset);
    dataset = open_or_fail(csv("x\ty\n1\tno\n2\tyes\n"), &args);
    assert_int_equal(nn_dataset_count(dataset, NN_TRAIN), 2);
    nn_dataset_free(dataset);
    dataset = open_or_fail(csv("red,small,no\nblue,big,yes\nred,big,no\n"), &args);
    assert_int_equal(nn_dataset_count(dataset, NN_TRAIN), 3); /* texts that come again: no header */
    nn_dataset_free(dataset);
}

static void csv_tells_the_line(void **state)
{
    (void)state;
    expect_refusal(csv("a,b\n1,x\n,y\n"), NULL, "line 3, column 'a': the value is missing");
    expect_refusal(csv("a,b\n1,x\n2,NA\n"), NULL, "line 3, column 'b': the value is missing");
    expect_refusal(csv("1,x\n2,y\n3,x\n1o,y\n"), NULL, "line 4, column 1: '1o' is not a finite");
    expect_refusal(csv("1,x\n2,y\n3,x\n1e999,y\n"), NULL, "'1e999' is not a finite number");
    expect_refusal(csv("a,b\n1,x\n2,y,3\n"), NULL, "line 3: 3 fields; line 1 has 2");
    expect_refusal(csv("a,b\n1,x\n\"2,y\n3,x\n"), NULL, "line 3: a quote opens here");
    expect_refusal(csv("a,b\n1,x\n\"2\"z,y\n"), NULL, "line 3: text behind a closing quote");
    expect_refusal(csv("a,b\n1,x\n2,y\n"), "c", "no column 'c'; there are: a, b");
    expect_refusal(csv("1,2\n3,4\n"), "c", "line 1 is no header");
    expect_refusal(csv("a,b\n"), NULL, "data.csv");
    expect_refusal(csv("only\nx\ny\n"), NULL, "1 column; expected at least one feature");
    expect_refusal(csv("a,b\n1,x\n2,x\n"), NULL, "expected at least two classes");
    expect_refusal(csv("a,b\n1,0.5\n2,1\n"), NULL, "line 2, column 'b': the target is 0.5");
    expect_refusal(csv("\n\n \n"), NULL, "no lines with data");
    expect_refusal(csv(""), NULL, "data.csv: empty file");
    file_write(folder, "data.csv", "a,b\n1,\0\n", 8);
    expect_refusal(path_of("data.csv"), NULL, "line 2: a zero byte");
    file_write(folder, "data.txt", "1,2\n", 4);
    expect_refusal(path_of("data.txt"), NULL, "unknown kind of file");
}

/* --- NPY -------------------------------------------------------------------------------------- */

static void write_npy(const char *name, int version, const char *descr, const char *shape,
                      const void *values, size_t size)
{
    test_bytes file = npy_bytes(version, descr, shape, values, size);
    file_write(folder, name, file.bytes, file.size);
    free(file.bytes);
}

static void npy_types_and_shapes(void **state)
{
    (void)state;
    nn_data_args args = {.dev = -1, .test = -1, .raw = true};
    const uint8_t bytes[2 * 2 * 1 * 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const float floats[4] = {-1, 2.5f, 3, 4};
    const double doubles[4] = {1e9, 1e9 + 1, -0.5, 7};
    const int64_t wide[2] = {1, 0};
    const int32_t narrow[2] = {0, 1};
    float x[6];
    write_npy("X.npy", 1, "<f4", "(2, 2)", floats, sizeof floats);
    write_npy("X.labels.npy", 2, "<i8", "(2,)", wide, sizeof wide);
    nn_dataset *dataset = open_or_fail(path_of("X.npy"), &args);
    nn_dataset_raw(dataset, NN_TRAIN, 0, x);
    assert_true(x[0] == -1 && x[1] == 2.5f && nn_dataset_label(dataset, NN_TRAIN, 0) == 1);
    nn_dataset_free(dataset);
    write_npy("X.npy", 3, "<f8", "(2,2)", doubles, sizeof doubles);
    write_npy("X.labels.npy", 1, "<i4", "(2, 1)", narrow, sizeof narrow);
    dataset = open_or_fail(path_of("X.npy"), &args);
    nn_dataset_raw(dataset, NN_TRAIN, 1, x);
    assert_true(x[0] == -0.5f && x[1] == 7 && nn_dataset_label(dataset, NN_TRAIN, 1) == 1);
    nn_dataset_free(dataset);
    /* (n, rows, columns, channels): rows 2, columns 1, colours 3 */
    write_npy("Z.npy", 1, "|u1", "(2, 2, 1, 3)", bytes, sizeof bytes);
    write_npy("Z_labels.npy", 1, "|u1", "(2,)", "\0\1", 2);
    dataset = open_or_fail(path_of("Z.npy"), &args);
    assert_true(nn_shape_equal(nn_dataset_sample(dataset), nn_shape3(3, 2, 1)));
    nn_dataset_raw(dataset, NN_TRAIN, 0, x);
    const int expected[6] = {1, 4, 2, 5, 3, 6};
    for (int j = 0; j < 6; j++)
        assert_int_equal(lroundf(x[j] * 255), expected[j]);
    nn_dataset_free(dataset);
}

static void npy_tells_what_is_wrong(void **state)
{
    (void)state;
    const float floats[4] = {1, 2, 3, NAN};
    const char *path = path_of("W.npy");
    char x[256];
    snprintf(x, sizeof x, "%s", path);
    write_npy("W.npy", 1, "<f4", "(4,)", floats, sizeof floats);
    expect_refusal(x, NULL, "no labels beside it");
    write_npy("W.labels.npy", 1, "|u1", "(4,)", "\0\1\0\1", 4);
    expect_refusal(x, NULL, "NaN at byte");
    write_npy("W.npy", 1, "<f4", "(5,)", floats, sizeof floats);
    expect_refusal(x, NULL, "16 bytes follow the header");
    write_npy("W.npy", 1, "<f4", "(9999999999, 9999999999)", floats, sizeof floats);
    expect_refusal(x, NULL, "16 bytes follow the header");
    write_npy("W.npy", 1, ">f4", "(4,)", floats, sizeof floats);
    expect_refusal(x, NULL, "unknown 'descr'");
    write_npy("W.npy", 1, "<f4", "(3,)", floats, 12);
    expect_refusal(x, NULL, "3 examples");
    write_npy("W.npy", 9, "<f4", "(4,)", floats, sizeof floats);
    expect_refusal(x, NULL, "version 9.0");
    write_npy("W.npy", 1, "<f4", "(4,)", (const float[]){1, 2, 3, 4}, sizeof floats);
    write_npy("W.labels.npy", 1, "<i4", "(4,)", (const int32_t[]){0, 1, -1, 0}, 16);
    expect_refusal(x, NULL, "label -1 at byte");
    write_npy("W.labels.npy", 1, "<f4", "(4,)", floats, sizeof floats);
    expect_refusal(x, NULL, "expected labels");
}

/* --- images ----------------------------------------------------------------------------------- */

static void make_class(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
}

static void write_image(const char *name, test_bytes file)
{
    file_write(folder, name, file.bytes, file.size);
    free(file.bytes);
}

static void images_by_class(void **state)
{
    (void)state;
    nn_data_args args = {.dev = -1, .test = -1};
    const uint8_t grey[4] = {0, 50, 100, 255}, rgb[12] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9};
    const uint8_t clear[8] = {10, 255, 20, 0, 30, 255, 40, 128};
    float x[12];
    make_class("cat");
    make_class("dog");
    write_image("cat/1.png", png_bytes(2, 2, 1, grey));
    write_image("cat/2.PNG", png_bytes(2, 2, 2, clear));
    write_image("dog/1.png", png_bytes(2, 2, 1, grey));
    write_image("dog/notes.txt", (test_bytes){calloc(1, 1), 1});
    nn_dataset *dataset = open_or_fail(folder, &args);
    assert_true(nn_shape_equal(nn_dataset_sample(dataset), nn_shape3(1, 2, 2)));
    assert_string_equal(nn_dataset_class_name(dataset, 1), "dog");
    nn_dataset_raw(dataset, NN_TRAIN, 1, x); /* transparent lies on white */
    const int on_white[4] = {10, 255, 30, 147};
    for (int j = 0; j < 4; j++)
        assert_int_equal(lroundf(x[j] * 255), on_white[j]);
    nn_dataset_free(dataset);
    write_image("dog/2.png", png_bytes(2, 2, 3, rgb)); /* colour: all become colour */
    dataset = open_or_fail(folder, &args);
    assert_true(nn_shape_equal(nn_dataset_sample(dataset), nn_shape3(3, 2, 2)));
    const int labels[4] = {0, 0, 1, 1}, red[4] = {255, 0, 0, 9};
    for (int i = 0; i < 4; i++)
        assert_int_equal(nn_dataset_label(dataset, NN_TRAIN, i), labels[i]);
    nn_dataset_raw(dataset, NN_TRAIN, 3, x);
    for (int j = 0; j < 4; j++)
        assert_int_equal(lroundf(x[j] * 255), red[j]);
    nn_dataset_raw(dataset, NN_TRAIN, 2, x);
    for (int j = 0; j < 12; j++)
        assert_int_equal(lroundf(x[j] * 255), grey[j % 4]);
    nn_dataset_free(dataset);
}

static void jpeg_comes_close(void **state)
{
    (void)state;
    uint8_t grey[64], rgb[192];
    float x[192];
    for (int i = 0; i < 64; i++)
        grey[i] = (uint8_t)(i * 3);
    for (int i = 0; i < 192; i++)
        rgb[i] = (uint8_t)(i % 3 == 0 ? 200 : 40);
    make_class("a");
    make_class("b");
    write_image("a/x.jpg", jpeg_bytes(8, 8, 3, rgb));
    write_image("b/x.jpeg", jpeg_bytes(8, 8, 1, grey));
    nn_dataset *dataset = open_or_fail(folder, &(nn_data_args){.dev = -1, .test = -1});
    nn_dataset_raw(dataset, NN_TRAIN, 0, x);
    assert_true(fabs((double)x[0] * 255 - 200) < 12 && fabs((double)x[64] * 255 - 40) < 12);
    nn_dataset_raw(dataset, NN_TRAIN, 1, x);
    for (int j = 0; j < 192; j++)
        assert_true(fabs((double)x[j] * 255 - grey[j % 64]) < 12);
    nn_dataset_free(dataset);
}

static void images_have_their_own_test_part(void **state)
{
    (void)state;
    static const char *const name[] = {"train", "train/a", "train/b", "test", "test/a", "test/b"};
    const uint8_t grey[4] = {1, 2, 3, 4};
    for (int i = 0; i < 6; i++)
        make_class(name[i]);
    for (int i = 0; i < 6; i++) {
        char file[32];
        snprintf(file, sizeof file, "%s/1.png", name[i]);
        if (strchr(name[i], '/'))
            write_image(file, png_bytes(2, 2, 1, grey));
    }
    nn_dataset *dataset = open_or_fail(folder, NULL);
    assert_int_equal(nn_dataset_count(dataset, NN_TEST), 2);
    assert_int_equal(nn_dataset_id(dataset, NN_TEST, 0), 2);
    assert_int_equal(nn_dataset_label(dataset, NN_TEST, 1), 1);
    nn_dataset_free(dataset);
    make_class("test/c");
    expect_refusal(folder, NULL, "test/c: the train part has no such class");
}

static void images_tell_which_file(void **state)
{
    (void)state;
    const uint8_t grey[12] = {0};
    expect_refusal(folder, NULL, "expected a folder of images for each class");
    make_class("a");
    make_class("b");
    expect_refusal(folder, NULL, "/a: no image");
    write_image("a/1.png", png_bytes(2, 2, 1, grey));
    write_image("b/1.png", png_bytes(3, 2, 1, grey));
    expect_refusal(folder, NULL, "b/1.png is 3 x 2");
    test_bytes cut = png_bytes(2, 2, 1, grey);
    file_write(folder, "b/1.png", cut.bytes, cut.size - 20);
    free(cut.bytes);
    expect_refusal(folder, NULL, "b/1.png: damaged PNG");
    cut = jpeg_bytes(2, 2, 1, grey);
    file_write(folder, "b/1.png", cut.bytes, cut.size / 2);
    free(cut.bytes);
    expect_refusal(folder, NULL, "b/1.png: damaged JPEG");
    file_write(folder, "b/1.png", "hello", 5);
    expect_refusal(folder, NULL, "b/1.png: neither PNG nor JPEG");
    file_write(folder, "b/1.png", "", 0);
    expect_refusal(folder, NULL, "b/1.png: empty file");
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(idx_plain_and_packed),
        in_folder(idx_tells_what_is_wrong),
        in_folder(a_cut_off_archive_is_refused),
        in_folder(huge_claims_are_compared_with_the_file),
        in_folder(csv_numbers_categories_and_quotes),
        in_folder(csv_without_header_takes_the_last_column),
        in_folder(csv_tells_the_line),
        in_folder(npy_types_and_shapes),
        in_folder(npy_tells_what_is_wrong),
        in_folder(images_by_class),
        in_folder(jpeg_comes_close),
        in_folder(images_have_their_own_test_part),
        in_folder(images_tell_which_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
