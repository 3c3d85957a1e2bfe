/* Where the file lies and what kind of file system that is. */
#ifndef GRADUS_STORE_PLACE_H
#define GRADUS_STORE_PLACE_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>

/* `path` made absolute, with its folder's links resolved; unchanged where that is not possible. */
void place_absolute(const char *path, char *absolute, size_t size);
/* Make the folders on the way to the file `path` (0700). */
nn_status place_make_folders(const char *path, nn_error *error);
/* "NFS", "SMB", ... for the f_type of statfs(2); NULL for a local file system. */
const char *place_network_name(unsigned long type);
/* The same for the folder that holds `path`. */
const char *place_network(const char *path);

#endif
