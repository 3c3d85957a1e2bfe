#include "tests/op_cases.h"

#include "engine/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const op_family *const families[] = {
#define OP_CASES(name) &op_family_##name,
#include "tests/operators.def"
#undef OP_CASES
};
enum { FAMILIES = sizeof families / sizeof *families };

int op_case_count(void)
{
    int count = 0;
    for (int f = 0; f < FAMILIES; f++)
        count += families[f]->case_count;
    return count;
}

const op_case *op_case_at(int i)
{
    int f = 0;
    for (; i >= families[f]->case_count; f++)
        i -= families[f]->case_count;
    return &families[f]->cases[i];
}

const op_traits *op_traits_of(const char *op)
{
    for (int f = 0; f < FAMILIES; f++)
        for (int i = 0; i < families[f]->trait_count; i++)
            if (strcmp(families[f]->traits[i].op, op) == 0)
                return &families[f]->traits[i];
    return NULL;
}

const nn_op *op_by_name(const char *name)
{
    for (int i = 0; i < NN_OP_COUNT; i++)
        if (strcmp(nn_op_at(i)->name, name) == 0)
            return nn_op_at(i);
    return NULL;
}

int op_case_inputs(const op_case *c)
{
    int count = NN_MAX_INPUTS;
    while (count > 0 && c->input[count - 1].kind == OP_NOTHING)
        count--;
    return count;
}

const void *op_case_args(const op_case *c)
{
    return c->args ? c->args : c->drawn;
}

/* --- random cases -------------------------------------------------------------------------------
 */

int throw_dice(dice *d, int low, int high)
{
    double u = nn_uniform_at(d->seed, 17, 0, d->drawn++);
    return low + (int)(u * (high - low + 1));
}

static op_input input_of(op_input_kind kind, int rank, va_list sizes)
{
    op_input input = {.kind = kind, .rank = rank};
    for (int i = 0; i < rank; i++)
        input.dim[i] = va_arg(sizes, int);
    return input;
}

op_input op_activation_of(int rank, ...)
{
    va_list sizes;
    va_start(sizes, rank);
    op_input input = input_of(OP_ACTIVATION, rank, sizes);
    va_end(sizes);
    return input;
}

op_input op_parameter_of(int rank, ...)
{
    va_list sizes;
    va_start(sizes, rank);
    op_input input = input_of(OP_PARAMETER, rank, sizes);
    va_end(sizes);
    return input;
}

op_input op_labels_of(int high, int rank, ...)
{
    va_list sizes;
    va_start(sizes, rank);
    op_input input = input_of(OP_LABELS, rank, sizes);
    va_end(sizes);
    input.high = high;
    return input;
}

void op_draw(op_case *c, const void *args, size_t size)
{
    assert_true(size <= sizeof c->drawn);
    memcpy(c->drawn, args, size);
    c->args_size = size;
}

void op_case_random(const char *op, uint64_t seed, op_case *c)
{
    dice d = {seed, 0};
    const op_traits *traits = op_traits_of(op);
    if (!traits || !traits->random)
        fail_msg("operator '%s' has no traits with a random case in tests/operators", op);
    *c = (op_case){.op = op, .what = "random", .rows = throw_dice(&d, 1, 6)};
    traits->random(&d, c);
}
