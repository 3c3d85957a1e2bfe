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

bool course_code_line(const lesson_source *source, const char *code, char *place, size_t place_size,
                      char *line, size_t line_size)
{
    const char *colon = code ? strstr(code, ": ") : NULL;
    if (!colon)
        return false;
    char own[160];
    snprintf(place, place_size, "%.*s", (int)(colon - code), code);
    snprintf(own, sizeof own, "lessons/%s/lesson.c", source->folder);
    bool is_own = strcmp(place, own) == 0;
    char *file = is_own ? NULL : read_file(place);
    const char *text = is_own ? source->code : file;
    const char *at = text ? find_code(text, colon + 2) : NULL;
    snprintf(line, line_size, "%s", colon + 2);
    if (at) {
        size_t used = strlen(place);
        snprintf(place + used, place_size - used, ":%d", line_number(text, at));
        whole_line(text, at, line, line_size);
    }
    free(file);
    return true;
}
