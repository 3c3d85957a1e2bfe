/* The real program from outside: words, help, mistakes, and the commands beside training. */
#include "tests/program_runs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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
    {"train --augment flop", "column 1"},
    {"train --detatch", "unknown option '--detatch'"},
    {"train --config x", "unknown option '--config'"},
    {"train --epochs 0", "at least 1"},
    {"train --dropout 1", "from 0 to below 1"},
    {"train extra", "'extra'"},
    {"train --resume 1 --branch 1@5", "exclude"},
    {"train --data digits --optimizer sdg", "sdg"},
    {"train --data digits --schedule cosin", "cosin"},
    {"runs liste", "did you mean 'list'"},
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

/* Without the memory of a training: VGG-16 with batches of 64 takes gigabytes. */
static void networks_are_measured(void **state)
{
    (void)state;
    json_t *list = program_json("models --json"), *entry;
    size_t i;
    double parameters = 0;
    json_array_foreach(json_object_get(list, "models"), i, entry)
    {
        if (strcmp(text_of(entry, "name"), "vgg16") == 0)
            parameters = json_number_value(json_object_get(entry, "parameters"));
    }
    assert_true(parameters == 138357544);
    json_t *vgg = program_json("models show vgg16 --json");
    assert_true(json_number_value(json_object_get(vgg, "parameters")) == parameters);
    assert_true(json_number_value(json_object_get(vgg, "training_bytes")) > 1e9);
    assert_true(json_array_size(json_object_get(vgg, "layers")) > 30);
    json_decref(list);
    json_decref(vgg);
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

    /* A window of 1 to 5 words on either side: 6 pairs a word on average. */
    line = program_json("bench sgns --steps 10 --threads 1");
    double pairs = number_of(line, "examples_per_s") / number_of(line, "words_per_s");
    assert_true(pairs > 5.8 && pairs < 6.2);
    json_decref(line);

    /* 416,520 multiply-adds a picture, forward alone. */
    line = program_json("bench infer-lenet --steps 20 --threads 1");
    time = number_of(line, "ms_per_step");
    assert_true(fabs(number_of(line, "latency_us") / time - 1000) < 1e-6);
    assert_true(fabs(number_of(line, "gflops") * time * 1e6 / (2.0 * 416520) - 1) < 1e-9);
    assert_true(number_of(line, "batched") == 64 && number_of(line, "batched_examples_per_s") > 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_told),
        cmocka_unit_test(help_is_there_for_all),
        cmocka_unit_test(wrong_usage_is_named),
        cmocka_unit_test(failures_name_the_thing),
        cmocka_unit_test(doctor_and_data_speak_json),
        cmocka_unit_test(networks_are_measured),
        cmocka_unit_test(bench_measures),
        cmocka_unit_test(screens_are_printed),
        cmocka_unit_test(readme_has_the_keys),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, leave);
}
