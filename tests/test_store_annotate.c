/* Names, notes, tags, pins, the archive and saved views, each with its way back; and the table of
 * all runs, which reads again only what moved. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/run_table.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static run_change change_of(run_id run, run_change_kind kind, const char *text)
{
    run_change change = {.run = run, .kind = kind};
    snprintf(change.text, sizeof change.text, "%s", text);
    return change;
}

static run_change change(recorder *r, run_id run, run_change_kind kind, const char *text)
{
    nn_error error = {0};
    run_change what = change_of(run, kind, text), back = {0};
    if (recorder_change(r, &what, 1, &back, &error) != NN_OK)
        fail_msg("%s", error.text);
    return back;
}

static void undo(recorder *r, const run_change *back)
{
    nn_error error = {0};
    if (recorder_change(r, back, 1, NULL, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static void refused(recorder *r, run_id run, run_change_kind kind, const char *text,
                    const char *words)
{
    nn_error error = {0};
    run_change what = change_of(run, kind, text);
    assert_int_not_equal(recorder_change(r, &what, 1, NULL, &error), NN_OK);
    if (!strstr(error.text, words))
        fail_msg("'%s' is not in: %s", words, error.text);
}

static run_id ended_run(recorder *r, const char *name)
{
    run_id run = begin_run(r, name);
    tell_end(r, run, NN_FINISHED, 10);
    nn_error error = {0};
    assert_int_equal(recorder_wait(r, run, &error), NN_OK);
    return run;
}

static void test_names_and_notes(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_id a = ended_run(r, "a"), b = ended_run(r, "b");
    run_change back = change(r, a, RUN_RENAME, "better name");
    assert_string_equal(row_of(place->path, a).name, "better name");
    refused(r, b, RUN_RENAME, "better name", "is called 'better name' already");
    assert_int_equal(change(r, b, RUN_RENAME, "b").kind, RUN_UNCHANGED);
    refused(r, b, RUN_RENAME, "", "at least one character");
    refused(r, b, RUN_RENAME, "17", "numbers");
    refused(r, b, RUN_RENAME, "last", "last");
    refused(r, b, RUN_RENAME, "b@3", "cannot have");
    refused(r, b, RUN_RENAME, "b\n", "control");
    refused(r, b, RUN_RENAME, " b", "blank");
    refused(r, 99, RUN_RENAME, "c", "no run 99");
    undo(r, &back);
    assert_string_equal(row_of(place->path, a).name, "a");

    back = change(r, a, RUN_NOTE, "tried l2, no help");
    assert_string_equal(row_of(place->path, a).note, "tried l2, no help");
    undo(r, &back);
    assert_string_equal(row_of(place->path, a).note, "");
    close_recorder(r);
}

static void test_marks(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_id a = ended_run(r, "a");
    run_change pin = change(r, a, RUN_PIN, "");
    assert_true(row_of(place->path, a).pinned);
    assert_int_equal(change(r, a, RUN_PIN, "").kind, RUN_UNCHANGED);
    undo(r, &pin);
    assert_false(row_of(place->path, a).pinned);
    run_change archive = change(r, a, RUN_ARCHIVE, "");
    assert_true(row_of(place->path, a).archived_ms > 0);
    undo(r, &archive);
    assert_true(row_of(place->path, a).archived_ms == 0);
    run_change gone = change(r, a, RUN_DELETE, "");
    assert_true(row_of(place->path, a).deleted_ms > 0);

    /* A deleted run is found by its number and its whole name only. */
    store *s = open_store(place);
    run_id found = 0;
    nn_error error = {0};
    assert_int_equal(store_find_run(s, "last", &found, &error), NN_E_MISSING);
    assert_int_equal(store_find_run(s, "a", &found, &error), NN_OK);
    assert_int_equal(store_find_run(s, "1", &found, &error), NN_OK);
    store_close(s);
    undo(r, &gone);
    assert_true(row_of(place->path, a).deleted_ms == 0);

    run_id live = begin_run(r, "live");
    refused(r, live, RUN_DELETE, "", "stop it before");
    tell_end(r, live, NN_STOPPED, 5);
    assert_int_equal(recorder_wait(r, live, &error), NN_OK);
    change(r, live, RUN_DELETE, "");
    close_recorder(r);
}

static int tags_of(const store_place *place, run_id run, char *text, size_t size)
{
    nn_error error = {0};
    store *s = open_store(place);
    run_table *t = run_table_new();
    assert_int_equal(run_table_read(t, s, &error), NN_OK);
    const run_entry *e = run_table_find(t, run);
    assert_non_null(e);
    size_t used = 0;
    text[0] = 0;
    int count = e->tag_count;
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s:%s ", t->tags[e->tags[i]].name,
                                 t->tags[e->tags[i]].colour);
    run_table_free(t);
    store_close(s);
    return count;
}

static void test_tags(void **state)
{
    const store_place *place = *state;
    char text[128];
    recorder *r = open_recorder(place);
    run_id a = ended_run(r, "a"), b = ended_run(r, "b");
    run_change good = change(r, a, RUN_TAG, "good");
    assert_int_equal(change(r, a, RUN_TAG, "GOOD").kind, RUN_UNCHANGED); /* any case: the same */
    change(r, a, RUN_TAG, "baseline");
    change(r, b, RUN_TAG, "good");
    assert_int_equal(tags_of(place, a, text, sizeof text), 2);
    assert_string_equal(text, "baseline:orange good:blue ");
    run_change recolour = change_of(b, RUN_TAG, "good"), back;
    snprintf(recolour.colour, sizeof recolour.colour, "violet");
    nn_error error = {0};
    assert_int_equal(recorder_change(r, &recolour, 1, &back, &error), NN_OK);
    tags_of(place, a, text, sizeof text);
    assert_string_equal(text, "baseline:orange good:violet ");
    undo(r, &back);
    tags_of(place, a, text, sizeof text);
    assert_string_equal(text, "baseline:orange good:blue ");
    undo(r, &good);
    assert_int_equal(tags_of(place, a, text, sizeof text), 1);
    assert_int_equal(tags_of(place, b, text, sizeof text), 1);
    back = change(r, b, RUN_UNTAG, "good");
    assert_int_equal(tags_of(place, b, text, sizeof text), 0);
    undo(r, &back); /* comes back in its colour */
    tags_of(place, b, text, sizeof text);
    assert_string_equal(text, "good:blue ");
    refused(r, a, RUN_UNTAG, "good", "no tag 'good'");
    refused(r, a, RUN_TAG, "two words", "blank");
    refused(r, a, RUN_TAG, "a,b", "cannot have");
    refused(r, a, RUN_TAG, "", "at least");
    snprintf(recolour.colour, sizeof recolour.colour, "pink");
    assert_int_equal(recorder_change(r, &recolour, 1, NULL, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "violet"));
    close_recorder(r);
}

/* Several changes are one step: all or none. */
static void test_all_or_none(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    run_id a = ended_run(r, "a"), b = ended_run(r, "b");
    run_change some[] = {change_of(a, RUN_PIN, ""), change_of(b, RUN_RENAME, "a")};
    assert_int_equal(recorder_change(r, some, 2, NULL, &error), NN_E_ARG);
    assert_false(row_of(place->path, a).pinned);
    run_change both[] = {change_of(a, RUN_RENAME, "c"), change_of(b, RUN_RENAME, "a")}, back[2];
    assert_int_equal(recorder_change(r, both, 2, back, &error), NN_OK);
    assert_string_equal(row_of(place->path, b).name, "a");
    run_change reversed[] = {back[1], back[0]};
    assert_int_equal(recorder_change(r, reversed, 2, NULL, &error), NN_OK);
    assert_string_equal(row_of(place->path, a).name, "a");
    assert_string_equal(row_of(place->path, b).name, "b");
    close_recorder(r);
}

static void test_views(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    recorder *r = open_recorder(place);
    assert_int_equal(recorder_save_view(r, "runs", "good ones", "filter tag=good", &error), NN_OK);
    assert_int_equal(recorder_save_view(r, "runs", "best", "sort dev_error.best", &error), NN_OK);
    assert_int_equal(recorder_save_view(r, "runs", "Best", "sort -id", &error), NN_OK);
    assert_int_equal(recorder_save_view(r, "trials", "x", "", &error), NN_OK);
    store *s = open_store(place);
    saved_view *views = NULL;
    int count = 0;
    assert_int_equal(store_views(s, "runs", &views, &count, &error), NN_OK);
    assert_int_equal(count, 2);
    assert_string_equal(views[0].query, "sort -id"); /* written over, whatever the case */
    assert_string_equal(views[1].name, "good ones");
    free(views);
    assert_int_equal(recorder_save_view(r, "runs", "best", NULL, &error), NN_OK);
    assert_int_equal(recorder_save_view(r, "runs", "best", NULL, &error), NN_E_MISSING);
    assert_int_equal(recorder_save_view(r, "runs", "", "x", &error), NN_E_ARG);
    assert_int_equal(store_views(s, "runs", &views, &count, &error), NN_OK);
    assert_int_equal(count, 1);
    free(views);
    store_close(s);
    close_recorder(r);
}

/* --- the table -------------------------------------------------------------------------------- */

static void read_table(run_table *t, store *s)
{
    nn_error error = {0};
    if (run_table_read(t, s, &error) != NN_OK)
        fail_msg("%s", error.text);
}

static void test_table(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    run_description description = plain_description("a");
    store_param params[] = {{.key = "lr", .is_number = true, .number = .01},
                            {.key = "sampling", .text = "balanced"}};
    description.params = params, description.param_count = 2;
    nn_error error = {0};
    run_id a = recorder_begin(r, &description, 0, 0, &error);
    assert_true(a > 0);
    for (uint64_t step = 1; step <= 20; step++)
        tell(r, a, step_event(step, step == 7 ? .5 : 3 - .1 * (double)step));
    tell_end(r, a, NN_FINISHED, 20);
    assert_int_equal(recorder_wait(r, a, &error), NN_OK);
    run_id b = ended_run(r, "b");

    store *s = open_store(place);
    run_table *t = run_table_new();
    read_table(t, s);
    assert_int_equal(t->count, 2);
    assert_true(t->entries[0].row.id == b); /* newest first */
    const run_entry *e = run_table_find(t, a);
    assert_non_null(e);
    assert_null(run_table_find(t, 77));
    assert_int_equal(e->fact_count, 2);
    assert_true(e->facts[0].is_number);
    assert_string_equal(t->keys[e->facts[1].key].name, "sampling");
    assert_string_equal(e->facts[1].text, "balanced");
    const run_measure *loss = NULL;
    for (int m = 0; m < t->metric_count; m++)
        if (strcmp(t->metrics[m].name, "loss") == 0)
            loss = run_entry_measure(e, m);
    assert_non_null(loss);
    assert_int_equal(loss->count, 20);
    assert_true(loss->min_step == 7 && fabs(loss->min - .5) < 1e-12);

    /* What did not move is taken over as it is, and nothing is lost in many readings. */
    const run_fact *kept = e->facts;
    for (int i = 0; i < 3; i++)
        read_table(t, s);
    assert_ptr_equal(run_table_find(t, a)->facts, kept);
    change(r, a, RUN_TAG, "good");
    run_id c = ended_run(r, "c");
    read_table(t, s);
    assert_int_equal(t->count, 3);
    assert_true(t->entries[0].row.id == c);
    assert_true(run_entry_tagged(t, run_table_find(t, a), "GOOD"));
    assert_ptr_equal(run_table_find(t, a)->facts, kept);
    run_table_free(t);
    store_close(s);
    close_recorder(r);
}

/* More new runs than are read one by one. */
static void test_large_table(void **state)
{
    const store_place *place = *state;
    recorder *r = open_recorder(place);
    close_recorder(r);
    run_sql(place->path,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
            "INSERT INTO run (name, model, optimizer, schedule, command_line, seed, batch, epochs, "
            "shards, threads, parameters, multiply_adds, steps_per_epoch, total_steps, state, "
            "started_ms, heartbeat_ms, host, boot, pid_space, pid, pid_started, segment) "
            "SELECT 'run ' || i, 'mlp', 'adam', '', '', i, 64, 1, 1, 1, 10, 10, 1, 1, 'finished', "
            "i, i, '', '', '', 1, 1, 1 FROM n;"
            "INSERT INTO param SELECT id, 'lr', id, NULL FROM run;"
            "INSERT INTO summary SELECT run.id, metric.id, 1, 0, NULL, run.id, 1, run.id, 1, "
            "run.id, 1 FROM run, metric");
    store *s = open_store(place);
    run_table *t = run_table_new();
    read_table(t, s);
    assert_int_equal(t->count, 100);
    for (int i = 0; i < t->count; i++) {
        const run_entry *e = &t->entries[i];
        assert_int_equal(e->fact_count, 1);
        assert_int_equal(e->measure_count, t->metric_count);
        assert_true(e->facts[0].number == (double)e->row.id);
        assert_true(e->measures[0].min == (double)e->row.id);
    }
    run_table_free(t);
    store_close(s);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_names_and_notes), IN_PLACE(test_marks), IN_PLACE(test_tags),
        IN_PLACE(test_all_or_none),     IN_PLACE(test_views), IN_PLACE(test_table),
        IN_PLACE(test_large_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
