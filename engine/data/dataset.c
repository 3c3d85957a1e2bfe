/* Data sets: which reader a source needs, the split, the statistics, and the answers to everybody's
 * questions. */
#include "engine/data/dataset.h"

#include "engine/data/normal.h"
#include "engine/data/parsers.h"
#include "engine/rng.h"

#include <inttypes.h>
#include <math.h>
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
    int64_t *class_count[NN_ALL_PARTS];
    nn_label_fix *fixes;
    int64_t fix_count;
    char fingerprint[17], checksum[17];
};

static const char fashion_folder[] = "/usr/share/datasets/fashion-mnist";
static const char *const fashion_class[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                            "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                            "Bag",         "Ankle boot"};

const char *nn_part_name(nn_part part)
{
    static const char *const name[] = {"train", "dev", "test", "unknown", "train-dev"};
    return part >= NN_TRAIN && part < NN_ALL_PARTS ? name[part] : "unknown";
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

static nn_status read_whole(const char *source, const nn_data_args *args, nn_examples *examples,
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

/* "fashion-mnist:classes=7+9" is its examples of two classes, which become 0 and 1. */
static nn_status read_source(const char *source, const nn_data_args *args, nn_examples *examples,
                             nn_error *error)
{
    static const char key[] = ":classes=";
    char whole[64];
    const char *chosen = nn_is_generator(source) ? NULL : strstr(source, key);
    if (!chosen)
        return read_whole(source, args, examples, error);
    size_t length = (size_t)(chosen - source);
    if (length >= sizeof whole)
        return nn_fail(error, NN_E_ARG, "'%.80s': classes are chosen of data with a name", source);
    memcpy(whole, source, length);
    whole[length] = '\0';
    nn_status status = read_whole(whole, args, examples, error);
    return status == NN_OK ? nn_keep_classes(examples, chosen + strlen(key), whole, error) : status;
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
    for (int p = 0; p < NN_ALL_PARTS; p++) {
        int64_t *count = calloc((size_t)dataset->examples.classes, sizeof *count);
        free(dataset->class_count[p]);
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

static uint64_t hash_content(const nn_examples *e)
{
    uint64_t hash = 0xCBF29CE484222325u;
    hash = hash_bytes(hash, e->sample.dim, (size_t)e->sample.rank * sizeof *e->sample.dim);
    hash = hash_bytes(hash, e->values,
                      (size_t)e->count * (size_t)e->row * nn_storage_size(e->storage));
    hash = hash_bytes(hash, e->label, (size_t)e->count * sizeof *e->label);
    for (int k = 0; k < e->classes; k++)
        hash = hash_bytes(hash, e->class_name[k], strlen(e->class_name[k]) + 1);
    return hash;
}

static void take_fingerprint(nn_dataset *dataset)
{
    uint64_t hash = hash_content(&dataset->examples);
    if (!dataset->checksum[0])
        snprintf(dataset->checksum, sizeof dataset->checksum, "%016" PRIx64, hash);
    for (int p = 0; p < NN_ALL_PARTS; p++) {
        if (p >= NN_PARTS && dataset->split.count[p] == 0) /* no such part: as if it were unknown */
            continue;
        hash = hash_bytes(hash, &dataset->split.count[p], sizeof dataset->split.count[p]);
        hash = hash_bytes(hash, dataset->split.index[p],
                          (size_t)dataset->split.count[p] * sizeof *dataset->split.index[p]);
    }
    snprintf(dataset->fingerprint, sizeof dataset->fingerprint, "%016" PRIx64, hash);
}

/* Exactly that share of all examples, so that what finds them has a known number to find. */
static void flip_labels(nn_examples *examples, const nn_data_args *args)
{
    uint32_t stream = nn_stream_of("flip");
    int64_t left = llround(args->flip * (double)examples->count), rest = examples->count;
    for (int64_t i = 0; i < examples->count && left > 0; i++, rest--) {
        /* Selection sampling (Knuth 3.4.2 S): the rest is taken with the share still due. */
        if (nn_uniform_at(args->seed, stream, 0, (uint32_t)i) * (double)rest >= (double)left)
            continue;
        int others = examples->classes - 1;
        int step = 1 + (int)(nn_uniform_at(args->seed, stream, 1, (uint32_t)i) * others);
        examples->label[i] = (examples->label[i] + step) % examples->classes;
        left--;
    }
}

/* Every fold gets its share at random, and each example is in exactly one. */
static nn_status hold_out_fold(nn_split *split, const nn_data_args *args, nn_error *error)
{
    if (args->folds == 0)
        return NN_OK;
    int64_t count = split->count[NN_TRAIN], kept = 0, held = 0;
    if (args->folds < 2 || args->folds > count || args->fold < 0 || args->fold >= args->folds)
        return nn_fail(error, NN_E_ARG,
                       "fold %d of %d: expected 2 or more folds of %lld train examples, and one of "
                       "them from 0",
                       args->fold, args->folds, (long long)count);
    uint32_t *rank = malloc((size_t)count * sizeof *rank);
    uint32_t *dev = malloc((size_t)count * sizeof *dev), *train = split->index[NN_TRAIN];
    if (!rank || !dev) {
        free(rank);
        free(dev);
        return nn_fail(error, NN_E_NOMEM, "no memory for %lld train examples", (long long)count);
    }
    nn_shuffle(rank, (size_t)count, args->seed, nn_stream_of("folds"));
    for (int64_t i = 0; i < count; i++) {
        if (rank[i] % (uint32_t)args->folds == (uint32_t)args->fold)
            dev[held++] = train[i];
        else
            train[kept++] = train[i];
    }
    free(rank);
    free(split->index[NN_DEV]);
    split->index[NN_DEV] = dev;
    split->count[NN_DEV] = held;
    split->count[NN_TRAIN] = kept;
    return NN_OK;
}

static bool is_table(const char *source)
{
    return ends_with(source, ".csv") || ends_with(source, ".csv.gz") || ends_with(source, ".tsv");
}

/* Splits one source, or joins it with the target it is meant for. */
static nn_status split_parts(nn_dataset *dataset, const char *source, const nn_data_args *args,
                             nn_error *error)
{
    nn_examples *e = &dataset->examples, target = {0};
    if (!args->target || is_table(source)) {
        flip_labels(e, args);
        return nn_split_examples(e, args, &dataset->split, error);
    }
    int64_t first = e->count, train_count = e->train_count;
    nn_status status = read_source(args->target, args, &target, error);
    if (status == NN_OK)
        status = nn_join_examples(e, &target, args->target, error);
    int64_t target_train = target.train_count;
    nn_examples_free(&target);
    if (status != NN_OK)
        return status;
    char name[NN_NAME_MAX];
    name_source(args->target, name);
    size_t used = strlen(dataset->name);
    snprintf(dataset->name + used, sizeof dataset->name - used, "+%s", name);
    flip_labels(e, args);
    return nn_split_sources(e, first, train_count, target_train, args, &dataset->split, error);
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
    if (!(args->flip >= 0 && args->flip < 1))
        return nn_fail(error, NN_E_ARG, "flipped labels %g: expected a share from 0 to below 1",
                       args->flip);
    status = split_parts(dataset, source, args, error);
    if (status == NN_OK)
        status = hold_out_fold(&dataset->split, args, error);
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
    free(dataset->fixes);
    for (int p = 0; p < NN_ALL_PARTS; p++)
        free(dataset->class_count[p]);
    free(dataset);
}

/* --- fixed labels ---------------------------------------------------------------------------- */

static int by_example(const void *a, const void *b)
{
    const nn_label_fix *one = a, *other = b;
    return (one->example > other->example) - (one->example < other->example);
}

static nn_status check_fix(const nn_dataset *dataset, const nn_label_fix *fix, nn_error *error)
{
    const nn_examples *e = &dataset->examples;
    if (fix->example < 0 || fix->example >= e->count)
        return nn_fail(error, NN_E_MISSING, "data '%s' has no example %lld: 0 to %lld exist",
                       dataset->name, (long long)fix->example, (long long)e->count - 1);
    if (fix->to < -1 || fix->to >= e->classes)
        return nn_fail(error, NN_E_ARG, "example %lld of '%s': there is no class %d",
                       (long long)fix->example, dataset->name, fix->to);
    if (e->label[fix->example] != fix->from)
        return nn_fail(
            error, NN_E_STATE, "example %lld of '%s' has label %d, but the fix is of label %d",
            (long long)fix->example, dataset->name, (int)e->label[fix->example], fix->from);
    return NN_OK;
}

static void leave_out(nn_split *split, nn_part part, int64_t place)
{
    uint32_t *index = split->index[part];
    int64_t after = --split->count[part] - place;
    memmove(index + place, index + place + 1, (size_t)after * sizeof *index);
}

nn_status nn_dataset_fix(nn_dataset *dataset, const nn_label_fix *fixes, int64_t count,
                         nn_error *error)
{
    nn_status status = NN_OK;
    nn_label_fix *kept =
        realloc(dataset->fixes, (size_t)(dataset->fix_count + count + 1) * sizeof *kept);
    if (!kept)
        return nn_fail(error, NN_E_NOMEM, "no memory for %lld fixed labels", (long long)count);
    dataset->fixes = kept;
    for (int64_t i = 0; i < count && status == NN_OK; i++)
        status = check_fix(dataset, &fixes[i], error);
    for (int64_t i = 0; i < count && status == NN_OK; i++) {
        int64_t place;
        nn_part part = nn_dataset_find(dataset, fixes[i].example, &place);
        if (part == NN_PARTS)
            continue;
        if (fixes[i].to < 0)
            leave_out(&dataset->split, part, place);
        else
            dataset->examples.label[fixes[i].example] = fixes[i].to;
        kept[dataset->fix_count++] = fixes[i];
    }
    if (status == NN_OK)
        status = count_classes(dataset, error);
    if (status != NN_OK || dataset->fix_count == 0)
        return status;
    qsort(kept, (size_t)dataset->fix_count, sizeof *kept, by_example);
    take_fingerprint(dataset);
    return NN_OK;
}

const nn_label_fix *nn_dataset_fixes(const nn_dataset *dataset, int64_t *count)
{
    *count = dataset->fix_count;
    return dataset->fixes;
}

nn_part nn_dataset_find(const nn_dataset *dataset, int64_t example, int64_t *place)
{
    for (int p = 0; p < NN_ALL_PARTS; p++) {
        const uint32_t *index = dataset->split.index[p];
        int64_t low = 0, high = dataset->split.count[p];
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            if (index[middle] < (uint64_t)example)
                low = middle + 1;
            else
                high = middle;
        }
        if (example >= 0 && low < dataset->split.count[p] && index[low] == example) {
            *place = low;
            return (nn_part)p;
        }
    }
    return NN_PARTS;
}

int nn_dataset_label_of(const nn_dataset *dataset, int64_t example)
{
    bool exists = example >= 0 && example < dataset->examples.count;
    return exists ? dataset->examples.label[example] : -1;
}

const char *nn_dataset_checksum(const nn_dataset *dataset)
{
    return dataset->checksum;
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
