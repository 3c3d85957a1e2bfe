/* Files of tensors: what is written comes back, what is wrong is refused by name, and a save that
 * fails leaves the old file as it was. */
#include "engine/safetensors.h"
#include "tests/data_files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <dirent.h>

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

static int files_in_folder(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* One tensor "w" of `count` equal values, written to `path`. */
static nn_status save(const char *path, nn_real value, int64_t count, nn_error *error)
{
    nn_tensors *tensors = nn_tensors_new();
    nn_real *data = malloc((size_t)count * sizeof *data);
    assert_true(tensors && data);
    for (int64_t i = 0; i < count; i++)
        data[i] = value;
    assert_int_equal(nn_tensors_add(tensors, "w", nn_shape1(count), data, error), NN_OK);
    nn_status status = nn_tensors_write(tensors, path, error);
    nn_tensors_free(tensors);
    free(data);
    return status;
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    const nn_real w[6] = {1, -2.5f, (nn_real)1e-30, INFINITY, 0, (nn_real)0.1}, b = 7;
    nn_real back[6], single;
    nn_tensors *out = nn_tensors_new();
    assert_int_equal(nn_tensors_add(out, "layer \"ä\".weight", nn_shape2(2, 3), w, &error), NN_OK);
    assert_int_equal(nn_tensors_add(out, "b", (nn_shape){0}, &b, &error), NN_OK);
    assert_int_equal(nn_tensors_add(out, "empty", nn_shape2(0, 5), NULL, &error), NN_OK);
    assert_int_equal(nn_tensors_note(out, "step", "12", &error), NN_OK);
    assert_int_equal(nn_tensors_note(out, "step", "13\n", &error), NN_OK);
    assert_int_equal(nn_tensors_write(out, path_of("a.safetensors"), &error), NN_OK);
    nn_tensors_free(out);
    assert_int_equal(files_in_folder(), 1);
    nn_tensors *in = nn_tensors_read(path_of("a.safetensors"), &error);
    assert_non_null(in);
    assert_int_equal(nn_tensors_count(in), 3);
    assert_string_equal(nn_tensors_name(in, 0), "layer \"ä\".weight");
    assert_true(nn_shape_equal(nn_tensors_shape(in, 2), nn_shape2(0, 5)));
    assert_int_equal(nn_tensors_load(in, "layer \"ä\".weight", nn_shape2(2, 3), back, &error), 0);
    assert_memory_equal(back, w, sizeof w);
    assert_int_equal(nn_tensors_load(in, "b", (nn_shape){0}, &single, &error), NN_OK);
    assert_true(single == 7);
    assert_string_equal(nn_tensors_get_note(in, "step"), "13\n");
    assert_null(nn_tensors_get_note(in, "epoch"));
    assert_int_equal(nn_tensors_load(in, "b", nn_shape1(1), &single, &error), NN_E_SHAPE);
    assert_non_null(strstr(error.text, "'b' is scalar; expected 1"));
    assert_int_equal(nn_tensors_load(in, "c", nn_shape1(1), &single, &error), NN_E_MISSING);
    assert_non_null(strstr(error.text, "no tensor 'c'"));
    nn_tensors_free(in);
}

static void names_are_checked(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    const nn_real w[2] = {1, 2};
    nn_tensors *out = nn_tensors_new();
    assert_int_equal(nn_tensors_add(out, "w", nn_shape1(2), w, &error), NN_OK);
    assert_int_equal(nn_tensors_add(out, "w", nn_shape1(2), w, &error), NN_E_ARG);
    assert_int_equal(nn_tensors_add(out, "", nn_shape1(2), w, &error), NN_E_ARG);
    assert_int_equal(nn_tensors_add(out, "__metadata__", nn_shape1(2), w, &error), NN_E_ARG);
    assert_int_equal(nn_tensors_add(out, "\xFF", nn_shape1(2), w, &error), NN_OK);
    assert_int_equal(nn_tensors_write(out, path_of("a.safetensors"), &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "not UTF-8"));
    assert_int_equal(files_in_folder(), 0);
    nn_tensors_free(out);
}

/* Bytes by hand: 1.5, -inf, the smallest half, in every type that loads. */
static void other_types_are_converted(void **state)
{
    (void)state;
    static const char header[] =
        "{\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]},"
        "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]},"
        "\"i\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[24,28]}}";
    static const unsigned char data[28] = {
        0,    0,    0,    0,    0,    0,    0xF8, 0x3F, 0x00, 0x3E, 0x00, 0xFC, 0x01, 0x00,
        0x01, 0x7E, 0xC0, 0x3F, 0x80, 0xFF, 0,    0,    0xC0, 0xBF, 1,    0,    0,    0};
    nn_error error = {NN_OK, ""};
    nn_real x[4];
    test_bytes file = safetensors_bytes(header, 0);
    bytes_add(&file, data, sizeof data);
    nn_tensors *in = nn_tensors_parse(file.bytes, file.size, "f", &error);
    assert_non_null(in);
    assert_int_equal(nn_tensors_load(in, "d", nn_shape1(1), x, &error), NN_OK);
    assert_true(x[0] == (nn_real)1.5);
    assert_int_equal(nn_tensors_load(in, "h", nn_shape1(4), x, &error), NN_OK);
    assert_true(x[0] == (nn_real)1.5 && x[1] == -(nn_real)INFINITY && isnan(x[3]));
    assert_true(x[2] == (nn_real)0x1p-24);
    assert_int_equal(nn_tensors_load(in, "b", nn_shape1(2), x, &error), NN_OK);
    assert_true(x[0] == (nn_real)1.5 && x[1] == -(nn_real)INFINITY);
    assert_int_equal(nn_tensors_load(in, "f", nn_shape1(1), x, &error), NN_OK);
    assert_true(x[0] == (nn_real)-1.5);
    assert_int_equal(nn_tensors_load(in, "i", nn_shape1(1), x, &error), NN_E_FORMAT);
    assert_non_null(strstr(error.text, "'i' is I32; expected F32"));
    nn_tensors_free(in);
    free(file.bytes);
}

#define T(name, dtype, shape, from, to)                                                            \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to   \
    "]}"

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t size;
        const char *part;
    } cases[] = {
        {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 2, 6) "}", 6, "'b': overlaps"},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 6, 10) "}", 10, "unused bytes"},
        {"{" T("a", "F32", "[1]", 0, 4) "}", 5, "1 bytes too many at the end"},
        {"{" T("a", "F32", "[1]", 0, 4) "}", 3, "within the 3 bytes"},
        {"{" T("a", "F32", "[2]", 0, 4) "}", 4, "spans 4 bytes; 2 of F32 needs 8"},
        {"{" T("a", "F32", "[1]", 4, 0) "}", 4, "data_offsets 4 to 0"},
        {"{" T("a", "F32", "[1]", -4, 0) "}", 4, "data_offsets -4 to 0"},
        {"{" T("a", "F32", "[-1]", 0, 4) "}", 4, "expected whole numbers from 0"},
        {"{" T("a", "F32", "[1.0]", 0, 4) "}", 4, "expected whole numbers from 0"},
        {"{" T("a", "F32", "[4294967296,4294967296]", 0, 4) "}", 4, "more than 2^40"},
        {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "at most 8 sizes"},
        {"{" T("a", "F31", "[1]", 0, 4) "}", 4, "unknown dtype"},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 4, 8) "}", 8, "duplicate"},
        {"{" T("a", "F32", "[1]", 0, 99999999999999999999) "}", 4, "too big integer"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "expected an object of dtype"},
        {"{\"a\":3}", 0, "expected an object of dtype"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ 'a'; expected a text"},
        {"{\"__metadata__\":7}", 0, "__metadata__; expected an object"},
        {"[1]", 0, "no JSON object"},
        {"{", 0, "header, byte"},
        {"", 0, "header, byte"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_error error = {NN_OK, ""};
        test_bytes file = safetensors_bytes(cases[i].header, cases[i].size);
        assert_null(nn_tensors_parse(file.bytes, file.size, "f.safetensors", &error));
        if (!strstr(error.text, cases[i].part) || strncmp(error.text, "f.safetensors", 13) != 0)
            fail_msg("%s: '%s' does not say '%s'", cases[i].header, error.text, cases[i].part);
        free(file.bytes);
    }
}

static void impossible_lengths_are_refused(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    const unsigned char huge[16] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, '{', '}'};
    const unsigned char long_one[10] = {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    assert_null(nn_tensors_parse(huge, sizeof huge, "f", &error));
    assert_non_null(strstr(error.text, "at most 100000000"));
    assert_null(nn_tensors_parse(long_one, sizeof long_one, "f", &error));
    assert_non_null(strstr(error.text, "the 2 that follow"));
    assert_null(nn_tensors_parse(huge, 7, "f", &error));
    assert_non_null(strstr(error.text, "7 bytes"));
    assert_null(nn_tensors_read(path_of("missing"), &error));
    assert_int_equal(error.code, NN_E_MISSING);
    assert_null(nn_tensors_read(folder, &error));
    assert_non_null(strstr(error.text, "a folder; expected a file"));
}

/* A depth that a careless parser would follow until its stack ends. */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    char *deep = malloc(200001);
    assert_non_null(deep);
    memset(deep, '[', 200000);
    deep[200000] = 0;
    test_bytes file = safetensors_bytes(deep, 0);
    assert_null(nn_tensors_parse(file.bytes, file.size, "f", &error));
    assert_non_null(strstr(error.text, "maximum parsing depth"));
    free(file.bytes);
    free(deep);
}

static void expect_old_file(const char *path)
{
    nn_error error = {NN_OK, ""};
    nn_real x[3];
    nn_tensors *in = nn_tensors_read(path, &error);
    assert_non_null(in);
    assert_int_equal(nn_tensors_load(in, "w", nn_shape1(3), x, &error), NN_OK);
    assert_true(x[0] == 1 && x[2] == 1);
    nn_tensors_free(in);
    assert_int_equal(files_in_folder(), 1); /* no temporary left behind */
}

static void a_file_size_limit_leaves_the_old_file(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    char path[256];
    struct rlimit before, small;
    snprintf(path, sizeof path, "%s", path_of("w.safetensors"));
    assert_int_equal(save(path, 1, 3, &error), NN_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    nn_status status = save(path, 2, 5000, &error); /* and SIGXFSZ does not end us */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, NN_E_IO);
    assert_non_null(strstr(error.text, "not saved: File too large; the old file is untouched"));
    expect_old_file(path);
}

static void a_full_disk_is_refused(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    struct stat status;
    assert_int_equal(save("/dev/full", 1, 3, &error), NN_E_IO);
    assert_non_null(strstr(error.text, "/dev/full: a device"));
    assert_int_equal(stat("/dev/full", &status), 0);
    assert_true(S_ISCHR(status.st_mode)); /* still the device */
    assert_int_equal(save(folder, 1, 3, &error), NN_E_IO);
    assert_non_null(strstr(error.text, "a folder"));
    assert_int_equal(save(path_of("no/such/folder"), 1, 3, &error), NN_E_IO);
    assert_non_null(strstr(error.text, "No such file or directory"));
}

static void saving_again_replaces(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    assert_int_equal(save(path_of("w.safetensors"), 5, 8, &error), NN_OK);
    assert_int_equal(save(path_of("w.safetensors"), 1, 3, &error), NN_OK);
    expect_old_file(path_of("w.safetensors"));
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(what_is_written_comes_back),
        in_folder(names_are_checked),
        in_folder(other_types_are_converted),
        in_folder(hostile_headers_are_refused),
        in_folder(impossible_lengths_are_refused),
        in_folder(deep_nesting_is_refused),
        in_folder(a_file_size_limit_leaves_the_old_file),
        in_folder(a_full_disk_is_refused),
        in_folder(saving_again_replaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
