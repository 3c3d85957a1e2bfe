/* The examples behind a question about a run: a cell, row or column of the confusion matrix, a tag,
 * a filter, the most confident errors, a random sample, the nearest neighbours of one example.
 *
 * An example_book holds what is known of every example of one part of a run: the answers of its
 * last evaluation, and what people said (store/examples.h). It is read once (10,000 answers: a few
 * milliseconds); selecting from it touches no file. A book belongs to one thread. */
#ifndef GRADUS_UI_SELECTION_H
#define GRADUS_UI_SELECTION_H

#include "store/examples.h"

typedef struct {
    int64_t example; /* stable index in the source: what people call its number */
    int64_t place;   /* in its part */
    int truth;       /* label as the run saw it */
    int predicted;
    float probability;       /* of the predicted class */
    float truth_probability; /* of the true class */
    uint64_t tags;           /* bit i: book->tags[i] */
    int sampled;             /* place in the sample from 1; 0: not in it */
    bool seen;               /* of the sample: looked at */
    bool noted;
    int fix; /* index in book->fixes; -1: none */
    /* Of dev: the epoch since which it is answered right, 0: it is not; and the last one that
     * answered it wrong after the one before was right, 0: none. */
    int learned, forgotten;
} book_example;

typedef struct {
    run_row row;
    nn_part part;
    char content[EXAMPLE_CONTENT];
    book_example *examples; /* by number */
    int64_t count, errors;
    char (*class_names)[64];
    int classes;
    example_tag *tags; /* by position */
    int tag_count;
    example_note *notes; /* of the whole data set, by example */
    int note_count;
    label_fix *fixes; /* of the whole data set, by example */
    int fix_count;
    analysis sample; /* the newest of this part; id 0: none */
} example_book;

/* NULL and an error where the run has no answers for the part yet. */
example_book *example_book_open(store *s, run_id run, nn_part part, nn_error *error);
/* Reads again what people said; the answers stay. On failure the book is as it was. */
nn_status example_book_refresh(example_book *book, store *s, nn_error *error);
/* The same with another sample than the newest (0: none). */
nn_status example_book_sample(example_book *book, store *s, int64_t analysis_id, nn_error *error);
void example_book_free(example_book *book);
/* NULL where the part has no such example. O(log n). */
const book_example *example_book_find(const example_book *book, int64_t example);
const char *example_book_note(const example_book *book, int64_t example); /* "" without one */
/* "5" or a class's name, also the beginning of one; -1 and an error otherwise. */
int example_book_class(const example_book *book, const char *text, nn_error *error);
/* Index in book->tags; -1 where there is none of that name. */
int example_book_tag(const example_book *book, const char *name);
double book_example_loss(const book_example *example);   /* -ln p(truth), at most 87 */
double book_example_margin(const book_example *example); /* see SELECT_LOWEST_MARGIN */
static inline bool book_example_wrong(const book_example *example)
{
    return example->truth >= 0 && example->truth != example->predicted;
}

typedef enum {
    SELECT_IN_ORDER,  /* of the part */
    SELECT_CONFIDENT, /* highest p(predicted) first: most confident errors when errors_only */
    /* Least between the answer and the next: p(predicted) - p(truth) of errors; of right answers
     * 2 p - 1, the least it can be, as only two probabilities are kept. */
    SELECT_LOWEST_MARGIN,
    SELECT_LOSS,   /* largest first */
    SELECT_RANDOM, /* keyed by seed */
    SELECT_SAMPLE  /* the examples of the sample, in the order they were drawn */
} select_order;

typedef struct {
    bool errors_only;
    bool any_truth, any_predicted; /* false: only those below */
    int truth, predicted;
    const char *filter; /* "true=5 pred=3 p>0.8 tag!=blurry"; NULL or "": all */
    select_order order;
    uint64_t seed;
    int64_t limit; /* > 0: at most so many */
} selection_query;
selection_query selection_everything(void); /* all examples, in order */

typedef struct {
    int64_t *index; /* into book->examples */
    int64_t count;
    int64_t matching; /* before the limit */
} selection;

/* The words of a filter stand side by side and hold all together:
 *   true=5 true=Shirt true!=5   pred=3   p>0.8 p_true<=.1   loss>2   margin<0.1   id>=60000
 *   learned<3 forgotten>0
 *   tag=blurry tag!=blurry      wrong right   tagged untagged   noted fixed   sampled seen unseen
 * Comparisons: = != < <= > >=. Mistakes are answered with the word and what is possible. */
nn_status selection_make(const example_book *book, const selection_query *query, selection *found,
                         nn_error *error);
void selection_free(selection *found);
const char *selection_filter_help(void);

#endif
