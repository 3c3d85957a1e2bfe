/* The table of golden cases that we know. */
#include "tests/golden_case.h"

#include <string.h>

/* Families are asked after all cases that are known by their full id. */
static golden_function *find_among(bool families, const char *id, size_t *length)
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
            if (family == families &&
                (family ? strncmp(known->id, id, *length) == 0 : strcmp(known->id, id) == 0))
                return known->run;
        }
    return NULL;
}

golden_function *golden_find(const char *id, size_t *length)
{
    golden_function *run = find_among(false, id, length);
    return run ? run : find_among(true, id, length);
}
