/* Runs one operator: from the request to a graph, a plan, and the numbers that come out. */
#include "engine/exec.h"
#include "ui/onnx/call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PLAN_BYTES = 512 << 20 };

/* --- what goes in -------------------------------------------------------------------------------
 */

static nn_status feed_leaf(const onnx_call *call, const onnx_leaf *leaf, nn_exec *exec,
                           nn_error *error)
{
    void *room = nn_exec_feed(exec, leaf->node);
    if (!room) /* a parameter, or nobody uses it */
        return NN_OK;
    nn_view view = nn_value(exec, leaf->node);
    int64_t count = nn_shape_count(view.shape), outer = 1, inner = count;
    const float *from = leaf->own;
    if (leaf->input >= 0) {
        const onnx_tensor *input = onnx_input(call, leaf->input);
        from = input->data;
        if (leaf->axis > 0)
            onnx_around(input->shape, leaf->axis, &outer, &inner);
        else
            inner = count / call->batch;
    } else {
        inner = count / call->batch;
    }
    if (count != outer * call->batch * inner)
        return nn_fail(error, NN_E_SHAPE, "%s: an input has the wrong size", call->op->name);
    if (view.dtype == NN_I32) {
        int32_t *to = room;
        for (int64_t b = 0; b < call->batch; b++)
            for (int64_t o = 0; o < outer; o++)
                for (int64_t i = 0; i < inner; i++)
                    *to++ = (int32_t)from[(o * call->batch + b) * inner + i];
    } else {
        onnx_to_front(room, from, outer, call->batch, inner);
    }
    return NN_OK;
}

/* The given gradient of output k, as the node has its numbers. */
static void seed_output(const onnx_call *call, int k, nn_exec *exec)
{
    const onnx_output *output = &call->output[k];
    const float *gradient = onnx_gradient(call, k);
    nn_real *seed = output->node && !output->parameter ? nn_exec_seed(exec, output->node) : NULL;
    int64_t count = nn_shape_count(output->shape), outer = 1, inner = count, batch = 1;
    if (!seed || !gradient)
        return;
    if (output->axis > 0) {
        batch = output->shape.dim[output->axis];
        onnx_around(output->shape, output->axis, &outer, &inner);
    }
    float *moved = output->axis > 0 ? malloc((size_t)count * sizeof *moved) : NULL;
    if (moved)
        onnx_to_front(moved, gradient, outer, batch, inner);
    for (int64_t i = 0; i < count; i++) /* the same node may be two outputs */
        seed[i] += moved ? moved[i] : gradient[i];
    free(moved);
}

/* --- what comes out -----------------------------------------------------------------------------
 */

/* Whole numbers are cut towards 0, as C divides, and wrap around as they would in their bits. */
static float as_type(float x, onnx_type type)
{
    static const int bits[ONNX_TYPES] = {
        [ONNX_INT8] = -8, [ONNX_INT16] = -16, [ONNX_UINT8] = 8, [ONNX_UINT16] = 16};
    if (onnx_is_real(type) || isnan(x))
        return x;
    if (type == ONNX_BOOL)
        return (float)(x != 0);
    float whole = truncf(x), range = ldexpf(1, abs(bits[type]));
    if (bits[type] == 0)
        return whole;
    float low = bits[type] < 0 ? -range / 2 : 0;
    return whole - range * floorf((whole - low) / range);
}

static nn_status collect_output(onnx_call *call, int k, const nn_exec *exec, onnx_tensor *to,
                                nn_error *error)
{
    onnx_output *output = &call->output[k];
    if (!output->given)
        return NN_OK;
    if (!output->node) {
        *to = output->ready;
        output->ready = (onnx_tensor){.present = false};
        return NN_OK;
    }
    nn_view view = nn_value(exec, output->node);
    nn_status status = onnx_tensor_new(to, output->type, output->shape, call->op->name, error);
    if (status != NN_OK)
        return status;
    if (!view.data || nn_shape_count(view.shape) != to->count)
        return nn_fail(error, NN_E_STATE, "%s: output %d was not computed", call->op->name, k);
    if (view.dtype == NN_I32) {
        const int32_t *from = view.data;
        for (int64_t i = 0; i < to->count; i++)
            to->data[i] = (float)from[i];
        return NN_OK;
    }
    int64_t outer = 1, inner = to->count, batch = 1;
    if (output->axis > 0) {
        batch = output->shape.dim[output->axis];
        onnx_around(output->shape, output->axis, &outer, &inner);
    }
    onnx_from_front(to->data, view.data, outer, batch, inner);
    for (int64_t i = 0; i < to->count; i++)
        to->data[i] = as_type(to->data[i], output->type);
    return NN_OK;
}

static void add_blocks(const onnx_leaf *leaf, nn_view view, onnx_tensor *gradient)
{
    const float *from = view.data;
    int64_t blocks = nn_shape_count(view.shape) / leaf->block;
    for (int64_t k = 0; k < blocks; k++)
        for (int64_t i = 0; i < leaf->block; i++)
            gradient->data[leaf->first[k] + i] += *from++;
}

static void add_rows(const onnx_call *call, const onnx_leaf *leaf, nn_view view,
                     onnx_tensor *gradient)
{
    const float *from = view.data;
    int64_t outer = 1, inner = nn_shape_count(view.shape), batch = 1;
    if (leaf->axis > 0) {
        batch = call->batch;
        onnx_around(gradient->shape, leaf->axis, &outer, &inner);
    }
    for (int64_t b = 0; b < batch; b++)
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++)
                gradient->data[(o * batch + b) * inner + i] += *from++;
}

/* The share of one leaf in its input's gradient. */
static nn_status collect_leaf(const onnx_call *call, const onnx_leaf *leaf, const nn_exec *exec,
                              onnx_tensor *gradient, nn_error *error)
{
    const onnx_tensor *input = onnx_input(call, leaf->input);
    nn_view view = nn_gradient(exec, leaf->node);
    char name[ONNX_NAME];
    if (!view.data)
        return nn_fail(error, NN_E_ARG, "%s: no gradient reaches input %d (%s)", call->op->name,
                       leaf->input, onnx_word_at(call->op->inputs, leaf->input, name));
    if (!gradient->present) {
        nn_status status = onnx_tensor_new(gradient, ONNX_FLOAT, input->shape, "gradient", error);
        if (status != NN_OK)
            return status;
    }
    if (leaf->block > 0)
        add_blocks(leaf, view, gradient);
    else
        add_rows(call, leaf, view, gradient);
    return NN_OK;
}

static nn_status collect_gradients(const onnx_call *call, const nn_exec *exec, onnx_answer *answer,
                                   nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < call->leaves && status == NN_OK; i++) {
        const onnx_leaf *leaf = &call->leaf[i];
        if (leaf->input >= 0 && !leaf->constant)
            status = collect_leaf(call, leaf, exec, &answer->gradient[leaf->input], error);
    }
    return status;
}

/* --- the plan -----------------------------------------------------------------------------------
 */

/* Every output is computed and seeded once. A leaf cannot be the root: entries give operators. */
static nn_exec *compile(onnx_call *call, nn_error *error)
{
    nn_node *node[ONNX_TENSORS];
    int count = 0;
    for (int k = 0; k < call->outputs; k++) {
        nn_node *next = call->output[k].parameter ? NULL : call->output[k].node;
        bool known = !next;
        for (int i = 0; i < count; i++)
            known |= node[i] == next;
        if (!known)
            node[count++] = next;
    }
    if (count == 0)
        return NULL;
    nn_exec_args args = {.batch = (int)call->batch,
                         .shards = 1,
                         .training = call->training,
                         .seed = 1,
                         .seeded = call->request->has_gradients,
                         .most_bytes = MOST_PLAN_BYTES};
    return nn_compile(call->graph, node[0], node + 1, count - 1, NULL, args, error);
}

static nn_status run_plan(onnx_call *call, nn_exec *exec, onnx_answer *answer, nn_error *error)
{
    nn_status status = NN_OK;
    for (int i = 0; i < call->leaves && status == NN_OK; i++)
        status = feed_leaf(call, &call->leaf[i], exec, error);
    if (status != NN_OK)
        return status;
    nn_forward(exec);
    for (int k = 0; k < call->outputs && status == NN_OK; k++)
        status = collect_output(call, k, exec, &answer->output[k], error);
    if (status != NN_OK || !call->request->has_gradients)
        return status;
    for (int k = 0; k < call->outputs; k++)
        seed_output(call, k, exec);
    status = nn_backward(exec, error);
    return status == NN_OK ? collect_gradients(call, exec, answer, error) : status;
}

static bool needs_plan(const onnx_call *call)
{
    for (int k = 0; k < call->outputs; k++)
        if (call->output[k].node)
            return true;
    return false;
}

static nn_status run_graph(onnx_call *call, onnx_answer *answer, nn_error *error)
{
    double multiply_adds = (double)nn_graph_multiply_adds(call->graph) * (double)call->batch;
    if (!onnx_work(call, call->request->has_gradients ? 3 * multiply_adds : multiply_adds))
        return NN_E_ARG;
    nn_exec *exec = compile(call, error);
    if (!exec)
        return error->code ? error->code : NN_E_ARG;
    nn_status status = run_plan(call, exec, answer, error);
    nn_exec_free(exec);
    return status;
}

/* --- checks of what was built -------------------------------------------------------------------
 */

static nn_status check_gradient(const onnx_call *call, int k, nn_error *error)
{
    const onnx_tensor *gradient = &call->request->gradient[k];
    const onnx_output *output = &call->output[k];
    char left[NN_SHAPE_TEXT], right[NN_SHAPE_TEXT];
    if (!gradient->present)
        return NN_OK;
    if (k >= call->outputs || !output->given)
        return nn_fail(error, NN_E_ARG, "%s: grad_outputs[%d]: there is no such output",
                       call->op->name, k);
    if (!onnx_is_real(output->type) || output->parameter || (!output->node && gradient->count > 0))
        return nn_fail(error, NN_E_ARG, "%s: output %d has no gradient; give null", call->op->name,
                       k);
    if (!nn_shape_equal(gradient->shape, output->shape))
        return nn_fail(error, NN_E_SHAPE, "%s: grad_outputs[%d] is %s, the output is %s",
                       call->op->name, k, onnx_shape_text(gradient->shape, left),
                       onnx_shape_text(output->shape, right));
    return NN_OK;
}

static nn_status check_built(onnx_call *call, nn_error *error)
{
    int64_t elements = 0;
    nn_status status = call->failed ? NN_E_ARG : nn_graph_error(call->graph, error);
    if (status != NN_OK)
        return status;
    if (call->outputs == 0)
        return nn_fail(error, NN_E_ARG, "%s: nothing to compute", call->op->name);
    for (int k = 0; k < call->outputs; k++)
        elements += nn_shape_count(call->output[k].shape);
    if (elements > ONNX_MAX_TOTAL)
        return nn_fail(error, NN_E_SHAPE, "%s: the outputs have more than %d elements",
                       call->op->name, ONNX_MAX_TOTAL);
    for (int k = 0; k < call->request->gradients && status == NN_OK; k++)
        status = check_gradient(call, k, error);
    return status;
}

/* --- onnx_run -----------------------------------------------------------------------------------
 */

static nn_status run_call(onnx_call *call, onnx_answer *answer, nn_error *error)
{
    nn_named(call->graph, "%s", call->op->name); /* of its first node, for messages */
    call->op->build(call);
    nn_status status = check_built(call, error);
    if (status != NN_OK)
        return status;
    answer->outputs = call->outputs;
    answer->has_gradients = call->request->has_gradients;
    answer->gradients = answer->has_gradients ? call->request->inputs : 0;
    for (int i = 0; i < answer->gradients; i++) {
        answer->gradient[i] = call->gradient[i];
        call->gradient[i] = (onnx_tensor){.present = false};
    }
    if (needs_plan(call))
        return run_graph(call, answer, error);
    for (int k = 0; k < call->outputs && status == NN_OK; k++)
        status = collect_output(call, k, NULL, &answer->output[k], error);
    return status;
}

static void free_call(onnx_call *call)
{
    for (int i = 0; i < call->leaves; i++)
        free(call->leaf[i].own);
    for (int i = 0; i < ONNX_TENSORS; i++) {
        onnx_tensor_free(&call->output[i].ready);
        onnx_tensor_free(&call->gradient[i]);
    }
    nn_graph_free(call->graph);
    nn_model_free(call->model);
    free(call);
}

static nn_status run_operator(const onnx_operator *op, const onnx_request *request,
                              onnx_answer *answer, nn_error *error)
{
    onnx_call *call = calloc(1, sizeof *call);
    if (!call)
        return nn_fail(error, NN_E_NOMEM, "%s: out of memory", op->name);
    call->op = op;
    call->request = request;
    call->error = error;
    call->model = nn_model_new(1);
    call->graph = call->model ? nn_graph_new(call->model) : NULL;
    nn_status status = call->graph ? run_call(call, answer, error)
                                   : nn_fail(error, NN_E_NOMEM, "%s: out of memory", op->name);
    free_call(call);
    return status;
}

nn_status onnx_run(const onnx_request *request, onnx_answer *answer, nn_error *error)
{
    nn_error own = {NN_OK, ""};
    *answer = (onnx_answer){.outputs = 0};
    const onnx_operator *op = onnx_find(request->op);
    if (!op)
        return onnx_unknown(request->op, error);
    nn_status status = onnx_check_request(op, request, &own);
    if (status == NN_OK && request->has_gradients && (op->flags & ONNX_NO_GRADIENT))
        status = nn_fail(&own, NN_E_ARG, "%s has no gradient; leave grad_outputs out", op->name);
    if (status == NN_OK)
        status = run_operator(op, request, answer, &own);
    if (status != NN_OK) {
        onnx_answer_free(answer);
        *error = own;
    }
    return status;
}
