/* The filter language and the names of what runs have. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/run_filter.h"
#include "tests/run_table_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids that pass, newest first: "5 2". */
static void passing(const run_table *t, const char *text, char *ids, size_t size)
{
    nn_error error = {0};
    run_filter *f = run_filter_parse(text, t, &error);
    if (!f)
        fail_msg("'%s': %s", text, error.text);
    size_t used = 0;
    ids[0] = 0;
    for (int i = 0; i < t->count; i++)
        if (run_filter_passes(f, t, &t->entries[i]))
            used += (size_t)snprintf(ids + used, size - used, used ? " %d" : "%d",
                                     (int)t->entries[i].row.id);
    run_filter_free(f);
}

static void expect(const run_table *t, const char *text, const char *expected)
{
    char ids[64];
    passing(t, text, ids, sizeof ids);
    if (strcmp(ids, expected) != 0)
        fail_msg("'%s' passes \"%s\", expected \"%s\"", text, ids, expected);
}

static void test_numbers(void **state)
{
    (void)state;
    run_table *t = fixture_table();
    expect(t, "", "6 5 4 3 2 1");
    expect(t, "  ", "6 5 4 3 2 1");
    expect(t, "dev_error<0.2", "5 2");
    expect(t, "dev_error < 20%", "5 2");
    expect(t, "dev_error <= .11", "5");
    expect(t, "dev_error>=0.3", "3 1");
    expect(t, "dev_error = 0.4", "1");
    expect(t, "dev_error != 0.4", "6 5 4 3 2"); /* what is missing is not equal */
    expect(t, "id>4", "6 5");
    expect(t, "seconds >= 5m", "6 5");
    expect(t, "seconds < 2m", "1");
    expect(t, "params<=62k", "6 5 4 3 2 1");
    expect(t, "params<=1e4", "");
    expect(t, "parent=2", "5");
    expect(t, "started>2000-01-01 AND started<2100-01-01T00:00", "6 5 4 3 2 1");
    run_table_free(t);
}

static void test_metrics_and_parameters(void **state)
{
    (void)state;
    run_table *t = fixture_table();
    expect(t, "dev_error.best<0.1", "5");
    expect(t, "dev_error.best<=0.1", "5 2");
    expect(t, "dev_error.min<=0.1", "5 2");
    expect(t, "dev_error.max>0.5", "5 3 2 1");
    expect(t, "dev_error.best_step>500", "5 2");
    expect(t, "dev_error.best.step>800", "2");
    expect(t, "examples_per_s.best>=12500", "5 3 2 1");
    expect(t, "has:gradient_norm.best", ""); /* neither large nor small is better */
    expect(t, "loss.nan>0", "4");
    expect(t, "loss.count>=1000", "6 5 4 3 2 1");
    expect(t, "param.lr>=1e-3", "6 5 4 3 2");
    expect(t, "param.lr<=0.001", "5 2");
    expect(t, "param.lr=auto", "1");
    expect(t, "param.lr~ut", "1");
    expect(t, "param.batch=64 AND param.lr!=0.001", "6 4");
    run_table_free(t);
}

static void test_words_and_logic(void **state)
{
    (void)state;
    run_table *t = fixture_table();
    expect(t, "dev_error<0.2 AND (model=lenet5 OR tag=good) AND NOT state=crashed", "5 2");
    expect(t, "model=LENET5", "5 2");
    expect(t, "model~net", "5 2");
    expect(t, "model!~l", "");
    expect(t, "name~'-bad'", "4");
    expect(t, "note=\"first try\"", "1");
    expect(t, "state=crashed or state=diverged", "4 3");
    expect(t, "NOT (state=finished || state=running)", "4 3 1");
    expect(t, "!state=finished && !has:note", "6 4 3");
    expect(t, "state!=finished", "6 4 3 1");
    expect(t, "state=finished model=lenet5", "5 2"); /* side by side: and */
    expect(t, "mlp", "6 4 3");
    expect(t, "mlp -bad", "4");
    expect(t, "3", "3");
    /* AND binds closer than OR. */
    expect(t, "id=1 OR id=2 AND id=3", "1");
    expect(t, "(id=1 OR id=2) AND id=2", "2");
    expect(t, "not not id=1", "1");
    expect(t, "tag=good", "5 2");
    expect(t, "tags!=good", "6 4 3 1");
    expect(t, "tag=to-check", "5");
    expect(t, "tag~CHECK", "5");
    expect(t, "has:tag", "5 2");
    expect(t, "has:good", "5 2");
    expect(t, "NOT has:to-check", "6 4 3 2 1");
    expect(t, "has:archived", "1");
    expect(t, "has:parent", "5");
    expect(t, "has:param.lr", "6 5 4 3 2 1");
    expect(t, "name='it''s'", "");
    expect(t, "android", ""); /* begins with a word of the language */
    expect(t, "notebook OR id=1", "1");
    run_table_free(t);
}

static void refuse(const run_table *t, const char *text, const char *place, const char *words)
{
    nn_error error = {0};
    run_filter *f = run_filter_parse(text, t, &error);
    if (f)
        fail_msg("'%s' is taken", text);
    char begin[40];
    snprintf(begin, sizeof begin, "at character %s:", place);
    if (strncmp(error.text, begin, strlen(begin)) != 0 || !strstr(error.text, words))
        fail_msg("'%s' is answered: %s", text, error.text);
}

static void test_refusals(void **state)
{
    (void)state;
    run_table *t = fixture_table();
    refuse(t, "dev_eror<0.1", "1", "did you mean 'dev_error'");
    refuse(t, "id=1 AND param.lrr=1", "10", "did you mean 'lr'");
    refuse(t, "dev_error.bst<1", "1", "did you mean 'best'");
    refuse(t, "dev_errr.best<1", "1", "did you mean 'dev_error'");
    refuse(t, "dev_error", "10", "comparison");
    refuse(t, "dev_error<", "11", "ends");
    refuse(t, "dev_error<abc", "11", "is a number");
    refuse(t, "dev_error<nan", "11", "is a number");
    refuse(t, "dev_error<0x10", "11", "is a number");
    refuse(t, "state=crash", "7", "crashed");
    refuse(t, "(id=1", "1", "not closed");
    refuse(t, "id=1)", "5", "')'");
    refuse(t, "name='x", "6", "not closed");
    refuse(t, "id=1 AND", "9", "ends");
    refuse(t, "OR id=1", "1", "condition");
    refuse(t, "id=1 AND AND id=2", "10", "condition");
    refuse(t, "name=\"\xC3\xA9\xC3\xA9\" AND foo=1", "15", "'foo'"); /* characters, not bytes */
    refuse(t, "tag<good", "5", "no order");
    refuse(t, "has:nothing", "5", "nothing");
    char deep[400];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    refuse(t, deep, "65", "deeper");
    run_table_free(t);
}

/* In a store without runs a saved filter may name what is yet to come. */
static void test_late_names(void **state)
{
    (void)state;
    nn_error error = {0};
    run_table *empty = run_table_new();
    run_filter *f = run_filter_parse("param.lr>=1e-3 AND dev_error.best<0.1", empty, &error);
    assert_non_null(f);
    run_table *t = fixture_table();
    int passed = 0;
    for (int i = 0; i < t->count; i++)
        passed += run_filter_passes(f, t, &t->entries[i]);
    assert_int_equal(passed, 1);
    run_filter_free(f);
    run_table_free(t);
    run_table_free(empty);
}

/* Every beginning of a long filter is taken or refused, never more. */
static void test_every_prefix(void **state)
{
    (void)state;
    static const char whole[] = "dev_error.best<=10% AND (model~'le net' OR has:good) && !state="
                                "crashed || NOT param.lr >= 1e-3 name!=\"a\"\"b\"";
    run_table *t = fixture_table();
    int taken = 0;
    for (size_t length = 0; length < sizeof whole; length++) {
        char text[sizeof whole];
        nn_error error = {0};
        snprintf(text, length + 1, "%s", whole);
        run_filter *f = run_filter_parse(text, t, &error);
        if (!f)
            assert_int_equal(error.code, NN_E_ARG);
        for (int i = 0; f && i < t->count; i++)
            run_filter_passes(f, t, &t->entries[i]);
        taken += f != NULL;
        run_filter_free(f);
    }
    assert_true(taken > 10);
    run_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),         cmocka_unit_test(test_metrics_and_parameters),
        cmocka_unit_test(test_words_and_logic), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_late_names),      cmocka_unit_test(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
