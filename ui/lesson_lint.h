/* What a chapter must keep to, as far as a program can tell (lessons/README.md lists the rules). */
#ifndef GRADUS_UI_LESSON_LINT_H
#define GRADUS_UI_LESSON_LINT_H

#include "lessons/check.h"
#include "lessons/text.h"

typedef void lesson_lint_say(void *context, const char *line);

/* Reads quoted sources below the folder `root` ("."). Returns the number of complaints, each of
 * which `say` hears as "lessons/ch01_x/text.en.md:12: what is wrong". */
int lesson_lint(const lesson_source *source, const char *root, lesson_lint_say *say, void *context);

/* Private to the linter's files. */
typedef struct {
    const lesson_source *source;
    const lesson *lesson;
    const char *root;
    lesson_lint_say *say;
    void *context;
    int complaints;
    lesson_trace *trace;
} lesson_linter;
void lint_complain(lesson_linter *lint, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Both languages side by side: blocks, expressions, numbers, words, quotes, terms. */
void lint_texts(lesson_linter *lint);
/* Every expression of `text` in `scope`. */
void lint_filled(lesson_linter *lint, const char *what, const lesson_scope *scope,
                 lesson_text text);
/* Whether `line` (blanks at its ends aside) is part of a line of the file. */
bool lint_quoted(const lesson_linter *lint, const char *path, const char *line, size_t length);

#endif
