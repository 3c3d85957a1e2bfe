#include "ui/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe or a device has no place to move a file to. */
static bool takes_a_file(const char *path)
{
    struct stat info;
    return stat(path, &info) != 0 || S_ISREG(info.st_mode);
}

nn_status output_open(output_file *file, const char *path, nn_error *error)
{
    *file = (output_file){.path = path};
    if (!path) {
        file->out = stdout;
        return NN_OK;
    }
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return nn_fail(error, NN_E_ARG, "'%s' is a folder: name a file in it", path);
    if (!takes_a_file(path)) {
        file->out = fopen(path, "we");
    } else {
        int written =
            snprintf(file->temporary, sizeof file->temporary, "%s.%ld.tmp", path, (long)getpid());
        if (written < 0 || (size_t)written >= sizeof file->temporary)
            return nn_fail(error, NN_E_ARG, "the name of the file is too long");
        int fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 && !(file->out = fdopen(fd, "w")))
            close(fd);
    }
    if (file->out)
        return NN_OK;
    return nn_fail(error, NN_E_IO, "cannot write '%s': %s", path, strerror(errno));
}

nn_status output_close(output_file *file, nn_status status, nn_error *error)
{
    bool good = fflush(file->out) == 0 && !ferror(file->out);
    int code = errno;
    if (!file->path)
        return good || status != NN_OK ? status
                                       : nn_fail(error, NN_E_IO, "stdout cannot be written");
    if (*file->temporary && good && status == NN_OK && fsync(fileno(file->out)) != 0)
        good = false, code = errno;
    if (fclose(file->out) != 0 && good)
        good = false, code = errno;
    if (*file->temporary && good && status == NN_OK && rename(file->temporary, file->path) != 0)
        good = false, code = errno;
    if (*file->temporary && (!good || status != NN_OK))
        unlink(file->temporary);
    if (status != NN_OK || good)
        return status;
    return nn_fail(error, NN_E_IO, "cannot write '%s': %s", file->path, strerror(code));
}
