/* What people say about single examples: tags, notes, corrected labels; and the random samples of a
 * run's errors that they work through (chapter 25).
 *
 * An example is (content, index): `content` is the checksum of the data as they lie in their source
 * (nn_dataset_checksum: no split, no fixes), index its stable place there (nn_dataset_id). So tags
 * given on one run serve every run on that data, however it was split. Writing goes through a
 * recorder, from any thread but its own; reading through a store. Lists are freed by the caller. */
#ifndef GRADUS_STORE_EXAMPLES_H
#define GRADUS_STORE_EXAMPLES_H

#include "store/annotate.h"

enum {
    EXAMPLE_CONTENT = 24, /* bytes of a checksum, with its NUL */
    EXAMPLE_TAGS = 64,    /* tags that one data set may have */
    EXAMPLE_EFFORT = 24,
    EXAMPLE_NOTE = 512,
    EXAMPLE_WHO = 64,
    EXAMPLE_RULE = 160
};

/* The checksum of the run's data; for runs recorded before it was kept: their fingerprint. */
nn_status store_run_content(store *s, run_id run, char content[EXAMPLE_CONTENT], nn_error *error);

/* The error of people on some data, or the least there can be; a share, NaN: not said. */
nn_status store_human_error(store *s, const char *content, double *share, nn_error *error);
/* NaN forgets it. Refuses what is no share. */
nn_status recorder_human_error(recorder *r, const char *content, double share, nn_error *error);

typedef struct {
    int64_t id;
    char name[STORE_TAG], colour[12];
    char effort[EXAMPLE_EFFORT]; /* "2 h", "hard"; "" not said */
    int position;                /* order of keys and tables, from 1 */
    int64_t count;               /* examples that bear it */
} example_tag;
/* By position. */
nn_status store_example_tags(store *s, const char *content, example_tag **list, int *count,
                             nn_error *error);

typedef struct {
    int64_t example, tag;
} example_tagging;
/* All of a data set, by example, then by the tags' position. */
nn_status store_taggings(store *s, const char *content, example_tagging **list, int *count,
                         nn_error *error);

typedef struct {
    int64_t example;
    char text[EXAMPLE_NOTE];
} example_note;
nn_status store_example_notes(store *s, const char *content, example_note **list, int *count,
                              nn_error *error);

/* A label that is wrong, and what it should be. Kept beside the data, never in it. */
typedef struct {
    int64_t example;
    int from, to; /* to -1: wrong, nobody knows the right one; the example is left out */
    int64_t made_ms;
    char who[EXAMPLE_WHO];
    /* By which rule the example came to be looked at. "" for those of the train part: it says
     * nothing about dev and test, where labels are fixed by one rule for both (chapter 25). */
    char rule[EXAMPLE_RULE];
} label_fix;
nn_status store_label_fixes(store *s, const char *content, label_fix **list, int *count,
                            nn_error *error);
/* Those that a run has seen. */
nn_status store_run_fixes(store *s, run_id run, label_fix **list, int *count, nn_error *error);

/* --- changes ------------------------------------------------------------------------------------
 */

typedef enum {
    EXAMPLE_TAG,      /* example, text: the tag; made if there is none of that name */
    EXAMPLE_UNTAG,    /* example, text */
    EXAMPLE_SET_NOTE, /* example, text; "" removes it */
    EXAMPLE_FIX,      /* example, from, to, who, rule: replaces an earlier fix */
    EXAMPLE_UNFIX,    /* example: the label is as it lies in the source */
    TAG_NEW,          /* text; colour and effort where given */
    TAG_RENAME,       /* text -> other; another tag of that name: refused, see TAG_MERGE */
    TAG_MERGE,        /* text into other: its examples get the other tag, it is gone */
    TAG_REMOVE,       /* text: from all its examples, and itself */
    TAG_COLOUR,       /* text, other */
    TAG_EFFORT,       /* text, other; "" not said */
    TAG_MOVE          /* text, position: the others make room */
} example_change_kind;

typedef struct {
    example_change_kind kind;
    int64_t example;
    char text[EXAMPLE_NOTE];
    char other[STORE_TAG];
    char colour[12];
    int position, from, to;
    char who[EXAMPLE_WHO], rule[EXAMPLE_RULE];
} example_change;

/* All of them or none; together one step of undo. `journal` names whose steps they are: a screen
 * gives a text of its own, commands share "". The error names the change that was refused. */
nn_status recorder_examples(recorder *r, const char *content, const char *journal,
                            const example_change *changes, int count, nn_error *error);
/* Takes back the journal's last step, or does it again. Refused, with nothing changed, where
 * somebody else changed the same thing since, and (NN_E_MISSING) where there is no step. Writes
 * what was done to `what` (NULL: do not). Steps outlive the process. */
enum { EXAMPLE_WHAT = 160 };
nn_status recorder_examples_undo(recorder *r, const char *content, const char *journal,
                                 char what[EXAMPLE_WHAT], nn_error *error);
nn_status recorder_examples_redo(recorder *r, const char *content, const char *journal,
                                 char what[EXAMPLE_WHAT], nn_error *error);

/* --- answers over the epochs --------------------------------------------------------------------
 */

/* Every evaluation of the dev part in step order, whose answers were kept. */
typedef struct {
    int epoch;
    int64_t count;
    unsigned char *predicted; /* class of each example, by its place in the part */
} answer_history;
nn_status store_answer_history(store *s, run_id run, answer_history **list, int *count,
                               nn_error *error);
void store_free_history(answer_history *list, int count);

/* --- answers for the train part -----------------------------------------------------------------
 */

/* Keeps answers that networks gave for examples of the run's train part which they had not learned
 * from (cross-validation): store_predictions reads them as those of NN_TRAIN. */
nn_status recorder_train_answers(recorder *r, run_id run, const store_prediction *answers,
                                 int64_t count, nn_error *error);

/* --- samples of errors --------------------------------------------------------------------------
 */

/* A random sample of the errors of a run, drawn once and kept. Shares are estimated from it alone:
 * what was tagged while browsing was not chosen at random. */
typedef struct {
    int64_t id;
    run_id run;
    nn_part part;
    uint64_t seed;
    int64_t errors, total; /* of the part, when it was drawn */
    int count, seen;       /* examples, and how many were looked at */
    int64_t made_ms;
} analysis;
/* Draws `size` errors (all, where there are fewer). Refuses a run without predictions or without
 * errors. Writes its number. */
nn_status recorder_new_analysis(recorder *r, run_id run, nn_part part, uint64_t seed, int size,
                                int64_t *id, nn_error *error);
/* Newest first. */
nn_status store_analyses(store *s, run_id run, analysis **list, int *count, nn_error *error);
typedef struct {
    int64_t example;
    bool seen;
} analysis_example;
/* In the order they were drawn. */
nn_status store_analysis_examples(store *s, int64_t id, analysis_example **list, int *count,
                                  nn_error *error);
/* These were looked at, whether they got a tag or not (an example with a tag counts as looked at
 * anyway). count -1: all of the sample. Examples outside the sample are passed over. */
nn_status recorder_analysis_seen(recorder *r, int64_t id, const int64_t *examples, int count,
                                 nn_error *error);

#endif
