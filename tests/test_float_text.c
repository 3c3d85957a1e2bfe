/* Numbers of answers as text: they read back, no text is longer than printf's, and none lies. */
#include "engine/rng.h"
#include "ui/onnx/float_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_back(float value)
{
    char text[ONNX_FLOAT_TEXT + 1], nine[64];
    size_t length = onnx_float_text(value, text);
    assert_true(length > 0 && length <= ONNX_FLOAT_TEXT);
    text[length] = '\0';
    float back = strtof(text, NULL);
    if (back != value || signbit(back) != signbit(value))
        fail_msg("%a became '%s', which reads as %a", (double)value, text, (double)back);
    snprintf(nine, sizeof nine, "%.9g", (double)value);
    if (length > strlen(nine))
        fail_msg("'%s' is longer than '%s'", text, nine);
}

static float of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void every_kind_of_number_reads_back(void **state)
{
    (void)state;
    enum { BLOCKS = 50000 };
    uint32_t *word = malloc(4 * BLOCKS * sizeof *word);
    assert_non_null(word);
    nn_random_words(7, 0, 0, 0, BLOCKS, word);
    for (int i = 0; i < 4 * BLOCKS; i++) {
        if (isfinite(of_bits(word[i])))
            expect_back(of_bits(word[i]));
        expect_back((float)((double)word[i] * 0x1p-31 - 1)); /* the usual sizes */
        expect_back((float)(word[i] % 100000) / 1000);       /* few digits */
        expect_back((float)(word[i] % 100000) * 1e6F);
    }
    free(word);
}

static void edges_read_back(void **state)
{
    (void)state;
    for (int e = -126; e <= 127; e++)
        for (int32_t off = -2; off <= 2; off++) {
            float value = of_bits((uint32_t)((e + 127) << 23) + (uint32_t)off);
            if (isfinite(value))
                expect_back(value);
            expect_back(-value);
        }
    for (int e = -45; e <= 38; e++) {
        float value = strtof((char[]){'1', 'e', e < 0 ? '-' : '+', (char)('0' + abs(e) / 10),
                                      (char)('0' + abs(e) % 10), '\0'},
                             NULL);
        expect_back(value);
        expect_back(nextafterf(value, 0));
        expect_back(nextafterf(value, 1e38F));
    }
    expect_back(0.0F);
    expect_back(-0.0F);
}

static void expect_text(float value, const char *expected)
{
    char text[ONNX_FLOAT_TEXT + 1];
    text[onnx_float_text(value, text)] = '\0';
    assert_string_equal(text, expected);
}

static void texts_are_the_shortest(void **state)
{
    (void)state;
    expect_text(0.1F, "0.1");
    expect_text(-1.5F, "-1.5");
    expect_text(100, "100");
    expect_text(1e8F, "100000000");
    expect_text(1e9F, "1e+09");
    expect_text(2.5e-7F, "2.5e-07");
    expect_text(1.0F / 3, "0.33333334");
    expect_text(16777216, "16777216");
    expect_text(0.0001F, "0.0001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_number_reads_back),
        cmocka_unit_test(edges_read_back),
        cmocka_unit_test(texts_are_the_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
