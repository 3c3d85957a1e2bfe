/* A file that appears whole or not at all: written beside its place, then moved there. */
#ifndef GRADUS_UI_OUTPUT_FILE_H
#define GRADUS_UI_OUTPUT_FILE_H

#include "engine/status.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    FILE *out;
    const char *path; /* NULL: stdout; must outlive the rest */
    char temporary[4200];
} output_file;

nn_status output_open(output_file *file, const char *path, nn_error *error);
/* With `status` NN_OK moves the file into place; else removes what was written, and returns
 * `status`. What was at the path before stays until then. */
nn_status output_close(output_file *file, nn_status status, nn_error *error);

#endif
