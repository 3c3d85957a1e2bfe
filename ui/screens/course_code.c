/* The line of C that a step quotes: in the chapter's own source, which the program carries, or in
 * the folder that the program runs in. */
#include "ui/screens/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
    enum { ROOM = 1 << 18 };
    FILE *file = strstr(path, "..") ? NULL : fopen(path, "rb");
    char *text = file ? malloc(ROOM) : NULL;
    if (text)
        text[fread(text, 1, ROOM - 1, file)] = '\0';
    if (file)
        fclose(file);
    return text;
}

/* Where the fragment stands as code, not where a trace quotes it after a quotation mark. */
static const char *find_code(const char *text, const char *fragment)
{
    const char *at = text;
    while (at && (at = strstr(at, fragment)) && at > text && at[-1] == '"')
        at++;
    return at;
}

static int line_number(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* The whole line around `at`, without the blanks at its ends. */
static void whole_line(const char *text, const char *at, char *line, size_t size)
{
    while (at > text && at[-1] != '\n')
        at--;
    at += strspn(at, " \t");
    snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* The file that `code` names, and where its fragment stands in it; NULL: not at hand. `*owned` is
 * freed by the caller. */
static const char *open_code(const lesson_source *source, const char *code, const char **at,
                             char **owned)
{
    const char *colon = strstr(code, ": ");
    char own[160], place[300];
    *owned = NULL;
    snprintf(place, sizeof place, "%.*s", (int)(colon - code), code);
    snprintf(own, sizeof own, "lessons/%s/lesson.c", source->folder);
    const char *text = strcmp(place, own) == 0 ? source->code : (*owned = read_file(place));
    *at = text ? find_code(text, colon + 2) : NULL;
    return *at ? text : NULL;
}

bool course_code_line(const lesson_source *source, const char *code, char *place, size_t place_size,
                      char *line, size_t line_size)
{
    const char *colon = code ? strstr(code, ": ") : NULL, *at;
    if (!colon)
        return false;
    char *owned;
    const char *text = open_code(source, code, &at, &owned);
    snprintf(place, place_size, "%.*s", (int)(colon - code), code);
    snprintf(line, line_size, "%s", colon + 2);
    if (text) {
        size_t used = strlen(place);
        snprintf(place + used, place_size - used, ":%d", line_number(text, at));
        whole_line(text, at, line, line_size);
    }
    free(owned);
    return true;
}

int course_code_around(const lesson_source *source, const char *code, int first, char *line,
                       size_t size)
{
    const char *at;
    char *owned;
    if (!code || !strstr(code, ": "))
        return 0;
    const char *text = open_code(source, code, &at, &owned);
    int wanted = text ? line_number(text, at) + first : 0;
    for (int number = 1; text && wanted > 0 && *text && number < wanted; number++) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    bool there = text && wanted > 0 && *text;
    if (there)
        snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
    free(owned);
    return there ? wanted : 0;
}
