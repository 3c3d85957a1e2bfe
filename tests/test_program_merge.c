/* `gradus merge` by the real program: two machines, copies that went on, other schemas. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"
#include "tests/store_fixture.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *file(const char *name)
{
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", program_folder(), name);
    return path[next];
}

static void run_line(const char *format, const char *a, const char *b)
{
    char line[600];
    snprintf(line, sizeof line, format, a, b);
    program_result result = program_run(line);
    if (result.status != 0)
        fail_msg("%s: status %d: %s%s", line, result.status, result.out, result.err);
    program_free(&result);
}

static json_t *merged(const char *into, const char *from)
{
    char line[600];
    snprintf(line, sizeof line, "merge %s --store %s --json", from, into);
    return program_json(line);
}

/* Rows and bytes of every table: two of these differ when anything was added or changed. */
static char *content_of(const char *path)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *tables = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle,
                                        "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                                        "name NOT LIKE 'sqlite_%' ORDER BY name",
                                        -1, &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        char sql[120];
        sqlite3_stmt *rows = NULL;
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", name);
        assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &rows, NULL), SQLITE_OK);
        fprintf(out, "%s\n", name);
        while (sqlite3_step(rows) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(rows); i++) {
                int length = sqlite3_column_bytes(rows, i);
                const void *bytes = sqlite3_column_blob(rows, i);
                if (bytes)
                    fwrite(bytes, 1, (size_t)length, out);
                fputc('|', out);
            }
        sqlite3_finalize(rows);
    }
    sqlite3_finalize(tables);
    sqlite3_close(handle);
    fclose(out);
    for (size_t i = 0; i < size; i++)
        if (!text[i])
            text[i] = '0';
    return text;
}

static void copy_store(const char *from, const char *to)
{
    unlink(to);
    run_line("store backup %s --store %s", to, from);
}

static json_t *curves_of(const char *from, const char *run)
{
    char line[600];
    snprintf(line, sizeof line, "export %s --json --store %s", run, from);
    json_t *answer = program_json(line);
    json_t *first = json_array_get(json_object_get(answer, "runs"), 0);
    json_t *curves = json_incref(json_object_get(first, "curves"));
    json_decref(answer);
    return curves;
}

/* --- two machines ------------------------------------------------------------------------------
 */

static int make_stores(void **state)
{
    (void)state;
    static const char small[] =
        "train --data digits --model logreg --limit 400 --epochs 2 --name %s --store %s --headless";
    run_line(small, "desk", file("desk.db"));
    run_line(small, "both", file("desk.db"));
    run_line(small, "both", file("lap.db"));
    run_line(small, "lap", file("lap.db"));
    run_line("sweep --data digits --model logreg --limit 300 --epochs 2 --trials 3 --space "
             "'lr=log(1e-3,1)' --name %s --store %s",
             "study", file("lap.db"));
    run_line("runs tag lap good --store %s%s", file("lap.db"), "");
    run_line("runs note lap 'on the train' --store %s%s", file("lap.db"), "");
    return 0;
}

static void test_two_machines(void **state)
{
    (void)state;
    copy_store(file("desk.db"), file("all.db"));
    char *theirs = content_of(file("lap.db"));
    json_t *report = merged(file("all.db"), file("lap.db"));
    assert_int_equal(whole_of(report, "runs_added"), 5);
    assert_int_equal(whole_of(report, "runs_known"), 0);
    assert_int_equal(whole_of(report, "studies_added"), 1);
    assert_int_equal(whole_of(report, "trials_added"), 3);
    assert_int_equal(whole_of(report, "files_missing"), 0);
    assert_true(whole_of(report, "files") >= 5);
    json_decref(report);
    char *after = content_of(file("lap.db"));
    assert_string_equal(theirs, after);
    free(theirs);
    free(after);
    json_t *there = curves_of(file("lap.db"), "lap"), *here = curves_of(file("all.db"), "lap");
    assert_true(json_equal(there, here));
    json_decref(there);
    json_decref(here);
    run_line("store check --store %s%s", file("all.db"), "");
    char line[300];
    snprintf(line, sizeof line, "runs show both-2 --json --store %s", file("all.db"));
    json_decref(program_json(line));
    snprintf(line, sizeof line, "runs show lap --json --store %s", file("all.db"));
    json_t *lap = program_json(line);
    assert_string_equal(text_of(lap, "note"), "on the train");
    assert_string_equal(json_string_value(json_array_get(json_object_get(lap, "tags"), 0)), "good");
    assert_int_equal(access(text_of(lap, "last_checkpoint"), R_OK), 0);
    assert_non_null(strstr(text_of(lap, "last_checkpoint"), "all.db.runs/"));
    json_decref(lap);
    snprintf(line, sizeof line, "sweep show study --json --store %s", file("all.db"));
    json_t *study = program_json(line);
    const json_t *trial = json_array_get(json_object_get(study, "trials"), 0);
    assert_true(whole_of(trial, "run") > 2);
    json_decref(study);
}

/* Again, the other way round, and round about: nothing is added, nothing changes. */
static void test_twice_adds_nothing(void **state)
{
    (void)state;
    char *before = content_of(file("all.db"));
    json_t *report = merged(file("all.db"), file("lap.db"));
    assert_int_equal(whole_of(report, "runs_added"), 0);
    assert_int_equal(whole_of(report, "runs_known"), 5);
    assert_int_equal(whole_of(report, "trials_added"), 0);
    assert_int_equal(whole_of(report, "annotations"), 0);
    assert_int_equal(whole_of(report, "files"), 0);
    json_decref(report);
    copy_store(file("lap.db"), file("round.db"));
    json_decref(merged(file("round.db"), file("all.db")));
    report = merged(file("all.db"), file("round.db"));
    assert_int_equal(whole_of(report, "runs_added"), 0);
    assert_int_equal(whole_of(report, "runs_known"), 7);
    json_decref(report);
    char *now = content_of(file("all.db"));
    assert_string_equal(before, now);
    free(before);
    free(now);
}

/* --- one run on two machines -------------------------------------------------------------------
 */

#define RESUMED(host, at)                                                                          \
    "UPDATE run SET segment = 2, epoch = 9, step = step + 100, heartbeat_ms = heartbeat_ms + " at  \
    " WHERE name = 'desk'; INSERT INTO segment SELECT run, 2, 10, started_ms + " at ", '" host     \
    "', pid, '' FROM segment WHERE run = 1 AND number = 1"

static void test_gone_further_there(void **state)
{
    (void)state;
    copy_store(file("desk.db"), file("base.db"));
    copy_store(file("desk.db"), file("further.db"));
    run_sql(file("further.db"), RESUMED("train", "5000"));
    run_line("runs note desk mine --store %s%s", file("base.db"), "");
    json_t *report = merged(file("base.db"), file("further.db"));
    assert_int_equal(whole_of(report, "runs_advanced"), 1);
    assert_int_equal(whole_of(report, "runs_added"), 0);
    json_decref(report);
    char line[300];
    snprintf(line, sizeof line, "runs show 1 --json --store %s", file("base.db"));
    json_t *run = program_json(line);
    assert_int_equal(whole_of(run, "epoch"), 9);
    assert_string_equal(text_of(run, "note"), "mine");
    json_decref(run);
    run_line("store check --store %s%s", file("base.db"), "");
    report = merged(file("further.db"), file("base.db")); /* what is behind takes nothing back */
    assert_int_equal(whole_of(report, "runs_advanced"), 0);
    json_decref(report);
}

static void test_parted(void **state)
{
    (void)state;
    copy_store(file("desk.db"), file("here.db"));
    copy_store(file("desk.db"), file("there.db"));
    run_sql(file("here.db"), RESUMED("here", "4000"));
    run_sql(file("there.db"), RESUMED("there", "5000"));
    for (int i = 0; i < 2; i++) {
        json_t *report = merged(file("here.db"), file("there.db"));
        assert_int_equal(whole_of(report, "runs_added"), i == 0);
        assert_int_equal(whole_of(report, "runs_parted"), i == 0);
        assert_int_equal(whole_of(report, "runs_advanced"), 0);
        json_decref(report);
    }
    run_line("runs show desk-2 --store %s%s", file("here.db"), "");
    run_line("store check --store %s%s", file("here.db"), "");
}

/* --- other files -------------------------------------------------------------------------------
 */

static void refused(const char *other, const char *words)
{
    char line[600];
    char *before = content_of(file("all.db"));
    snprintf(line, sizeof line, "merge %s --store %s", other, file("all.db"));
    program_result result = program_run(line);
    assert_int_equal(result.status, 1);
    if (!strstr(result.err, words))
        fail_msg("'%s' is not in: %s", words, result.err);
    program_free(&result);
    char *after = content_of(file("all.db"));
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_refusals(void **state)
{
    (void)state;
    copy_store(file("lap.db"), file("newer.db"));
    run_sql(file("newer.db"), "PRAGMA user_version = 99");
    refused(file("newer.db"), "newer Gradus");
    write_whole_file(file("noise.db"),
                     "neither a store nor anything else, and long enough to be "
                     "taken for one by its size alone, or not?",
                     96);
    refused(file("noise.db"), "not a Gradus store");
    refused(file("nobody.db"), "No such file");
    refused(file("all.db"), "is the store itself");
}

/* A store of the first version is brought up to date in a copy; the file itself stays. */
static void test_older(void **state)
{
    (void)state;
    size_t size, after;
    char *dump = read_whole_file("tests/store/version_1.sql", &size);
    dump[size] = '\0';
    run_sql(file("old.db"), dump);
    free(dump);
    char *before = read_whole_file(file("old.db"), &size);
    for (int i = 0; i < 2; i++) {
        json_t *report = merged(file("all.db"), file("old.db"));
        assert_int_equal(whole_of(report, "runs_added"), i == 0 ? 2 : 0);
        json_decref(report);
    }
    char *now = read_whole_file(file("old.db"), &after);
    assert_int_equal(size, after);
    assert_memory_equal(before, now, size);
    free(before);
    free(now);
    run_line("runs show old-digits --store %s%s", file("all.db"), "");
    run_line("sql 'PRAGMA integrity_check' --store %s%s", file("all.db"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_machines),       cmocka_unit_test(test_twice_adds_nothing),
        cmocka_unit_test(test_gone_further_there), cmocka_unit_test(test_parted),
        cmocka_unit_test(test_refusals),           cmocka_unit_test(test_older),
    };
    return cmocka_run_group_tests(tests, make_stores, leave);
}
