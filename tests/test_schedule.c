/* Learning-rate schedules: the numbers of chapter 19, warm-up, and text there and back. */
#include "engine/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static nn_schedule parsed(const char *text, uint64_t steps_per_epoch, uint64_t total_steps)
{
    nn_schedule schedule = {.steps_per_epoch = steps_per_epoch, .total_steps = total_steps};
    nn_error error = {0};
    if (nn_schedule_parse(text, &schedule, &error) != NN_OK)
        fail_msg("%s", error.text);
    return schedule;
}

static void check(const char *text, uint64_t per_epoch, uint64_t total, uint64_t step, double value)
{
    nn_schedule schedule = parsed(text, per_epoch, total);
    double got = nn_schedule_factor(&schedule, step);
    if (!(fabs(got - value) <= 1e-15))
        fail_msg("%s at step %d: %.17g, expected %.17g", text, (int)step, got, value);
}

/* Golden ch19-inverse, ch19-exponential, ch19-step-correct: factors at the start of epoch t. */
static void test_chapter_19(void **state)
{
    (void)state;
    static const int t[] = {0, 1, 5, 8, 9, 10, 18, 19, 20, 50, 99};
    static const double inverse[] = {1.0,
                                     0.9090909090909091,
                                     0.6666666666666666,
                                     0.5555555555555556,
                                     0.5263157894736842,
                                     0.5,
                                     0.35714285714285715,
                                     0.3448275862068965,
                                     0.3333333333333333,
                                     0.16666666666666666,
                                     0.09174311926605504};
    static const double exponential[] = {1.0,
                                         0.95,
                                         0.7737809374999998,
                                         0.6634204312890623,
                                         0.6302494097246091,
                                         0.5987369392383787,
                                         0.3972143184582182,
                                         0.37735360253530725,
                                         0.3584859224085419,
                                         0.07694497527671315,
                                         0.006232136021404208};
    static const double steps[] = {1.0, 1.0, 1.0,  1.0,     1.0,        0.5,
                                   0.5, 0.5, 0.25, 0.03125, 0.001953125};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        for (uint64_t per_epoch = 1; per_epoch <= 7; per_epoch += 3) {
            uint64_t step = (uint64_t)t[i] * per_epoch;
            check("inverse:0.1", per_epoch, 100 * per_epoch, step, inverse[i]);
            check("exponential:0.95", per_epoch, 100 * per_epoch, step, exponential[i]);
            check("step:0.5,10", per_epoch, 100 * per_epoch, step, steps[i]);
            check("constant", per_epoch, 100 * per_epoch, step, 1);
        }
}

/* Golden ch19-crossing and ch19-half-life, found by walking in thousandths of an epoch. */
static void test_inverse_and_exponential_cross(void **state)
{
    (void)state;
    nn_schedule inverse = parsed("inverse:0.1", 1000, 100000);
    nn_schedule exponential = parsed("exponential:0.95", 1000, 100000);
    uint64_t crossing = 1;
    while (nn_schedule_factor(&inverse, crossing) < nn_schedule_factor(&exponential, crossing))
        crossing++;
    assert_int_equal(crossing, 23666); /* 23.665825... epochs */
    uint64_t half = 0;
    while (nn_schedule_factor(&exponential, half) > 0.5)
        half++;
    assert_int_equal(half, 13514); /* 13.513407... epochs */
}

/* The last step of a plateau and the first of the next, also where `every` is a fraction. */
static void test_step_edges(void **state)
{
    (void)state;
    check("step:0.5,10", 100, 5000, 999, 1);
    check("step:0.5,10", 100, 5000, 1000, 0.5);
    check("step:0.1,0.1", 10, 100, 0, 1);
    for (uint64_t step = 0; step < 12; step++)
        check("step:0.5,0.1", 10, 100, step, pow(0.5, (double)step));
}

static void test_cosine(void **state)
{
    (void)state;
    check("cosine", 10, 100, 0, 1);
    check("cosine", 10, 100, 25, (1 + sqrt(0.5)) / 2);
    check("cosine", 10, 100, 50, 0.5);
    check("cosine", 10, 100, 100, 0);
    check("cosine", 10, 100, 250, 0); /* past the end it stays down */
    check("cosine:0.2", 10, 100, 50, 0.6);
    check("cosine:0.2", 10, 100, 100, 0.2);
    check("cosine", 10, 0, 50, 1); /* an end nobody knows */
}

static void test_warmup(void **state)
{
    (void)state;
    check("warmup:2", 10, 100, 0, 1.0 / 20);
    check("warmup:2", 10, 100, 9, 0.5);
    check("warmup:2", 10, 100, 19, 1);
    check("warmup:2", 10, 100, 20, 1);
    /* The kind's clock starts after the warm-up. */
    check("step:0.5,3,warmup=2", 10, 100, 19, 1);
    check("step:0.5,3,warmup=2", 10, 100, 49, 1);
    check("step:0.5,3,warmup=2", 10, 100, 50, 0.5);
    check("cosine,warmup=2", 10, 100, 20, 1);
    check("cosine,warmup=2", 10, 100, 60, 0.5);
    check("cosine,warmup=2", 10, 100, 100, 0);
    check("cosine:0.5,warmup=20", 10, 100, 99, 0.5); /* never leaves the ramp */
    check("warmup:0.25", 10, 100, 2, 1);             /* 2.5 steps are 3 */
    check("inverse:1,warmup=0", 10, 100, 10, 0.5);
}

static void test_multi_step_and_polynomial(void **state)
{
    (void)state;
    check("steps:0.1,2,5", 10, 100, 19, 1);
    check("steps:0.1,2,5", 10, 100, 20, 0.1);
    check("steps:0.1,2,5", 10, 100, 49, 0.1);
    check("steps:0.5,2,5", 10, 100, 50, 0.25);
    check("steps:0.5,2,5,warmup=1", 10, 100, 29, 1);
    check("steps:0.5,2,5,warmup=1", 10, 100, 30, 0.5);
    check("polynomial:1", 10, 100, 25, 0.75);
    check("polynomial:2", 10, 100, 50, 0.25);
    check("polynomial:2,0.2", 10, 100, 50, 0.4);
    check("polynomial:2,0.2", 10, 100, 300, 0.2);
    check("polynomial:2", 10, 0, 50, 1);
}

static void test_restarts(void **state)
{
    (void)state;
    check("restarts:4", 10, 1000, 0, 1);
    check("restarts:4", 10, 1000, 20, 0.5);
    check("restarts:4", 10, 1000, 40, 1);
    check("restarts:4,1,0.2", 10, 1000, 60, 0.6);
    /* Periods of 40, 80, 160 steps begin at 0, 40, 120, 280. */
    static const int begin[] = {0, 40, 120, 280};
    for (int i = 0; i < 4; i++) {
        nn_schedule schedule = parsed("restarts:4,2", 10, 1000);
        assert_true(fabs(nn_schedule_factor(&schedule, (uint64_t)begin[i]) - 1) < 1e-12);
        double middle = nn_schedule_factor(&schedule, (uint64_t)(begin[i] + (20 << i)));
        assert_true(fabs(middle - 0.5) < 1e-12);
        if (i > 0)
            assert_true(nn_schedule_factor(&schedule, (uint64_t)begin[i] - 1) < 0.01);
    }
}

/* torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10, pct_start=0.3), and with 20 steps,
 * pct_start 0.25, div_factor 10, final_div_factor 100. */
static void test_one_cycle(void **state)
{
    (void)state;
    static const double ten[] = {0.040000000000000036,
                                 0.52,
                                 1.0,
                                 0.9504846320134737,
                                 0.8117456539497631,
                                 0.6112620219362893,
                                 0.38874197806371075,
                                 0.18825834605023697,
                                 0.049519367986526286,
                                 4e-06};
    static const double twenty[] = {0.09999999999999998,
                                    0.23180194846605362,
                                    0.55,
                                    0.8681980515339464,
                                    1.0,
                                    0.9890847265665359,
                                    0.956815956092479,
                                    0.9046039886902862,
                                    0.8347307378762497,
                                    0.75025,
                                    0.6548539886902862,
                                    0.552711967402193,
                                    0.4482880325978072,
                                    0.3461460113097138,
                                    0.2507500000000001,
                                    0.16626926212375048,
                                    0.0963960113097138,
                                    0.044184043907520815,
                                    0.011915273433464057,
                                    0.001};
    for (int i = 0; i < 20; i++) {
        nn_schedule schedule = parsed("onecycle", 5, 10);
        if (i < 10)
            assert_true(fabs(nn_schedule_factor(&schedule, (uint64_t)i) - ten[i]) < 1e-12);
        schedule = parsed("onecycle:0.25,0.1,0.001", 5, 20);
        assert_true(fabs(nn_schedule_factor(&schedule, (uint64_t)i) - twenty[i]) < 1e-12);
    }
    check("onecycle:0.25,0.1,0.5", 5, 20, 50, 0.5);
    check("onecycle", 5, 0, 50, 1);
}

/* Vaswani et al. 2017: width^-0.5 min(s^-0.5, s warmup^-1.5). */
static void test_noam(void **state)
{
    (void)state;
    check("noam:100", 10, 1000, 0, 0.01);
    check("noam:100", 10, 1000, 99, 1);
    check("noam:100", 10, 1000, 399, 0.5);
    for (int i = 0; i < 500; i += 7) {
        double s = i + 1;
        double paper = pow(64, -0.5) * fmin(pow(s, -0.5), s * pow(100, -1.5));
        check("noam:100,64", 10, 1000, (uint64_t)i, paper);
    }
}

static void test_plateau(void **state)
{
    (void)state;
    static const double losses[] = {1, 0.9, 0.895, 0.95, 0.8, 0.8, 0.81, 0.9, 0.9, 0.9, 0.1};
    static const double reached[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2};
    nn_schedule schedule = parsed("plateau:0.5,2,0.01,0.2,warmup=1", 10, 100);
    nn_watch watch = nn_watch_new();
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        double before = nn_schedule_factor(&schedule, 50);
        bool reduced = nn_schedule_look(&schedule, &watch, losses[i]);
        assert_true(nn_schedule_factor(&schedule, 50) == reached[i]);
        assert_true(reduced == (reached[i] < before));
        assert_true(nn_schedule_factor(&schedule, 4) == 0.5); /* the ramp knows nothing of it */
    }
    nn_schedule constant = parsed("constant", 10, 100);
    assert_false(nn_schedule_look(&constant, &watch, 1));
}

static void test_factors_fall_and_stay_in_range(void **state)
{
    (void)state;
    static const char *const texts[] = {"constant",        "step:0.3,1.5",   "exponential:0.9",
                                        "inverse:2",       "cosine",         "cosine:0.1",
                                        "steps:0.1,2,5.5", "polynomial:0.9", "polynomial:3,0.1",
                                        "noam:1",          "restarts:9",     "onecycle:0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nn_schedule schedule = parsed(texts[i], 13, 13 * 9);
        double before = 1;
        for (uint64_t step = 0; step < 13 * 9; step++) {
            double factor = nn_schedule_factor(&schedule, step);
            assert_true(factor <= before && factor >= 0);
            before = factor;
        }
    }
}

static void test_text_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"constant",
                                        "warmup:2",
                                        "step:0.5,10",
                                        "step:0.5,10,warmup=1.5",
                                        "cosine",
                                        "cosine:0.01",
                                        "cosine,warmup=2",
                                        "cosine:0.25,warmup=3",
                                        "inverse:1",
                                        "inverse:0.1",
                                        "exponential:0.95",
                                        "exponential:0.123456789012345",
                                        "inverse:0",
                                        "step:1,0.5",
                                        "exponential:0.9999999",
                                        "inverse:0.3,warmup=0.1",
                                        "steps:0.1,30,60,80,warmup=1",
                                        "steps:0.5,0.25",
                                        "polynomial:2",
                                        "polynomial:0.5,0.01",
                                        "restarts:10",
                                        "restarts:10,2",
                                        "restarts:0.5,1,0.1,warmup=1",
                                        "onecycle",
                                        "onecycle:0.25",
                                        "onecycle:0.3,0.1",
                                        "onecycle:0.3,0.04,0.001,warmup=1",
                                        "noam:4000",
                                        "noam:4000,512",
                                        "plateau:0.1,10",
                                        "plateau:0.5,3,0.001",
                                        "plateau:0.5,3,0,0.01,warmup=2"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nn_schedule schedule = parsed(texts[i], 100, 1000);
        char text[NN_SCHEDULE_TEXT];
        nn_schedule_text(&schedule, text, sizeof text);
        assert_string_equal(text, texts[i]);
        assert_int_equal(schedule.steps_per_epoch, 100);
        assert_int_equal(schedule.total_steps, 1000);
        nn_schedule again = parsed(text, 100, 1000);
        assert_true(again.factor == schedule.factor && again.every == schedule.every);
        assert_memory_equal(&again, &schedule, sizeof again);
    }
    nn_schedule schedule = parsed("constant,warmup=2", 1, 1);
    char text[8];
    nn_schedule_text(&schedule, text, sizeof text); /* too little room: cut, with its end */
    assert_string_equal(text, "warmup:");
}

static void refused(const char *text, int column, const char *part)
{
    nn_schedule schedule = {.kind = NN_SCHEDULE_INVERSE_TIME, .factor = 7};
    nn_error error = {0};
    assert_int_equal(nn_schedule_parse(text, &schedule, &error), NN_E_ARG);
    char place[32];
    snprintf(place, sizeof place, "column %d:", column);
    if (!strstr(error.text, place) || !strstr(error.text, part))
        fail_msg("'%s': message \"%s\" lacks \"%s\" or \"%s\"", text, error.text, place, part);
    assert_int_equal(schedule.kind, NN_SCHEDULE_INVERSE_TIME); /* untouched */
    assert_true(schedule.factor == 7);
}

static void test_refusals_name_the_place(void **state)
{
    (void)state;
    refused("", 1, "constant, step, steps,");
    refused("cosin", 1, "onecycle, noam or plateau");
    refused("steps:0.1", 10, "steps:FACTOR,EPOCH");
    refused("steps:0.1,3,2", 13, "a later epoch");
    refused("steps:0.1,3,x", 13, "a number");
    refused("steps:0.1,1,2,3,4,5,6,7,8,9", 27, "at most 8");
    refused("polynomial", 11, "polynomial:POWER");
    refused("polynomial:0", 12, "above 0");
    refused("polynomial:2,2", 14, "at most 1");
    refused("restarts:0", 10, "above 0");
    refused("restarts:5,0.5", 12, "at least 1");
    refused("onecycle:2", 10, "at most 1");
    refused("onecycle:0.3,0.1,0.1,0.1", 21, "the end");
    refused("noam", 5, "noam:STEPS");
    refused("noam:0", 6, "at least 1");
    refused("plateau:0.1", 12, "plateau:FACTOR,EPOCHS");
    refused("plateau:0.1,0", 13, "at least 1");
    refused("plateau:2,5", 9, "at most 1");
    refused("step", 5, "step:FACTOR,EPOCHS");
    refused("step:0.5", 9, "step:FACTOR,EPOCHS");
    refused("step:0.5,", 10, "a number");
    refused("step:0.5,0", 10, "above 0");
    refused("step:0,10", 6, "above 0 and at most 1");
    refused("step:5,10", 6, "at most 1");
    refused("step:0.5,10,3", 12, "the end");
    refused("exponential:", 13, "a number");
    refused("exponential:x", 13, "a number");
    refused("exponential:nan", 13, "a number");
    refused("exponential:inf", 13, "a number");
    refused("exponential:-1", 13, "a number");
    refused("exponential:0x1", 13, "a number");
    refused("exponential: 0.5", 13, "a number");
    refused("inverse:1e999", 9, "a number");
    refused("cosine:2", 8, "at most 1");
    refused("cosine:0.1,warmup", 11, "the end, or ,warmup=EPOCHS");
    refused("cosine:0.1,warmup=", 19, "warm-up");
    refused("cosine,warmup=-1", 15, "warm-up");
    refused("constant:1", 9, "the end");
    refused("warmup:", 8, "warm-up");
    refused("cosine cosine", 7, "the end");
    char lengthy[4000];
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = '\0';
    refused(lengthy, 1, "constant");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chapter_19),
        cmocka_unit_test(test_inverse_and_exponential_cross),
        cmocka_unit_test(test_step_edges),
        cmocka_unit_test(test_cosine),
        cmocka_unit_test(test_warmup),
        cmocka_unit_test(test_multi_step_and_polynomial),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_one_cycle),
        cmocka_unit_test(test_noam),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test(test_factors_fall_and_stay_in_range),
        cmocka_unit_test(test_text_there_and_back),
        cmocka_unit_test(test_refusals_name_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
