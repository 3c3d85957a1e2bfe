/* The real program from outside: what it prints, how it ends, what its store then holds. */
#include "engine/safetensors.h"
#include "tests/run_program.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- looking into JSON -------------------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        fail_msg("no text '%s'", key);
    return text;
}

static long long whole_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no whole number '%s'", key);
    return json_integer_value(value);
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("no number '%s'", key);
    return json_number_value(value);
}

/* Runs a training that must succeed; its lines. */
static json_t *train(const char *line)
{
    program_result result = program_run(line);
    if (result.status != 0)
        fail_msg("`gradus %s` exited with %d: %s", line, result.status, result.err);
    json_t *lines = program_json_lines(result.out);
    program_free(&result);
    return lines;
}

static const json_t *last_of(const json_t *lines)
{
    return json_array_get(lines, json_array_size(lines) - 1);
}

static json_t *show(long long run)
{
    char line[64];
    snprintf(line, sizeof line, "runs show %lld --json", run);
    return program_json(line);
}

/* The run's number from the first line of a training. */
static long long run_of(const json_t *lines)
{
    return whole_of(json_array_get(lines, 0), "run");
}

/* --- weights -----------------------------------------------------------------------------------
 */

static nn_tensors *weights_of(long long run)
{
    json_t *shown = show(run);
    nn_error error = {0};
    nn_tensors *tensors = nn_tensors_read(text_of(shown, "last_checkpoint"), &error);
    if (!tensors)
        fail_msg("%s", error.text);
    json_decref(shown);
    return tensors;
}

static float *load(const nn_tensors *tensors, const char *name, nn_shape shape)
{
    nn_error error = {0};
    float *values = calloc((size_t)nn_shape_count(shape) + 1, sizeof *values);
    assert_non_null(values);
    if (nn_tensors_load(tensors, name, shape, values, &error) != NN_OK)
        fail_msg("%s", error.text);
    return values;
}

/* Same tensors (weights and optimizer state), same bits. */
static void assert_same_weights(long long a, long long b)
{
    nn_tensors *first = weights_of(a), *second = weights_of(b);
    assert_true(nn_tensors_count(first) > 0);
    assert_int_equal(nn_tensors_count(first), nn_tensors_count(second));
    for (int i = 0; i < nn_tensors_count(first); i++) {
        const char *name = nn_tensors_name(first, i);
        nn_shape shape = nn_tensors_shape(first, i);
        float *x = load(first, name, shape), *y = load(second, name, shape);
        assert_memory_equal(x, y, (size_t)nn_shape_count(shape) * sizeof *x);
        free(x);
        free(y);
    }
    nn_tensors_free(first);
    nn_tensors_free(second);
}

/* --- words -------------------------------------------------------------------------------------
 */

static void version_is_told(void **state)
{
    (void)state;
    program_result result = program_run("--version");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out, "gradus " GRADUS_VERSION "\n");
    program_free(&result);
    json_t *json = program_json("--version --json");
    assert_string_equal(text_of(json, "version"), GRADUS_VERSION);
    json_decref(json);
}

static void help_is_there_for_all(void **state)
{
    (void)state;
    json_t *help = program_json("help --json");
    json_t *commands = json_object_get(help, "commands"), *command;
    size_t i;
    assert_true(json_array_size(commands) >= 8);
    json_array_foreach(commands, i, command)
    {
        const char *name = text_of(command, "name");
        char line[64];
        snprintf(line, sizeof line, "help %s", *name ? name : "gradus");
        program_result told = program_run(line);
        snprintf(line, sizeof line, "%s --help", name);
        program_result same = program_run(line);
        assert_int_equal(told.status, 0);
        assert_int_equal(same.status, 0);
        assert_string_equal(told.out, same.out);
        assert_non_null(strstr(told.out, text_of(command, "summary")));
        program_free(&told);
        program_free(&same);
    }
    json_decref(help);
}

static const struct {
    const char *line, *says;
} wrong[] = {
    {"trian", "did you mean 'train'?"},
    {"help trian", "did you mean 'train'?"},
    {"--verison", "did you mean '--version'?"},
    {"train --epoch 3", "did you mean '--epochs'?"},
    {"train --augment flip", "unknown option '--augment'"},
    {"train --detach", "unknown option '--detach'"},
    {"train --config x", "unknown option '--config'"},
    {"train --epochs 0", "at least 1"},
    {"train --dropout 1", "from 0 to below 1"},
    {"train extra", "'extra'"},
    {"train --resume 1 --branch 1@5", "exclude"},
    {"train --data digits --optimizer sdg", "sdg"},
    {"train --data digits --schedule cosin", "cosin"},
    {"runs liste", "expected list or show"},
    {"runs show", "needs a run"},
    {"watch", "needs RUN"},
    {"data show", "a name or a path"},
    {"bench mlp12", "did you mean mlp128"},
    {"--print nothing", "nothing"},
    {"--print home --size 80", "80x24"},
};

static void wrong_usage_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        program_result result = program_run(wrong[i].line);
        if (result.status != 2 || *result.out || !strstr(result.err, wrong[i].says))
            fail_msg("`gradus %s`: status %d, stdout '%s', stderr '%s'", wrong[i].line,
                     result.status, result.out, result.err);
        program_free(&result);
    }
}

static const struct {
    const char *line, *says[3];
} failing[] = {
    {"train --data /nowhere/at/all.csv --json", {"/nowhere/at/all.csv"}},
    {"train --data nosuchdata --json", {"nosuchdata"}},
    {"train --data digits --model 'dense 10 | rellu' --json", {"rellu", "relu"}},
    {"train --data digits --model 'conv 6 9x9 | flatten | dense 10' --json", {"9x9", "8x8"}},
    {"train --data digits --resume 99", {"99"}},
    {"train --data digits --branch 99@5", {"99"}},
    {"runs show 99", {"99"}},
    {"watch nobody", {"nobody"}},
    {"data show /nowhere", {"/nowhere"}},
    {"train --data digits --store /dev/null/store.db", {"/dev/null"}},
};

/* One clear line on stderr, nothing on stdout, status 1 or 2. */
static void failures_name_the_thing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        program_result result = program_run(failing[i].line);
        bool good = (result.status == 1 || result.status == 2) && !*result.out;
        for (int k = 0; k < 3 && failing[i].says[k]; k++)
            good = good && strstr(result.err, failing[i].says[k]);
        if (!good || strlen(result.err) > 1000)
            fail_msg("`gradus %s`: status %d, stdout '%s', stderr '%s'", failing[i].line,
                     result.status, result.out, result.err);
        program_free(&result);
    }
}

/* --- training ----------------------------------------------------------------------------------
 */

/* A training under way for `epochs` epochs. */
static program start_run(const char *name, int epochs)
{
    char line[320];
    snprintf(line, sizeof line,
             "train --data digits --epochs %d --batch 16 --l2 0.001 --json --name %s "
             "--model 'flatten | dense 32 | relu | dropout 0.1 | dense 16 | relu | dense 10'",
             epochs, name);
    return program_start(line);
}

static void check_epoch(const json_t *line, int epoch)
{
    static const char *const shares[] = {"train_error", "dev_error"};
    assert_string_equal(text_of(line, "event"), "epoch");
    assert_int_equal(whole_of(line, "epoch"), epoch);
    for (int i = 0; i < 2; i++)
        assert_true(number_of(line, shares[i]) >= 0 && number_of(line, shares[i]) <= 1);
    assert_true(number_of(line, "train_loss") > 0 && number_of(line, "dev_loss") > 0);
    assert_true(number_of(line, "lr") == 0.001);
    assert_true(number_of(line, "examples_per_s") > 0);
    assert_true(number_of(line, "seconds") > 0);
}

static void lines_come_in_order(void **state)
{
    (void)state;
    program_result result = program_run("train --data digits --epochs 2 --json --threads 1");
    assert_int_equal(result.status, 0);
    json_t *lines = program_json_lines(result.out);
    assert_int_equal(json_array_size(lines), 4);
    const json_t *start = json_array_get(lines, 0), *end = json_array_get(lines, 3);
    assert_string_equal(text_of(start, "event"), "start");
    assert_true(whole_of(start, "parameters") > 0 && whole_of(start, "shards") > 0);
    assert_int_equal(whole_of(start, "threads"), 1);
    check_epoch(json_array_get(lines, 1), 1);
    check_epoch(json_array_get(lines, 2), 2);
    assert_true(whole_of(json_array_get(lines, 2), "step") ==
                2 * whole_of(json_array_get(lines, 1), "step"));
    assert_string_equal(text_of(end, "event"), "end");
    assert_string_equal(text_of(end, "status"), "finished");
    assert_int_equal(whole_of(end, "run"), whole_of(start, "run"));
    assert_true(number_of(end, "test_error") < 0.5);
    assert_true(number_of(end, "best_dev_error") <=
                number_of(json_array_get(lines, 2), "dev_error"));
    json_decref(lines);
    program_free(&result);
}

static void store_agrees_with_lines(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 3 --json --name agreed");
    json_t *list = program_json("runs list --json"), *shown = show(run_of(lines));
    const json_t *row = json_array_get(json_object_get(list, "runs"), 0);
    const json_t *third = json_array_get(lines, 3), *end = last_of(lines);
    assert_int_equal(whole_of(row, "run"), run_of(lines));
    assert_string_equal(text_of(row, "name"), "agreed");
    assert_string_equal(text_of(row, "state"), "finished");
    assert_string_equal(text_of(shown, "state"), "finished");
    assert_true(number_of(row, "test_error") == number_of(end, "test_error"));
    assert_true(number_of(shown, "test_error") == number_of(end, "test_error"));
    assert_true(number_of(shown, "best_dev_error") == number_of(end, "best_dev_error"));
    const json_t *metrics = json_object_get(shown, "metrics");
    const json_t *loss = json_object_get(metrics, "loss");
    assert_int_equal(whole_of(loss, "count"), whole_of(third, "step"));
    assert_int_equal(whole_of(loss, "last_step"), whole_of(third, "step"));
    assert_true(number_of(loss, "min") <= number_of(loss, "max"));
    const json_t *dev = json_object_get(metrics, "dev_error");
    assert_int_equal(whole_of(dev, "count"), 3);
    assert_true(fabs(number_of(dev, "last") - number_of(third, "dev_error")) < 1e-6);
    const json_t *params = json_object_get(shown, "parameters");
    assert_string_equal(text_of(params, "data"), "digits");
    assert_true(number_of(params, "lr") == 0.001);
    json_decref(lines);
    json_decref(list);
    json_decref(shown);
}

/* The last confusion matrix counts every example of its part, and its error is the row's. */
static void confusion_counts_everything(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 1 --json");
    json_t *shown = show(run_of(lines));
    const json_t *matrix = json_object_get(shown, "confusion_matrix");
    const json_t *rows = json_object_get(matrix, "rows");
    long long all = 0, right = 0;
    for (size_t i = 0; i < 10; i++)
        for (size_t k = 0; k < 10; k++) {
            long long cell = json_integer_value(json_array_get(json_array_get(rows, i), k));
            all += cell;
            right += i == k ? cell : 0;
        }
    assert_string_equal(text_of(matrix, "part"), "test");
    assert_int_equal(all, whole_of(matrix, "count"));
    assert_int_equal(json_array_size(json_object_get(matrix, "classes")), 10);
    double error = 1 - (double)right / (double)all;
    assert_true(fabs(error - number_of(last_of(lines), "test_error")) < 1e-9);
    json_decref(lines);
    json_decref(shown);
}

static void watch_tells_the_same(void **state)
{
    (void)state;
    json_t *lines = train("train --data moons --epochs 3 --json --batch 32 --name seen");
    program_result result = program_run("watch seen --json");
    assert_int_equal(result.status, 0);
    json_t *watched = program_json_lines(result.out);
    assert_int_equal(json_array_size(watched), 5);
    for (size_t i = 1; i <= 3; i++) {
        const json_t *a = json_array_get(lines, i), *b = json_array_get(watched, i);
        assert_int_equal(whole_of(a, "epoch"), whole_of(b, "epoch"));
        assert_int_equal(whole_of(a, "step"), whole_of(b, "step"));
        assert_true(fabs(number_of(a, "train_loss") - number_of(b, "train_loss")) < 1e-6);
        assert_true(fabs(number_of(a, "dev_error") - number_of(b, "dev_error")) < 1e-6);
    }
    assert_string_equal(text_of(last_of(watched), "status"), "finished");
    json_decref(lines);
    json_decref(watched);
    program_free(&result);
}

/* A run under way in one process, followed by another to its end. */
static void watch_follows_a_live_run(void **state)
{
    (void)state;
    program p = start_run("live", 40);
    assert_true(program_lines(&p, 2));
    program_result seen = program_run("watch live --json");
    program_result told = program_finish(&p);
    assert_int_equal(seen.status, 0);
    assert_int_equal(told.status, 0);
    json_t *watched = program_json_lines(seen.out), *lines = program_json_lines(told.out);
    assert_int_equal(json_array_size(watched), json_array_size(lines));
    for (size_t i = 1; i + 1 < json_array_size(lines); i++)
        assert_int_equal(whole_of(json_array_get(watched, i), "step"),
                         whole_of(json_array_get(lines, i), "step"));
    assert_string_equal(text_of(last_of(watched), "status"), "finished");
    assert_true(number_of(last_of(watched), "test_error") ==
                number_of(last_of(lines), "test_error"));
    json_decref(watched);
    json_decref(lines);
    program_free(&seen);
    program_free(&told);
}

static void text_goes_where_it_belongs(void **state)
{
    (void)state;
    program_result result = program_run("train --data digits --epochs 2");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.err, "epoch 1/2"));
    assert_non_null(strstr(result.err, "epoch 2/2"));
    assert_null(strchr(result.err, '\r')); /* not rewritten in place: stderr is no terminal */
    assert_non_null(strstr(result.out, "finished"));
    assert_non_null(strstr(result.out, "test error"));
    program_free(&result);
    const char *const shown[] = {"runs list", "runs show last", "data list", "data show digits"};
    for (int i = 0; i < 4; i++) {
        program_result text = program_run(shown[i]);
        assert_int_equal(text.status, 0);
        assert_string_equal(text.err, "");
        assert_non_null(strstr(text.out, "digits"));
        program_free(&text);
    }
}

static void nothing_is_kept_without_a_store(void **state)
{
    (void)state;
    json_t *before = program_json("runs list --json");
    json_t *lines = train("train --data moons --epochs 1 --json --no-store");
    json_t *same = train("train --data moons --epochs 1 --json --store none");
    json_t *after = program_json("runs list --json");
    assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "run")));
    assert_true(json_is_null(json_object_get(last_of(same), "run")));
    assert_int_equal(json_array_size(json_object_get(before, "runs")),
                     json_array_size(json_object_get(after, "runs")));
    assert_int_not_equal(access("none", F_OK), 0);
    json_decref(before);
    json_decref(lines);
    json_decref(same);
    json_decref(after);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    const char *const model = "train --data digits --epochs 2 --json --dropout 0.2 --threads ";
    char line[128];
    snprintf(line, sizeof line, "%s1", model);
    json_t *one = train(line);
    snprintf(line, sizeof line, "%s2", model);
    json_t *two = train(line);
    assert_same_weights(run_of(one), run_of(two));
    json_decref(one);
    json_decref(two);
}

static void divergence_is_named(void **state)
{
    (void)state;
    program_result result =
        program_run("train --data digits --optimizer sgd --lr 1e30 --epochs 2 --json");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "--lr"));
    json_t *lines = program_json_lines(result.out);
    assert_string_equal(text_of(last_of(lines), "status"), "diverged");
    bool named = false;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        named = named || strcmp(text_of(line, "event"), "nonfinite") == 0;
    }
    assert_true(named);
    json_t *shown = show(run_of(lines));
    assert_string_equal(text_of(shown, "state"), "diverged");
    json_decref(shown);
    json_decref(lines);
    program_free(&result);
}

/* --- ending and going on -----------------------------------------------------------------------
 */

static void resume_continues_bit_for_bit(void **state)
{
    (void)state;
    json_t *whole = train("train --data digits --epochs 4 --dropout 0.2 --json");
    json_t *half = train("train --data digits --epochs 2 --dropout 0.2 --json");
    char line[96];
    snprintf(line, sizeof line, "train --resume %lld --epochs 4 --json", run_of(half));
    json_t *rest = train(line);
    assert_int_equal(run_of(rest), run_of(half));
    assert_int_equal(whole_of(json_array_get(rest, 1), "epoch"), 3);
    assert_true(number_of(json_array_get(rest, 2), "train_loss") ==
                number_of(json_array_get(whole, 4), "train_loss"));
    assert_same_weights(run_of(whole), run_of(half));
    json_t *shown = show(run_of(half));
    const json_t *loss = json_object_get(json_object_get(shown, "metrics"), "loss");
    assert_int_equal(whole_of(loss, "count"), whole_of(json_array_get(whole, 4), "step"));
    assert_string_equal(text_of(shown, "state"), "finished");
    program_result other = program_run("train --resume last --data digits --lr 3");
    assert_int_equal(other.status, 2);
    assert_non_null(strstr(other.err, "--lr with --resume"));
    program_free(&other);
    program_result done = program_run("train --resume last --data digits --lr 0.001 --json");
    assert_int_equal(done.status, 1);
    assert_non_null(strstr(done.err, "--epochs"));
    program_free(&done);
    json_decref(whole);
    json_decref(half);
    json_decref(rest);
    json_decref(shown);
}

/* Points of the training loss that are committed; 0 before the first. */
static json_int_t points_of_loss(json_int_t run)
{
    json_t *shown = show(run);
    const json_t *loss = json_object_get(json_object_get(shown, "metrics"), "loss");
    json_int_t count = loss ? whole_of(loss, "count") : 0;
    json_decref(shown);
    return count;
}

/* Every step, and every epoch's end, once. */
static void assert_whole_history(json_int_t run, json_int_t steps, json_int_t epochs)
{
    json_t *shown = show(run);
    const json_t *metrics = json_object_get(shown, "metrics");
    const json_t *loss = json_object_get(metrics, "loss"),
                 *dev = json_object_get(metrics, "dev_error");
    assert_int_equal(whole_of(loss, "count"), steps);
    assert_int_equal(whole_of(loss, "last_step"), steps);
    assert_int_equal(whole_of(dev, "count"), epochs);
    assert_string_equal(text_of(shown, "state"), "finished");
    json_decref(shown);
}

/* Lets a run begun by `p` go on until more than `points` are committed, then kills it. Returns the
 * last epoch it told of. */
static int kill_under_way(program *p, json_int_t points)
{
    assert_true(program_lines(p, 4)); /* start and three epochs */
    json_t *begun = json_loadb(p->text[0], strcspn(p->text[0], "\n"), 0, NULL);
    double deadline = program_now() + 60;
    while (points_of_loss(whole_of(begun, "run")) <= points)
        assert_true(program_now() < deadline);
    kill(p->pid, SIGKILL);
    program_result killed = program_finish(p);
    assert_int_equal(killed.status, 128 + SIGKILL);
    char *end = strrchr(killed.out, '\n'); /* the last line may be cut */
    assert_non_null(end);
    *end = '\0';
    json_t *lines = program_json_lines(killed.out);
    int epoch = (int)whole_of(last_of(lines), "epoch");
    json_decref(begun);
    json_decref(lines);
    program_free(&killed);
    return epoch;
}

/* Killed four times at instants nobody chose: nothing committed is lost, no step is missing or
 * there twice, and the weights are those of a run that was left alone. */
static void killed_run_goes_on(void **state)
{
    (void)state;
    program p = start_run("killed", 100000);
    json_int_t points = 0;
    int epochs = 0;
    for (int i = 0; i < 4; i++) {
        epochs = kill_under_way(&p, points) + 3;
        json_t *list = program_json("runs list --json");
        const json_t *row = json_array_get(json_object_get(list, "runs"), 0);
        assert_string_equal(text_of(row, "state"), "crashed");
        points = points_of_loss(whole_of(row, "run"));
        json_decref(list);
        if (i < 3)
            p = program_start("train --resume last --epochs 100000 --json");
    }
    char line[96];
    snprintf(line, sizeof line, "train --resume last --epochs %d --json", epochs);
    json_t *rest = train(line);
    assert_string_equal(text_of(last_of(rest), "status"), "finished");
    program unbroken = start_run("whole", epochs);
    program_result finished = program_finish(&unbroken);
    json_t *whole = program_json_lines(finished.out);
    assert_same_weights(run_of(whole), run_of(rest));
    json_int_t steps = whole_of(json_array_get(whole, (size_t)epochs), "step");
    assert_whole_history(run_of(rest), steps, epochs);
    json_decref(whole);
    json_decref(rest);
    program_free(&finished);
}

/* The path of a file beside the run's last checkpoint. */
static void checkpoint_path(json_int_t run, const char *name, char *path, size_t size)
{
    json_t *shown = show(run);
    const char *last = text_of(shown, "last_checkpoint");
    snprintf(path, size, "%.*s/%s.safetensors", (int)(strrchr(last, '/') - last), last, name);
    json_decref(shown);
}

/* What a kill leaves at two instants that are hard to hit: between the two renames there is no last
 * checkpoint; after them, before the store's commit, there is one that the store does not know. */
static void checkpoint_ahead_of_the_store_is_left(void **state)
{
    (void)state;
    json_t *longer = train("train --data digits --epochs 5 --dropout 0.2 --json");
    for (int ahead = 0; ahead < 2; ahead++) {
        char last[512], best[512], other[512], line[96];
        json_t *first = train("train --data digits --epochs 2 --dropout 0.2 --json");
        snprintf(line, sizeof line, "train --resume %lld --epochs 3 --json", run_of(first));
        json_t *half = train(line); /* what it came from is kept as the previous one */
        checkpoint_path(run_of(half), "last", last, sizeof last);
        checkpoint_path(run_of(longer), ahead ? "last" : "previous", other, sizeof other);
        checkpoint_path(run_of(half), "best", best, sizeof best);
        assert_int_equal(unlink(last), 0);
        assert_int_equal(unlink(best), 0); /* which would do as well */
        if (ahead)
            assert_int_equal(link(other, last), 0);
        snprintf(line, sizeof line, "train --resume %lld --epochs 5 --json", run_of(half));
        json_t *rest = train(line);
        assert_int_equal(whole_of(json_array_get(rest, 0), "step"),
                         whole_of(json_array_get(first, 2), "step"));
        assert_same_weights(run_of(longer), run_of(rest));
        assert_whole_history(run_of(rest), whole_of(json_array_get(longer, 5), "step"), 5);
        json_decref(first);
        json_decref(half);
        json_decref(rest);
    }
    json_decref(longer);
}

static void signals_stop_with_a_checkpoint(void **state)
{
    (void)state;
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        program p = program_start("train --data digits --epochs 5000 --json");
        assert_true(program_lines(&p, 2));
        kill(p.pid, numbers[i]);
        program_result result = program_finish(&p);
        assert_int_equal(result.status, 0);
        json_t *lines = program_json_lines(result.out);
        assert_string_equal(text_of(last_of(lines), "status"), "stopped");
        json_t *shown = show(run_of(lines));
        assert_string_equal(text_of(shown, "state"), "stopped");
        assert_int_equal(access(text_of(shown, "last_checkpoint"), R_OK), 0);
        /* The checkpoint is of the very last step: nothing done is lost. */
        char line[64];
        snprintf(line, sizeof line, "train --resume %lld --epochs 5001 --json", run_of(lines));
        program again = program_start(line);
        assert_true(program_lines(&again, 1));
        kill(again.pid, SIGKILL);
        program_result resumed = program_finish(&again);
        json_t *started = json_loadb(resumed.out, strcspn(resumed.out, "\n"), 0, NULL);
        assert_int_equal(whole_of(started, "step"), whole_of(shown, "step"));
        json_decref(started);
        json_decref(lines);
        json_decref(shown);
        program_free(&resumed);
        program_free(&result);
    }
}

static void closed_reader_does_not_end_the_run(void **state)
{
    (void)state;
    program p = program_start("train --data digits --epochs 5000 --json --name unread");
    assert_true(program_lines(&p, 1));
    close(p.out);
    p.out = -1;
    assert_true(program_says(&p, "goes on without it"));
    kill(p.pid, SIGTERM);
    program_result result = program_finish(&p);
    assert_int_equal(result.status, 0);
    json_t *shown = program_json("runs show unread --json");
    assert_string_equal(text_of(shown, "state"), "stopped");
    assert_true(whole_of(shown, "step") > 0);
    json_decref(shown);
    program_free(&result);
}

static void branch_is_a_new_run(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 2 --json");
    char line[96];
    snprintf(line, sizeof line, "train --branch %lld --epochs 3 --lr 0.0001 --json", run_of(lines));
    json_t *branch = train(line);
    assert_int_not_equal(run_of(branch), run_of(lines));
    json_t *shown = show(run_of(branch));
    assert_int_equal(whole_of(shown, "parent"), run_of(lines));
    const json_t *params = json_object_get(shown, "parameters");
    assert_true(number_of(params, "lr") == 0.0001);
    assert_string_equal(text_of(params, "data"), "digits");
    /* It starts from what the other had learned. */
    assert_true(number_of(json_array_get(branch, 1), "train_loss") <
                number_of(json_array_get(lines, 1), "train_loss"));
    json_decref(lines);
    json_decref(branch);
    json_decref(shown);
}

/* --- the other commands ------------------------------------------------------------------------
 */

static void doctor_and_data_speak_json(void **state)
{
    (void)state;
    program_result result = program_run("doctor --json");
    json_t *doctor = json_loads(result.out, 0, NULL);
    assert_non_null(doctor);
    bool attention = false, store = false;
    json_t *finding, *findings = json_object_get(doctor, "findings");
    size_t i;
    json_array_foreach(findings, i, finding)
    {
        attention = attention || strcmp(text_of(finding, "kind"), "attention") == 0;
        store = store || strcmp(text_of(finding, "topic"), "store") == 0;
    }
    assert_true(store);
    assert_int_equal(result.status, attention ? 1 : 0);
    assert_true(number_of(doctor, "peak_gflops") > 0);
    json_decref(doctor);
    program_free(&result);
    json_t *list = program_json("data list --json");
    assert_true(json_array_size(json_object_get(list, "data")) >= 7);
    json_decref(list);
    json_t *digits = program_json("data show digits --json");
    assert_int_equal(json_array_size(json_object_get(digits, "classes")), 10);
    long long all = 0;
    const char *key;
    json_t *count, *parts = json_object_get(digits, "parts");
    json_object_foreach(parts, key, count) all += json_integer_value(count);
    assert_int_equal(all, 1797);
    json_decref(digits);
}

static void bench_measures(void **state)
{
    (void)state;
    json_t *line = program_json("bench logreg --steps 20 --threads 1");
    assert_string_equal(text_of(line, "workload"), "logreg");
    double rate = number_of(line, "examples_per_s"), time = number_of(line, "ms_per_step");
    assert_true(fabs(rate * time / 1000 - 128) < 1e-6);
    /* 784 x 10 weights: forward and weight gradient, two operations a multiply-add. */
    double operations = number_of(line, "gflops") * time * 1e6;
    assert_true(fabs(operations / (2.0 * 2 * 128 * 7840) - 1) < 1e-9);
    /* No bound on the share: another program may take the core from either measurement. */
    double peak = number_of(line, "peak_gflops"), share = number_of(line, "share");
    assert_true(peak > 0 && fabs(share * peak / number_of(line, "gflops") - 1) < 1e-9);
    json_decref(line);
}

static void screens_are_printed(void **state)
{
    (void)state;
    json_t *lines = train("train --data digits --epochs 2 --json --name pictured");
    static const char *const prints[] = {"--print home", "--print runs",
                                         "--print monitor --run pictured --size 120x40"};
    for (int i = 0; i < 3; i++) {
        program_result result = program_run(prints[i]);
        if (result.status != 0 || !strstr(result.out, "pictured"))
            fail_msg("`gradus %s`: %d %s %s", prints[i], result.status, result.out, result.err);
        program_free(&result);
    }
    program_result bare = program_run("");
    assert_int_equal(bare.status, 1);
    assert_non_null(strstr(bare.err, "--print"));
    program_free(&bare);
    json_decref(lines);
}

/* README's list of keys is the program's, word for word: `make readme` puts it there. */
static void readme_has_the_keys(void **state)
{
    (void)state;
    program_result keys = program_run("help keys");
    assert_int_equal(keys.status, 0);
    FILE *file = fopen("README.md", "r");
    assert_non_null(file);
    static char readme[65536];
    readme[fread(readme, 1, sizeof readme - 1, file)] = '\0';
    fclose(file);
    const char *part = strstr(readme, "<!-- keys:");
    assert_non_null(part);
    assert_true(strlen(keys.out) > 500);
    assert_non_null(strstr(part, keys.out));
    program_free(&keys);
}

static int leave(void **state)
{
    (void)state;
    program_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_told),
        cmocka_unit_test(help_is_there_for_all),
        cmocka_unit_test(wrong_usage_is_named),
        cmocka_unit_test(failures_name_the_thing),
        cmocka_unit_test(lines_come_in_order),
        cmocka_unit_test(store_agrees_with_lines),
        cmocka_unit_test(confusion_counts_everything),
        cmocka_unit_test(watch_tells_the_same),
        cmocka_unit_test(watch_follows_a_live_run),
        cmocka_unit_test(text_goes_where_it_belongs),
        cmocka_unit_test(nothing_is_kept_without_a_store),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(divergence_is_named),
        cmocka_unit_test(resume_continues_bit_for_bit),
        cmocka_unit_test(killed_run_goes_on),
        cmocka_unit_test(checkpoint_ahead_of_the_store_is_left),
        cmocka_unit_test(signals_stop_with_a_checkpoint),
        cmocka_unit_test(closed_reader_does_not_end_the_run),
        cmocka_unit_test(branch_is_a_new_run),
        cmocka_unit_test(doctor_and_data_speak_json),
        cmocka_unit_test(bench_measures),
        cmocka_unit_test(screens_are_printed),
        cmocka_unit_test(readme_has_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, leave);
}
