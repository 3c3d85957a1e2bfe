#include "tests/golden_text.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path)
{
    FILE *in = fopen(path, "rb");
    char *text = in ? calloc(1, 1 << 20) : NULL;
    if (text)
        text[fread(text, 1, (1 << 20) - 1, in)] = 0;
    if (in)
        fclose(in);
    return text;
}

void assert_golden(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "tests/screens/%s.txt", name);
    const char *update = getenv("UPDATE");
    if (update && *update == '1') {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fputs(text, out);
        assert_int_equal(fclose(out), 0);
        return;
    }
    char *expected = read_all(path);
    if (!expected)
        fail_msg("%s is missing; UPDATE=1 writes it", path);
    if (strcmp(expected, text) != 0)
        fail_msg("%s differs (UPDATE=1 writes it anew).\n--- expected\n%s\n--- drawn\n%s\n", path,
                 expected, text);
    free(expected);
}
