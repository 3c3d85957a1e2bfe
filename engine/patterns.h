/* Settings for some parameters of a model, named by patterns. Private to engine/.
 *
 * A pattern is a name with * for any characters and ? for one. It means every parameter whose name
 * fits, and every parameter of a layer whose name fits: "conv1" is conv1.weight and conv1.bias. */
#ifndef GRADUS_ENGINE_PATTERNS_H
#define GRADUS_ENGINE_PATTERNS_H

#include "engine/optimizer.h"

bool nn_pattern_fits(const char *pattern, const char *param_name);

/* "conv*=0.1,fc=1": multiplies the rates of what fits; where several fit, the last one counts.
 * Refuses what fits nothing, with the column and the names there are. */
nn_status nn_set_rates(const nn_model *model, nn_optimizer *optimizer, const char *text,
                       nn_error *error);
/* "conv*,bn1": freezes, or melts, what fits. *changed (may be NULL): how many parameters were not
 * so before. Refuses what fits nothing, and to freeze everything. */
nn_status nn_set_frozen(nn_model *model, const char *text, bool frozen, int *changed,
                        nn_error *error);

#endif
