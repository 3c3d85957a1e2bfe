/* Making and freeing nets; golden_file.c does it for the cases. */
#ifndef GRADUS_TESTS_GOLDEN_NET_H
#define GRADUS_TESTS_GOLDEN_NET_H

#include "tests/golden_case.h"

/* Takes the model over. NULL: no memory. */
golden_net *golden_net_make(golden_case *c, nn_model *model, int64_t rows);
void golden_net_free(golden_net *net);

#endif
