/* The Course: the list of chapters, and in a chapter its page, worked example, lab and checks.
 * Belongs to the UI thread; progress is written in the background. */
#ifndef GRADUS_UI_COURSE_H
#define GRADUS_UI_COURSE_H

#include "lessons/check.h"
#include "store/progress.h"
#include "ui/lesson_text.h"
#include "ui/screens/app.h"

/* In this order a chapter is gone through. */
typedef enum { PANE_HOME, PANE_READ, PANE_STEP, PANE_LAB, PANE_CHECK, PANE_COUNT } course_pane;

typedef struct {
    list_view list; /* of lines: headings of parts, and chapters */
} course_home;

typedef struct {
    lesson_page page; /* laid out for `columns` in `language`; empty while columns is 0 */
    int columns;
    glyph_level glyphs;
    lesson_language language;
    int section, top;    /* top: of the section's open lines, the first that is seen */
    int rows;            /* seen at once: as last drawn */
    int term, symbol;    /* which of those on the page is lit, -1 none */
    int want_block;      /* where to be after the next layout, -1: as it is */
    lesson_trace *trace; /* whose values the text names; NULL: it cannot be run */
} course_read;

enum { STEP_EDITS = 16 };
typedef struct {
    int chapter;         /* whose example it is */
    lesson_trace *trace; /* NULL: it cannot be run */
    int at;              /* the entry that is shown */
    list_view list;
    double *before[TRACE_VALUES]; /* the numbers before the last edit; NULL: there was none */
    char edit[STEP_EDITS][PROMPT_BYTES]; /* of inputs, as typed, one after another */
    int edits, edits_before_reset;
    bool asking;              /* numbers are guessed before they are shown */
    bool hidden;              /* this one is not shown yet */
    bool missed;              /* it was guessed wrongly: now with the numbers put in */
    int streak[TRACE_VALUES]; /* right guesses in a row */
    bool editing;             /* `line` holds inputs */
    prompt line;
    char slope[400]; /* what the finite-difference check found; "" */
} course_step;

typedef struct {
    char answer[PROGRESS_ANSWER];
    check_verdict verdict; /* of it */
    bool tried, shown;     /* answered; its answer was looked at */
    bool broken;           /* the check itself failed: problem */
    char problem[320];
    int hints; /* the hint that is seen, 0 none */
} course_answered;

typedef struct {
    int chapter;
    int at;              /* the question */
    lesson_trace *trace; /* with its inputs */
    course_answered answered[LESSON_CHECKS];
    prompt line;
    int top, last; /* scrolled to, and how far that can go */
    bool to_end;   /* at the next drawing */
} course_check;

/* A list over the Course that typing narrows. */
typedef enum { FIND_NOTHING, FIND_TEXT, FIND_WORDS, FIND_CONTENTS } course_find_what;
enum { FIND_HITS = 200 };
typedef struct {
    int chapter, section, block;
    const lesson_term *term; /* of the glossary; NULL: text */
    char heading[128], text[400];
} course_hit;
typedef struct {
    course_find_what what;
    prompt search;
    list_view list;
    course_hit hit[FIND_HITS];
    int count;
} course_find;

typedef struct course_screen {
    int chapter; /* 1..51, of the pane; of Home the selected one */
    lesson_language language;
    course_pane pane;
    course_home home;
    course_read read;
    course_step step;
    course_check check;
    course_find find;
    struct course_lab *lab; /* course_lab.c's own; NULL until the pane was opened */
    progress_place place[LESSON_CHAPTERS + 1]; /* chapter 0 in it: never opened */
    progress_place saved;                      /* the last one that was */
    progress_item *items;                      /* of all chapters */
    int item_count;
    bool known;                     /* progress has been read from the store */
    int forgetting;                 /* asked about this chapter, 0: nothing is asked */
    progress_place forgotten;       /* for undo; chapter 0: nothing */
    progress_item *forgotten_items; /* of it */
    int forgotten_count;
    bool reading_only; /* progress is not saved */
} course_screen;

/* The lesson of the chapter that is open; NULL: not written. */
const lesson_source *course_source(const app *a);
/* The text in the language that is shown. */
const char *course_say(const app *a, lesson_text text);
/* The same for words of the screens themselves. */
const char *course_word(const app *a, const char *en, const char *ko);

/* A label or help line of a command; what has no Korean comes back as it is. */
const char *course_korean(const char *text);

/* The text as this terminal can show it: formulas spelt out where it has ASCII alone. Returns
 * `out`.
 */
const char *course_plain(const app *a, const char *text, char *out, size_t size);

/* Opens a part of a chapter and remembers that place. */
void course_go(app *a, int chapter, course_pane pane);
/* The part after the one that is open; after the last one Home. */
void course_next_pane(app *a, int by);

/* course_progress.c: what the learner has done. The place and items here follow at once, the store
 * a moment later. */
void course_read_progress(app *a);
void course_save_place(app *a);
void course_forget(app *a, int chapter);
bool course_remember(app *a);  /* what was forgotten last; false: nothing was */
void course_save_done(app *a); /* the place after `done` was set in it */
void course_save_item(app *a, const progress_item *item);
const progress_item *course_item(const app *a, int chapter, const char *kind, const char *id);
int course_passed(const app *a, int chapter); /* checks */

/* course_home.c, course_read.c: each draws into the clip. */
void course_home_draw(app *a, canvas *c);
bool course_home_do(app *a, command_id what);
void course_home_standing(const app *a, char *text, size_t size);
void course_read_open(app *a);
void course_read_draw(app *a, canvas *c);
bool course_read_do(app *a, command_id what);
/* The word that is lit; "": none. */
const char *course_read_word(const app *a);
void course_read_standing(const app *a, char *text, size_t size);
void course_read_free(app *a);
void course_read_jump(app *a, int number);          /* page, from 1 */
bool course_read_key(app *a, const key_event *key); /* letters of an open guess */
bool course_read_guess(app *a, const char *letter); /* as if it was pressed */
/* The lines of the section that are open: those behind a guess wait for it. Places in
 * read.page.line, in `lines` with room for read.page.lines; returns how many. The guess that is
 * open, or -1, in `open`. */
int course_read_lines(const app *a, int *lines, int *open);

/* course_light.c: words of the glossary and names of the trace on the page. */
typedef struct {
    const lesson_term *term;
    int chapter;     /* that teaches it */
    int line;        /* of the page; its end may be on the next one */
    int start, here; /* first byte, and how many on that line */
    int rest_start, rest;
} course_term_hit;
enum { TERM_HITS = 32 };
/* Each word once, where it stands first in those lines. */
int course_find_terms(const app *a, const int *lines, int count, course_term_hit hits[TERM_HITS]);
/* The places in the trace of the names in formulas and code of those lines. */
int course_find_symbols(const app *a, const int *lines, int count, int entries[TRACE_VALUES]);
/* The next place from byte `from` on where a line of formulas or code says the name; -1: none. */
int course_symbol_in(const lesson_line *line, const trace_entry *entry, int from, int *length);
/* "0.4", "(2, 5)", "2x3": a value in a few columns. Returns `text`. */
const char *course_value_text(const trace_entry *entry, char *text, size_t size);

/* A line that takes numbers and shapes: it begins with a digit, sign, dot or parenthesis; a 0 alone
 * and then Space asks for the answer. */
typedef enum { ANSWER_UNUSED, ANSWER_TYPED, ANSWER_GIVEN, ANSWER_SHOW } course_answer;
course_answer course_answer_key(prompt *line, const key_event *key);

/* course_step.c, course_check.c. `typing`: the hints while a line is typed, else NULL. */
void course_step_open(app *a);
void course_step_jump(app *a, int number); /* from 1 */
void course_step_draw(app *a, canvas *c);
bool course_step_do(app *a, command_id what);
bool course_step_key(app *a, const key_event *key);
const char *course_step_typing(const app *a);
void course_step_standing(const app *a, char *text, size_t size);
void course_step_free(app *a);
bool course_step_changed(const course_step *s, int at); /* by the last edit */
double course_step_tolerance(double value);             /* of a guess */
void course_check_open(app *a);
void course_check_jump(app *a, int number);
void course_check_draw(app *a, canvas *c);
bool course_check_do(app *a, command_id what);
bool course_check_key(app *a, const key_event *key);
bool course_check_answer(app *a, const char *text); /* false: it is settled already */
const char *course_check_typing(const app *a);
void course_check_standing(const app *a, char *text, size_t size);
void course_check_free(app *a);

/* course_find.c: search and glossary. */
void course_find_open(app *a, course_find_what what, const char *words);
void course_find_draw(app *a, canvas *c);
bool course_find_key(app *a, const key_event *key);
const char *course_find_typing(const app *a);
void course_find_standing(const app *a, char *text, size_t size);

/* course_code.c: "path: part of its line" as "path:57" and the whole line, where the source is at
 * hand; else as it is quoted. False: nothing is quoted. */
bool course_code_line(const lesson_source *source, const char *code, char *place, size_t place_size,
                      char *line, size_t line_size);
/* The line of that file `first` lines below the quoted one (above: negative), as it stands; returns
 * its number, 0: it is not at hand. */
int course_code_around(const lesson_source *source, const char *code, int first, char *line,
                       size_t size);

#endif
