/* A folder of images by class: folder/CLASS/anything.png. Or train/CLASS/... and test/CLASS/...,
 * then the second is the source's own test part. Names are taken in the order of their bytes, so
 * that ids are the same everywhere. */
#include "engine/data/parsers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_FILES = 4 << 20 };
static const size_t largest_file = (size_t)256 << 20;

/* A growing list of names. */
typedef struct {
    char **name;
    int count, room;
} name_list;

static void free_list(name_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->name[i]);
    free(list->name);
    *list = (name_list){0};
}

static nn_status add_name(name_list *list, const char *name, nn_error *error)
{
    if (list->count == list->room) {
        int room = list->room ? list->room * 2 : 64;
        char **more = room <= MAX_FILES ? realloc(list->name, (size_t)room * sizeof *more) : NULL;
        if (!more) {
            nn_fail(error, NN_E_NOMEM, "%s: no memory for more than %d names", name, list->count);
            return NN_E_NOMEM;
        }
        list->name = more;
        list->room = room;
    }
    list->name[list->count] = strdup(name);
    if (!list->name[list->count])
        return nn_fail(error, NN_E_NOMEM, "%s: no memory for the name", name);
    list->count++;
    return NN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_image_name(const char *name)
{
    static const char *const ending[] = {".png", ".jpg", ".jpeg"};
    const char *dot = strrchr(name, '.');
    for (int i = 0; dot && i < 3; i++)
        if (strcasecmp(dot, ending[i]) == 0)
            return true;
    return false;
}

/* Sorted names in `folder`: its folders, or its images. Hidden ones are none. */
static nn_status list_folder(const char *folder, bool folders, name_list *list, nn_error *error)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return nn_fail(error, NN_E_IO, "%s: %s", folder, strerror(errno));
    nn_status status = NN_OK;
    for (struct dirent *entry; status == NN_OK && (entry = readdir(dir));) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || length < 0 || length >= (int)sizeof path)
            continue;
        if (folders ? is_folder(path) : is_image_name(entry->d_name))
            status = add_name(list, entry->d_name, error);
    }
    closedir(dir);
    if (status == NN_OK && list->count > 0)
        qsort(list->name, (size_t)list->count, sizeof(char *), by_name);
    return status;
}

/* --- files and their classes ------------------------------------------------------------------ */

typedef struct {
    name_list classes;
    name_list files; /* whole paths */
    int *label;      /* one a file */
    int train_count;
} picture_list;

static nn_status list_part(const char *folder, picture_list *pictures, nn_error *error)
{
    for (int k = 0; k < pictures->classes.count; k++) {
        char path[4096], file[8192];
        name_list names = {0};
        snprintf(path, sizeof path, "%s/%s", folder, pictures->classes.name[k]);
        nn_status status = list_folder(path, false, &names, error);
        if (status == NN_OK && names.count == 0)
            status =
                nn_fail(error, NN_E_FORMAT, "%s: no image; expected .png, .jpg or .jpeg", path);
        for (int i = 0; i < names.count && status == NN_OK; i++) {
            snprintf(file, sizeof file, "%s/%s", path, names.name[i]);
            status = add_name(&pictures->files, file, error);
            if (status != NN_OK)
                break;
            int *label =
                realloc(pictures->label, ((size_t)pictures->files.room + 1) * sizeof *label);
            if (!label)
                status = nn_fail(error, NN_E_NOMEM, "%s: no memory for labels", path);
            else
                pictures->label = label, label[pictures->files.count - 1] = k;
        }
        free_list(&names);
        if (status != NN_OK)
            return status;
    }
    return NN_OK;
}

static bool has_name(const name_list *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->name[i], name) == 0)
            return true;
    return false;
}

/* The same classes must stand in train and test. */
static nn_status check_test_classes(const char *folder, const name_list *classes, nn_error *error)
{
    name_list test = {0};
    nn_status status = list_folder(folder, true, &test, error);
    for (int i = 0; i < test.count && status == NN_OK; i++)
        if (!has_name(classes, test.name[i]))
            status = nn_fail(error, NN_E_FORMAT, "%s/%s: the train part has no such class", folder,
                             test.name[i]);
    for (int i = 0; i < classes->count && status == NN_OK; i++)
        if (!has_name(&test, classes->name[i]))
            status = nn_fail(error, NN_E_FORMAT, "%s: no folder '%s', but the train part has one",
                             folder, classes->name[i]);
    free_list(&test);
    return status;
}

static nn_status list_pictures(const char *folder, picture_list *pictures, nn_error *error)
{
    char train[4096], test[4096];
    snprintf(train, sizeof train, "%s/train", folder);
    snprintf(test, sizeof test, "%s/test", folder);
    bool parts = is_folder(train) && is_folder(test);
    const char *first = parts ? train : folder;
    nn_status status = list_folder(first, true, &pictures->classes, error);
    if (status == NN_OK && pictures->classes.count == 0)
        status = nn_fail(error, NN_E_FORMAT,
                         "%s: no IDX files (train-images-idx3-ubyte) and no folders; expected a "
                         "folder of images for each class",
                         first);
    if (status == NN_OK && pictures->classes.count > NN_MAX_CLASSES)
        status = nn_fail(error, NN_E_FORMAT, "%s: %d folders; expected at most %d classes", first,
                         pictures->classes.count, NN_MAX_CLASSES);
    if (status == NN_OK)
        status = list_part(first, pictures, error);
    pictures->train_count = pictures->files.count;
    if (status == NN_OK && parts)
        status = check_test_classes(test, &pictures->classes, error);
    if (status == NN_OK && parts)
        status = list_part(test, pictures, error);
    return status;
}

/* --- pixels ----------------------------------------------------------------------------------- */

static nn_status read_image(const char *path, nn_image *image, nn_error *error)
{
    nn_buffer buffer;
    nn_status status = nn_read_file(path, largest_file, &buffer, error);
    if (status != NN_OK)
        return status;
    nn_source source = {buffer.bytes, buffer.size, path};
    status = nn_decode_image(&source, image, error);
    free(buffer.bytes);
    return status;
}

/* From interleaved to (channels, rows, columns); grey spreads over three channels. */
static void store_image(const nn_image *image, nn_examples *examples, int64_t at)
{
    int64_t channels = examples->sample.dim[0], plane = (int64_t)image->width * image->height;
    uint8_t *out = (uint8_t *)examples->values + at * examples->row;
    for (int64_t c = 0; c < channels; c++) {
        const uint8_t *in = image->pixels + (image->channels == 3 ? c : 0);
        for (int64_t i = 0; i < plane; i++, in += image->channels)
            *out++ = *in;
    }
}

/* The first colour image among grey ones: everything so far becomes three equal channels. */
static nn_status spread_grey(nn_examples *examples, int64_t done, nn_error *error)
{
    nn_examples wide;
    nn_shape sample = nn_shape3(3, examples->sample.dim[1], examples->sample.dim[2]);
    nn_status status = nn_examples_alloc(&wide, sample, examples->count, NN_BYTES, "images", error);
    if (status != NN_OK)
        return status;
    uint8_t *out = wide.values;
    for (int64_t i = 0; i < done; i++)
        for (int c = 0; c < 3; c++, out += examples->row)
            memcpy(out, (uint8_t *)examples->values + i * examples->row, (size_t)examples->row);
    wide.train_count = examples->train_count;
    memcpy(wide.label, examples->label, (size_t)done * sizeof *wide.label);
    nn_examples_free(examples);
    *examples = wide;
    return NN_OK;
}

static nn_status take_image(const picture_list *pictures, int i, nn_examples *examples,
                            nn_error *error)
{
    nn_image image = {0};
    const char *path = pictures->files.name[i];
    nn_status status = read_image(path, &image, error);
    if (status == NN_OK && i == 0) {
        nn_shape sample = nn_shape3(image.channels, image.height, image.width);
        status = nn_examples_alloc(examples, sample, pictures->files.count, NN_BYTES, path, error);
        examples->train_count = pictures->train_count;
    }
    if (status == NN_OK &&
        (image.height != examples->sample.dim[1] || image.width != examples->sample.dim[2]))
        status = nn_fail(error, NN_E_FORMAT,
                         "%.120s is %d x %d, but the first, %.120s, is %d x %d; make all of one "
                         "size",
                         path, image.width, image.height, pictures->files.name[0],
                         (int)examples->sample.dim[2], (int)examples->sample.dim[1]);
    if (status == NN_OK && image.channels == 3 && examples->sample.dim[0] == 1)
        status = spread_grey(examples, i, error);
    if (status == NN_OK) {
        store_image(&image, examples, i);
        examples->label[i] = pictures->label[i];
    }
    free(image.pixels);
    return status;
}

static nn_status take_images(const picture_list *pictures, nn_examples *examples, nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < pictures->files.count && status == NN_OK; i++)
        status = take_image(pictures, i, examples, error);
    if (status == NN_OK)
        status = nn_examples_classes(examples, pictures->classes.count, error);
    if (status != NN_OK)
        return status;
    for (int k = 0; k < pictures->classes.count; k++)
        snprintf(examples->class_name[k], NN_NAME_MAX, "%s", pictures->classes.name[k]);
    examples->scale = 1.0 / 255;
    return NN_OK;
}

nn_status nn_open_images(const char *folder, nn_examples *examples, nn_error *error)
{
    picture_list pictures = {0};
    *examples = (nn_examples){0};
    nn_status status = list_pictures(folder, &pictures, error);
    if (status == NN_OK)
        status = take_images(&pictures, examples, error);
    if (status == NN_OK)
        snprintf(examples->origin, sizeof examples->origin, "%s", folder);
    else
        nn_examples_free(examples);
    free_list(&pictures.classes);
    free_list(&pictures.files);
    free(pictures.label);
    return status;
}
