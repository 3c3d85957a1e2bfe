/* Every chapter that is written, by the table the build makes: its trace equals the golden facts,
 * its gradients the measured slopes, its claims hold in the quick preset, its texts keep the rules.
 * And the parts that chapters are made of: expressions, traces, grading, the linter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lessons/text.h"
#include "ui/lesson_check.h"
#include "ui/lesson_lint.h"
#include "ui/lesson_text.h"
#include "ui/terminal/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *golden;

static int read_golden(void **state)
{
    json_error_t error;
    (void)state;
    golden = json_load_file("tests/golden/golden.json", 0, &error);
    return golden ? 0 : -1;
}

static int forget_golden(void **state)
{
    (void)state;
    json_decref(golden);
    return 0;
}

/* --- every chapter ------------------------------------------------------------------------------
 */

static const json_t *find_fact(const char *id)
{
    size_t i;
    json_t *entry;
    json_array_foreach(golden, i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "id")), id) == 0)
            return entry;
    }
    return NULL;
}

/* Numbers of nested arrays in order. */
static int flatten(const json_t *value, double *numbers, int count)
{
    if (json_is_number(value)) {
        assert_true(count < 256);
        numbers[count++] = json_number_value(value);
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        count = flatten(json_array_get(value, i), numbers, count);
    return count;
}

/* "z_new; a_new; L_new" or the name of a whole value. */
static int values_of(const lesson_trace *t, const char *text, double *numbers)
{
    const trace_entry *whole = trace_find(t, text);
    lesson_scope scope = {.trace = t};
    int count = 0;
    if (whole) {
        memcpy(numbers, whole->values, (size_t)(whole->rows * whole->columns) * sizeof(double));
        return whole->rows * whole->columns;
    }
    while (*text) {
        nn_error error = {NN_OK, ""};
        size_t length = strcspn(text, ";");
        if (lesson_evaluate(&scope, text, length, &numbers[count++], &error) != NN_OK)
            fail_msg("%s", error.text);
        text += length + strspn(text + length, "; ");
    }
    return count;
}

static void traces_equal_the_golden_facts(void **state)
{
    int facts = 0;
    (void)state;
    for (const lesson_source *s = lesson_sources; s->folder; s++) {
        nn_error error = {NN_OK, ""};
        lesson_trace *t = trace_run(s->lesson->trace, &error);
        if (!t)
            fail_msg("%s: %s", s->folder, error.text);
        for (int i = 0; i < LESSON_FACTS && s->lesson->facts[i].id; i++, facts++) {
            double got[256], expected[256];
            const char *id = s->lesson->facts[i].id;
            const json_t *fact = find_fact(id);
            if (!fact)
                fail_msg("%s: no golden fact '%s'", s->folder, id);
            int count = values_of(t, s->lesson->facts[i].values, got);
            assert_int_equal(count, flatten(json_object_get(fact, "expected"), expected, 0));
            double tolerance = json_number_value(json_object_get(fact, "tolerance"));
            for (int k = 0; k < count; k++)
                if (!(fabs(got[k] - expected[k]) <= fmax(tolerance, 4e-16 * fabs(expected[k]))))
                    fail_msg("%s: %s[%d] is %.17g, expected %.17g", s->folder, id, k, got[k],
                             expected[k]);
        }
        trace_free(t);
    }
    assert_true(facts >= 11);
}

static void quick_checks_pass(void **state)
{
    (void)state;
    for (const lesson_source *s = lesson_sources; s->folder; s++) {
        nn_error error = {NN_OK, ""};
        lesson_proof proof;
        if (lesson_prove(s->lesson, false, NULL, 2, &proof, &error) != NN_OK)
            fail_msg("%s: %s", s->folder, error.text);
        if (!proof.pass)
            fail_msg("%s: %s", s->folder, proof.message);
        lesson_proof_free(&proof);
    }
}

static void print_complaint(void *context, const char *line)
{
    (void)context;
    print_error("%s\n", line);
}

static void chapters_keep_the_rules(void **state)
{
    int complaints = 0;
    (void)state;
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        complaints += lesson_lint(s, ".", print_complaint, NULL);
    assert_int_equal(complaints, 0);
}

static void pages_fit_their_columns(void **state)
{
    (void)state;
    for (const lesson_source *s = lesson_sources; s->folder; s++) {
        lesson_trace *t = trace_run(s->lesson->trace, NULL);
        lesson_scope scope = {.trace = t};
        for (int language = 0; language < LESSON_LANGUAGES; language++) {
            lesson_page page;
            nn_error error = {NN_OK, ""};
            assert_int_equal(
                lesson_page_make(s, (lesson_language)language, 80, &scope, &page, &error), NN_OK);
            assert_string_equal(error.text, "");
            assert_true(page.sections > 2 && page.lines > 40);
            for (int i = 0; i < page.lines; i++)
                if (text_columns(page.line[i].text) > 80)
                    fail_msg("%s: %s", s->folder, page.line[i].text);
            lesson_page_free(&page);
        }
        trace_free(t);
    }
}

/* --- traces -------------------------------------------------------------------------------------
 */

static void square(lesson_trace *t)
{
    double w[4] = {1, 2, 3, 4}, dw[4];
    double x = trace_input(t, .name = "x", .value = 3, .least = -10, .most = 10);
    trace_inputs(t, .name = "W", .values = w, .rows = 2, .columns = 2);
    double y = trace_step(t, .name = "y", .formula = "y = x·x - W₁₂", .value = x * x - w[1]);
    trace_step(t, .name = "z", .formula = "z = y·W[2,1]", .value = y * w[2]);
    for (int i = 0; i < 4; i++)
        dw[i] = i == 1 ? -w[2] : i == 2 ? y : 0;
    trace_step(t, .name = "dx", .value = 2 * x * w[2], .of = "z", .by = "x");
    trace_steps(t, .name = "dW", .values = dw, .rows = 2, .columns = 2, .of = "z", .by = "W");
    trace_step(t, .name = "wrong", .value = 2 * x, .of = "z", .by = "x");
}

static double value(const lesson_trace *t, const char *name)
{
    const trace_entry *entry = trace_find(t, name);
    assert_non_null(entry);
    return entry->values[0];
}

static void traces_run_again_with_other_inputs(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    lesson_trace *t = trace_run(square, &error);
    assert_non_null(t);
    assert_true(value(t, "y") == 7 && value(t, "z") == 21);
    assert_int_equal(trace_set(t, "x", 2, &error), NN_OK);
    assert_int_equal(trace_set_all(t, "W[1,2]=1 W[2,1]=-5", &error), NN_OK);
    assert_true(value(t, "y") == 3 && value(t, "z") == -15);
    static const char *const bad[] = {"x=11", "x=nan", "y=1", "q=1", "W[3,1]=1", "W[0,1]=1",
                                      "x",    "x=",    "W=",  "W[",  "x=1 W[1,2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(trace_set_all(t, bad[i], &error), NN_OK);
        assert_true(value(t, "y") == 3); /* nothing changed */
    }
    assert_int_equal(trace_reset(t, &error), NN_OK);
    assert_true(value(t, "y") == 7);
    trace_free(t);
}

static void slopes_are_measured(void **state)
{
    (void)state;
    nn_error error = {NN_OK, ""};
    trace_slope slope;
    lesson_trace *t = trace_run(square, &error);
    assert_int_equal(trace_check_slope(t, trace_find(t, "dx"), &slope, &error), NN_OK);
    assert_true(slope.worst < 1e-9);
    assert_int_equal(trace_check_slope(t, trace_find(t, "dW"), &slope, &error), NN_OK);
    assert_true(slope.worst < 1e-9);
    assert_int_equal(trace_check_slope(t, trace_find(t, "wrong"), &slope, &error), NN_OK);
    assert_true(slope.worst > 0.1);
    assert_int_not_equal(trace_check_slope(t, trace_find(t, "y"), &slope, &error), NN_OK);
    trace_free(t);
}

static void formulas_show_their_numbers(void **state)
{
    char text[128];
    (void)state;
    lesson_trace *t = trace_run(square, NULL);
    assert_string_equal(trace_numbers(t, trace_find(t, "y"), text, sizeof text), "y = 3·3 - 2");
    assert_string_equal(trace_numbers(t, trace_find(t, "z"), text, sizeof text), "z = 7·3");
    assert_int_equal(trace_set(t, "x", -1, NULL), NN_OK);
    assert_string_equal(trace_numbers(t, trace_find(t, "y"), text, sizeof text), "y = -1·(-1) - 2");
    trace_free(t);
}

/* --- expressions --------------------------------------------------------------------------------
 */

static void expressions_are_evaluated(void **state)
{
    char out[128];
    (void)state;
    lesson_trace *t = trace_run(square, NULL);
    lesson_number number = {"cost", 0.125};
    lesson_scope scope = {t, &number, 1};
    static const struct {
        const char *text, *filled;
    } good[] = {
        {"{x}", "3"},
        {"{W[2,1]:.1f} and {{", "3.0 and {"},
        {"{-x^2}", "-9"},
        {"{2^-1}", "0.5"},
        {"{cost:.1p}", "12.5 %"},
        {"{rows(W) * columns(W)}", "4"},
        {"{sum(W)}", "10"},
        {"{max(1, x, 2)}", "3"},
        {"{x > 2}", "1"},
        {"{1e-3}", "0.001"},
        {"{(1 + 2) * 3 / 9 - 1}", "0"},
        {"{sigmoid(0)}", "0.5"},
        {"no braces", "no braces"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(lesson_fill(&scope, good[i].text, out, sizeof out, NULL), NN_OK);
        assert_string_equal(out, good[i].filled);
    }
    static const char *const bad[] = {"{q}",  "{W}",    "{W[3,1]}", "{1 +}",
                                      "{(1}", "{x:.9}", "{x:3f}",   "{f(1)}",
                                      "{}",   "{1 2}",  "{W[1}",    "{rows(3)}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nn_error error = {NN_OK, ""};
        assert_int_not_equal(lesson_fill(&scope, bad[i], out, sizeof out, &error), NN_OK);
        assert_string_equal(out, bad[i]); /* stands as it is written */
        assert_true(strlen(error.text) > 0);
    }
    char deep[256];
    memset(deep, '(', sizeof deep);
    double number_of;
    assert_int_not_equal(lesson_evaluate(&scope, deep, sizeof deep, &number_of, NULL), NN_OK);
    trace_free(t);
}

/* --- grading ------------------------------------------------------------------------------------
 */

static const lesson squares = {
    .chapter = 1,
    .trace = square,
    .checks =
        {
            {.id = "y",
             .kind = CHECK_NUMBER,
             .given = "x=0.5",
             .answer = "y",
             .tolerance = 0.001,
             .foreseen = {{"x * x + 2", {"sign", "부호"}}, {"-1.7512", {"near", "가까움"}}}},
            {.id = "shape",
             .kind = CHECK_SHAPE,
             .answer = "W",
             .foreseen = {{"(4,1)", {"flat", "펼침"}}}},
            {.id = "pick",
             .kind = CHECK_CHOICE,
             .options = {{{"small", "작다"}, "y < 5", {"no", "아니요"}},
                         {{"large", "크다"}, "y >= 5", {"yes", "예"}}}},
            {.id = "both",
             .kind = CHECK_CHOICE,
             .options = {{{"a", "a"}, "1", {"a", "a"}}, {{"b", "b"}, "1", {"b", "b"}}}},
        },
};

static void answers_are_judged(void **state)
{
    (void)state;
    static const struct {
        int check;
        const char *answer;
        check_outcome outcome;
    } judged[] = {
        {0, "-1.75", CHECK_RIGHT},      {0, "-7/4", CHECK_RIGHT},
        {0, "−1.75", CHECK_RIGHT},      {0, "y = -1.75", CHECK_RIGHT},
        {0, "-175 %", CHECK_RIGHT},     {0, "-0.175e1", CHECK_RIGHT},
        {0, "-1.7505", CHECK_RIGHT},    {0, "-1.8", CHECK_NEARLY},
        {0, "-1.755", CHECK_NEARLY},    {0, "2.25", CHECK_FORESEEN},
        {0, "-2", CHECK_WRONG},         {0, "1.75", CHECK_WRONG},
        {0, "", CHECK_UNREADABLE},      {0, "two", CHECK_UNREADABLE},
        {0, "1/0", CHECK_UNREADABLE},   {0, "nan", CHECK_UNREADABLE},
        {0, "1e999", CHECK_UNREADABLE}, {1, "(2,2)", CHECK_RIGHT},
        {1, "2 × 2", CHECK_RIGHT},      {1, "4", CHECK_FORESEEN},
        {1, "3x3", CHECK_WRONG},        {1, "1,2,3", CHECK_UNREADABLE},
        {2, "b", CHECK_RIGHT},          {2, " B ", CHECK_RIGHT},
        {2, "a", CHECK_FORESEEN},       {2, "c", CHECK_UNREADABLE},
    };
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        check_verdict verdict;
        nn_error error = {NN_OK, ""};
        if (check_grade(&squares, &squares.checks[judged[i].check], judged[i].answer, &verdict,
                        &error) != NN_OK)
            fail_msg("%s", error.text);
        if (verdict.outcome != judged[i].outcome)
            fail_msg("'%s' is judged %s, expected %s", judged[i].answer,
                     check_outcome_name(verdict.outcome), check_outcome_name(judged[i].outcome));
    }
    check_verdict verdict;
    nn_error error = {NN_OK, ""};
    assert_int_not_equal(check_grade(&squares, &squares.checks[3], "a", &verdict, &error), NN_OK);
    assert_non_null(strstr(error.text, "'both'"));
}

static void claims_over_nan_fail(void **state)
{
    (void)state;
    lesson_number number = {"cost", NAN};
    lesson_scope scope = {NULL, &number, 1};
    for (int relation = CLAIM_LESS; relation <= CLAIM_EQUALS; relation++) {
        lesson_claim claim = {
            .id = "c", .measured = "cost", .bound = "1", .relation = (claim_relation)relation};
        claim_result result;
        assert_int_equal(claim_judge(&claim, &scope, true, &result, NULL), NN_OK);
        assert_false(result.pass);
        claim.measured = "missing";
        assert_int_not_equal(claim_judge(&claim, &scope, true, &result, NULL), NN_OK);
        assert_false(result.pass);
    }
}

/* --- labs ---------------------------------------------------------------------------------------
 */

static lab *new_lab(void)
{
    nn_error error = {NN_OK, ""};
    const lesson *first = lesson_find(1)->lesson;
    lab *l = lab_new(first, &first->labs[0], true, &error);
    if (!l)
        fail_msg("%s", error.text);
    return l;
}

static double measured(lab *l, const char *name)
{
    lesson_number numbers[LAB_NUMBERS];
    int count = lab_numbers(l, numbers, LAB_NUMBERS);
    for (int i = 0; i < count; i++)
        if (strcmp(numbers[i].name, name) == 0)
            return numbers[i].value;
    fail_msg("nothing measured '%s'", name);
    return NAN;
}

static void controls_refuse_what_they_do_not_take(void **state)
{
    char text[32];
    nn_error error = {NN_OK, ""};
    (void)state;
    lab *l = new_lab();
    static const char *const bad[][2] = {{"rate", "0"},   {"rate", "fast"}, {"steps", "10.5"},
                                         {"bias", "yes"}, {"init", "one"},  {"speed", "1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_not_equal(lab_set(l, bad[i][0], bad[i][1], &error), NN_OK);
    assert_string_equal(lab_get(l, "rate", text), "0.05");
    assert_int_equal(lab_set(l, "init", "random", &error), NN_OK);
    assert_int_equal(lab_set(l, "bias", "off", &error), NN_OK);
    assert_string_equal(lab_get(l, "init", text), "random");
    assert_string_equal(lab_get(l, "bias", text), "off");
    lab_reset(l);
    assert_string_equal(lab_get(l, "init", text), "zero");
    lab_free(l);
}

/* Reset, run again: the same number to the last bit. And something to look at. */
static void labs_repeat_themselves(void **state)
{
    double cost[2];
    nn_error error = {NN_OK, ""};
    (void)state;
    lab *l = new_lab();
    for (int i = 0; i < 2; i++) {
        lab_reset(l);
        assert_int_equal(lab_set(l, "steps", "20", &error), NN_OK);
        if (lab_run(l, &error) != NN_OK)
            fail_msg("%s", error.text);
        cost[i] = measured(l, "cost");
    }
    assert_true(cost[0] == cost[1] && cost[0] > 0);
    lab_image image;
    assert_true(lab_image_of(l, "weights", &image));
    assert_true(image.rows == image.columns && image.rows >= 8);
    free(image.values);
    lab_line line;
    assert_int_equal(lab_lines(l, "cost", &line, 1), 1);
    assert_int_equal(line.count, 20);
    assert_true(line.y[19] < line.y[0]);
    free(line.x);
    free(line.y);
    lab_free(l);
}

static void cancel_on_progress(void *context, double share, const char *text)
{
    (void)share;
    (void)text;
    lab_cancel(context);
}

static void labs_can_be_stopped(void **state)
{
    nn_error error = {NN_OK, ""};
    (void)state;
    lab *l = new_lab();
    lab_set_sink(l, (lab_sink){.progress = cancel_on_progress, .context = l});
    assert_int_equal(lab_prove(l, &error), NN_E_STATE);
    assert_null(lab_hold(l));
    lab_free(l);
}

/* --- the linter ---------------------------------------------------------------------------------
 */

typedef struct {
    const char *words;
    bool heard;
} expectation;

static void listen_for(void *context, const char *line)
{
    expectation *expected = context;
    expected->heard |= strstr(line, expected->words) != NULL;
}

/* Chapter 1 with `from` of a text replaced by `to` is complained of in these words. */
static void must_complain(lesson_language language, const char *from, const char *to,
                          const char *words)
{
    const lesson_source *first = lesson_find(1);
    lesson_source broken = *first;
    const char *text = first->text[language], *at = strstr(text, from);
    if (!at)
        fail_msg("not in the text: %s", from);
    size_t room = strlen(text) + strlen(to) + 1;
    char *copy = malloc(room);
    assert_non_null(copy);
    snprintf(copy, room, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    broken.text[language] = copy;
    expectation expected = {words, false};
    assert_true(lesson_lint(&broken, ".", listen_for, &expected) > 0);
    if (!expected.heard)
        fail_msg("'%s' for '%s': nobody said '%s'", to, from, words);
    free(copy);
}

static void broken_texts_are_complained_of(void **state)
{
    (void)state;
    must_complain(LESSON_EN, "{dz:.4f}", "-0.5744", "is typed");
    must_complain(LESSON_EN, "{dz:.4f}", "{dz:.3f}", "other {expressions}");
    must_complain(LESSON_EN, "{dz:.4f}", "{nothing}", "no value of that name");
    must_complain(LESSON_KO, "## ", "", "out of step");
    must_complain(LESSON_EN, "```guess loss", "```guess other", "another guess");
    must_complain(LESSON_EN, "log1p(exp", "log2p(exp", "has no line");
    must_complain(LESSON_KO, "a = σ(z) = 1", "a = s(z) = 1", "other formulas");
    must_complain(LESSON_EN, "**sigmoid**", "sigmoid", "nowhere marked");
    must_complain(LESSON_EN, "*b) by the surprise", "b) by the surprise", "one with a star");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_equal_the_golden_facts),
        cmocka_unit_test(quick_checks_pass),
        cmocka_unit_test(chapters_keep_the_rules),
        cmocka_unit_test(pages_fit_their_columns),
        cmocka_unit_test(traces_run_again_with_other_inputs),
        cmocka_unit_test(slopes_are_measured),
        cmocka_unit_test(formulas_show_their_numbers),
        cmocka_unit_test(expressions_are_evaluated),
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(claims_over_nan_fail),
        cmocka_unit_test(controls_refuse_what_they_do_not_take),
        cmocka_unit_test(labs_repeat_themselves),
        cmocka_unit_test(labs_can_be_stopped),
        cmocka_unit_test(broken_texts_are_complained_of),
    };
    return cmocka_run_group_tests(tests, read_golden, forget_golden);
}
