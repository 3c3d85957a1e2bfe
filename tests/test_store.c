/* The store's file: where it lies, its schema and its history, what is refused and left alone. */
#include "store/chunk.h"
#include "store/database.h"
#include "store/place.h"
#include "store/process.h"
#include "store/schema.h"
#include "store/series.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* --- places ---------------------------------------------------------------------------------- */

static void test_default_path(void **state)
{
    (void)state;
    char path[256];
    nn_error error = {0};
    setenv("GRADUS_STORE", "/somewhere/my.db", 1);
    assert_int_equal(store_default_path(path, sizeof path, &error), NN_OK);
    assert_string_equal(path, "/somewhere/my.db");
    unsetenv("GRADUS_STORE");
    setenv("XDG_DATA_HOME", "/xdg", 1);
    assert_int_equal(store_default_path(path, sizeof path, &error), NN_OK);
    assert_string_equal(path, "/xdg/gradus/gradus.db");
    setenv("XDG_DATA_HOME", "relative", 1); /* to be ignored */
    setenv("HOME", "/home/me", 1);
    assert_int_equal(store_default_path(path, sizeof path, &error), NN_OK);
    assert_string_equal(path, "/home/me/.local/share/gradus/gradus.db");
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(store_default_path(path, 10, &error), NN_E_ARG);
}

static void test_folders_are_made(void **state)
{
    const store_place *place = *state;
    char path[160];
    char folder[256];
    nn_error error = {0};
    snprintf(path, sizeof path, "%s/a/b/gradus.db", place->folder);
    store *s = store_open(path, &error);
    assert_non_null(s);
    assert_string_equal(store_path(s), path);
    assert_string_equal(store_warning(s), "");
    assert_false(store_newer(s));
    store_close(s);
    assert_int_equal(store_checkpoint_dir(path, 12, folder, sizeof folder, &error), NN_OK);
    char expected[256];
    snprintf(expected, sizeof expected, "%s.runs/12", path);
    assert_string_equal(folder, expected);
    struct stat info;
    assert_int_equal(stat(folder, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
}

static void test_network_file_systems(void **state)
{
    (void)state;
    assert_string_equal(place_network_name(0x6969), "NFS");
    assert_string_equal(place_network_name(0xFF534D42), "CIFS");
    assert_string_equal(place_network_name((unsigned long)(int)0xFF534D42), "CIFS");
    assert_null(place_network_name(0xEF53));     /* ext4 */
    assert_null(place_network_name(0x01021994)); /* tmpfs */
}

/* --- schema ---------------------------------------------------------------------------------- */

static int64_t number_in(const char *path, const char *sql)
{
    nn_error error = {0};
    database db = {0};
    int64_t number = -1;
    snprintf(db.path, sizeof db.path, "%s", path);
    assert_int_equal(sqlite3_open(path, &db.handle), SQLITE_OK);
    if (database_number(&db, sql, &number, &error) != NN_OK)
        fail_msg("%s", error.text);
    database_close(&db);
    return number;
}

static void test_schema(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    store *s = store_open(place->path, &error);
    assert_non_null(s);
    store_close(s);
    int present = 0;
    schema_steps(&present);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), present);
    assert_int_equal(number_in(place->path, "PRAGMA application_id"), DATABASE_APPLICATION);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM sqlite_schema WHERE type = "
                                            "'table' AND name IN ('run', 'segment', 'param', "
                                            "'metric', 'chunk', 'summary', 'event', 'checkpoint', "
                                            "'dataset', 'dataset_class', 'evaluation', "
                                            "'prediction', 'command', 'run_tag', "
                                            "'run_tag_of', 'saved_view', 'study', "
                                            "'study_option', 'trial', 'trial_param', "
                                            "'trial_value')"),
                     21);
    /* The file explains itself. */
    assert_true(number_in(place->path, "SELECT sql LIKE '%-- %' FROM sqlite_schema WHERE name = "
                                       "'chunk'"));
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

static const char *const first_step[] = {"CREATE TABLE one (x INTEGER)",
                                         "INSERT INTO one VALUES (1)"};
static const char *const second_step[] = {"ALTER TABLE one ADD COLUMN y INTEGER DEFAULT 7"};
static const char *const broken_step[] = {"CREATE TABLE three (x INTEGER)", "CREATE NONSENSE"};
static const schema_step history[] = {{first_step, 2}, {second_step, 1}, {broken_step, 2}};

static void open_raw(database *db, const char *path)
{
    memset(db, 0, sizeof *db);
    snprintf(db->path, sizeof db->path, "%s", path);
    assert_int_equal(sqlite3_open(path, &db->handle), SQLITE_OK);
    sqlite3_busy_timeout(db->handle, DATABASE_BUSY_MS);
}

static void test_migration(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    database db;
    open_raw(&db, place->path);
    assert_int_equal(schema_migrate(&db, history, 1, &error), NN_OK);
    database_close(&db);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), 1);
    open_raw(&db, place->path); /* from version 1, keeping what is there */
    assert_int_equal(schema_migrate(&db, history, 2, &error), NN_OK);
    assert_int_equal(schema_migrate(&db, history, 2, &error), NN_OK); /* nothing to do */
    database_close(&db);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), 2);
    assert_int_equal(number_in(place->path, "SELECT y FROM one WHERE x = 1"), 7);
    open_raw(&db, place->path); /* a step that fails leaves everything as it was */
    assert_int_equal(schema_migrate(&db, history, 3, &error), NN_E_IO);
    assert_non_null(strstr(error.text, "NONSENSE"));
    database_close(&db);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), 2);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM sqlite_schema"), 1);
}

/* A file that the program of version 1 wrote: opening it for reading brings it up to date, with
 * everything that it held. */
static void test_version_1(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    size_t size;
    char *dump = read_whole_file("tests/store/version_1.sql", &size);
    dump[size] = '\0';
    database db;
    open_raw(&db, place->path);
    assert_int_equal(sqlite3_exec(db.handle, dump, NULL, NULL, NULL), SQLITE_OK);
    database_close(&db);
    free(dump);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), 1);
    store *s = open_store(place);
    run_row *rows = NULL;
    int count = 0, present = 0;
    assert_int_equal(store_runs(s, &rows, &count, &error), NN_OK);
    assert_int_equal(count, 2);
    assert_string_equal(rows[1].name, "old-digits");
    assert_int_equal(rows[1].state, RUN_FINISHED);
    assert_int_equal(rows[1].epoch, 2);
    assert_true(rows[1].test_error > .89 && rows[1].test_error < .9);
    free(rows);
    store_close(s);
    schema_steps(&present);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), present);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM chunk"), 20);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM evaluation"), 5);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM event"), 7);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM param WHERE run = 1"), 22);
    assert_int_equal(number_in(place->path, "SELECT length(truth) FROM prediction"), 4 * 179);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM run WHERE pinned = 0 AND "
                                            "archived_ms IS NULL AND deleted_ms IS NULL AND "
                                            "latency_ms IS NULL AND memory_bytes IS NULL"),
                     2);
    /* What an added column means is still told by the file. */
    assert_true(number_in(place->path, "SELECT sql LIKE '%brought back%' FROM sqlite_schema WHERE "
                                       "name = 'run'"));
    assert_int_equal(store_check(place->path, &error), NN_OK);
}

/* Several processes open a file that does not exist yet: it is made once, and nobody fails. */
static void test_concurrent_openers(void **state)
{
    const store_place *place = *state;
    enum { OPENERS = 8 };
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t children[OPENERS];
    for (int i = 0; i < OPENERS; i++) {
        if ((children[i] = fork()) == 0) {
            char byte = 0;
            nn_error error = {0};
            close(gate[1]);
            ssize_t ignored = read(gate[0], &byte, 1); /* until the parent closes it */
            (void)ignored;
            recorder *r = i % 2 ? recorder_open(place->path, &error) : NULL;
            store *s = i % 2 ? NULL : store_open(place->path, &error);
            if (!r && !s)
                dprintf(2, "%s\n", error.text);
            bool opened = r || s;
            store_close(s);
            recorder_close(r, NULL);
            _exit(opened ? 0 : 1);
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < OPENERS; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    nn_error error = {0};
    assert_int_equal(store_check(place->path, &error), NN_OK);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM metric"), 10);
}

static void test_newer_file(void **state)
{
    const store_place *place = *state;
    nn_error error = {0};
    store_close(store_open(place->path, &error));
    run_sql(place->path, "PRAGMA user_version = 999; PRAGMA wal_checkpoint(TRUNCATE)");
    size_t before_size = 0;
    char *before = read_whole_file(place->path, &before_size);
    store *s = store_open(place->path, &error);
    assert_non_null(s);
    assert_true(store_newer(s));
    assert_non_null(strstr(store_warning(s), "newer Gradus"));
    run_row *rows = NULL;
    int count = -1;
    assert_int_equal(store_runs(s, &rows, &count, &error), NN_OK);
    assert_int_equal(count, 0);
    free(rows);
    store_close(s);
    assert_null(recorder_open(place->path, &error));
    assert_int_equal(error.code, NN_E_STATE);
    assert_non_null(strstr(error.text, "999"));
    size_t after_size = 0;
    char *after = read_whole_file(place->path, &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* Neither way of opening, nor the check, accepts or changes the file. */
static void refuses(const char *path, const void *bytes, size_t size, const char *says)
{
    nn_error error = {0};
    write_whole_file(path, bytes, size);
    assert_null(recorder_open(path, &error));
    assert_int_equal(error.code, NN_E_FORMAT);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, says));
    memset(&error, 0, sizeof error);
    assert_null(store_open(path, &error));
    assert_int_equal(error.code, NN_E_FORMAT);
    assert_int_equal(store_check(path, &error), NN_E_FORMAT);
    size_t after_size = 0;
    char *after = read_whole_file(path, &after_size);
    assert_int_equal(after_size, size);
    assert_memory_equal(after, bytes, size);
    free(after);
}

static char *sound_file(const char *path, size_t *size)
{
    nn_error error = {0};
    recorder *r = recorder_open(path, &error);
    assert_non_null(r);
    run_description description = plain_description("sound");
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    assert_int_equal(run, 1);
    for (uint64_t step = 1; step <= 3000; step++) {
        nn_event event = step_event(step, 1. / (double)step);
        recorder_event(r, run, &event, &error);
    }
    assert_int_equal(recorder_close(r, &error), NN_OK);
    return read_whole_file(path, size);
}

static void test_random_bytes(void **state)
{
    const store_place *place = *state;
    static const size_t sizes[] = {1, 99, 100, 512, 4096, 100000};
    char *bytes = malloc(100000);
    assert_non_null(bytes);
    uint32_t random = 12345;
    for (int i = 0; i < 100000; i++)
        bytes[i] = (char)((random = random * 1664525u + 1013904223u) >> 24);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        refuses(place->path, bytes, sizes[i], "not a Gradus store");
    free(bytes);
}

static void test_truncated_file(void **state)
{
    const store_place *place = *state;
    size_t size = 0;
    char *bytes = sound_file(place->path, &size);
    assert_true(size > 40000);
    static const double shares[] = {.05, .3, .5, .75, .99};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        refuses(place->path, bytes, (size_t)((double)size * shares[i]), "damaged");
    refuses(place->path, bytes, size - 1, "damaged");
    write_whole_file(place->path, bytes, size);
    nn_error error = {0};
    assert_int_equal(store_check(place->path, &error), NN_OK);
    free(bytes);
}

static void test_another_programs_file(void **state)
{
    const store_place *place = *state;
    run_sql(place->path, "CREATE TABLE moz_places (id INTEGER)");
    size_t size = 0;
    char *bytes = read_whole_file(place->path, &size);
    refuses(place->path, bytes, size, "another program");
    free(bytes);
}

/* Bytes turned over in any place: reading answers or refuses, and never crashes. */
static void test_damage_inside(void **state)
{
    const store_place *place = *state;
    size_t size = 0;
    char *bytes = sound_file(place->path, &size);
    uint32_t random = 99;
    int noticed = 0;
    for (int i = 0; i < 150; i++) {
        char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        for (int j = 0; j < 40; j++) {
            random = random * 1664525u + 1013904223u;
            copy[(size_t)(random >> 8) % size] ^= (char)(random & 0xFF);
        }
        write_whole_file(place->path, copy, size);
        nn_error error = {0};
        noticed += store_check(place->path, &error) != NN_OK;
        store *s = store_open(place->path, &error);
        uint64_t *steps = NULL;
        double *values = NULL;
        int64_t count = 0;
        run_row row;
        if (s) {
            store_run(s, 1, &row, &error);
            if (store_points(s, 1, "loss", 0, &steps, &values, &count, &error) != NN_OK)
                assert_true(error.text[0]);
            free(steps);
            free(values);
            store_close(s);
        }
        free(copy);
    }
    assert_true(noticed > 50);
    free(bytes);
}

/* --- chunks and summaries -------------------------------------------------------------------- */

static void test_chunk_steps(void **state)
{
    (void)state;
    uint64_t steps[CHUNK_POINTS];
    uint64_t back[CHUNK_POINTS];
    uint8_t bytes[CHUNK_STEPS_BYTES];
    for (int i = 0; i < CHUNK_POINTS; i++)
        steps[i] = 77 + (uint64_t)i;
    assert_int_equal(chunk_encode_steps(steps, CHUNK_POINTS, bytes), 0);
    assert_true(chunk_decode_steps(NULL, 0, 77, CHUNK_POINTS, back));
    assert_memory_equal(steps, back, sizeof steps);
    uint64_t gap = 1;
    for (int i = 0; i < 40; i++, gap = gap * 3 + 1)
        steps[i] = i ? steps[i - 1] + gap : 5;
    size_t size = chunk_encode_steps(steps, 40, bytes);
    assert_true(size > 39 && size <= 390);
    assert_true(chunk_decode_steps(bytes, size, 5, 40, back));
    assert_memory_equal(steps, back, 40 * sizeof *steps);
    /* Damaged bytes are noticed: too short, too long, a step that does not ascend, an overflow. */
    assert_false(chunk_decode_steps(bytes, size - 1, 5, 40, back));
    assert_false(chunk_decode_steps(bytes, size, 5, 39, back));
    bytes[0] = 0;
    assert_false(chunk_decode_steps(bytes, size, 5, 40, back));
    memset(bytes, 0xFF, sizeof bytes);
    assert_false(chunk_decode_steps(bytes, 30, 5, 3, back));
    assert_false(chunk_decode_steps(NULL, 0, UINT64_MAX - 1, 5, back));
}

static void test_summary(void **state)
{
    (void)state;
    series_summary summary = {0};
    series_summary_add(&summary, 1, (double)NAN);
    assert_int_equal(summary.count, 1);
    assert_int_equal(summary.nan_count, 1);
    assert_int_equal(summary.first_nan_step, 1);
    assert_true(isnan(summary.min) && isnan(summary.max) && isnan(summary.last));
    series_summary_add(&summary, 2, 3);
    series_summary_add(&summary, 3, -1);
    series_summary_add(&summary, 4, (double)INFINITY);
    series_summary_add(&summary, 5, 3);
    assert_int_equal(summary.count, 5);
    assert_int_equal(summary.nan_count, 2);
    assert_int_equal(summary.first_nan_step, 1);
    assert_true(summary.min == -1 && summary.min_step == 3);
    assert_true(summary.max == 3 && summary.max_step == 2); /* the first of equal ones */
    assert_true(summary.last == 3 && summary.last_step == 5);
}

static void test_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[6];
    copy_text(text, sizeof text, "가나"); /* 3 bytes each */
    assert_string_equal(text, "가");
    copy_text(text, sizeof text, "abcdefgh");
    assert_string_equal(text, "abcde");
    copy_text(text, sizeof text, NULL);
    assert_string_equal(text, "");
}

/* --- processes ------------------------------------------------------------------------------- */

static void test_process(void **state)
{
    (void)state;
    process_identity self;
    process_self(&self);
    assert_int_equal(self.pid, getpid());
    assert_int_equal(process_look(&self, &self), PROCESS_ALIVE);
    process_identity other = self;
    other.started++; /* the number was given to another process */
    assert_int_equal(process_look(&self, &other), PROCESS_GONE);
    other = self;
    snprintf(other.boot, sizeof other.boot, "another boot");
    snprintf(other.space, sizeof other.space, "another boot pid:[1]");
    assert_int_equal(process_look(&self, &other), PROCESS_GONE); /* the machine has restarted */
    snprintf(other.host, sizeof other.host, "elsewhere");
    assert_int_equal(process_look(&self, &other), PROCESS_UNKNOWN);
    other = self;
    snprintf(other.space, sizeof other.space, "%s pid:[1]", self.boot); /* a container */
    assert_int_equal(process_look(&self, &other), PROCESS_UNKNOWN);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* dead, and still in the table */
    other = self;
    other.pid = (int)child;
    assert_int_equal(process_look(&self, &other), PROCESS_GONE);
    waitpid(child, NULL, 0);
    assert_int_equal(process_look(&self, &other), PROCESS_GONE);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, store_place_make, store_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_path),
        IN_PLACE(test_folders_are_made),
        cmocka_unit_test(test_network_file_systems),
        IN_PLACE(test_schema),
        IN_PLACE(test_migration),
        IN_PLACE(test_version_1),
        IN_PLACE(test_concurrent_openers),
        IN_PLACE(test_newer_file),
        IN_PLACE(test_random_bytes),
        IN_PLACE(test_truncated_file),
        IN_PLACE(test_another_programs_file),
        IN_PLACE(test_damage_inside),
        cmocka_unit_test(test_chunk_steps),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_text_is_cut_between_characters),
        cmocka_unit_test(test_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
