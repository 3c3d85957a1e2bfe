/* Data sets: which reader a source needs, the split, the statistics, and the answers to everybody's
 * questions. */
#include "engine/data/dataset.h"

#include "engine/data/normal.h"
#include "engine/data/parsers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct nn_dataset {
    char name[NN_NAME_MAX];
    nn_examples examples;
    nn_split split;
    nn_normal normal;
    int64_t *class_count[NN_PARTS];
    char fingerprint[17];
};

static const char fashion_folder[] = "/usr/share/datasets/fashion-mnist";
static const char *const fashion_class[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                            "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                            "Bag",         "Ankle boot"};

const char *nn_part_name(nn_part part)
{
    static const char *const name[] = {"train", "dev", "test"};
    return part >= NN_TRAIN && part < NN_PARTS ? name[part] : "unknown";
}

/* --- opening --------------------------------------------------------------------------------- */

static nn_status open_fashion(nn_examples *examples, nn_error *error)
{
    if (!nn_is_idx_folder(fashion_folder))
        return nn_fail(error, NN_E_MISSING,
                       "fashion-mnist is not installed (nothing in %s): "
                       "apt install dataset-fashion-mnist",
                       fashion_folder);
    nn_status status = nn_open_idx(fashion_folder, examples, error);
    if (status != NN_OK)
        return status;
    if (examples->classes != 10) {
        int classes = examples->classes;
        nn_examples_free(examples);
        return nn_fail(error, NN_E_FORMAT, "%s: %d classes; expected 10", fashion_folder, classes);
    }
    for (int k = 0; k < 10; k++)
        snprintf(examples->class_name[k], NN_NAME_MAX, "%s", fashion_class[k]);
    return NN_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static nn_status open_path(const char *path, const nn_data_args *args, nn_examples *examples,
                           nn_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return nn_fail(error, NN_E_MISSING,
                       "no data set or file '%s'; expected digits, iris, fashion-mnist, blobs, "
                       "moons, circles, spirals, flower, a folder of IDX files, a folder of images "
                       "by class, a .csv or a .npy file",
                       path);
    if (S_ISDIR(status.st_mode)) {
        if (nn_is_idx_folder(path))
            return nn_open_idx(path, examples, error);
        return nn_open_images(path, examples, error);
    }
    if (ends_with(path, ".npy"))
        return nn_open_npy(path, examples, error);
    if (ends_with(path, ".csv") || ends_with(path, ".csv.gz") || ends_with(path, ".tsv"))
        return nn_open_csv(path, args->target, examples, error);
    return nn_fail(error, NN_E_FORMAT,
                   "%s: unknown kind of file; expected .csv, .tsv or .npy, or a folder", path);
}

static nn_status read_source(const char *source, const nn_data_args *args, nn_examples *examples,
                             nn_error *error)
{
    if (strcmp(source, "fashion-mnist") == 0)
        return open_fashion(examples, error);
    if (strcmp(source, "digits") == 0)
        return nn_load_digits(examples, error);
    if (strcmp(source, "iris") == 0)
        return nn_load_iris(examples, error);
    if (nn_is_generator(source))
        return nn_generate(source, args->seed, examples, error);
    return open_path(source, args, examples, error);
}

/* What a source is called: its own name, or the last part of a path. */
static void name_source(const char *source, char name[NN_NAME_MAX])
{
    size_t length = strlen(source);
    while (length > 1 && source[length - 1] == '/')
        length--;
    size_t start = 0;
    if (!nn_is_generator(source))
        for (size_t i = 0; i + 1 < length; i++)
            if (source[i] == '/')
                start = i + 1;
    snprintf(name, NN_NAME_MAX, "%.*s", (int)(length - start), source + start);
}

static nn_status count_classes(nn_dataset *dataset, nn_error *error)
{
    for (int p = 0; p < NN_PARTS; p++) {
        int64_t *count = calloc((size_t)dataset->examples.classes, sizeof *count);
        dataset->class_count[p] = count;
        if (!count)
            return nn_fail(error, NN_E_NOMEM, "no memory for %d classes",
                           dataset->examples.classes);
        for (int64_t i = 0; i < dataset->split.count[p]; i++)
            count[dataset->examples.label[dataset->split.index[p][i]]]++;
    }
    return NN_OK;
}

/* Four lanes of multiply and rotate over 8-byte words, then the rest byte by byte. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint64_t prime = 0x9E3779B185EBCA87u;
    const unsigned char *at = bytes;
    uint64_t lane[4] = {hash, hash ^ 1, hash ^ 2, hash ^ 3}, word[4];
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(word, at, sizeof word);
        for (int i = 0; i < 4; i++) {
            lane[i] = (lane[i] ^ word[i]) * prime;
            lane[i] ^= lane[i] >> 29;
        }
    }
    for (int i = 0; i < 4; i++)
        hash = ((hash << 27 | hash >> 37) ^ lane[i]) * prime;
    for (; size > 0; size--)
        hash = (hash ^ *at++) * 0x100000001B3u;
    return hash ^ hash >> 31;
}

static void take_fingerprint(nn_dataset *dataset)
{
    const nn_examples *e = &dataset->examples;
    uint64_t hash = 0xCBF29CE484222325u;
    hash = hash_bytes(hash, e->sample.dim, (size_t)e->sample.rank * sizeof *e->sample.dim);
    hash = hash_bytes(hash, e->values,
                      (size_t)e->count * (size_t)e->row * nn_storage_size(e->storage));
    hash = hash_bytes(hash, e->label, (size_t)e->count * sizeof *e->label);
    for (int k = 0; k < e->classes; k++)
        hash = hash_bytes(hash, e->class_name[k], strlen(e->class_name[k]) + 1);
    for (int p = 0; p < NN_PARTS; p++) {
        hash = hash_bytes(hash, &dataset->split.count[p], sizeof dataset->split.count[p]);
        hash = hash_bytes(hash, dataset->split.index[p],
                          (size_t)dataset->split.count[p] * sizeof *dataset->split.index[p]);
    }
    snprintf(dataset->fingerprint, sizeof dataset->fingerprint, "%016" PRIx64, hash);
}

static nn_status prepare(nn_dataset *dataset, const char *source, const nn_data_args *args,
                         nn_error *error)
{
    nn_status status = read_source(source, args, &dataset->examples, error);
    if (status != NN_OK)
        return status;
    name_source(source, dataset->name);
    if (dataset->examples.classes < 2)
        return nn_fail(error, NN_E_FORMAT,
                       "%s: all %lld examples are of class '%s'; expected at least two classes",
                       source, (long long)dataset->examples.count, dataset->examples.class_name[0]);
    status = nn_split_examples(&dataset->examples, args, &dataset->split, error);
    if (status == NN_OK)
        status = count_classes(dataset, error);
    if (status == NN_OK)
        status =
            nn_normal_measure(&dataset->examples, dataset->split.index[NN_TRAIN],
                              dataset->split.count[NN_TRAIN], args->raw, &dataset->normal, error);
    if (status == NN_OK)
        take_fingerprint(dataset);
    return status;
}

nn_dataset *nn_dataset_open(const char *source, const nn_data_args *args, nn_error *error)
{
    const nn_data_args usual = {0};
    if (!source || !*source) {
        nn_fail(error, NN_E_ARG, "no data set named; expected a name or a path");
        return NULL;
    }
    nn_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset) {
        nn_fail(error, NN_E_NOMEM, "%s: no memory", source);
        return NULL;
    }
    if (prepare(dataset, source, args ? args : &usual, error) != NN_OK) {
        nn_dataset_free(dataset);
        return NULL;
    }
    return dataset;
}

void nn_dataset_free(nn_dataset *dataset)
{
    if (!dataset)
        return;
    nn_examples_free(&dataset->examples);
    nn_split_free(&dataset->split);
    nn_normal_free(&dataset->normal);
    for (int p = 0; p < NN_PARTS; p++)
        free(dataset->class_count[p]);
    free(dataset);
}

/* --- answers --------------------------------------------------------------------------------- */

const char *nn_dataset_name(const nn_dataset *dataset)
{
    return dataset->name;
}

const char *nn_dataset_origin(const nn_dataset *dataset)
{
    return dataset->examples.origin;
}

nn_shape nn_dataset_sample(const nn_dataset *dataset)
{
    return dataset->examples.sample;
}

int nn_dataset_classes(const nn_dataset *dataset)
{
    return dataset->examples.classes;
}

const char *nn_dataset_class_name(const nn_dataset *dataset, int label)
{
    bool known = label >= 0 && label < dataset->examples.classes;
    return known ? dataset->examples.class_name[label] : "?";
}

int64_t nn_dataset_count(const nn_dataset *dataset, nn_part part)
{
    return dataset->split.count[part];
}

int64_t nn_dataset_class_count(const nn_dataset *dataset, nn_part part, int label)
{
    bool known = label >= 0 && label < dataset->examples.classes;
    return known ? dataset->class_count[part][label] : 0;
}

int64_t nn_dataset_id(const nn_dataset *dataset, nn_part part, int64_t i)
{
    return dataset->split.index[part][i];
}

int nn_dataset_label(const nn_dataset *dataset, nn_part part, int64_t i)
{
    return dataset->examples.label[dataset->split.index[part][i]];
}

const char *nn_dataset_fingerprint(const nn_dataset *dataset)
{
    return dataset->fingerprint;
}

void nn_dataset_gather(const nn_dataset *dataset, nn_part part, const uint32_t *index,
                       int64_t first, int64_t count, nn_real *x, int32_t *y)
{
    const nn_examples *examples = &dataset->examples;
    const uint32_t *of_part = dataset->split.index[part];
    for (int64_t i = 0; i < count; i++) {
        uint32_t example = of_part[index ? index[i] : first + i];
        nn_normal_apply(&dataset->normal, examples, example, x + i * examples->row);
        y[i] = examples->label[example];
    }
}

void nn_dataset_raw(const nn_dataset *dataset, nn_part part, int64_t i, float *x)
{
    const nn_examples *examples = &dataset->examples;
    int64_t at = dataset->split.index[part][i] * examples->row;
    for (int64_t j = 0; j < examples->row; j++)
        x[j] = (float)(nn_stored_value(examples, at + j) * examples->scale);
}

void nn_dataset_statistics(const nn_dataset *dataset, const double **mean, const double **std,
                           int *count)
{
    *mean = dataset->normal.mean;
    *std = dataset->normal.std;
    *count = dataset->normal.count;
}

int nn_dataset_list(nn_dataset_info *list, int room)
{
    const nn_dataset_info known[] = {
        {"fashion-mnist", "70,000 pictures of clothes, 28x28 grey, 10 classes", "MIT",
         "dataset-fashion-mnist", nn_is_idx_folder(fashion_folder)},
        {"digits", "1,797 handwritten digits, 8x8 grey, 10 classes", "CC BY 4.0 / BSD-3-Clause",
         NULL, true},
        {"iris", "150 flowers, 4 lengths, 3 species", "CC BY 4.0 / BSD-3-Clause", NULL, true},
        {"blobs", "clouds of points; n, noise, classes", "generated", NULL, true},
        {"moons", "interleaved half circles; n, noise, classes", "generated", NULL, true},
        {"circles", "rings around each other; n, noise, classes", "generated", NULL, true},
        {"spirals", "spiral arms; n, noise, classes, turns", "generated", NULL, true},
        {"flower", "petals of two colours; n, noise, classes, petals", "generated", NULL, true},
    };
    int count = (int)(sizeof known / sizeof *known);
    for (int i = 0; i < count && i < room; i++)
        list[i] = known[i];
    return count;
}
