/* Labels that are probably wrong, found from probabilities of a network that did not learn from
 * those examples (confident learning: Northcutt, Jiang and Chuang 2021), and the rule by which
 * labels may be fixed (chapter 25). */
#ifndef GRADUS_UI_SUSPECTS_H
#define GRADUS_UI_SUSPECTS_H

#include "ui/selection.h"

typedef enum {
    SUSPECT_SELF,  /* self-confidence: p(given). Found more of the labels flipped on purpose in
                      Fashion-MNIST: 84 % of its top 5 % were, 72 % of the other's */
    SUSPECT_MARGIN /* normalised margin: (1 + p(given) - p(best other)) / 2 */
} suspect_rank;

typedef struct {
    int64_t example;
    nn_part part;
    int given, suggested; /* label, and the class that the network holds more likely */
    float p_given, p_suggested;
    double score; /* 0..1, low: suspicious. Of right answers the margin is the least it can be */
    /* The network is at least as sure of the suggested class as it is on average of examples that
     * bear it as their label: off the diagonal of the confident joint. */
    bool likely;
} suspect;

typedef struct {
    suspect *list; /* every example, most suspicious first */
    int64_t count;
    int64_t likely; /* estimated number of wrong labels */
    int classes;
    double *threshold; /* of each class: mean p(class) over examples labelled so; NaN: none */
} suspect_list;

/* Over all books (parts of one run) by one rule. */
nn_status suspects_rank(const example_book *const *books, int count, suspect_rank rank,
                        suspect_list *found, nn_error *error);
void suspects_free(suspect_list *found);
/* NULL where it is in none of the books. */
const suspect *suspects_find(const suspect_list *found, int64_t example);

/* Fills the rule of a fix, or refuses it. Dev and test have to be looked through by one rule: a
 * label of theirs may be fixed when `given_rule` names what was done to both, when the example is
 * a likely suspect of the ranking over both (`dev` and `test`; test NULL: the data has none), or
 * where there is no test part. In train anything may be fixed (rule ""). */
nn_status suspects_rule(const example_book *dev, const example_book *test, int64_t example,
                        const char *given_rule, char rule[EXAMPLE_RULE], nn_error *error);

#endif
