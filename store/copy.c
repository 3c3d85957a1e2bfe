#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The backup of SQLite, in one step: one snapshot, whatever others write meanwhile. */
static nn_status copy_pages(database *from, database *to, nn_error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (!backup)
        return database_fail(to, "copying into it", error);
    int code = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE)
        return database_run(to, "PRAGMA journal_mode = DELETE", error);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return nn_fail(error, NN_E_IO, "%s: locked by another process; try again once it is done",
                       from->path);
    return database_fail(to, "copying into it", error);
}

nn_status database_copy(database *from, const char *to, nn_error *error)
{
    database copy;
    memset(&copy, 0, sizeof copy);
    if (strlen(to) >= sizeof copy.path)
        return nn_fail(error, NN_E_ARG, "the name of the copy is too long");
    copy_text(copy.path, sizeof copy.path, to);
    nn_status status = NN_OK;
    if (sqlite3_open_v2(to, &copy.handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        status = copy.handle ? database_fail(&copy, "making it", error)
                             : nn_fail(error, NN_E_NOMEM, "out of memory for the copy");
    else
        status = copy_pages(from, &copy, error);
    database_close(&copy);
    if (status != NN_OK)
        unlink(to);
    return status;
}

static nn_status sync_file(const char *path, nn_error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    return good ? NN_OK : nn_fail(error, NN_E_IO, "cannot write '%s': %s", path, strerror(code));
}

nn_status copy_into_place(const char *temporary, const char *path, nn_error *error)
{
    nn_status status = sync_file(temporary, error);
    if (status == NN_OK && rename(temporary, path) != 0)
        status = nn_fail(error, NN_E_IO, "cannot write '%s': %s", path, strerror(errno));
    if (status != NN_OK)
        unlink(temporary);
    return status;
}

nn_status copy_file(const char *from, const char *to, nn_error *error)
{
    enum { BLOCK = 1 << 16 };
    char temporary[4200];
    snprintf(temporary, sizeof temporary, "%.4100s.%ld.tmp", to, (long)getpid());
    FILE *in = fopen(from, "rbe");
    FILE *out = in ? fopen(temporary, "wbe") : NULL;
    char *block = malloc(BLOCK);
    bool good = in && out && block;
    size_t count = 0;
    errno = block ? errno : ENOMEM;
    while (good && (count = fread(block, 1, BLOCK, in)) > 0)
        good = fwrite(block, 1, count, out) == count;
    good = good && !ferror(in);
    int code = errno;
    if (out && fclose(out) != 0 && good)
        good = false, code = errno;
    if (in)
        fclose(in);
    free(block);
    if (good)
        return copy_into_place(temporary, to, error);
    if (out)
        unlink(temporary);
    return nn_fail(error, NN_E_IO, "cannot copy '%s' to '%s': %s", from, to, strerror(code));
}
