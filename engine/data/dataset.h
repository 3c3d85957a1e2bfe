/* Labelled examples in memory, split into parts. Immutable after loading; any number of threads
 * read.
 *
 * Features are kept as they came (uint8 images stay bytes) and become numbers when a batch is made:
 * x = (raw * scale - mean[c]) / std[c], the statistics measured on the train part only (chapter
 * 11). */
#ifndef GRADUS_ENGINE_DATASET_H
#define GRADUS_ENGINE_DATASET_H

#include "engine/status.h"
#include "engine/tensor.h"

typedef struct nn_dataset nn_dataset;

/* NN_TRAIN_DEV is there only where data and target are two sources: of the data's kind, but not
 * learned from (chapter 26). It is none of the NN_PARTS that trainings measure. */
typedef enum { NN_TRAIN, NN_DEV, NN_TEST, NN_PARTS, NN_TRAIN_DEV, NN_ALL_PARTS } nn_part;

typedef struct {
    double dev; /* share of the examples that are not the files' own test part; 0: 0.1, < 0: none */
    double test;   /* share, used only where the source has no test part of its own; the same */
    uint64_t seed; /* of the stratified split and of generators */
    int64_t limit; /* > 0: use at most so many train examples (stratified); for quick presets */
    /* Of a CSV file: name of the target column; NULL: the last column. Of any other source: a
     * second source that the network is meant for (NULL: none). Then train and train-dev (share
     * dev) come from `source`, dev and test from the target: its own test part, or half of it. */
    const char *target;
    bool raw; /* no normalisation */
    /* folds >= 2: cross-validation. Of the train part the fold'th of so many is the dev part, the
     * others are train; the dev part that the split made is in none. */
    int folds, fold;
    double flip; /* share of the labels that become another class at random, keyed by seed: to see
                    whether they are found again */
} nn_data_args;

/* `source` is a name ("fashion-mnist", "digits", "blobs", "moons", "circles", "spirals", "flower",
 * each generator also with sizes: "moons:n=500,noise=0.2"), "iris" (those that are not generated
 * also with some of their classes: "fashion-mnist:classes=7+9"), a folder with IDX files, a
 * folder of images by class (PNG, JPEG; or such folders in train/ and test/), a CSV file, or an NPY
 * file with labels beside it (X.npy and X.labels.npy). Errors name file, offset or line, and what
 * was expected. The split is a pure function of source and args (NULL: all zero). */
nn_dataset *nn_dataset_open(const char *source, const nn_data_args *args, nn_error *error);
void nn_dataset_free(nn_dataset *dataset);

const char *nn_dataset_name(const nn_dataset *dataset);   /* "fashion-mnist" */
const char *nn_dataset_origin(const nn_dataset *dataset); /* where it was read from, for people */
nn_shape nn_dataset_sample(const nn_dataset *dataset);    /* (1,28,28), (2), ... */
int nn_dataset_classes(const nn_dataset *dataset);
const char *nn_dataset_class_name(const nn_dataset *dataset, int label);
int64_t nn_dataset_count(const nn_dataset *dataset, nn_part part);
int64_t nn_dataset_class_count(const nn_dataset *dataset, nn_part part, int label);
/* Id of example i of a part: its stable index in the source (test files continue after train). */
int64_t nn_dataset_id(const nn_dataset *dataset, nn_part part, int64_t i);
int nn_dataset_label(const nn_dataset *dataset, nn_part part, int64_t i);
/* 16 hex digits over content and split: two runs compare only where this is equal. */
const char *nn_dataset_fingerprint(const nn_dataset *dataset);
const char *nn_part_name(nn_part part); /* "train", "dev", "test" */
/* 16 hex digits over content alone, as it came: the same for every split, whatever was fixed. */
const char *nn_dataset_checksum(const nn_dataset *dataset);

/* A label that is wrong in the source. */
typedef struct {
    int64_t example; /* nn_dataset_id */
    int from, to;    /* to -1: not known, the example is left out of its part */
} nn_label_fix;
/* Before anybody else reads it: takes the labels as fixed. Split and normalisation stay, the
 * fingerprint is another then. Examples that are in no part are passed over (`limit`). Refuses an
 * example that does not exist, a label that is not `from`, and a class that does not exist; then
 * nothing is changed. */
nn_status nn_dataset_fix(nn_dataset *dataset, const nn_label_fix *fixes, int64_t count,
                         nn_error *error);
/* Those in force, by example. Borrowed. */
const nn_label_fix *nn_dataset_fixes(const nn_dataset *dataset, int64_t *count);
/* The part that an example is in, and its place there; NN_PARTS: in none. */
nn_part nn_dataset_find(const nn_dataset *dataset, int64_t example, int64_t *place);
/* The label that an example has now, in whatever part; -1 where it does not exist. */
int nn_dataset_label_of(const nn_dataset *dataset, int64_t example);

/* Write normalised features of examples index[0..count) of a part (index NULL: first, first+1, ...)
 * into x (count * sample) and their labels into y. */
void nn_dataset_gather(const nn_dataset *dataset, nn_part part, const uint32_t *index,
                       int64_t first, int64_t count, nn_real *x, int32_t *y);
/* Unnormalised features in their natural range (images 0..1), for people to look at. */
void nn_dataset_raw(const nn_dataset *dataset, nn_part part, int64_t i, float *x);
/* Measured on train, one a channel (images) or a column: *count of each. */
void nn_dataset_statistics(const nn_dataset *dataset, const double **mean, const double **std,
                           int *count);

/* What `gradus data list` shows. */
typedef struct {
    const char *name, *what, *licence, *package; /* package: Debian's, NULL where built in */
    bool available;
} nn_dataset_info;
/* Fills at most `room`; returns how many there are. */
int nn_dataset_list(nn_dataset_info *list, int room);

#endif
