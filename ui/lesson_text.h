/* The page of a chapter as lines that fit a number of columns, in either language: for the reader's
 * screen and for `gradus lesson N --print`. Knows no terminal. */
#ifndef GRADUS_UI_LESSON_TEXT_H
#define GRADUS_UI_LESSON_TEXT_H

#include "lessons/express.h"
#include "lessons/text.h"

typedef enum {
    LESSON_LINE_BLANK,
    LESSON_LINE_HEADING,
    LESSON_LINE_TEXT,
    LESSON_LINE_ITEM, /* of a list; its first line begins with a bullet, the others are indented */
    LESSON_LINE_MATH,
    LESSON_LINE_CODE,
    LESSON_LINE_SOURCE, /* the file that the code below is quoted from */
    LESSON_LINE_ASK,    /* a guess: its question */
    LESSON_LINE_OPTION, /* "a) ..." */
    LESSON_LINE_REASON  /* "a is right: ...", after the reveal */
} lesson_line_kind;

/* Bytes of a line that are bold (a term) or code. */
typedef struct {
    int start, length;
    bool code;
} lesson_mark;

typedef struct {
    lesson_line_kind kind;
    char *text; /* UTF-8, never wider than the columns asked for but for math and code */
    lesson_mark mark[8];
    int marks;
    int section; /* of the page, from 0: a heading begins one */
    int guess;   /* the number of the guess this line belongs to, -1 none. What comes after a guess
                    in its section may be hidden until it was answered or 0 pressed */
} lesson_line;

typedef struct {
    lesson_line *line;
    int lines, sections, guesses;
    lesson_guess guess[16];
    bool other_language; /* the text was missing: this is the other one */
} lesson_page;

/* Lays the text out. Expressions that fail stand as they are written; the first is reported in
 * `error` (NN_OK is returned all the same). lesson_page_free frees it. */
nn_status lesson_page_make(const lesson_source *source, lesson_language language, int columns,
                           const lesson_scope *scope, lesson_page *page, nn_error *error);
void lesson_page_free(lesson_page *page);
/* Any text of a lesson (a question, a reason) with its expressions filled in. Returns `out`. */
const char *lesson_filled(const lesson_scope *scope, lesson_text text, lesson_language language,
                          char *out, size_t size);

#endif
