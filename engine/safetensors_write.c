/* Writing safetensors: the old file stays whole until the new one is complete and on the disk. */
#include "engine/safetensors_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static json_t *describe_tensor(const nn_file_tensor *tensor, uint64_t start)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->shape.rank; i++)
        json_array_append_new(shape, json_integer(tensor->shape.dim[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", nn_file_dtype_name(tensor->dtype), "shape",
                     shape, "data_offsets", (json_int_t)start,
                     (json_int_t)start + (json_int_t)tensor->size);
}

/* The JSON header; free(). */
static nn_status make_header(const nn_tensors *tensors, char **text, nn_error *error)
{
    nn_status status = NN_OK;
    json_t *root = json_object(), *notes = json_object();
    int bad = !root || !notes;
    uint64_t start = 0;
    for (int i = 0; i < tensors->note_count && !bad; i++) {
        bad = json_object_set_new(notes, tensors->note[i].key, json_string(tensors->note[i].value));
        if (bad)
            status = nn_fail(error, NN_E_ARG, "note '%s' is not UTF-8", tensors->note[i].key);
    }
    if (tensors->note_count && !bad)
        bad = json_object_set(root, "__metadata__", notes);
    for (int i = 0; i < tensors->count && !bad; i++) {
        const nn_file_tensor *tensor = &tensors->entry[i];
        bad = json_object_set_new(root, tensor->name, describe_tensor(tensor, start));
        if (bad)
            status = nn_fail(error, NN_E_ARG, "tensor name '%s' is not UTF-8", tensor->name);
        start += tensor->size;
    }
    *text = bad ? NULL : json_dumps(root, JSON_COMPACT);
    if (!*text && status == NN_OK)
        status =
            nn_fail(error, NN_E_NOMEM, "no memory for the header of %d tensors", tensors->count);
    json_decref(notes);
    json_decref(root);
    return status;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    while (size > 0) {
        ssize_t wrote = write(fd, at, size < (1u << 30) ? size : 1u << 30);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        at += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* Length, header padded with spaces so that the numbers begin at a multiple of 8, numbers. */
static bool write_content(int fd, const nn_tensors *tensors, const char *header)
{
    uint64_t length = strlen(header), padded = (length + 7) / 8 * 8;
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)(padded >> 8 * i);
    if (!write_all(fd, prefix, sizeof prefix) || !write_all(fd, header, length) ||
        !write_all(fd, "       ", padded - length))
        return false;
    for (int i = 0; i < tensors->count; i++)
        if (!write_all(fd, tensors->entry[i].data, tensors->entry[i].size))
            return false;
    return fsync(fd) == 0;
}

/* A file-size limit is announced by SIGXFSZ, which ends the program unless somebody minds it. Here
 * it is an error like a full disk: hold the signal back and take it away afterwards. */
static bool write_without_signal(int fd, const nn_tensors *tensors, const char *header)
{
    sigset_t signal, old, waiting;
    sigemptyset(&signal);
    sigaddset(&signal, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal, &old);
    bool done = write_content(fd, tensors, header);
    int code = errno;
    if (!done && sigpending(&waiting) == 0 && sigismember(&waiting, SIGXFSZ)) {
        const struct timespec now = {0};
        sigtimedwait(&signal, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = code;
    return done;
}

/* The directory entry itself must reach the disk too. Failure only means less safety. */
static void sync_folder(const char *path)
{
    char *folder = strdup(path);
    if (!folder)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* A new file beside `path`: "path.PID.N.tmp". */
static int open_temporary(const char *path, char *temporary, size_t room)
{
    int fd = -1;
    for (int i = 0; i < 100 && fd < 0; i++) {
        snprintf(temporary, room, "%s.%ld.%d.tmp", path, (long)getpid(), i);
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

/* Both renames reach the disk, the first before the second. */
static bool move_into_place(const char *temporary, const char *path, const char *previous)
{
    bool kept = previous && rename(path, previous) == 0;
    if (previous && !kept && errno != ENOENT)
        return false;
    if (kept)
        sync_folder(path);
    if (rename(temporary, path) == 0) {
        sync_folder(path);
        return true;
    }
    int code = errno;
    if (kept && rename(previous, path) == 0)
        sync_folder(path);
    errno = code;
    return false;
}

static nn_status replace(const nn_tensors *tensors, const char *path, const char *previous,
                         const char *header, char *temporary, size_t room, nn_error *error)
{
    int fd = open_temporary(path, temporary, room);
    if (fd < 0)
        return nn_fail(error, NN_E_IO, "%s: cannot write there: %s", path, strerror(errno));
    bool done = write_without_signal(fd, tensors, header);
    int code = errno;
    if (close(fd) != 0 && done) {
        done = false;
        code = errno;
    }
    if (done && !move_into_place(temporary, path, previous)) {
        done = false;
        code = errno;
    }
    if (!done) {
        unlink(temporary);
        return nn_fail(error, NN_E_IO, "%s: not saved: %s%s; the old file is untouched", path,
                       strerror(code), code == ENOSPC ? " (make room and save again)" : "");
    }
    return NN_OK;
}

nn_status nn_tensors_write(const nn_tensors *tensors, const char *path, nn_error *error)
{
    return nn_tensors_replace(tensors, path, NULL, error);
}

nn_status nn_tensors_replace(const nn_tensors *tensors, const char *path, const char *previous,
                             nn_error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return nn_fail(error, NN_E_IO, "%s: %s; expected a file name", path,
                       S_ISDIR(status.st_mode) ? "a folder" : "a device, not a file");
    char *header;
    nn_status result = make_header(tensors, &header, error);
    if (result != NN_OK)
        return result;
    size_t room = strlen(path) + 48;
    char *temporary = malloc(room);
    if (strlen(header) > NN_HEADER_LIMIT - 8)
        result = nn_fail(error, NN_E_ARG, "%s: a header of %zu bytes; expected at most %d", path,
                         strlen(header), NN_HEADER_LIMIT);
    else if (temporary)
        result = replace(tensors, path, previous, header, temporary, room, error);
    else
        result = nn_fail(error, NN_E_NOMEM, "%s: no memory to write it", path);
    free(temporary);
    free(header);
    return result;
}
