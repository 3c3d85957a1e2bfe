#include "store/place.h"

#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* "" for unset and for empty alike. */
static const char *environment(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
    return value ? value : "";
}

static nn_status fits(int written, size_t size, nn_error *error)
{
    if (written < 0 || (size_t)written >= size)
        return nn_fail(error, NN_E_ARG,
                       "the store's path is longer than %zu bytes; choose a "
                       "shorter one with --store or GRADUS_STORE",
                       size - 1);
    return NN_OK;
}

nn_status store_default_path(char *path, size_t size, nn_error *error)
{
    const char *chosen = environment("GRADUS_STORE");
    if (*chosen)
        return fits(snprintf(path, size, "%s", chosen), size, error);
    const char *data = environment("XDG_DATA_HOME");
    if (*data == '/') /* the XDG specification: a relative path is to be ignored */
        return fits(snprintf(path, size, "%s/gradus/gradus.db", data), size, error);
    const char *home = environment("HOME");
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    if (!*home && getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        home = entry.pw_dir;
    if (!*home)
        return nn_fail(error, NN_E_MISSING,
                       "no home directory for the store: set HOME, or choose "
                       "a file with --store or GRADUS_STORE");
    return fits(snprintf(path, size, "%s/.local/share/gradus/gradus.db", home), size, error);
}

/* The folder part of `path` ("." without one), cut in place of a copy. */
static void folder_of(const char *path, char *folder, size_t size)
{
    snprintf(folder, size, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        snprintf(folder, size, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
}

void place_absolute(const char *path, char *absolute, size_t size)
{
    char folder[PATH_MAX];
    char resolved[PATH_MAX];
    folder_of(path, folder, sizeof folder);
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    int written = -1;
    if (realpath(folder, resolved))
        written =
            snprintf(absolute, size, "%s/%s", strcmp(resolved, "/") == 0 ? "" : resolved, base);
    if (written < 0 || (size_t)written >= size)
        snprintf(absolute, size, "%s", path);
}

static nn_status make_folder(const char *folder, nn_error *error)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return NN_OK;
    return nn_fail(error, NN_E_IO, "cannot make the folder '%s': %s", folder, strerror(errno));
}

nn_status place_make_folders(const char *path, nn_error *error)
{
    char folder[PATH_MAX];
    folder_of(path, folder, sizeof folder);
    struct stat info;
    if (stat(folder, &info) == 0)
        return NN_OK;
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        nn_status status = make_folder(folder, error);
        *slash = '/';
        if (status != NN_OK)
            return status;
    }
    return make_folder(folder, error);
}

const char *place_network_name(unsigned long type)
{
    static const struct {
        unsigned long type;
        const char *name;
    } known[] = {
        {0x6969, "NFS"},       {0x517B, "SMB"},        {0xFF534D42, "CIFS"},
        {0xFE534D42, "SMB"},   {0x5346414F, "AFS"},    {0x6B414653, "AFS"},
        {0x73757245, "Coda"},  {0x00C36400, "Ceph"},   {0x01021997, "9P"},
        {0x65735546, "FUSE"},  {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},
        {0x7461636F, "OCFS2"}, {0x01161970, "GFS2"},   {0x786F4256, "VirtualBox share"},
        {0x564C, "NCP"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].type == (type & 0xFFFFFFFFUL))
            return known[i].name;
    return NULL;
}

const char *place_network(const char *path)
{
    char folder[PATH_MAX];
    struct statfs info;
    folder_of(path, folder, sizeof folder);
    while (statfs(folder, &info) != 0) { /* not made yet: it will be on its parent's file system */
        char parent[PATH_MAX];
        folder_of(folder, parent, sizeof parent);
        if (errno != ENOENT || strcmp(parent, folder) == 0)
            return NULL;
        snprintf(folder, sizeof folder, "%s", parent);
    }
    return place_network_name((unsigned long)info.f_type);
}

nn_status store_checkpoint_dir(const char *store_path, run_id run, char *path, size_t size,
                               nn_error *error)
{
    char absolute[PATH_MAX];
    place_absolute(store_path, absolute, sizeof absolute);
    nn_status status =
        fits(snprintf(path, size, "%s.runs/%lld", absolute, (long long)run), size, error);
    char inside[PATH_MAX + 64];
    snprintf(inside, sizeof inside, "%s.runs/%lld/last", absolute, (long long)run);
    return status == NN_OK ? place_make_folders(inside, error) : status;
}
