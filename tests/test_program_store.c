/* `gradus sql`, `gradus store` and `gradus runs purge` by the real program. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"
#include "tests/store_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", program_folder(), name);
    return path;
}

static int make_runs(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        json_decref(train("train --data digits --model logreg --limit 600 --epochs 3 --json"));
    return 0;
}

static void has(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("'%s' is not in: %.600s", words, text);
}

/* Exit status, and words on stdout (`out`) or stderr. */
static void says(const char *line, int status, bool out, const char *words)
{
    program_result result = program_run(line);
    if (result.status != status)
        fail_msg("%s: status %d: %s%s", line, result.status, result.out, result.err);
    has(out ? result.out : result.err, words);
    program_free(&result);
}

/* --- sql ---------------------------------------------------------------------------------------
 */

static void test_answers(void **state)
{
    (void)state;
    says("sql 'select id, model from run order by id'", 0, true,
         "id  model\n--  ------\n 1  logreg\n 2  logreg\n 3  logreg\n");
    says("sql --csv 'select 1 as a, 2.5 as b, null as c, char(120,44,121) as d, zeroblob(2) as e'",
         0, true, "a,b,c,d,e\n1,2.5,,\"x,y\",0000\n");
    json_t *answer = program_json("sql --json 'select id, 0.5, null from run where id < 3'");
    assert_int_equal(json_array_size(json_object_get(answer, "columns")), 3);
    const json_t *rows = json_object_get(answer, "rows");
    assert_int_equal(json_array_size(rows), 2);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, 1), 0)), 2);
    assert_true(json_is_null(json_array_get(json_array_get(rows, 1), 2)));
    json_decref(answer);
    says("sql 'with recursive n(x) as (select 1 union all select x + 1 from n where x < 500) "
         "select x from n'",
         0, true, "\n500\n");
    says("sql ' '", 0, true, "-- one stretch of training in one process");
}

static void test_only_reading(void **state)
{
    (void)state;
    static const char *const writes[] = {"delete from run",          "update run set note = 1",
                                         "create temp table t (x)",  "drop table run",
                                         "attach db as other",       "pragma user_version = 99",
                                         "pragma query_only = 0",    "vacuum",
                                         "select load_extension(1)", "begin immediate"};
    char line[200];
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        snprintf(line, sizeof line, "sql '%s'", writes[i]);
        program_result result = program_run(line);
        assert_int_equal(result.status, 1);
        assert_string_equal(result.out, "");
        has(result.err, "only reading is allowed");
        program_free(&result);
    }
    says("sql 'select 1; select 2'", 1, false, "one statement at a time");
    says("sql 'selec 1'", 1, false, "syntax error, at character 1");
    says("sql 'select nobody from run'", 1, false, "no such column: nobody");
    says("sql 'select 1' --json --csv", 2, false, "one format");
    says("sql 'select count(*) from run'", 0, true, "3");
}

/* --- check -------------------------------------------------------------------------------------
 */

static void copy_store(const char *name)
{
    char line[300];
    unlink(file(name));
    snprintf(line, sizeof line, "store backup %s", file(name));
    says(line, 0, true, "3 runs");
}

static void test_check_names_the_run(void **state)
{
    (void)state;
    says("store check", 0, true, "is sound");
    static const struct {
        const char *sql, *words;
    } damages[] = {
        {"UPDATE chunk SET count = count + 1 WHERE run = 2 AND metric = 1", "curve loss"},
        {"UPDATE summary SET count = 7 WHERE run = 2 AND metric = 1", "its summary says 7"},
        {"DELETE FROM chunk WHERE run = 2 AND metric = 3", "a summary but no points"},
        {"UPDATE evaluation SET confusion = x'00' WHERE run = 2", "confusion matrix of dev"},
        {"UPDATE prediction SET truth = x'00' WHERE run = 2", "predictions of"},
        {"UPDATE run SET segment = 5 WHERE id = 2", "it says 5 segments"},
    };
    char line[300];
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        copy_store("bad.db");
        run_sql(file("bad.db"), damages[i].sql);
        snprintf(line, sizeof line, "store check --store %s", file("bad.db"));
        program_result result = program_run(line);
        assert_int_equal(result.status, 1);
        has(result.out, "damage  run 2 'logreg-digits-2': ");
        has(result.out, damages[i].words);
        assert_null(strstr(result.out, "run 1 "));
        assert_null(strstr(result.out, "run 3 "));
        program_free(&result);
    }
    copy_store("bad.db");
    run_sql(file("bad.db"), "PRAGMA foreign_keys = OFF; DELETE FROM dataset");
    snprintf(line, sizeof line, "store check --store %s", file("bad.db"));
    says(line, 1, true, "of table dataset that is not there");
}

/* Whatever bytes are wrong, the answer is a sentence, and the file stays as it was. */
static void test_check_of_damaged_pages(void **state)
{
    (void)state;
    size_t size, after;
    int named = 0;
    copy_store("whole.db");
    char *bytes = read_whole_file(file("whole.db"), &size);
    for (size_t page = 1; page * 4096 < size; page += 7) {
        char *bad = malloc(size);
        assert_non_null(bad);
        memcpy(bad, bytes, size);
        for (size_t i = 0; i < 4096 && page * 4096 + i < size; i++)
            bad[page * 4096 + i] = (char)(i * 37 + page);
        write_whole_file(file("bad.db"), bad, size);
        char line[300];
        snprintf(line, sizeof line, "store check --store %s", file("bad.db"));
        program_result result = program_run(line);
        assert_true(result.status == 1 || result.status == 0);
        assert_true(*result.out || *result.err);
        named += result.status == 1;
        program_free(&result);
        char *now = read_whole_file(file("bad.db"), &after);
        assert_int_equal(after, size);
        assert_memory_equal(now, bad, size);
        free(now);
        free(bad);
    }
    assert_true(named > 0);
    free(bytes);
    says("store check --store /nowhere/store.db", 1, false, "No such file");
    assert_int_not_equal(access("/nowhere", F_OK), 0);
}

/* --- backup, compact ---------------------------------------------------------------------------
 */

static void test_backup(void **state)
{
    (void)state;
    char line[300];
    copy_store("copy.db");
    snprintf(line, sizeof line, "store check --store %s", file("copy.db"));
    says(line, 0, true, "is sound");
    snprintf(line, sizeof line, "runs list --store %s", file("copy.db"));
    says(line, 0, true, "logreg-digits-3");
    write_whole_file(file("letter.txt"), "dear store", 10);
    snprintf(line, sizeof line, "store backup %s", file("letter.txt"));
    says(line, 1, false, "is no Gradus store");
    size_t size;
    char *letter = read_whole_file(file("letter.txt"), &size);
    assert_memory_equal(letter, "dear store", 10);
    free(letter);
    snprintf(line, sizeof line, "store backup %s", file("store.db"));
    says(line, 1, false, "is the store itself");
    says("store backup /nowhere/at/all.db", 1, false, "/nowhere/at/all.db");
    says("store backup", 2, false, "needs the file");
    says("store chek", 2, false, "did you mean 'check'?");
}

static void test_compact_and_purge(void **state)
{
    (void)state;
    program live = start_run("live", 4000);
    assert_true(program_lines(&live, 2));
    char line[300];
    says("store compact", 1, false, "is running");
    unlink(file("busy.db"));
    snprintf(line, sizeof line, "store backup %s", file("busy.db"));
    says(line, 0, true, "4 runs");
    snprintf(line, sizeof line, "store check --store %s", file("busy.db"));
    says(line, 0, true, "is sound");
    kill(live.pid, SIGKILL);
    program_result result = program_finish(&live);
    program_free(&result);
    says("runs delete live", 0, true, "deleted");
    assert_int_equal(access(file("store.db.runs/4"), F_OK), 0);
    says("runs purge", 0, true, "1 deleted run removed");
    assert_int_not_equal(access(file("store.db.runs/4"), F_OK), 0);
    says("runs delete 3", 0, true, "deleted");
    json_t *done = program_json("store compact --json");
    assert_int_equal(whole_of(done, "purged"), 1);
    assert_true(whole_of(done, "bytes_after") < whole_of(done, "bytes_before"));
    json_decref(done);
    says("runs show 3", 1, false, "no run '3'");
    says("store check", 0, true, "is sound");
    says("runs purge 2", 2, false, "takes no run");
    says("store path", 0, true, "/store.db\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_only_reading),
        cmocka_unit_test(test_check_names_the_run),
        cmocka_unit_test(test_check_of_damaged_pages),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_compact_and_purge),
    };
    return cmocka_run_group_tests(tests, make_runs, leave);
}
