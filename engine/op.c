#include "engine/op.h"

static const nn_op *const table[NN_OP_COUNT] = {
#define OP(name) &nn_op_##name,
#include "engine/ops.def"
#undef OP
};

const nn_op *nn_op_at(int i)
{
    return i >= 0 && i < NN_OP_COUNT ? table[i] : NULL;
}
