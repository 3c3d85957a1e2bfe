/* The table of golden cases that we know. */
#include "tests/golden_case.h"

#include <string.h>

golden_function *golden_find(const char *id, size_t *length)
{
    const golden_known *const tables[] = {
#define GOLDEN(name) golden_##name##_cases,
#include "tests/golden.def"
#undef GOLDEN
    };
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const golden_known *known = tables[t]; known->run; known++) {
            *length = strlen(known->id);
            bool family = known->id[*length - 1] == '-';
            if (family ? strncmp(known->id, id, *length) == 0 : strcmp(known->id, id) == 0)
                return known->run;
        }
    return NULL;
}
