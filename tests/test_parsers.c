/* Every reader on input that was cut off at every length and on thousands of damaged copies: it may
 * accept or refuse, but it refuses with a message, keeps its promises, and (under the sanitizers)
 * touches nothing it should not and leaks nothing. */
#include "engine/data/parsers.h"
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

#include <cmocka.h>

typedef bool reader(const unsigned char *bytes, size_t size, nn_error *error);

/* What every accepted set of examples must satisfy. */
static void check_examples(nn_examples *examples)
{
    assert_in_range(examples->count, 1, INT32_MAX);
    assert_in_range(examples->train_count, 1, examples->count);
    assert_int_equal(examples->row, nn_shape_count(examples->sample));
    for (int64_t i = 0; i < examples->count; i++)
        assert_in_range(examples->label[i], 0, examples->classes - 1);
    for (int64_t i = 0; i < examples->count * examples->row; i++)
        assert_true(isfinite(nn_stored_value(examples, i)));
    for (int k = 0; k < examples->classes; k++)
        assert_non_null(memchr(examples->class_name[k], 0, NN_NAME_MAX));
    nn_examples_free(examples);
}

static bool accepts(nn_status status, nn_examples *examples)
{
    if (status == NN_OK)
        check_examples(examples);
    return status == NN_OK;
}

static const uint8_t four_labels[] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1};

static bool read_idx_images(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_examples examples;
    nn_source images = {bytes, size, "images"},
              labels = {four_labels, sizeof four_labels, "labels"};
    return accepts(nn_parse_idx(&images, &labels, NULL, NULL, &examples, error), &examples);
}

static bool read_idx_labels(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_examples examples;
    const uint32_t dim[3] = {4, 2, 2};
    const uint8_t pixels[16] = {1, 2, 3};
    test_bytes file = idx_bytes(3, dim, pixels);
    nn_source images = {file.bytes, file.size, "images"}, labels = {bytes, size, "labels"};
    bool ok =
        accepts(nn_parse_idx(&images, &labels, &images, &labels, &examples, error), &examples);
    free(file.bytes);
    return ok;
}

static bool read_csv(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_examples examples;
    return accepts(nn_parse_csv((const char *)bytes, size, "data.csv", NULL, &examples, error),
                   &examples);
}

static bool read_npy_features(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_examples examples;
    test_bytes file = npy_bytes(1, "|u1", "(4,)", "\0\1\2\1", 4);
    nn_source features = {bytes, size, "X"}, labels = {file.bytes, file.size, "y"};
    bool ok = accepts(nn_parse_npy(&features, &labels, &examples, error), &examples);
    free(file.bytes);
    return ok;
}

static bool read_npy_labels(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_examples examples;
    test_bytes file = npy_bytes(1, "|u1", "(4,1,1,3)", "123456789abc", 12);
    nn_source features = {file.bytes, file.size, "X"}, labels = {bytes, size, "y"};
    bool ok = accepts(nn_parse_npy(&features, &labels, &examples, error), &examples);
    free(file.bytes);
    return ok;
}

static bool read_image(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_image image;
    nn_source source = {bytes, size, "image"};
    if (nn_decode_image(&source, &image, error) != NN_OK)
        return false;
    assert_true(image.channels == 1 || image.channels == 3);
    assert_true(image.width > 0 && image.height > 0);
    unsigned sum = 0; /* every pixel is there to be read */
    for (int64_t i = 0; i < (int64_t)image.width * image.height * image.channels; i++)
        sum += image.pixels[i];
    assert_in_range(sum, 0, UINT32_MAX);
    free(image.pixels);
    return true;
}

static bool read_tensors(const unsigned char *bytes, size_t size, nn_error *error)
{
    nn_tensors *tensors = nn_tensors_parse(bytes, size, "tensors", error);
    if (!tensors)
        return false;
    for (int i = 0; i < nn_tensors_count(tensors); i++) {
        nn_shape shape = nn_tensors_shape(tensors, i);
        int64_t count = nn_shape_count(shape);
        nn_real *data = malloc((size_t)(count + 1) * sizeof *data);
        nn_error why = {NN_OK, ""};
        assert_non_null(data);
        if (nn_tensors_load(tensors, nn_tensors_name(tensors, i), shape, data, &why) != NN_OK)
            assert_int_equal(why.code, NN_E_FORMAT); /* an integer type */
        free(data);
    }
    nn_tensors_free(tensors);
    return true;
}

/* The bytes on the heap at their exact length, so that one too many is noticed. */
static bool try_bytes(reader *read, const unsigned char *bytes, size_t size)
{
    nn_error error = {NN_OK, ""};
    unsigned char *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    bool ok = read(exact, size, &error);
    free(exact);
    if (!ok) {
        assert_int_not_equal(error.code, NN_OK);
        assert_in_range(strlen(error.text), 8, sizeof error.text - 1);
        assert_null(strchr(error.text, '\n'));
    }
    return ok;
}

/* `strict`: a shorter file can never be a whole one. */
static void torture(reader *read, test_bytes good, bool strict, int mutations)
{
    uint32_t random = 2463534242u;
    assert_true(try_bytes(read, good.bytes, good.size));
    for (size_t size = 0; size < good.size; size++)
        if (try_bytes(read, good.bytes, size) && strict)
            fail_msg("accepted after %zu of %zu bytes", size, good.size);
    for (int i = 0; i < mutations; i++) {
        unsigned char *copy = malloc(good.size);
        assert_non_null(copy);
        memcpy(copy, good.bytes, good.size);
        for (uint32_t changes = 1 + next_random(&random) % 4; changes > 0; changes--) {
            size_t at = next_random(&random) % good.size;
            if (i % 2 && good.size > 64)
                at %= 64; /* headers are where it hurts */
            static const unsigned char nasty[] = {0, 1, 0x7F, 0x80, 0xFF, '"', ',', '\n'};
            copy[at] = next_random(&random) % 2 ? (unsigned char)next_random(&random)
                                                : nasty[next_random(&random) % sizeof nasty];
        }
        try_bytes(read, copy, good.size);
        free(copy);
    }
    free(good.bytes);
}

static void idx_damaged(void **state)
{
    (void)state;
    const uint32_t dim[3] = {4, 2, 2}, count = 4;
    const uint8_t pixels[16] = {9, 8, 7, 6, 5};
    torture(read_idx_images, idx_bytes(3, dim, pixels), true, 3000);
    torture(read_idx_labels, idx_bytes(1, &count, (const uint8_t[]){0, 1, 2, 1}), true, 3000);
}

static void csv_damaged(void **state)
{
    (void)state;
    static const char text[] =
        "size,\"col\"\"our\",kind\r\n1.5,red,a\r\n-2e3,\"bl,ue\",b\n\n3,red,b\n";
    test_bytes good = {0};
    bytes_add(&good, text, sizeof text - 1);
    torture(read_csv, good, false, 6000);
}

static void npy_damaged(void **state)
{
    (void)state;
    const float floats[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const int64_t labels[4] = {0, 1, 2, 1};
    torture(read_npy_features, npy_bytes(1, "<f4", "(4, 2)", floats, sizeof floats), true, 4000);
    torture(read_npy_features, npy_bytes(2, "<f4", "(4, 1, 2)", floats, sizeof floats), true, 2000);
    torture(read_npy_labels, npy_bytes(3, "<i8", "(4,)", labels, sizeof labels), true, 3000);
}

static void images_damaged(void **state)
{
    (void)state;
    uint8_t pixels[16 * 16 * 4];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    torture(read_image, png_bytes(16, 16, 4, pixels), true, 2000);
    torture(read_image, png_bytes(9, 7, 1, pixels), true, 2000);
    torture(read_image, jpeg_bytes(16, 16, 3, pixels), false, 2000);
    torture(read_image, jpeg_bytes(9, 7, 1, pixels), false, 2000);
}

static void safetensors_damaged(void **state)
{
    (void)state;
    torture(read_tensors,
            safetensors_bytes("{\"__metadata__\":{\"step\":\"12\"},"
                              "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                              "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[24,26]},"
                              "\"c\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[26,26]}}",
                              26),
            true, 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_damaged),         cmocka_unit_test(csv_damaged),
        cmocka_unit_test(npy_damaged),         cmocka_unit_test(images_damaged),
        cmocka_unit_test(safetensors_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
