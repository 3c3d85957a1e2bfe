/* A store whose schema is brought up to date by a process that is killed on the way, and one that
 * may not be written. The longer form: tests/reliability.sh. */
#include "store/database.h"
#include "store/schema.h"
#include "tests/store_fixture.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* --- a killed migration ------------------------------------------------------------------------
 */

enum { KILLS = 8, OLD_RUNS = 3000 };

/* A file of schema 1 with so many runs that bringing it up to date takes its time. */
static void make_old_store(const char *path)
{
    size_t size;
    char *dump = read_whole_file("tests/store/version_1.sql", &size);
    dump[size] = '\0';
    run_sql(path, dump);
    free(dump);
    char sql[800];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT "
             "INTO run (name, model, optimizer, schedule, command_line, seed, batch, epochs, "
             "shards, threads, parameters, multiply_adds, steps_per_epoch, total_steps, state, "
             "started_ms, heartbeat_ms, host, boot, pid_space, pid, pid_started, segment) SELECT "
             "'copy-' || i, '', '', '', '', 1, 1, 1, 1, 1, 1, 1, 1, 1, 'finished', i, i, '', '', "
             "'', 1, 1, 1 FROM n",
             OLD_RUNS);
    run_sql(path, sql);
}

static double open_seconds(const char *path)
{
    nn_error error = {0};
    double start = seconds_now();
    store *s = store_open(path, &error);
    if (!s)
        fail_msg("%s", error.text);
    store_close(s);
    return seconds_now() - start;
}

static int64_t number_of(const char *path, const char *sql)
{
    database db;
    nn_error error = {0};
    int64_t version = 0, number = -1;
    if (database_look(&db, path, &version, &error) != NN_OK ||
        database_number(&db, sql, &number, &error) != NN_OK)
        fail_msg("%s", error.text);
    database_close(&db);
    return number;
}

/* Whenever the process dies: the file is of the old schema or of the new one, and sound. */
static void test_killed_migration(void **state)
{
    const store_place *place = *state;
    char old[120];
    size_t size;
    int present = 0;
    snprintf(old, sizeof old, "%s/old.db", place->folder);
    schema_steps(&present);
    make_old_store(old);
    char *bytes = read_whole_file(old, &size);
    write_whole_file(place->path, bytes, size);
    double whole = open_seconds(place->path);
    for (int i = 0; i < KILLS; i++) {
        char log[140];
        static const char *const endings[] = {"-wal", "-shm"};
        for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
            snprintf(log, sizeof log, "%s%s", place->path, endings[k]);
            unlink(log);
        }
        write_whole_file(place->path, bytes, size);
        pid_t child = fork();
        if (child == 0) {
            store_close(store_open(place->path, NULL));
            _exit(0);
        }
        double until = seconds_now() + whole * i / KILLS;
        while (seconds_now() < until)
            continue;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        int64_t version = number_of(place->path, "PRAGMA user_version");
        assert_true(version == 1 || version == present);
        assert_int_equal(number_of(place->path, "SELECT count(*) FROM run"), OLD_RUNS + 2);
        open_seconds(place->path);
        nn_error error = {0};
        if (store_check(place->path, &error) != NN_OK)
            fail_msg("%s", error.text);
        assert_int_equal(number_of(place->path, "SELECT count(DISTINCT uuid) FROM run"),
                         OLD_RUNS + 2);
    }
    free(bytes);
}

/* --- a file that may only be read ----------------------------------------------------------------
 */

/* As somebody else, where this process may do everything. 0: all is as it should be; 9: it cannot
 * become anybody else. */
static int look_as_stranger(const store_place *place)
{
    nn_error error = {0};
    run_row *rows = NULL;
    int count = 0;
    if (geteuid() == 0 && setuid(65534) != 0)
        return 9;
    store *s = store_open(place->path, &error);
    if (!s)
        return 1;
    if (store_runs(s, &rows, &count, &error) != NN_OK || count != 1)
        return 2;
    free(rows);
    if (!strstr(store_warning(s), "read-only"))
        return 3;
    store_close(s);
    if (recorder_open(place->path, &error) || !strstr(error.text, "read-only"))
        return 4;
    return 0;
}

static void test_read_only(void **state)
{
    const store_place *place = *state;
    int status = 0;
    recorder *r = open_recorder(place);
    run_id run = begin_run(r, NULL);
    tell_end(r, run, NN_FINISHED, 1);
    close_recorder(r);
    assert_int_equal(chmod(place->path, 0444), 0);
    assert_int_equal(chmod(place->folder, 0555), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(look_as_stranger(place));
    waitpid(child, &status, 0);
    assert_int_equal(chmod(place->folder, 0755), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 9)
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_migration, store_place_make,
                                        store_place_remove),
        cmocka_unit_test_setup_teardown(test_read_only, store_place_make, store_place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
