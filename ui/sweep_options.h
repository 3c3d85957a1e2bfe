/* From a trial's point to the options of a training.
 *
 * A parameter is an option of a training ("lr", "batch", "dropout", "optimizer" ...), or stands in
 * braces in the text of one: --model "flatten | dense {units} | relu | dense 10". Text in brackets
 * is repeated: "flatten | [dense {units} | relu | ]*{layers} dense 10". With the model mlp the
 * parameters layers and units need no such text. */
#ifndef GRADUS_UI_SWEEP_OPTIONS_H
#define GRADUS_UI_SWEEP_OPTIONS_H

#include "engine/search/space.h"
#include "ui/session.h"

typedef struct {
    train_texts base, expanded;
    char values[NN_SPACE_PARAMS][NN_SPACE_TEXT];
} sweep_texts;

/* The options that the study's trainings have in common (with its model and data in words), as the
 * store keeps them. Room for TRAIN_PARAMS + 1. */
int sweep_base_params(const train_options *base, store_param *params);

/* Those of one trial. Strings lie in `texts`, which must outlive the options. `data` shapes the
 * layers of an mlp. Refuses what no training takes, naming the parameter. */
nn_status sweep_trial_options(const store_param *base, int count, const nn_space *space,
                              const nn_point *point, const nn_dataset *data, train_options *options,
                              sweep_texts *texts, nn_error *error);

/* A study's space against its options, before anything is begun: every parameter must change
 * something, and values from all over the space must be legal. */
nn_status sweep_check_space(const store_param *base, int count, const nn_space *space,
                            const nn_dataset *data, nn_error *error);

/* Replaces {name} by values and repeats [TEXT]*{name}; other text stays. */
nn_status sweep_expand(const char *text, const nn_space *space, const nn_point *point, char *out,
                       size_t size, nn_error *error);

#endif
