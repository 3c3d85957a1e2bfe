/* The doors between the rooms, read from the sources: who may include what, and what the engine
 * never does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complaints, files;
static bool quiet; /* while the checks are tested themselves */

static void complain(const char *path, const char *line, const char *rule)
{
    if (!quiet) {
        print_error("%s: %.*s\n    %s\n", path, (int)strcspn(line, "\n"), line, rule);
    }
    complaints++;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t length = strlen(text), tail = strlen(with);
    return length >= tail && strcmp(text + length - tail, with) == 0;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t room = 1 << 16, length = 0;
    char *text = malloc(room + 1);
    assert_non_null(text);
    for (size_t got; (got = fread(text + length, 1, room - length, file)) > 0;) {
        length += got;
        if (length == room) {
            room *= 2;
            text = realloc(text, room + 1);
            assert_non_null(text);
        }
    }
    text[length] = '\0';
    fclose(file);
    return text;
}

/* Blanks comments and the insides of string and character literals, keeping newlines. */
static void blank_text(char *s)
{
    enum { CODE, BLOCK, LINE, QUOTE } in = CODE;
    char quote = 0;
    bool include = false;
    for (; *s != '\0'; s++) {
        if (*s == '\n') {
            in = in == LINE ? CODE : in;
            include = false;
        } else if (in == CODE && starts(s, "#include")) {
            include = true;
        } else if (in == CODE && s[0] == '/' && (s[1] == '*' || s[1] == '/')) {
            in = s[1] == '*' ? BLOCK : LINE;
        } else if (in == CODE && (*s == '"' || *s == '\'') && !include) {
            in = QUOTE;
            quote = *s;
            continue;
        } else if (in == BLOCK && s[0] == '*' && s[1] == '/') {
            s[0] = s[1] = ' ';
            s++;
            in = CODE;
        } else if (in == QUOTE && *s == '\\' && s[1] != '\0' && s[1] != '\n') {
            s[0] = s[1] = ' ';
            s++;
        } else if (in == QUOTE && *s == quote) {
            in = CODE;
        }
        if (in != CODE && *s != '\n' && !(in == QUOTE && *s == quote)) {
            *s = ' ';
        }
    }
}

/* --- includes --------------------------------------------------------------------------------- */

static const struct {
    const char *header; /* a library's header, or a room */
    const char *rooms;  /* paths that may include it, blank-separated */
    const char *rule;
} doors[] = {
    {"<curses.h>", "ui/terminal/", "only ui/terminal/ knows curses"},
    {"<ncurses.h>", "ui/terminal/", "only ui/terminal/ knows curses"},
    {"<term.h>", "ui/terminal/", "only ui/terminal/ knows curses"},
    {"<sqlite3.h>", "store/ tests/", "only store/ knows SQLite"},
    {"<cblas.h>", "engine/blas.c", "only engine/blas.c knows BLAS"},
    {"\"engine/", "engine/ store/ lessons/ ui/ tests/", "anyone may use the engine"},
    {"\"store/", "store/ ui/ tests/", "the store serves ui only"},
    {"\"lessons/", "lessons/ ui/ tests/", "lessons serve ui only"},
    {"\"ui/", "ui/ tests/", "nothing below ui may know it"},
    {"\"tests/", "tests/", "tests serve nobody"},
};

static bool may(const char *path, const char *rooms)
{
    char list[128], *rest = NULL;
    (void)snprintf(list, sizeof list, "%s", rooms);
    for (char *room = strtok_r(list, " ", &rest); room != NULL; room = strtok_r(NULL, " ", &rest)) {
        if (starts(path, room)) {
            return true;
        }
    }
    return false;
}

static void check_include(const char *path, const char *line)
{
    const char *name = line + strcspn(line, "\"<");
    if (*name == '"' && strchr(name, '/') == NULL && !starts(path, "tests/")) {
        complain(path, line, "include by path from the top: \"room/file.h\"");
    }
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        if (starts(name, doors[i].header) && !may(path, doors[i].rooms)) {
            complain(path, line, doors[i].rule);
        }
    }
}

/* --- what the engine never does --------------------------------------------------------------- */

static void check_calls(const char *path, const char *line)
{
    static const char *const never[] = {"printf", "fprintf", "vprintf", "puts",  "fputs", "putchar",
                                        "perror", "exit",    "_exit",   "abort", "assert"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        size_t length = strlen(never[i]);
        for (const char *at = line; (at = strstr(at, never[i])) != NULL; at += length) {
            bool whole = at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
            if (whole && at[length + strspn(at + length, " ")] == '(') {
                complain(path, line, "the engine never prints, exits or aborts");
            }
        }
    }
}

/* A variable of file or function scope that can change: `static` or at column 0, not const. */
static void check_global(const char *path, const char *line)
{
    const char *at = line + strspn(line, " ");
    size_t length = strcspn(at, "\n");
    bool declares = length > 0 && at[length - 1] == ';' && memchr(at, '(', length) == NULL;
    if (starts(at, "static ") && declares && memmem(at, length, "const", 5) == NULL) {
        complain(path, line, "the engine has no mutable globals");
    }
}

static void check_file(const char *path)
{
    char *text = read_text(path);
    blank_text(text);
    files++;
    for (const char *line = text; *line != '\0';) {
        if (line[0] == '#' && starts(line + 1 + strspn(line + 1, " "), "include")) {
            check_include(path, line);
        }
        char copy[1024];
        (void)snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
        if (starts(path, "engine/")) {
            check_calls(path, copy);
            check_global(path, copy);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    free(text);
}

static void walk(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL) {
        return; /* a room that is not furnished yet */
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.') {
            continue;
        }
        if (ends(e->d_name, ".c") || ends(e->d_name, ".h") || ends(e->d_name, ".def")) {
            check_file(path);
        } else if (strchr(e->d_name, '.') == NULL) {
            walk(path);
        }
    }
    closedir(d);
}

static void doors_are_kept(void **state)
{
    (void)state;
    complaints = files = 0;
    quiet = false;
    walk("engine");
    walk("store");
    walk("lessons");
    walk("ui");
    walk("tests");
    assert_true(files > 20); /* run from the top of the tree */
    assert_int_equal(complaints, 0);
}

/* The checks themselves find what they should. */
static void broken_doors_are_found(void **state)
{
    (void)state;
    complaints = 0;
    quiet = true;
    check_include("engine/graph.c", "#include \"store/store.h\"");
    check_include("engine/graph.c", "#include \"ui/loop.h\"");
    check_include("store/store.c", "#include \"ui/loop.h\"");
    check_include("lessons/01/lesson.c", "#include <sqlite3.h>");
    check_include("ui/panels/loss.c", "#include <curses.h>");
    check_include("engine/ops/conv.c", "#include <cblas.h>");
    check_include("ui/main.c", "#include \"main.h\"");
    check_calls("engine/graph.c", "    printf(");
    check_calls("engine/graph.c", "    if (x) exit (1);");
    check_global("engine/graph.c", "static int counter;");
    check_global("engine/graph.c", "    static double cache[4];");
    assert_int_equal(complaints, 11);
    check_include("ui/terminal/terminal.c", "#include <curses.h>");
    check_include("engine/blas.c", "#include <cblas.h>");
    check_include("ui/run_view.h", "#include \"store/store.h\"");
    check_calls("engine/graph.c", "    snprintf(text, 3, x); nn_exit(2);");
    check_global("engine/graph.c", "static const int table[2];");
    check_global("engine/graph.c", "static int forward(const nn_exec *e);");
    assert_int_equal(complaints, 11);
    char text[] = "a(\"exit(1)\"); /* abort() */ 'x' b // printf(\nc \"\\\"exit(\"";
    blank_text(text);
    assert_null(strstr(text, "exit"));
    assert_null(strstr(text, "abort"));
    assert_null(strstr(text, "printf"));
    assert_non_null(strstr(text, "\nc \""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_doors_are_found),
        cmocka_unit_test(doors_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
