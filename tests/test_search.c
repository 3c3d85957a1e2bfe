/* Spaces from text and back, pruners, importance, the Pareto front, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "engine/search/importance.h"
#include "engine/search/limits.h"
#include "engine/search/pruner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static nn_space *parse(const char *text)
{
    nn_error error = {0};
    nn_space *space = nn_space_parse(text, &error);
    if (!space)
        fail_msg("%s", error.text);
    return space;
}

/* --- spaces ------------------------------------------------------------------------------------
 */

static void space_is_read(void **state)
{
    (void)state;
    nn_space *space = parse("lr=log(1e-4, 1)  momentum=beta(0.9,0.999), batch=choice(32,64,128)\n"
                            "layers=int(1,4) dropout=uniform(0,.6) units=logint(8,512)"
                            " schedule=choice('step:0.5,10',cosine)");
    assert_int_equal(space->count, 7);
    assert_int_equal(space->param[0].scale, NN_SCALE_LOG);
    assert_true(space->param[0].low == 1e-4 && space->param[0].high == 1);
    assert_int_equal(space->param[2].choices, 3);
    assert_string_equal(space->param[2].choice[2], "128");
    assert_string_equal(space->param[6].choice[0], "step:0.5,10");
    assert_int_equal(nn_space_find(space, "dropout"), 4);
    assert_int_equal(nn_space_find(space, "drop"), -1);
    nn_space_free(space);
}

static void conditions_hold_where_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        unsigned there; /* bit i: with option i of the parent */
    } cases[] = {
        {"o=b", 2},     {"o=a|c", 5}, {"o!=b", 5},  {"n=3", 4},  {"n>=2", 14}, {"n<2", 1},
        {"n!=1|2", 12}, {"n>3", 8},   {"s<=16", 3}, {"s>16", 4}, {"s=32", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[160];
        snprintf(text, sizeof text,
                 "o=choice(a,b,c) n=int(1,4) s=choice(8,16,32) x=uniform(0,1) if %s",
                 cases[i].condition);
        nn_space *space = parse(text);
        nn_point point = nn_point_nowhere();
        int parent = space->param[3].parent;
        for (int option = 0; option < nn_space_options(&space->param[parent]); option++) {
            point.value[parent] = space->param[parent].low + option;
            assert_int_equal(nn_space_active(space, 3, &point), cases[i].there >> option & 1);
        }
        nn_space_free(space);
    }
}

/* A condition on what is not there itself does not hold. */
static void conditions_nest(void **state)
{
    (void)state;
    nn_space *space = parse("a=choice(x,y) b=choice(p,q) if a=y c=uniform(0,1) if b=q");
    double units[NN_SPACE_PARAMS] = {0.2, 0.9, 0.5};
    nn_point point = nn_space_point(space, units);
    assert_true(isnan(point.value[1]) && isnan(point.value[2]));
    units[0] = 0.7;
    point = nn_space_point(space, units);
    assert_true(point.value[1] == 1 && point.value[2] == 0.5);
    nn_space_free(space);
}

static void mistakes_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *column, *fitting;
    } cases[] = {
        {"", "column 1:", "at least one parameter"},
        {"lr", "column 3:", "'='"},
        {"lr=lag(1,2)", "column 4:", "log(LOW,HIGH)"},
        {"lr=log(0,1)", "column 4:", "0 < LOW"},
        {"lr=log(1,x)", "column 10:", "log(LOW,HIGH)"},
        {"m=beta(.9,1)", "column 3:", "HIGH < 1"},
        {"n=int(1.5,3)", "column 3:", "whole"},
        {"n=int(1,3", "column 10:", "')'"},
        {"n=int(1,3)m=int(1,2)", "column 11:", "blank"},
        {"n=int(1,3) n=int(1,2)", "column 12:", "not there already"},
        {"c=choice(a,a)", "column 12:", "not there already"},
        {"c=choice('a)", "column 10:", "closing quote"},
        {"x=uniform(0,1) if o=a", "column 19:", "stands before"},
        {"o=choice(a,b) x=uniform(0,1) if o=c", "column 35:", "one of a, b"},
        {"u=uniform(0,1) x=uniform(0,1) if u=1", "column 34:", "a choice, or an int"},
        {"n=int(1,3) x=uniform(0,1) if n>3", "column 33:", "can hold"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_error error = {0};
        assert_null(nn_space_parse(cases[i].text, &error));
        if (!strstr(error.text, cases[i].column) || !strstr(error.text, cases[i].fitting))
            fail_msg("'%s': %s", cases[i].text, error.text);
    }
}

static void scales_go_both_ways(void **state)
{
    (void)state;
    nn_space *space = parse("a=uniform(-2,6) b=log(1e-4,1) c=beta(.9,.999) d=int(1,4) "
                            "e=logint(1,512) f=choice(x,y,z)");
    for (int p = 0; p < space->count; p++)
        for (int i = 0; i <= 1000; i++) {
            const nn_space_param *param = &space->param[p];
            double value = nn_space_value(param, i / 1000.0), back;
            char text[NN_SPACE_TEXT];
            assert_true(value >= param->low && value <= param->high);
            /* 5 digits of a value, and of 1 - value for beta */
            if (nn_space_options(param) == 0)
                assert_true(fabs(nn_space_unit(param, value) - i / 1000.0) < 2e-4);
            else
                assert_true(nn_space_value(param, nn_space_unit(param, value)) == value);
            assert_int_equal(nn_space_read(param, nn_space_text(param, value, text), &back, NULL),
                             NN_OK);
            assert_true(back == value);
        }
    /* Chapter 20: half of log(1e-4,1) lies below 0.01; the middle of beta(.9,.999) is 0.99. */
    assert_true(nn_space_value(&space->param[1], 0.5) == 0.01);
    assert_true(fabs(nn_space_value(&space->param[2], 0.5) - 0.99) < 1e-12);
    nn_space_free(space);
}

static void values_are_assigned(void **state)
{
    (void)state;
    nn_space *space = parse("lr=log(1e-4,1) batch=choice(32,64) n=int(1,4)");
    nn_point point = nn_point_nowhere();
    nn_error error = {0};
    assert_int_equal(nn_space_assign(space, "lr=0.02", &point, NULL), NN_OK);
    assert_int_equal(nn_space_assign(space, "batch=64", &point, NULL), NN_OK);
    assert_true(point.value[0] == 0.02 && point.value[1] == 1 && isnan(point.value[2]));
    assert_int_equal(nn_space_assign(space, "lr=2", &point, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "0.0001 to 1"));
    assert_int_equal(nn_space_assign(space, "batch=48", &point, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "32, 64"));
    assert_int_equal(nn_space_assign(space, "n=1.5", &point, &error), NN_E_ARG);
    assert_int_equal(nn_space_assign(space, "rate=1", &point, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "lr, batch, n"));
    assert_int_equal(nn_space_assign(space, "lr", &point, &error), NN_E_ARG);
    nn_space_free(space);
}

/* --- pruners -----------------------------------------------------------------------------------
 */

static void pruners_are_read(void **state)
{
    (void)state;
    nn_pruner pruner;
    char text[40];
    nn_error error = {0};
    static const char *const good[][2] = {
        {"none", "none"},     {"median", "median:5,1"}, {"median:3,2", "median:3,2"},
        {"asha", "asha:3,1"}, {"asha:4", "asha:4,1"},   {"asha:2,5", "asha:2,5"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(nn_pruner_parse(good[i][0], &pruner, NULL), NN_OK);
        assert_string_equal(nn_pruner_text(&pruner, text, sizeof text), good[i][1]);
    }
    static const char *const bad[] = {"", "ash", "asha:1", "asha:3,0", "asha:3,1,1", "median:x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nn_pruner_parse(bad[i], &pruner, &error), NN_E_ARG);
}

static void asha_keeps_a_third_of_each_rung(void **state)
{
    (void)state;
    nn_pruner pruner;
    char why[80];
    assert_int_equal(nn_pruner_parse("asha:3,1", &pruner, NULL), NN_OK);
    static const bool rung[] = {0, 1, 0, 1, 0, 0, 0, 0, 0, 1};
    for (int epoch = 1; epoch < 10; epoch++)
        assert_int_equal(nn_pruner_due(&pruner, epoch, 27), rung[epoch]);
    assert_false(nn_pruner_due(&pruner, 27, 27)); /* the last is no rung */
    /* 90 trials come one after another in a scattered order: those that go on are about a third. */
    double values[90];
    int on = 0, best_on = 0;
    for (int i = 0; i < 90; i++) {
        values[i] = nn_uniform_at(4, 4, 0, (uint32_t)i);
        bool stops = nn_pruner_stops(&pruner, 1, values[i], values, i, why, sizeof why);
        on += !stops;
        best_on += !stops && values[i] < 1 / 3.0;
    }
    assert_in_range(on, 18, 36);
    assert_true(best_on >= on - 6);
    /* The first of a rung goes on; a NaN never does once another has come. */
    assert_false(nn_pruner_stops(&pruner, 1, 0.5, values, 0, why, sizeof why));
    assert_true(nn_pruner_stops(&pruner, 1, NAN, values, 1, why, sizeof why));
    static const double four[] = {0.1, 0.2, 0.3, 0.4};
    assert_true(nn_pruner_stops(&pruner, 3, 0.5, four, 4, why, sizeof why));
    assert_string_equal(why, "rung of epoch 3: place 5 of 5, the best 1 go on");
    assert_false(nn_pruner_stops(&pruner, 3, 0.05, four, 4, why, sizeof why));
}

static void median_stops_the_worse_half(void **state)
{
    (void)state;
    nn_pruner pruner;
    char why[80];
    static const double others[] = {0.1, 0.2, 0.3, 0.4, 0.5};
    assert_int_equal(nn_pruner_parse("median", &pruner, NULL), NN_OK);
    assert_false(nn_pruner_due(&pruner, 1, 10));
    assert_true(nn_pruner_due(&pruner, 2, 10));
    assert_false(nn_pruner_stops(&pruner, 2, 9, others, 4, why, sizeof why)); /* too few yet */
    assert_false(nn_pruner_stops(&pruner, 2, 0.3, others, 5, why, sizeof why));
    assert_true(nn_pruner_stops(&pruner, 2, 0.31, others, 5, why, sizeof why));
    assert_true(nn_pruner_stops(&pruner, 2, NAN, others, 5, why, sizeof why));
}

/* --- importance --------------------------------------------------------------------------------
 */

enum { TRIALS = 120 };

static void fill(const nn_space *space, nn_trial_record *history, int count)
{
    nn_sampler sampler = {NN_SAMPLER_RANDOM, 11, count};
    for (int i = 0; i < count; i++) {
        nn_point x;
        assert_int_equal(nn_sampler_next(space, &sampler, history, i, i, &x, NULL), NN_OK);
        double rate = log10(x.value[0]) + 2, word = x.value[1] == 1 ? 0 : 0.5;
        history[i] = (nn_trial_record){x, NN_TRIAL_FINISHED, rate * rate + word, 5};
    }
}

static void importance_finds_what_decides(void **state)
{
    (void)state;
    nn_space *space = parse("lr=log(1e-4,1) o=choice(a,b) none=uniform(0,1) other=int(1,9)");
    nn_trial_record history[TRIALS];
    nn_importance importance[NN_SPACE_PARAMS], again[NN_SPACE_PARAMS];
    double explained = 0;
    fill(space, history, TRIALS);
    assert_int_equal(nn_importances(space, history, TRIALS, 1, importance, &explained, NULL),
                     NN_OK);
    assert_true(explained > 0.7);
    assert_true(importance[0].share > 0.75 && importance[0].share > 5 * importance[1].share);
    assert_true(importance[1].share > importance[2].share);
    assert_true(importance[2].share < 0.05 && importance[3].share < 0.05);
    for (int p = 0; p < 4; p++)
        assert_true(importance[p].deviation > 0 && importance[p].deviation < 0.5);
    assert_int_equal(nn_importances(space, history, TRIALS, 1, again, NULL, NULL), NN_OK);
    assert_memory_equal(importance, again, 4 * sizeof *again);
    nn_space_free(space);
}

/* The deviation tells how far the share may be off: it shrinks with more trials, and what does
 * nothing is within a few of it from 0. */
static void importance_knows_its_uncertainty(void **state)
{
    (void)state;
    nn_space *space = parse("lr=log(1e-4,1) o=choice(a,b) none=uniform(0,1) other=int(1,9)");
    nn_trial_record history[TRIALS];
    nn_importance few[NN_SPACE_PARAMS], many[NN_SPACE_PARAMS];
    nn_error error = {0};
    fill(space, history, TRIALS);
    assert_int_equal(nn_importances(space, history, 12, 1, few, NULL, NULL), NN_OK);
    assert_int_equal(nn_importances(space, history, TRIALS, 1, many, NULL, NULL), NN_OK);
    assert_true(many[0].deviation < few[0].deviation);
    assert_true(few[2].share < 3 * few[2].deviation + 1e-9);
    assert_int_equal(nn_importances(space, history, 7, 1, few, NULL, &error), NN_E_STATE);
    assert_non_null(strstr(error.text, "8 trials"));
    nn_space_free(space);
}

static void front_is_what_nothing_beats(void **state)
{
    (void)state;
    const double a[] = {1, 2, 3, 2, 1, NAN, 4}, b[] = {5, 3, 1, 4, 5, 0, 1};
    static const bool expected[] = {1, 1, 1, 0, 1, 0, 0};
    bool front[7];
    nn_pareto_front(a, b, 7, front);
    for (int i = 0; i < 7; i++)
        assert_int_equal(front[i], expected[i]);
}

/* --- limits ------------------------------------------------------------------------------------
 */

static void limits_are_read_and_kept(void **state)
{
    (void)state;
    nn_limit limits[NN_LIMITS];
    int count;
    nn_error error = {0};
    assert_int_equal(
        nn_limits_parse("latency_ms<=5, params<=1e6,dev_loss > -1", limits, &count, NULL), NN_OK);
    assert_int_equal(count, 3);
    assert_string_equal(limits[1].metric, "params");
    assert_true(limits[1].bound == 1e6 && limits[2].bound == -1);
    assert_true(nn_limit_kept(&limits[0], 5)); /* exactly at the limit is within */
    assert_false(nn_limit_kept(&limits[0], 5.0001));
    assert_false(nn_limit_kept(&limits[0], NAN));
    assert_false(nn_limit_kept(&limits[2], -1));
    static const char *const bad[] = {"", "x", "x=1", "x<=", "x<=1 y<=2", "x<=1,", "<=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nn_limits_parse(bad[i], limits, &count, &error), NN_E_ARG);
}

static void best_is_chosen_among_the_feasible(void **state)
{
    (void)state;
    const double objective[] = {0.1, 0.3, 0.2, 0.2, NAN};
    const bool feasible[] = {0, 1, 1, 1, 1}, nothing[5] = {0};
    assert_int_equal(nn_choose(objective, feasible, 5, false), 2);
    assert_int_equal(nn_choose(objective, feasible, 5, true), 1);
    assert_int_equal(nn_choose(objective, nothing, 5, false), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_is_read),
        cmocka_unit_test(conditions_hold_where_they_should),
        cmocka_unit_test(conditions_nest),
        cmocka_unit_test(mistakes_name_their_place),
        cmocka_unit_test(scales_go_both_ways),
        cmocka_unit_test(values_are_assigned),
        cmocka_unit_test(pruners_are_read),
        cmocka_unit_test(asha_keeps_a_third_of_each_rung),
        cmocka_unit_test(median_stops_the_worse_half),
        cmocka_unit_test(importance_finds_what_decides),
        cmocka_unit_test(importance_knows_its_uncertainty),
        cmocka_unit_test(front_is_what_nothing_beats),
        cmocka_unit_test(limits_are_read_and_kept),
        cmocka_unit_test(best_is_chosen_among_the_feasible),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
