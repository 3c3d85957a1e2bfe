/* Lists of runs by rules: order, headings, branches, words, and the rules as text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/run_table_fixture.h"
#include "ui/run_column.h"
#include "ui/run_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    run_table *table;
    run_listing listing;
} bench;

static int set_up(void **state)
{
    nn_error error = {0};
    bench *b = calloc(1, sizeof *b);
    if (!b)
        return -1;
    b->table = fixture_table();
    assert_int_equal(run_listing_init(&b->listing, &error), NN_OK);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    bench *b = *state;
    run_listing_free(&b->listing);
    run_table_free(b->table);
    free(b);
    return 0;
}

/* Numbers from top to bottom, headings as '|', branches in brackets. */
static void expect(bench *b, const char *expected)
{
    nn_error error = {0};
    char text[128] = "";
    assert_int_equal(run_listing_update(&b->listing, b->table, &error), NN_OK);
    for (int i = 0; i < b->listing.count; i++) {
        const run_line *line = &b->listing.lines[i];
        char one[24] = "|";
        if (line->entry >= 0)
            snprintf(one, sizeof one, line->depth ? "(%d)" : "%d",
                     (int)b->table->entries[line->entry].row.id);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "", one);
    }
    if (strcmp(text, expected) != 0)
        fail_msg("the lines are '%s', expected '%s'", text, expected);
}

static void sort_by(bench *b, const char *key)
{
    nn_error error = {0};
    if (run_listing_sort(&b->listing, key, b->table, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static void test_order(void **state)
{
    bench *b = *state;
    nn_error error = {0};
    expect(b, "6 5 4 3 2"); /* the archived one is left out */
    sort_by(b, "dev_error.best");
    expect(b, "5 2 3 6 4"); /* what is missing comes last, the newest of it first */
    sort_by(b, "-dev_error.best");
    expect(b, "3 2 5 6 4");
    sort_by(b, "tags");
    expect(b, "5 2 6 4 3");
    b->table->entries[3].row.pinned = true; /* run 3 */
    expect(b, "3 5 2 6 4");
    assert_int_equal(run_listing_show(&b->listing, "archived", &error), NN_OK);
    expect(b, "1");
    assert_int_equal(run_listing_show(&b->listing, "all", &error), NN_OK);
    sort_by(b, "param.lr");
    expect(b, "3 5 2 6 4 1"); /* numbers before words */
    b->table->entries[0].row.deleted_ms = 1;
    expect(b, "3 5 2 4 1");
    assert_int_equal(run_listing_show(&b->listing, "deleted", &error), NN_OK);
    expect(b, "6");
    assert_int_equal(run_listing_show(&b->listing, "some", &error), NN_E_ARG);
}

static void test_groups_and_branches(void **state)
{
    bench *b = *state;
    nn_error error = {0};
    char text[80];
    b->listing.tree = true;
    expect(b, "6 4 3 2 (5)");
    b->table->entries[0].row.parent = 5; /* a branch of a branch */
    expect(b, "4 3 2 (5) (6)");
    assert_int_equal(b->listing.lines[4].depth, 2);
    assert_int_equal(run_listing_group(&b->listing, "model", b->table, &error), NN_OK);
    expect(b, "| 2 (5) | 6 4 3"); /* a parent in another group is none here */
    run_listing_heading(&b->listing, b->table, &b->listing.lines[0], text, sizeof text);
    assert_string_equal(text, "model = lenet5, 2 runs");
    assert_int_equal(run_listing_line(&b->listing, b->table, 4), 5);
    assert_int_equal(run_listing_line(&b->listing, b->table, 1), -1);
    assert_int_equal(run_listing_filter(&b->listing, "NOT id=2", b->table, &error), NN_OK);
    expect(b, "| 5 | 6 4 3"); /* without its parent it stands alone */
    assert_int_equal(run_listing_group(&b->listing, "nothing", b->table, &error), NN_E_MISSING);
    assert_int_equal(run_listing_group(&b->listing, "", b->table, &error), NN_OK);
    expect(b, "5 (6) 4 3");
}

static void test_words(void **state)
{
    bench *b = *state;
    snprintf(b->listing.find, sizeof b->listing.find, "lnt");
    expect(b, "5 2");
    assert_int_equal(b->listing.hidden, 3);
    snprintf(b->listing.find, sizeof b->listing.find, "  mlp  crsh ");
    expect(b, "3");
    snprintf(b->listing.find, sizeof b->listing.find, "GOOD branch");
    expect(b, "5");
    snprintf(b->listing.find, sizeof b->listing.find, "6");
    expect(b, "6");
    snprintf(b->listing.find, sizeof b->listing.find, "l5"); /* too far apart: lenet5 */
    expect(b, "5 2");
    snprintf(b->listing.find, sizeof b->listing.find, "xq");
    expect(b, "");
}

static void test_rules(void **state)
{
    bench *b = *state;
    nn_error error = {0};
    char rules[STORE_VIEW_QUERY], again[STORE_VIEW_QUERY];
    sort_by(b, "-dev_error.best_step");
    assert_int_equal(run_listing_filter(&b->listing, "model~net OR note='a b'", b->table, &error),
                     NN_OK);
    assert_int_equal(run_listing_group(&b->listing, "param.lr", b->table, &error), NN_OK);
    assert_int_equal(run_listing_columns(&b->listing, "id, name,dev_error.best", b->table, &error),
                     NN_OK);
    assert_int_equal(run_listing_show(&b->listing, "all", &error), NN_OK);
    b->listing.tree = true;
    run_listing_rules(&b->listing, rules, sizeof rules);
    run_listing other;
    assert_int_equal(run_listing_init(&other, &error), NN_OK);
    if (run_listing_apply(&other, rules, b->table, &error) != NN_OK)
        fail_msg("%s", error.text);
    run_listing_rules(&other, again, sizeof again);
    assert_string_equal(rules, again);
    assert_int_equal(other.column_count, 3);
    assert_true(other.tree && other.grouped && other.descending && other.show == SHOW_ALL);
    /* What cannot be understood changes nothing. */
    assert_int_equal(run_listing_apply(&other, "sort id\ncolour red", b->table, &error),
                     NN_E_FORMAT);
    assert_int_equal(run_listing_apply(&other, "filter nonsense<1", b->table, &error), NN_E_ARG);
    run_listing_rules(&other, again, sizeof again);
    assert_string_equal(rules, again);
    /* What is left out is as at the beginning. */
    assert_int_equal(run_listing_apply(&other, "sort name", b->table, &error), NN_OK);
    assert_true(!other.tree && !other.grouped && !other.filter && other.show == SHOW_CURRENT);
    run_listing_free(&other);
}

static void test_columns(void **state)
{
    bench *b = *state;
    nn_error error = {0};
    char text[128];
    const run_entry *best = run_table_find(b->table, 5), *oldest = run_table_find(b->table, 1);
    const struct {
        const char *key, *title, *text, *other; /* of run 5 and of run 1 */
    } expected[] = {
        {"id", "id", "5", "1"},
        {"best_dev_error", "dev %", "9.0", "40.0"},
        {"dev_error.best", "dev_error.best %", "9.0", "40.0"},
        {"dev_error.best_step", "dev_error.best_step", "800", "100"},
        {"param.lr", "lr", "0.001", "auto"},
        {"tags", "tags", "good to-check", ""},
        {"epoch", "epoch", "10/10", "4/10"},
        {"parent", "parent", "2", ""},
        {"archived", "archived", "", "yes"},
        {"note", "note", "", "first try"},
        {"latency_ms", "latency ms", "", ""},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        run_field field;
        if (run_field_parse(expected[i].key, b->table, &field, &error) != NN_OK)
            fail_msg("%s", error.text);
        assert_string_equal(run_column_of(&field).title, expected[i].title);
        run_column_text(&field, b->table, best, text, sizeof text);
        assert_string_equal(text, expected[i].text);
        run_column_text(&field, b->table, oldest, text, sizeof text);
        assert_string_equal(text, expected[i].other);
    }
    assert_int_equal(run_listing_columns(&b->listing, "+id", b->table, &error), NN_OK);
    int count = b->listing.column_count;
    assert_int_equal(run_listing_columns(&b->listing, "-id,+seed,-state", b->table, &error), NN_OK);
    assert_int_equal(b->listing.column_count, count - 1);
    assert_string_equal(b->listing.columns[0].name, "name");
    assert_int_equal(run_listing_columns(&b->listing, "-id", b->table, &error), NN_E_MISSING);
    assert_int_equal(run_listing_columns(&b->listing, "", b->table, &error), NN_E_ARG);
    assert_int_equal(b->listing.column_count, count - 1);
}

/* A thousand runs, a long chain of branches among them. */
static void test_many(void **state)
{
    (void)state;
    nn_error error = {0};
    enum { RUNS = 1000 };
    run_table *t = fixture_large_table(RUNS, 20);
    run_listing l;
    assert_int_equal(run_listing_init(&l, &error), NN_OK);
    assert_int_equal(run_listing_sort(&l, "metric_7.best", t, &error), NN_OK);
    assert_int_equal(run_listing_update(&l, t, &error), NN_OK);
    assert_int_equal(l.runs, RUNS);
    for (int i = 1; i < RUNS; i++)
        assert_true(t->entries[l.lines[i - 1].entry].measures[7].min <=
                    t->entries[l.lines[i].entry].measures[7].min);
    assert_int_equal(run_listing_group(&l, "param.lr", t, &error), NN_OK);
    assert_int_equal(run_listing_update(&l, t, &error), NN_OK);
    assert_int_equal(l.count, RUNS + 5);
    assert_int_equal(run_listing_group(&l, "", t, &error), NN_OK);
    for (int i = 0; i < RUNS - 1; i++) /* each one branched from the one before it */
        t->entries[i].row.parent = t->entries[i + 1].row.id;
    l.tree = true;
    assert_int_equal(run_listing_update(&l, t, &error), NN_OK);
    assert_int_equal(l.count, RUNS);
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(l.lines[i].depth, i);
        assert_true(t->entries[l.lines[i].entry].row.id == i + 1);
    }
    run_listing_free(&l);
    run_table_free(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),   TEST(test_groups_and_branches),
        TEST(test_words),   TEST(test_rules),
        TEST(test_columns), TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
