/* `gradus data`: what there is to learn from. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"
#include "ui/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json;
    nn_data_args split;
} data_settings;

#define FIELD(name) offsetof(data_settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"dev", OPTION_SHARE, "SHARE", FIELD(split.dev), 0,
     "with show: share of the dev part (default 0.1)", NULL},
    {"test-share", OPTION_SHARE, "SHARE", FIELD(split.test), 0,
     "with show: share of the test part, where the source has none (default 0.1)", NULL},
    {"seed", OPTION_SEED, "N", FIELD(split.seed), 0, "with show: of the split (default 1)", NULL},
    {"limit", OPTION_BIG, "N", FIELD(split.limit), 1, "with show: at most N train examples", NULL},
    {"target", OPTION_TEXT, "COLUMN", FIELD(split.target), 0,
     "with show, of a CSV file: the column to predict (default: the last)", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- list --------------------------------------------------------------------------------------
 */

static bool list_json(const nn_dataset_info *list, int count)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_open(&json, "data", '[');
    for (int i = 0; i < count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "name", list[i].name);
        json_text(&json, "what", list[i].what);
        json_text(&json, "licence", list[i].licence);
        json_text(&json, "package", list[i].package);
        json_flag(&json, "available", list[i].available);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json);
}

static int list_data(bool as_json)
{
    nn_dataset_info list[64];
    int count = nn_dataset_list(list, 64);
    count = count < 64 ? count : 64;
    if (as_json)
        return list_json(list, count) ? EXIT_OK : EXIT_FAILED;
    for (int i = 0; i < count; i++) {
        print_cell(list[i].name, 16);
        printf(" %s", list[i].what);
        if (list[i].licence)
            printf(" (%s)", list[i].licence);
        if (!list[i].available && list[i].package)
            printf("; not here: apt install %s", list[i].package);
        putchar('\n');
    }
    puts("\nAlso a path: a CSV or NPY file, a folder of IDX files, a folder of images by class.");
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- show --------------------------------------------------------------------------------------
 */

static void show_parts_json(json_out *json, const nn_dataset *data)
{
    json_open(json, "parts", '{');
    for (int part = 0; part < NN_PARTS; part++)
        json_whole(json, nn_part_name((nn_part)part), nn_dataset_count(data, (nn_part)part));
    json_close(json, '}');
    json_open(json, "classes", '[');
    for (int label = 0; label < nn_dataset_classes(data); label++) {
        json_open(json, NULL, '{');
        json_text(json, "name", nn_dataset_class_name(data, label));
        for (int part = 0; part < NN_PARTS; part++)
            json_whole(json, nn_part_name((nn_part)part),
                       nn_dataset_class_count(data, (nn_part)part, label));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static bool show_json(const nn_dataset *data)
{
    nn_shape sample = nn_dataset_sample(data);
    const double *mean, *deviation;
    int statistics;
    nn_dataset_statistics(data, &mean, &deviation, &statistics);
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "name", nn_dataset_name(data));
    json_text(&json, "origin", nn_dataset_origin(data));
    json_text(&json, "fingerprint", nn_dataset_fingerprint(data));
    json_open(&json, "sample", '[');
    for (int i = 0; i < sample.rank; i++)
        json_whole(&json, NULL, sample.dim[i]);
    json_close(&json, ']');
    show_parts_json(&json, data);
    json_open(&json, "mean", '[');
    for (int i = 0; i < statistics; i++)
        json_number(&json, NULL, mean[i]);
    json_close(&json, ']');
    json_open(&json, "std", '[');
    for (int i = 0; i < statistics; i++)
        json_number(&json, NULL, deviation[i]);
    json_close(&json, ']');
    json_text(&json, "default_model", train_default_model(sample));
    json_close(&json, '}');
    return json_line(&json);
}

static void show_text(const nn_dataset *data)
{
    char shape[NN_SHAPE_TEXT];
    nn_shape sample = nn_dataset_sample(data);
    const double *mean, *deviation;
    int statistics;
    nn_dataset_statistics(data, &mean, &deviation, &statistics);
    printf("%s  from %s\n", nn_dataset_name(data), nn_dataset_origin(data));
    printf("  examples of %s, %d classes, fingerprint %s\n", nn_shape_text(sample, shape),
           nn_dataset_classes(data), nn_dataset_fingerprint(data));
    if (statistics == 1)
        printf("  train mean %.6g, standard deviation %.6g\n", mean[0], deviation[0]);
    printf("\n%-20s %9s %9s %9s\n", "class", "train", "dev", "test");
    for (int label = 0; label < nn_dataset_classes(data); label++) {
        print_cell(nn_dataset_class_name(data, label), 20);
        for (int part = 0; part < NN_PARTS; part++)
            printf(" %9lld", (long long)nn_dataset_class_count(data, (nn_part)part, label));
        putchar('\n');
    }
    print_cell("all", 20);
    for (int part = 0; part < NN_PARTS; part++)
        printf(" %9lld", (long long)nn_dataset_count(data, (nn_part)part));
    putchar('\n');
}

static int show_data(const char *source, const data_settings *settings)
{
    nn_error error = {0};
    nn_dataset *data = nn_dataset_open(source, &settings->split, &error);
    if (!data) {
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    bool written = true;
    if (settings->json)
        written = show_json(data);
    else
        show_text(data);
    nn_dataset_free(data);
    return written && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    data_settings settings = {.split = {.dev = 0.1, .test = 0.1, .seed = 1}};
    arguments found;
    int status;
    if (!options_begin(&command_data, argc, argv, &settings, &found, 0, 2, &status))
        return status;
    bool show = found.count > 0 && strcmp(found.word[0], "show") == 0;
    if (found.count > 0 && !show && strcmp(found.word[0], "list") != 0)
        return wrong_usage(&command_data, "data '%.60s': expected list or show NAME",
                           found.word[0]);
    if (show && found.count < 2)
        return wrong_usage(&command_data, "data show needs a name or a path");
    if (!show && found.count > 1)
        return wrong_usage(&command_data, "'%.60s': one word too many", found.word[1]);
    return show ? show_data(found.word[1], &settings) : list_data(settings.json);
}

const program_command command_data = {
    .name = "data",
    .arguments = "list | show NAME|PATH",
    .summary = "Lists the data sets that have names, or shows one: sizes, classes, statistics.",
    .options = options,
    .words = "list show",
    .run = run,
};
