/* How much each parameter decides about the objective, and which trials nothing else beats.
 *
 * Importance is permutation importance on bagged regression trees (Breiman 1996, 2001): trees learn
 * a trial's rank from its parameters; where the values of one parameter are shuffled among trials
 * that a tree has not seen, its error grows by twice what the parameter decides of the variance,
 * alone or together with others (so shares may add up to more than 1). Ranks, so that a diverged
 * trial does not drown the others; pruned trials count by how far they came. The uncertainty is a
 * jackknife: a dozen forests, each without a random fifth of the trials. */
#ifndef GRADUS_ENGINE_SEARCH_IMPORTANCE_H
#define GRADUS_ENGINE_SEARCH_IMPORTANCE_H

#include "engine/search/sampler.h"

typedef struct {
    double share;     /* of the variance of the ranks that is lost with the parameter; 0 and more */
    double deviation; /* standard deviation of the share */
} nn_importance;

enum { NN_IMPORTANCE_LEAST = 8 }; /* trials */

/* One entry a parameter of the space; *explained (may be NULL): the share of the variance that the
 * forests predict of trials they have not seen. NN_E_STATE with fewer trials than it takes. Pure:
 * the seed decides. */
nn_status nn_importances(const nn_space *space, const nn_trial_record *history, int count,
                         uint64_t seed, nn_importance *importance, double *explained,
                         nn_error *error);

/* front[i]: no other is at least as good in both and better in one; smaller is better, NaN never
 * belongs to it. */
void nn_pareto_front(const double *a, const double *b, int count, bool *front);

#endif
