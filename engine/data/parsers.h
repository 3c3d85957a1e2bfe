/* Readers of data sets: from a file or from memory into examples, before any split. Private to
 * engine/data, its tests and fuzzers.
 *
 * Every reader trusts nothing: sizes are compared with the bytes that are really there before
 * memory is taken, and a refusal names the file, the place, and what was expected. `name` is the
 * file name for messages; nothing is read from it. */
#ifndef GRADUS_ENGINE_DATA_PARSERS_H
#define GRADUS_ENGINE_DATA_PARSERS_H

#include "engine/data/dataset.h"

typedef enum {
    NN_BYTES,  /* uint8_t */
    NN_FLOATS, /* float */
    NN_DOUBLES /* double */
} nn_storage;

/* All examples of one source in its order. `values` holds count * row elements of `storage`. */
typedef struct {
    nn_shape sample; /* (channels, rows, columns) or (columns) */
    int64_t row;     /* elements of one sample */
    int64_t count;
    int64_t train_count; /* examples from here on are the source's own test part; else == count */
    nn_storage storage;
    void *values;
    double scale; /* natural value = stored value * scale: 1/255 for image bytes */
    int32_t *label;
    int classes;
    char (*class_name)[NN_NAME_MAX];
    char origin[512];
} nn_examples;

enum {
    NN_MAX_CLASSES = 1000,
    NN_MAX_COLUMNS = 1 << 20 /* elements of one sample: a guard against nonsense */
};

/* Sets sample, row, count, train_count and storage and takes memory for values and labels, all
 * zero. Refuses what cannot be: no examples, empty samples, more than 2^31 examples. */
nn_status nn_examples_alloc(nn_examples *examples, nn_shape sample, int64_t count,
                            nn_storage storage, const char *name, nn_error *error);
void nn_examples_free(nn_examples *examples); /* leaves it zeroed */
size_t nn_storage_size(nn_storage storage);
/* Element `at` of values, unscaled. */
double nn_stored_value(const nn_examples *examples, int64_t at);
/* Memory for `classes` names, "0", "1", ... at first; sets `classes`. */
nn_status nn_examples_classes(nn_examples *examples, int classes, nn_error *error);

/* A whole file in memory; free(bytes). Compressed files (.gz) come back unpacked. Refuses folders,
 * devices and more than `limit` bytes. bytes[size] is NUL. */
typedef struct {
    unsigned char *bytes;
    size_t size;
} nn_buffer;
nn_status nn_read_file(const char *path, size_t limit, nn_buffer *buffer, nn_error *error);

/* IDX: images (magic 0x00000803; (n, rows, columns), or more dimensions) with labels (0x00000801).
 * The test pair may be NULL: then the source has no test part. */
typedef struct {
    const unsigned char *bytes;
    size_t size;
    const char *name;
} nn_source;
nn_status nn_parse_idx(const nn_source *images, const nn_source *labels,
                       const nn_source *test_images, const nn_source *test_labels,
                       nn_examples *examples, nn_error *error);
nn_status nn_open_idx(const char *folder, nn_examples *examples, nn_error *error);
bool nn_is_idx_folder(const char *folder);

/* CSV (RFC 4180): quoted fields, CRLF, comma, semicolon or tab. Columns of numbers stay, columns of
 * texts become one-hot, the target column (NULL: the last) names the class. */
nn_status nn_parse_csv(const char *text, size_t size, const char *name, const char *target,
                       nn_examples *examples, nn_error *error);
nn_status nn_open_csv(const char *path, const char *target, nn_examples *examples, nn_error *error);

/* NPY versions 1 to 3, little-endian u1, i4, i8, f4, f8 in C order; labels u1, i4 or i8. */
nn_status nn_parse_npy(const nn_source *features, const nn_source *labels, nn_examples *examples,
                       nn_error *error);
nn_status nn_open_npy(const char *path, nn_examples *examples, nn_error *error);

/* One PNG or JPEG image as interleaved bytes, 1 (grey) or 3 channels. Transparent parts lie on
 * white. */
typedef struct {
    int width, height, channels;
    uint8_t *pixels; /* free() */
} nn_image;
nn_status nn_decode_image(const nn_source *source, nn_image *image, nn_error *error);
nn_status nn_open_images(const char *folder, nn_examples *examples, nn_error *error);

/* "moons:n=500,noise=0.2". False when `source` does not begin with a generator's name. */
bool nn_is_generator(const char *source);
nn_status nn_generate(const char *source, uint64_t seed, nn_examples *examples, nn_error *error);

nn_status nn_load_digits(nn_examples *examples, nn_error *error);
nn_status nn_load_iris(nn_examples *examples, nn_error *error);

/* Labels are class numbers; every number between the smallest and the largest must occur (0 may be
 * missing), otherwise the label that stands out is refused by name and place. Sets classes. */
nn_status nn_check_labels(nn_examples *examples, const char *name, const char *test_name,
                          int64_t header, int64_t width, nn_error *error);

/* Only the examples of some classes, "7+9", which become classes 0, 1, ... in that order. Refuses
 * fewer than two, one named twice, and one that does not exist; then the examples are freed. */
nn_status nn_keep_classes(nn_examples *examples, const char *chosen, const char *name,
                          nn_error *error);

/* The split: which examples are in which part. */
typedef struct {
    uint32_t *index[NN_ALL_PARTS]; /* ascending */
    int64_t count[NN_ALL_PARTS];
} nn_split;
nn_status nn_split_examples(const nn_examples *examples, const nn_data_args *args, nn_split *split,
                            nn_error *error);
void nn_split_free(nn_split *split);

/* Appends the examples of a second source; both have the same shape, storage and classes. */
nn_status nn_join_examples(nn_examples *a, const nn_examples *b, const char *name, nn_error *error);
/* Train and train-dev from the examples before `first` (of which those from train_count on are a
 * test part, and stay out), dev and test from the others (target_train as train_count of those). */
nn_status nn_split_sources(const nn_examples *joined, int64_t first, int64_t train_count,
                           int64_t target_train, const nn_data_args *args, nn_split *split,
                           nn_error *error);

#endif
