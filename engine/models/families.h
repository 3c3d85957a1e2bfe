/* The families of architectures, one file each. Private to engine/models. */
#ifndef GRADUS_ENGINE_MODELS_FAMILIES_H
#define GRADUS_ENGINE_MODELS_FAMILIES_H

#include "engine/models/catalogue.h"

typedef struct {
    const nn_architecture *list;
    int count;
} nn_architecture_family;
#define NN_FAMILY(list)                                                                            \
    {                                                                                              \
        (list), (int)(sizeof(list) / sizeof *(list))                                               \
    }

/* "block1.conv2"; cut off at the end of the room, which nn_conv and its like then refuse. */
const char *nn_join_name(char text[NN_NAME_MAX], const char *name, const char *part);

/* x as (n,steps,features): a table row becomes steps of one number, an image the sequence of its
 * rows. */
nn_node *nn_as_steps(nn_graph *graph, nn_node *x);

/* Logits (n,T,words) as the output, and as the loss the cross-entropy of an input "labels" (n,T),
 * the mean over those that are not NN_NO_LABEL. */
enum { NN_NO_LABEL = -100 };
void nn_assemble_tokens(nn_graph *graph, nn_assembly *made, nn_node *logits, nn_node *labels);

/* Padding that keeps rows and columns (at stride 1) of an odd kernel. */
nn_conv_args nn_centred(int kernel, int stride);
/* Convolution with bias, He's weights, and ReLU. */
nn_node *nn_conv_relu(nn_graph *graph, const char *name, nn_node *x, int filters, int kernel,
                      nn_conv_args args);

extern const nn_architecture_family nn_convolutional_family; /* classifiers of images */
extern const nn_architecture_family nn_vision_family;        /* what else is asked of images */
extern const nn_architecture_family nn_sequences_family;     /* one step after another */
extern const nn_architecture_family nn_words_family;         /* word vectors */
extern const nn_architecture_family nn_attention_family;     /* transformers and their kin */
extern const nn_architecture_family nn_translation_family;   /* one sequence from another */

#endif
