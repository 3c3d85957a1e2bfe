/* Making and freeing nets; golden_file.c does it for the cases. */
#ifndef GRADUS_TESTS_GOLDEN_NET_H
#define GRADUS_TESTS_GOLDEN_NET_H

#include "tests/golden_case.h"

golden_net *golden_net_make(golden_case *c, int64_t rows); /* NULL: no memory */
void golden_net_free(golden_net *net);

#endif
