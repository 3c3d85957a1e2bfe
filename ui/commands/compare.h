/* The two forms of the answer of `gradus compare`. */
#ifndef GRADUS_UI_COMMANDS_COMPARE_H
#define GRADUS_UI_COMMANDS_COMPARE_H

#include "ui/commands/common.h"
#include "ui/comparison.h"

/* Each writes all of it to stdout; false when it could not, with `error` set for want of memory. */
bool compare_write_json(const comparison *c, nn_error *error);
bool compare_write_text(const comparison *c, nn_error *error);

#endif
