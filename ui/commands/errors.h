/* What the files of `gradus errors` share. */
#ifndef GRADUS_UI_COMMANDS_ERRORS_H
#define GRADUS_UI_COMMANDS_ERRORS_H

#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"
#include "ui/selection.h"

typedef struct {
    const char *part, *filter, *order, *rank, *beside, *rule, *store, *space;
    bool all, nearest, ceiling, suspects, tag, untag, note, tags, rename, merge, remove, effort,
        colour;
    bool session, seen, fix, wrong, unfix, fixes, undo, redo, json;
    int sample, limit, folds;
    double top;
    uint64_t seed;
} errors_settings;

/* One call of the command: the run, its books, and the words after the run. */
typedef struct {
    const errors_settings *o;
    store *s;
    run_id run;
    example_book *dev, *test; /* NULL: that part was not measured */
    example_book *train;      /* NULL: nobody asked with --folds */
    example_book *book;       /* of the part that was asked for */
    const char *const *words;
    int word_count;
} errors_job;

/* Each does its part and prints. NN_E_ARG: wrong usage. */
nn_status errors_list(errors_job *job, nn_error *error);
nn_status errors_nearest(errors_job *job, nn_error *error);
nn_status errors_tags(errors_job *job, nn_error *error);
nn_status errors_session(errors_job *job, nn_error *error);
nn_status errors_ceiling(errors_job *job, nn_error *error);
nn_status errors_suspects(errors_job *job, nn_error *error);
nn_status errors_fixes(errors_job *job, nn_error *error);
/* --tag, --untag, --note, --rename, --merge, --remove, --effort, --colour, --undo, --redo, --seen,
 * --sample */
nn_status errors_change(errors_job *job, nn_error *error);
/* --fix, --wrong, --unfix */
nn_status errors_fix(errors_job *job, nn_error *error);

const char *errors_class_name(const example_book *book, int label);
/* The head of every answer: run, name, part, count, errors, error. */
void errors_json_head(json_out *json, const example_book *book);
void errors_json_example(json_out *json, const example_book *book, const book_example *e);
nn_status errors_json_end(json_out *json, nn_error *error); /* closes the object and the line */
nn_status errors_text_end(nn_error *error);                 /* flushes stdout */
/* The book that holds the example; NULL: neither. */
const example_book *errors_book_of(const errors_job *job, int64_t example);
/* A word as an example's number; refuses what is none, and one that the run's data do not have. */
nn_status errors_read_id(errors_job *job, const char *word, int64_t *example, nn_error *error);
bool errors_is_number(const char *word);

#endif
