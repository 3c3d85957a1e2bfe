/* What the builders of layers share. Private to engine/. */
#ifndef GRADUS_ENGINE_LAYERS_H
#define GRADUS_ENGINE_LAYERS_H

#include "engine/graph.h"

/* The parameter (or buffer) "layer.what" as a node; NULL with the error in the graph. */
nn_node *nn_layer_part(nn_graph *graph, const char *layer, const char *what, nn_shape shape,
                       nn_init init, bool buffer);
/* False, quietly, for a NULL graph or input; false with the error in the graph for a name that is
 * empty or leaves no room for those of the parts. */
bool nn_layer_fits(nn_graph *graph, const char *kind, const char *name, const nn_node *x);

#endif
