/* The text of a chapter as blocks, before it is laid out: Markdown whose fenced blocks mean
 * something.
 *
 *     ## Heading                         a page of the reader begins
 *     paragraphs, lists ("- "), **terms**, `code`, {expressions}
 *     ```math                            formulas, a line each, as they stand
 *     ```c path/of/source.c              lines quoted from that file
 *     ```guess id                        a question, then options "a) text | reason", the right one
 *                                        with a star before its letter
 */
#ifndef GRADUS_LESSONS_TEXT_H
#define GRADUS_LESSONS_TEXT_H

#include "engine/status.h"
#include "lessons/lesson.h"

enum { GUESS_TEXT = 640 };

typedef struct {
    char id[TRACE_NAME];
    char question[GUESS_TEXT];
    struct {
        char text[GUESS_TEXT], reason[GUESS_TEXT];
    } option[LESSON_OPTIONS];
    int options, right; /* right: from 0, -1 none marked */
} lesson_guess;

/* Reads the inside of a ```guess block, `length` bytes; `info` is "guess id". */
nn_status lesson_guess_read(const char *info, const char *text, size_t length, lesson_guess *guess,
                            nn_error *error);

typedef enum {
    BLOCK_HEADING,
    BLOCK_PARAGRAPH,
    BLOCK_ITEM,
    BLOCK_MATH,
    BLOCK_CODE,
    BLOCK_GUESS
} lesson_block_kind;

/* A piece of the text it was read from. */
typedef struct {
    lesson_block_kind kind;
    const char *text; /* not ended by a NUL */
    size_t length;
    char info[128]; /* of a fence: "c lessons/ch01_x/lesson.c" */
    int line;       /* of the file, from 1 */
} lesson_block;

/* The next block at *at, which moves behind it; *line counts along. False at the end. */
bool lesson_block_next(const char **at, int *line, lesson_block *block);

#endif
