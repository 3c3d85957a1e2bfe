/* The rules of the house that a program can check: who may include whom, and that the engine has no
 * global that changes. Reads the sources, so it runs from the project's folder. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Doors go one way: ui -> lessons -> engine, ui -> store -> engine. */
static const struct {
    const char *room, *never;
} doors[] = {
    {"engine/", "ui/"}, {"engine/", "store/"},  {"engine/", "lessons/"},
    {"store/", "ui/"},  {"store/", "lessons/"}, {"lessons/", "store/"},
};

/* Libraries behind one door each. */
static const struct {
    const char *header, *room;
} libraries[] = {
    {"ncurses.h", "ui/terminal/"}, {"curses.h", "ui/terminal/"}, {"term.h", "ui/terminal/"},
    {"sqlite3.h", "store/"},       {"cblas.h", "engine/blas.c"},
};

static int files_seen, lines_wrong;

static void check_include(const char *file, const char *name)
{
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
        if (begins(file, doors[i].room) && begins(name, doors[i].never)) {
            print_error("%s includes %s\n", file, name);
            lines_wrong++;
        }
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (strcmp(name, libraries[i].header) == 0 && !begins(file, libraries[i].room)) {
            print_error("%s includes %s\n", file, name);
            lines_wrong++;
        }
}

static int check_file(const char *path, const struct stat *info, int kind, struct FTW *level)
{
    (void)info;
    (void)level;
    const char *dot = strrchr(path, '.');
    if (kind != FTW_F || !dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".h") != 0))
        return 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[1024], name[256];
    while (fgets(line, sizeof line, file))
        if (sscanf(line, " # include %*1[<\"]%255[^>\"]", name) == 1)
            check_include(path, name);
    fclose(file);
    files_seen++;
    return 0;
}

static void doors_open_one_way(void **state)
{
    (void)state;
    static const char *const rooms[] = {"engine", "store", "ui", "lessons"};
    for (int i = 0; i < 4; i++)
        nftw(rooms[i], check_file, 8, FTW_PHYS);
    assert_true(files_seen > 40);
    assert_int_equal(lines_wrong, 0);
}

static void engine_has_no_changing_global(void **state)
{
    (void)state;
    const char *build = getenv("GRADUS_BUILD");
    /* Sanitizers add globals of their own. */
    if (!build || !strstr(build, "release"))
        skip();
    char command[512], line[512];
    snprintf(command, sizeof command, "objdump -t '%s/libengine.a'", build);
    FILE *symbols = popen(command, "r");
    assert_non_null(symbols);
    int objects = 0, changing = 0;
    while (fgets(line, sizeof line, symbols)) {
        bool object = strstr(line, " O ") != NULL;
        objects += object;
        /* .data.rel.ro holds constants with addresses in them. */
        if (object && (strstr(line, " .data\t") || strstr(line, " .bss\t"))) {
            print_error("changes: %s", line);
            changing++;
        }
    }
    pclose(symbols);
    assert_true(objects > 10);
    assert_int_equal(changing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doors_open_one_way),
        cmocka_unit_test(engine_has_no_changing_global),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
