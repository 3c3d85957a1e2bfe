/* `gradus op`: requests in, answers out, refusals that say what is wrong. The numbers are worked by
 * hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/onnx/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The answer as the command prints it, or "error: ..." . */
static char *answer_to(const char *text, size_t length)
{
    onnx_request *request = calloc(1, sizeof *request);
    onnx_answer *answer = calloc(1, sizeof *answer);
    nn_error error = {NN_OK, ""};
    char *line = NULL;
    size_t size = 0;
    assert_non_null(request);
    assert_non_null(answer);
    FILE *out = open_memstream(&line, &size);
    assert_non_null(out);
    nn_status status = onnx_request_read(request, text, length, &error);
    if (status == NN_OK)
        status = onnx_run(request, answer, &error);
    if (status == NN_OK)
        assert_true(onnx_answer_write(answer, out));
    else
        fprintf(out, "error: %s", error.text);
    fclose(out);
    onnx_answer_free(answer);
    onnx_request_free(request);
    free(answer);
    free(request);
    return line;
}

static void expect(const char *request, const char *answer)
{
    char *got = answer_to(request, strlen(request));
    assert_string_equal(got, answer);
    free(got);
}

static void expect_refusal(const char *request, const char *part)
{
    char *got = answer_to(request, strlen(request));
    if (strncmp(got, "error: ", 7) != 0 || !strstr(got, part))
        fail_msg("%s\n gave %s\n expected a refusal with: %s", request, got, part);
    assert_true(strlen(got) < 1000);
    assert_null(strchr(got, '\n'));
    free(got);
}

static void test_values_and_gradients(void **state)
{
    (void)state;
    expect("{\"op\":\"Relu\",\"inputs\":[{\"shape\":[3],\"data\":[-1,0,2]}],"
           "\"grad_outputs\":[{\"shape\":[3],\"data\":[1,1,5]}]}",
           "{\"outputs\":[{\"shape\":[3],\"data\":[0,0,2]}],"
           "\"grad_inputs\":[{\"shape\":[3],\"data\":[0,0,5]}]}\n");
    expect(" {\"inputs\" : [ {\"data\":[1,2,3,4], \"shape\":[2,2]}, {\"shape\":[2],\"data\":[1,1]}"
           "], \"op\":\"MatMul\"}\n",
           "{\"outputs\":[{\"shape\":[2],\"data\":[3,7]}]}\n");
    expect("{\"op\":\"Conv\",\"attributes\":{\"strides\":[2,2],\"pads\":[1,1,1,1]},\"inputs\":["
           "{\"shape\":[1,1,3,3],\"data\":[1,2,3,4,5,6,7,8,9]},"
           "{\"shape\":[1,1,3,3],\"data\":[1,1,1,1,1,1,1,1,1]},null],"
           "\"grad_outputs\":[{\"shape\":[1,1,2,2],\"data\":[1,1,1,1]}]}",
           "{\"outputs\":[{\"shape\":[1,1,2,2],\"data\":[12,16,24,28]}],\"grad_inputs\":["
           "{\"shape\":[1,1,3,3],\"data\":[1,2,1,2,4,2,1,2,1]},"
           "{\"shape\":[1,1,3,3],\"data\":[5,10,5,10,20,10,5,10,5]},null]}\n");
}

/* Operators that ONNX's own cases check without gradients. */
static void test_gradients_of_reductions(void **state)
{
    (void)state;
    expect("{\"op\":\"ReduceProd\",\"attributes\":{\"axes\":[1],\"keepdims\":0},\"inputs\":["
           "{\"shape\":[2,2],\"data\":[1,2,3,4]}],\"grad_outputs\":[{\"shape\":[2],"
           "\"data\":[1,1]}]}",
           "{\"outputs\":[{\"shape\":[2],\"data\":[2,12]}],"
           "\"grad_inputs\":[{\"shape\":[2,2],\"data\":[2,1,4,3]}]}\n");
    expect("{\"op\":\"TopK\",\"inputs\":[{\"shape\":[4],\"data\":[1,4,3,2]},"
           "{\"shape\":[1],\"dtype\":\"int64\",\"data\":[2]}],"
           "\"grad_outputs\":[{\"shape\":[2],\"data\":[5,7]}]}",
           "{\"outputs\":[{\"shape\":[2],\"data\":[4,3]},"
           "{\"shape\":[2],\"dtype\":\"int64\",\"data\":[1,2]}],"
           "\"grad_inputs\":[{\"shape\":[4],\"data\":[0,5,7,0]},null]}\n");
    expect("{\"op\":\"Gather\",\"inputs\":[{\"shape\":[3,2],\"data\":[1,2,3,4,5,6]},"
           "{\"shape\":[3],\"dtype\":\"int64\",\"data\":[0,0,-1]}],"
           "\"grad_outputs\":[{\"shape\":[3,2],\"data\":[1,1,1,1,1,1]}]}",
           "{\"outputs\":[{\"shape\":[3,2],\"data\":[1,2,1,2,5,6]}],"
           "\"grad_inputs\":[{\"shape\":[3,2],\"data\":[2,2,0,0,1,1]},null]}\n");
    expect("{\"op\":\"ThresholdedRelu\",\"inputs\":[{\"shape\":[3],\"data\":[0.5,1,3]}],"
           "\"grad_outputs\":[{\"shape\":[3],\"data\":[1,1,1]}]}",
           "{\"outputs\":[{\"shape\":[3],\"data\":[0,0,3]}],"
           "\"grad_inputs\":[{\"shape\":[3],\"data\":[0,0,1]}]}\n");
}

/* The bounds of Clip, and class weights, of which the divisor of the mean is made as well: the mean
 * (1*1 + 3*4) / (1 + 3) = 3.25 has the slopes (1 - 3.25)/4 and (4 - 3.25)/4. */
static void test_gradients_of_arguments(void **state)
{
    (void)state;
    expect("{\"op\":\"Clip\",\"inputs\":[{\"shape\":[5],\"data\":[-3,-1,0.5,4,\"NaN\"]},"
           "{\"shape\":[],\"data\":[-1]},{\"shape\":[],\"data\":[2]}],"
           "\"grad_outputs\":[{\"shape\":[5],\"data\":[1,2,3,4,5]}]}",
           "{\"outputs\":[{\"shape\":[5],\"data\":[-1,-1,0.5,2,\"NaN\"]}],\"grad_inputs\":["
           "{\"shape\":[5],\"data\":[0,2,3,0,5]},{\"shape\":[],\"data\":[1]},"
           "{\"shape\":[],\"data\":[4]}]}\n");
    expect("{\"op\":\"NegativeLogLikelihoodLoss\",\"inputs\":["
           "{\"shape\":[2,2],\"data\":[-1,-2,-3,-4]},"
           "{\"shape\":[2],\"dtype\":\"int64\",\"data\":[0,1]},{\"shape\":[2],\"data\":[1,3]}],"
           "\"grad_outputs\":[{\"shape\":[],\"data\":[16]}]}",
           "{\"outputs\":[{\"shape\":[],\"data\":[3.25]}],\"grad_inputs\":["
           "{\"shape\":[2,2],\"data\":[-4,0,0,-12]},null,{\"shape\":[2],\"data\":[-9,3]}]}\n");
}

/* No grad_outputs[0]: zeros. Without grad_outputs there are no grad_inputs. */
static void test_missing_gradients(void **state)
{
    (void)state;
    expect("{\"op\":\"Sigmoid\",\"inputs\":[{\"shape\":[1],\"data\":[0]}],\"grad_outputs\":[null]}",
           "{\"outputs\":[{\"shape\":[1],\"data\":[0.5]}],"
           "\"grad_inputs\":[{\"shape\":[1],\"data\":[0]}]}\n");
    expect("{\"op\":\"Sigmoid\",\"inputs\":[{\"shape\":[],\"data\":[0]}],\"grad_outputs\":null}",
           "{\"outputs\":[{\"shape\":[],\"data\":[0.5]}]}\n");
}

static void test_numbers_json_has_not(void **state)
{
    (void)state;
    expect("{\"op\":\"Relu\",\"inputs\":[{\"shape\":[4],"
           "\"data\":[\"NaN\",\"Infinity\",\"-Infinity\",1e-45]}]}",
           "{\"outputs\":[{\"shape\":[4],\"data\":[\"NaN\",\"Infinity\",0,1.40129846e-45]}]}\n");
    expect("{\"op\":\"Relu\",\"inputs\":[{\"shape\":[5],"
           "\"data\":[0.1,16777217,3.4028235e38,123456789012345678901234567890,1.5E+2]}]}",
           "{\"outputs\":[{\"shape\":[5],\"data\":[0.1,16777216,3.40282347e+38,"
           "1.23456789e+29,150]}]}\n");
}

static void test_types(void **state)
{
    (void)state;
    expect("{\"op\":\"MaxPool\",\"attributes\":{\"kernel_shape\":[2]},\"inputs\":["
           "{\"shape\":[1,1,3],\"dtype\":\"uint8\",\"data\":[1,3,2]}],\"grad_outputs\":[null]}",
           "{\"outputs\":[{\"shape\":[1,1,2],\"dtype\":\"uint8\",\"data\":[3,3]},"
           "{\"shape\":[1,1,2],\"dtype\":\"int64\",\"data\":[1,1]}],\"grad_inputs\":[null]}\n");
    expect_refusal("{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"dtype\":\"int8\","
                   "\"data\":[0.5]}]}",
                   "inputs[0]: 0.5 is no int8");
    expect_refusal("{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"dtype\":\"int64\","
                   "\"data\":[16777220]}]}",
                   "exact up to 16777216");
    expect_refusal("{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"dtype\":\"complex\","
                   "\"data\":[0]}]}",
                   "dtype");
}

static void test_bad_json(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "byte 0: expected '{', found the end"},
        {"[[[[[[[[[[", "expected '{'"},
        {"{\"op\":[[[[[[", "expected a text"},
        {"{\"op\":\"Relu\"", "expected ','"},
        {"{\"op\":\"Relu\"}", "no \"inputs\""},
        {"{\"inputs\":[]}", "no \"op\""},
        {"{\"op\":\"Relu\",\"op\":\"Relu\",\"inputs\":[]}", "twice"},
        {"{\"op\":\"Relu\",\"input\":[]}", "unknown member"},
        {"{\"op\":\"Relu\",\"inputs\":[]} x", "expected the end, found 'x'"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[01]}]}", "begin with 0"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[1.]}]}", "digit"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[-]}]}", "a number"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[1e]}]}", "digits"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[NaN]}]}", "a number"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[\"nan\"]}]}", "\"NaN\""},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[1e39]}]}", "float"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[1,]}]}", "a number"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"shape\":[1],\"data\":[1]}]}", "twice"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1]}]}", "no \"data\""},
        {"{\"op\":\"Relu\",\"inputs\":[{\"data\":[1]}]}", "no \"shape\""},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[2],\"data\":[1]}]}", "2 elements"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1.5],\"data\":[1]}]}", "whole number"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[-1],\"data\":[]}]}", "negative"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1e18,1e18],\"data\":[]}]}", "too large"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1,1,1,1,1,1,1,1,1],\"data\":[]}]}",
         "dimensions"},
        {"{\"op\":\"Re\\u006c\\q\"", "escape"},
        {"{\"op\":\"Relu", "without its quote"},
        {"{\"op\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
         "longer than"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refusal(bad[i][0], bad[i][1]);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{\"op\":\"RELU\",\"inputs\":[]}", "close to it: Relu"},
        {"{\"op\":\"Sigmoi\",\"inputs\":[]}", "Sigmoid"},
        {"{\"op\":\"Zzzzzz\",\"inputs\":[]}", "op --list"},
        {"{\"op\":\"Relu\",\"inputs\":[]}", "0 inputs given; it takes 1 to 1: X"},
        {"{\"op\":\"Relu\",\"inputs\":[null]}", "input 0 (X) is needed"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[0],\"data\":[]}]}", "no elements"},
        {"{\"op\":\"Relu\",\"attributes\":{\"alpha\":1},\"inputs\":[]}", "it has: none"},
        {"{\"op\":\"LeakyRelu\",\"attributes\":{\"slope\":1},\"inputs\":[]}", "it has: alpha"},
        {"{\"op\":\"LeakyRelu\",\"attributes\":{\"alpha\":\"x\"},\"inputs\":[]}",
         "'alpha': expected a number"},
        {"{\"op\":\"LeakyRelu\",\"attributes\":{\"alpha\":[1]},\"inputs\":[]}",
         "'alpha': expected a number"},
        {"{\"op\":\"Gemm\",\"attributes\":{\"transA\":0.5},\"inputs\":[]}", "a whole number"},
        {"{\"op\":\"MatMul\",\"inputs\":[{\"shape\":[1,2],\"data\":[1,2]},"
         "{\"shape\":[1,2],\"data\":[1,2]}]}",
         "MatMul"},
        {"{\"op\":\"DepthToSpace\",\"inputs\":[{\"shape\":[1],\"data\":[1]}]}", "blocks of 0"},
        {"{\"op\":\"Gather\",\"inputs\":[{\"shape\":[2],\"data\":[1,2]},"
         "{\"shape\":[1],\"data\":[2]}]}",
         "an index is 2; expected -2 to 1"},
        {"{\"op\":\"Tile\",\"inputs\":[{\"shape\":[1],\"data\":[1]},"
         "{\"shape\":[1],\"data\":[1e12]}]}",
         "repeats[0]"},
        {"{\"op\":\"TopK\",\"inputs\":[{\"shape\":[2],\"data\":[1,2]},"
         "{\"shape\":[1],\"data\":[3]}]}",
         "K is 3; expected 1 to 2"},
        {"{\"op\":\"Adam\",\"inputs\":[{\"shape\":[],\"data\":[1]},"
         "{\"shape\":[],\"data\":[0]},{\"shape\":[1],\"data\":[1]}]}",
         "multiple of 4"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[1]}],"
         "\"grad_outputs\":[{\"shape\":[2],\"data\":[1,1]}]}",
         "grad_outputs[0] is [2], the output is [1]"},
        {"{\"op\":\"Relu\",\"inputs\":[{\"shape\":[1],\"data\":[1]}],"
         "\"grad_outputs\":[null,{\"shape\":[1],\"data\":[1]}]}",
         "no such output"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refusal(bad[i][0], bad[i][1]);
}

/* Windows, pads, strides and dilations from outside: refused before memory is taken. */
static void test_hostile_windows(void **state)
{
    (void)state;
    static const char *const attributes[] = {
        "\"strides\":[0,1]",
        "\"strides\":[-1,1]",
        "\"strides\":[1]",
        "\"dilations\":[1000000000,1000000000]",
        "\"dilations\":[0,0]",
        "\"pads\":[1000000000,0,0,0]",
        "\"pads\":[-1,0,0,0]",
        "\"pads\":[4000000,4000000,4000000,4000000]",
        "\"pads\":[1,1]",
        "\"group\":0",
        "\"group\":1e18",
        "\"auto_pad\":\"SAME\"",
        "\"auto_pad\":\"VALID\",\"pads\":[0,0,0,0]",
        "\"kernel_shape\":[3,3]",
        "\"kernel_shape\":[1e18,1e18]",
    };
    static const char *const rest = "\"inputs\":[{\"shape\":[1,1,2,2],\"data\":[1,2,3,4]},"
                                    "{\"shape\":[1,1,2,2],\"data\":[1,1,1,1]}]}";
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        char text[400];
        snprintf(text, sizeof text, "{\"op\":\"Conv\",\"attributes\":{%s},%s", attributes[i], rest);
        expect_refusal(text, "Conv");
        if (strstr(attributes[i], "pads\":[1000000000"))
            continue;
        snprintf(text, sizeof text, "{\"op\":\"ConvTranspose\",\"attributes\":{%s,%s},%s",
                 attributes[i], "\"output_padding\":[9999999999,1]", rest);
        expect_refusal(text, "ConvTranspose");
    }
}

/* Every prefix of a good request is refused, and none reads past its end. */
static void test_truncated(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"op\":\"Conv\",\"attributes\":{\"auto_pad\":\"SAME_UPPER\",\"strides\":[2,2]},"
        "\"inputs\":[{\"shape\":[1,1,2,2],\"data\":[1,-2.5e-1,\"NaN\",true]},"
        "{\"shape\":[1,1,1,1],\"dtype\":\"float\",\"data\":[1]},null],\"outputs\":1,"
        "\"grad_outputs\":[null]}";
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        char *text = strndup(whole, length);
        assert_non_null(text);
        char *got = answer_to(text, length);
        assert_int_equal(strncmp(got, "error: ", 7), 0);
        free(got);
        free(text);
    }
    char *got = answer_to(whole, sizeof whole - 1);
    assert_int_equal(strncmp(got, "{\"outputs\":", 11), 0);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_gradients),
        cmocka_unit_test(test_gradients_of_reductions),
        cmocka_unit_test(test_gradients_of_arguments),
        cmocka_unit_test(test_missing_gradients),
        cmocka_unit_test(test_numbers_json_has_not),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hostile_windows),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
