/* A copy of a store as it is at one moment, for the rooms of store/ only. */
#ifndef GRADUS_STORE_COPY_H
#define GRADUS_STORE_COPY_H

#include "store/database.h"

/* Into the new file `to`, as one file without a write-ahead log. On failure nothing is left. */
nn_status database_copy(database *from, const char *to, nn_error *error);
/* Moves a whole file to its place, on the disk when it returns; removes it when that fails. */
nn_status copy_into_place(const char *temporary, const char *path, nn_error *error);
/* A plain file, through a temporary one beside `to`. */
nn_status copy_file(const char *from, const char *to, nn_error *error);

#endif
