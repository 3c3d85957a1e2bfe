/* golden FILE: runs every case of a golden file that our engine knows, says what failed and which
 * cases it does not know. Exit status 0: all that is known agrees; 1: something differs; 2: the
 * file cannot be read. */
#include "tests/golden_case.h"

#include <stdio.h>

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

int main(int count, char **argument)
{
    golden_result result;
    if (count != 2) {
        fprintf(stderr, "usage: golden FILE\n");
        return 2;
    }
    if (!golden_run_file(argument[1], true, print_line, NULL, &result))
        return 2;
    printf("%d of %d cases known; %d numbers or arrays passed, %d failed, %d unknown\n",
           result.known_cases, result.cases, result.passed, result.failed, result.unknown);
    return result.failed > 0;
}
