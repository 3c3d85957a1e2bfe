/* Operators that move, cut and join numbers. */
#include "tests/op_cases.h"

#include "engine/shapes.h"

#define SHAPE(...)                                                                                 \
    ARGS(nn_shape, .rank = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .dim = {__VA_ARGS__})
#define AXIS(n) ARGS(int, n)

static const op_case cases[] = {
    CASE("flatten", "image", 3, INPUTS(X(2, 5, 3))),
    CASE("flatten", "already flat", 2, INPUTS(X(7))),
    CASE("flatten", "one element", 1, INPUTS(X(1, 1, 1))),
    CASE("reshape", "image", 3, INPUTS(X(2, 5, 3)), SHAPE(3, 10)),
    CASE("reshape", "what is left", 3, INPUTS(X(2, 5, 3)), SHAPE(6, -1)),
    CASE("reshape", "to one number", 3, INPUTS(X(1, 1)), ARGS(nn_shape, .rank = 0)),
    CASE("transpose", "matrix", 3, INPUTS(X(5, 7)), ARGS(nn_transpose_args, 2, {1, 0})),
    CASE("transpose", "large", 2, INPUTS(X(37, 21)), ARGS(nn_transpose_args, 2, {1, 0})),
    CASE("transpose", "heads", 2, INPUTS(X(5, 2, 3)), ARGS(nn_transpose_args, 3, {1, 0, 2})),
    CASE("transpose", "channels last", 2, INPUTS(X(3, 4, 5)),
         ARGS(nn_transpose_args, 3, {1, 2, 0})),
    CASE("transpose", "nothing to do", 2, INPUTS(X(3, 4)), ARGS(nn_transpose_args, 2, {0, 1})),
    CASE("slice", "middle", 3, INPUTS(X(7, 5)), ARGS(nn_slice_args, 2, {2, 1}, {1, 1}, {3, 4})),
    CASE("slice", "backwards", 3, INPUTS(X(7, 5)),
         ARGS(nn_slice_args, 2, {6, 4}, {-1, -2}, {7, 3})),
    CASE("slice", "every third", 3, INPUTS(X(7)), ARGS(nn_slice_args, 1, {0}, {3}, {3})),
    CASE("slice", "all of it", 3, INPUTS(X(7, 2)), ARGS(nn_slice_args, 2, {0, 0}, {1, 1}, {7, 2})),
    CASE("concat", "one", 3, INPUTS(X(4, 5)), AXIS(0)),
    CASE("concat", "channels", 3, INPUTS(X(2, 3, 3), X(1, 3, 3), X(4, 3, 3)), AXIS(0)),
    CASE("concat", "last axis", 3, INPUTS(X(4, 5), X(4, 1), X(4, 2), X(4, 3)), AXIS(1)),
    CASE("concat", "a parameter in front", 3, INPUTS(P(1, 5), X(4, 5)), AXIS(0)),
    CASE("concat", "a parameter behind", 3, INPUTS(X(4, 2), P(4, 3)), AXIS(1)),
    CASE("pad", "constant", 2, INPUTS(X(3, 4)),
         ARGS(nn_pad_args, 2, {1, 2}, {0, 3}, NN_PAD_CONSTANT, 0.5)),
    CASE("pad", "reflect", 2, INPUTS(X(3, 4)),
         ARGS(nn_pad_args, 2, {2, 3}, {1, 3}, NN_PAD_REFLECT, 0)),
    CASE("pad", "reflect again and again", 2, INPUTS(X(3)),
         ARGS(nn_pad_args, 1, {9}, {7}, NN_PAD_REFLECT, 0)),
    CASE("pad", "edge", 2, INPUTS(X(2, 4)), ARGS(nn_pad_args, 2, {2, 0}, {1, 3}, NN_PAD_EDGE, 0)),
    CASE("pad", "wrap", 2, INPUTS(X(2, 4)), ARGS(nn_pad_args, 2, {2, 5}, {1, 3}, NN_PAD_WRAP, 0)),
    CASE("pad", "cut", 2, INPUTS(X(4, 6)),
         ARGS(nn_pad_args, 2, {-1, -2}, {2, -1}, NN_PAD_CONSTANT, 1)),
    CASE("pad", "cut and reflect", 2, INPUTS(X(4, 6)),
         ARGS(nn_pad_args, 2, {-1, 2}, {2, -1}, NN_PAD_REFLECT, 0)),
    CASE("expand", "row", 3, INPUTS(X(5)), SHAPE(4, 5)),
    CASE("expand", "column", 3, INPUTS(X(5, 1)), SHAPE(5, 37)),
    CASE("expand", "both ways", 3, INPUTS(X(4, 1, 3)), SHAPE(2, 1)),
    CASE("expand", "one number an example", 3, INPUTS(SCALAR_ROWS), SHAPE(2, 3)),
};

static void random_block(dice *d, op_case *c)
{
    op_input *x = &c->input[0];
    *x = (op_input){.kind = OP_ACTIVATION, .rank = throw_dice(d, 1, 4)};
    int most = x->rank > 2 ? 4 : 12;
    for (int i = 0; i < x->rank; i++)
        x->dim[i] = throw_dice(d, 1, most);
}

static void random_reshape(dice *d, op_case *c)
{
    random_block(d, c);
    const op_input *x = &c->input[0];
    nn_shape shape = {.rank = x->rank}; /* turned round */
    for (int i = 0; i < x->rank; i++)
        shape.dim[i] = x->dim[x->rank - 1 - i];
    if (throw_dice(d, 0, 1))
        shape.dim[throw_dice(d, 0, x->rank - 1)] = -1;
    op_draw(c, &shape, sizeof shape);
}

static void random_transpose(dice *d, op_case *c)
{
    random_block(d, c);
    nn_transpose_args args = {.rank = c->input[0].rank};
    for (int i = 0; i < args.rank; i++) { /* insert i somewhere */
        int at = throw_dice(d, 0, i);
        args.order[i] = args.order[at];
        args.order[at] = i;
    }
    op_draw(c, &args, sizeof args);
}

static void random_slice(dice *d, op_case *c)
{
    random_block(d, c);
    nn_slice_args args = {.rank = c->input[0].rank};
    for (int i = 0; i < args.rank; i++) {
        int size = (int)c->input[0].dim[i], step = throw_dice(d, 1, 3);
        int start = throw_dice(d, 0, size - 1), back = throw_dice(d, 0, 1);
        args.start[i] = start;
        args.step[i] = back ? -step : step;
        args.size[i] = throw_dice(d, 1, 1 + (back ? start : size - 1 - start) / step);
    }
    op_draw(c, &args, sizeof args);
}

static void random_concat(dice *d, op_case *c)
{
    random_block(d, c);
    int count = throw_dice(d, 1, 4), axis = throw_dice(d, 0, c->input[0].rank - 1);
    for (int i = 1; i < count; i++) {
        c->input[i] = c->input[0];
        c->input[i].dim[axis] = throw_dice(d, 1, 4);
        c->input[i].kind = throw_dice(d, 0, 2) ? OP_ACTIVATION : OP_PARAMETER;
    }
    op_draw(c, &axis, sizeof axis);
}

static void random_pad(dice *d, op_case *c)
{
    random_block(d, c);
    nn_pad_args args = {.rank = c->input[0].rank,
                        .mode = (nn_pad_mode)throw_dice(d, 0, 3),
                        .value = throw_dice(d, -2, 2)};
    for (int i = 0; i < args.rank; i++) {
        int room = (int)c->input[0].dim[i] - 1; /* one entry stays */
        args.before[i] = throw_dice(d, room < 2 ? -room : -2, 4);
        room += args.before[i] < 0 ? args.before[i] : 0;
        args.after[i] = throw_dice(d, room < 2 ? -room : -2, 4);
    }
    op_draw(c, &args, sizeof args);
}

static void random_expand(dice *d, op_case *c)
{
    random_block(d, c);
    op_input *x = &c->input[0];
    nn_shape shape = {.rank = x->rank};
    for (int i = 0; i < x->rank; i++) {
        shape.dim[i] = x->dim[i];
        int way = throw_dice(d, 0, 3);
        if (way == 0)
            x->dim[i] = 1;
        else if (way == 1)
            shape.dim[i] = 1;
    }
    op_draw(c, &shape, sizeof shape);
}

static const op_traits traits[] = {
    {.op = "flatten", .random = random_block, .linear = true},
    {.op = "reshape", .random = random_reshape, .linear = true},
    {.op = "transpose", .random = random_transpose, .linear = true},
    {.op = "slice", .random = random_slice, .linear = true, .nan_may_vanish = true},
    {.op = "concat", .random = random_concat, .linear = true, .depends_on_cut = true},
    {.op = "pad", .random = random_pad, .linear = true, .nan_may_vanish = true},
    {.op = "expand", .random = random_expand, .linear = true, .depends_on_cut = true},
};

const op_family op_family_shape = OP_FAMILY(cases, traits);
