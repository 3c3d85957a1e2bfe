/* Shared by those who write down what people say. */
#ifndef GRADUS_STORE_ANNOTATE_INTERNAL_H
#define GRADUS_STORE_ANNOTATE_INTERNAL_H

#include "store/recorder_thread.h"

/* Refuses what cannot be a name: empty, `room` bytes or more, control characters, a blank at either
 * end, any of `refused`. */
nn_status annotate_check_word(const char *what, const char *text, size_t room, const char *refused,
                              nn_error *error);
nn_status annotate_check_colour(const char *colour, nn_error *error);
/* `work` in a transaction of its own. On the recorder's thread. */
nn_status annotate_transaction(recorder *r, nn_status (*work)(recorder *, void *, nn_error *),
                               void *argument, nn_error *error);

#define ANNOTATE_TAG_REFUSED " ,\"'()=<>~!:" /* tags stand in filters */

#endif
