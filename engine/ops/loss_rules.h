/* Shape rules that the losses share, and what they take from a label. Private to engine/ops. */
#ifndef GRADUS_ENGINE_OPS_LOSS_RULES_H
#define GRADUS_ENGINE_OPS_LOSS_RULES_H

#include "engine/losses.h"
#include "engine/ops/rules.h"

#include <math.h>

/* Input i must be real numbers of the shape of input 0, batch included. */
nn_status nn_expect_like_first(const nn_node *node, int i, nn_error *error);
/* Input i must be whole numbers with the batch in front, `sample` an example. `what` names them:
 * "labels must be one whole number an example". */
nn_status nn_expect_whole(const nn_node *node, int i, const char *what, nn_shape sample,
                          nn_error *error);
/* Input i, where it is there, must be a parameter or buffer with a number for each of `count`. */
nn_status nn_expect_vector(const nn_node *node, int i, const char *what, int64_t count,
                           nn_error *error);
/* Shape of an example of input 0 without its last dimension, whose size goes to `classes`. */
nn_shape nn_without_classes(const nn_node *node, int64_t *classes);

static inline bool nn_is_ignored(nn_label_args args, int32_t label)
{
    return args.ignores && label == args.ignored;
}

static inline bool nn_is_class(int32_t label, int64_t classes)
{
    return label >= 0 && label < classes;
}

/* Where backward may have to overwrite garbage before it adds to single elements. */
static inline void nn_begin_gradient(nn_real *gradient, bool add, int64_t count)
{
    for (int64_t i = 0; gradient && !add && i < count; i++)
        gradient[i] = 0;
}

#endif
