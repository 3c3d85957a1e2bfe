/* What a chapter of the course is: data, and two kinds of functions (lessons/README.md shows how to
 * write one).
 *
 * A chapter is a folder lessons/chNN_slug/ with text.en.md, text.ko.md and lesson.c, which defines
 * one `lesson` (LESSON below). The build finds the folder by itself and puts text and lesson into
 * the program. Lessons include the engine and nothing else: no screen, no store.
 *
 * Ownership: a lesson and all it points to is constant and lives as long as the program. Threads: a
 * trace or a lab belongs to one thread; lesson_lab_cancel may be called from any. */
#ifndef GRADUS_LESSONS_LESSON_H
#define GRADUS_LESSONS_LESSON_H

#include "engine/trainer.h"
#include "lessons/trace.h"

/* --- what is asked ------------------------------------------------------------------------------
 */

enum {
    LESSON_HINTS = 3,
    LESSON_FORESEEN = 6,
    LESSON_OPTIONS = 6,
    LESSON_EXAMPLES = 4,
    LESSON_CHECKS = 8,
    LESSON_CLAIMS = 8,
    LESSON_LABS = 3,
    LESSON_CONTROLS = 12,
    LESSON_TERMS = 16,
    LESSON_FACTS = 32,
    LESSON_CHAPTERS = 51
};

typedef enum {
    CHECK_NUMBER, /* a number: "-0.57", "-57.4 %", "1/3", "1e-3" */
    CHECK_SHAPE,  /* "(4,3)", "4x3", "4 3" */
    CHECK_CHOICE  /* the option's letter a, b, ... */
} check_kind;

/* Text of questions, hints and reasons may hold expressions, {dz:.3f} (lessons/express.h), computed
 * from the trace with this check's inputs. */
typedef struct {
    const char *id; /* unique in the chapter: "dz" */
    check_kind kind;
    lesson_text question;
    /* Inputs of the trace for this check, "x1=3 y=0"; NULL: as the trace has them. A check never
     * sees what the learner edited elsewhere. */
    const char *given;
    const char *answer; /* number: an expression, "dw[2]"; shape: a value's name, "W1" */
    double tolerance;   /* number: absolute, > 0; printed with the question */
    struct {
        const char *answer; /* number: an expression; shape: "(3,4)" */
        lesson_text why;    /* what was confused, and what to do */
    } foreseen[LESSON_FORESEEN];
    struct {
        lesson_text text;
        const char *holds; /* choice: an expression that is true (not 0) for the one right option */
        lesson_text why;   /* for every option, the right one too */
    } options[LESSON_OPTIONS];
    lesson_text hints[LESSON_HINTS]; /* each says more than the one before */
    lesson_text explanation;         /* shown with the answer */
    /* For the linter: what must be judged right (CHECK_RIGHT or CHECK_NEARLY) and what not. */
    const char *right[LESSON_EXAMPLES], *wrong[LESSON_EXAMPLES];
} lesson_check;

/* --- lab ----------------------------------------------------------------------------------------
 */

typedef enum { LAB_REAL, LAB_WHOLE, LAB_FLAG, LAB_CHOICE } lab_control_kind;

typedef struct {
    const char *name; /* "rate"; the key in the store's parameters */
    lab_control_kind kind;
    double value, least, most; /* default and range; of a choice the default's place, from 0 */
    const char *choices;       /* "zero random" */
    lesson_text label, help;   /* label: at most 24 columns */
} lab_control;

typedef struct lab lab; /* one run of it under way: lessons/lab.h */

typedef struct {
    const char *id; /* "init" */
    lesson_text title, goal;
    lesson_text guess, guess_answer; /* asked before the first run, told after it; never graded */
    const char *panels; /* blank-separated: names of ui/panels/panels.def, and the lab's own
                           pictures and curves (lab_picture, lab_curve) */
    lab_control controls[LESSON_CONTROLS];
    /* One experiment with the controls as they are set. */
    nn_status (*run)(lab *l, nn_error *error);
    /* Measures every number that the claims name, as a rule by the same work as `run` with several
     * settings. NULL: `run` with the defaults does. Quick: under 5 s; full: under 60 s on two
     * cores. */
    nn_status (*prove)(lab *l, nn_error *error);
} lesson_lab;

/* --- claim --------------------------------------------------------------------------------------
 */

typedef enum { CLAIM_LESS, CLAIM_AT_MOST, CLAIM_MORE, CLAIM_AT_LEAST, CLAIM_EQUALS } claim_relation;

typedef struct {
    const char *id;
    lesson_text text;
    const char *lab;         /* whose numbers it uses; NULL: the trace alone */
    const char *measured;    /* expression over the trace's values and the lab's measured numbers */
    claim_relation relation; /* measured RELATION bound; EQUALS: within `tolerance` */
    const char *bound;       /* expression too: "0.15", "cost_zero * 1.01" */
    double tolerance;
    bool full_only; /* skipped in the quick preset, and said so */
} lesson_claim;

/* --- the chapter --------------------------------------------------------------------------------
 */

typedef struct {
    lesson_text term, meaning;
} lesson_term;

typedef struct {
    int chapter;
    const char *prerequisites;       /* chapters, "1 2"; "" for none */
    lesson_term terms[LESSON_TERMS]; /* that this chapter teaches: the glossary is made of them */
    /* Golden numbers (tests/golden) that the trace must equal: a fact's id, and the values, each
     * an expression or the name of a whole value: {"ch01-ex-after-update", "z_new; a_new"}. */
    struct {
        const char *id, *values;
    } facts[LESSON_FACTS];
    void (*trace)(lesson_trace *t); /* the worked example: lessons/trace.h */
    lesson_lab labs[LESSON_LABS];   /* at least one */
    lesson_claim claims[LESSON_CLAIMS];
    lesson_check checks[LESSON_CHECKS]; /* at least three */
} lesson;

/* LESSON(ch01) = {...}; in lessons/ch01_slug/lesson.c */
#define LESSON(name)                                                                               \
    extern const lesson lesson_##name;                                                             \
    const lesson lesson_##name

/* --- all chapters -------------------------------------------------------------------------------
 */

typedef enum { LESSON_EN, LESSON_KO, LESSON_LANGUAGES } lesson_language;
const char *lesson_language_name(lesson_language language); /* "en" */
/* The text in that language; in the other one where it is missing (never NULL). */
const char *lesson_say(lesson_text text, lesson_language language);
bool lesson_said(lesson_text text); /* in both languages */

/* The titles of the 51 chapters, whether written or not (lessons/chapters.def). 1..51. */
lesson_text lesson_title(int chapter);
int lesson_part(int chapter); /* 1..5 */
lesson_text lesson_part_title(int part);

/* What the build found in lessons/chNN_*: made by lessons/embed.sh. */
typedef struct {
    const char *folder; /* "ch01_logistic" */
    const lesson *lesson;
    const char *text[LESSON_LANGUAGES]; /* text.en.md, text.ko.md */
    const char *code;                   /* lesson.c */
} lesson_source;
extern const lesson_source lesson_sources[]; /* by chapter; ends with folder NULL */

/* NULL where the chapter is not written. */
const lesson_source *lesson_find(int chapter);

/* How many of the arrays above are used. */
int lesson_check_count(const lesson *l);
int lesson_claim_count(const lesson *l);
int lesson_lab_count(const lesson *l);
int lesson_term_count(const lesson *l);
int lab_control_count(const lesson_lab *l);

#endif
