/* matmul: products of matrices, one example at a time, C = op(A) op(B), where op transposes if
 * asked.
 *
 * An activation is (n, ..., rows, columns), a parameter (..., rows, columns); one of the two may be
 * a parameter. The leading dimensions of an example broadcast as in numpy. A vector counts as one
 * row on the left, one column on the right, and that dimension is gone from the result.
 *
 * gemm: alpha op(A) op(B) + beta C with one matrix an example, as ONNX's Gemm; C broadcasts to the
 * result, from the right. */
#include "engine/attention.h"
#include "engine/blas.h"
#include "engine/ops/loops.h"
#include "engine/ops/rules.h"

#include <string.h>

enum { A, B, C };

typedef struct {
    bool trans_a, trans_b;
    double alpha, beta; /* gemm alone; matmul has 1 and 0 */
} product_args;

static const product_args *args_of(const nn_node *node)
{
    return (const void *)node->args;
}

/* One side of the product: a stack of matrices as they are stored. */
typedef struct {
    nn_shape lead; /* of an example */
    int64_t rows, columns;
    bool vector;
} stack;

static stack stack_of(const nn_node *input, bool left)
{
    nn_shape sample = nn_sample_of(input);
    int matrix = sample.rank < 2 ? sample.rank : 2;
    const int64_t *last = sample.dim + sample.rank - 1;
    stack s = {nn_shape_of(sample.rank - matrix, sample.dim), 1, 1, sample.rank < 2};
    if (!s.vector)
        s.rows = last[-1], s.columns = last[0];
    else if (sample.rank == 1)
        *(left ? &s.columns : &s.rows) = last[0];
    return s;
}

/* --- shapes -------------------------------------------------------------------------------- */

static nn_status expect_side(const nn_node *node, int i, nn_error *error)
{
    const nn_node *input = node->input[i];
    char text[NN_SHAPE_TEXT];
    if (input->batched)
        return nn_expect_activation(node, i, 2, NN_MAX_DIMS, error);
    if (input->dtype != NN_F || input->shape.rank < 1)
        return nn_refuse(node, error, NN_E_SHAPE,
                         "'%s' is %s; a vector or matrix of real numbers is needed", input->name,
                         input->dtype == NN_F ? nn_shape_text(input->shape, text)
                                              : "of whole numbers");
    return NN_OK;
}

/* The common shape of two that broadcast, aligned at the right; false where they do not. */
static bool broadcast(nn_shape a, nn_shape b, nn_shape *both)
{
    both->rank = a.rank > b.rank ? a.rank : b.rank;
    for (int i = 1; i <= both->rank; i++) {
        int64_t have = i <= a.rank ? a.dim[a.rank - i] : 1;
        int64_t other = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (have != other && have != 1 && other != 1)
            return false;
        both->dim[both->rank - i] = have == 1 ? other : have;
    }
    return true;
}

static nn_status refuse_pair(const nn_node *node, const char *why, nn_error *error)
{
    char a[NN_SHAPE_TEXT], b[NN_SHAPE_TEXT];
    const product_args *args = args_of(node);
    return nn_refuse(node, error, NN_E_SHAPE, "'%s' (%s%s) by '%s' (%s%s): %s",
                     node->input[A]->name, nn_shape_text(nn_sample_of(node->input[A]), a),
                     args->trans_a ? ", transposed" : "", node->input[B]->name,
                     nn_shape_text(nn_sample_of(node->input[B]), b),
                     args->trans_b ? ", transposed" : "", why);
}

static nn_status product_shape(nn_node *node, nn_error *error)
{
    const product_args *args = args_of(node);
    if (!node->input[A]->batched && !node->input[B]->batched)
        return refuse_pair(node, "one of them must be an activation", error);
    nn_status status = expect_side(node, A, error);
    status = status ? status : expect_side(node, B, error);
    if (status)
        return status;
    stack a = stack_of(node->input[A], true), b = stack_of(node->input[B], false);
    nn_shape out;
    if ((a.vector && args->trans_a) || (b.vector && args->trans_b))
        return refuse_pair(node, "a vector cannot be transposed; reshape it to a matrix", error);
    if ((args->trans_a ? a.rows : a.columns) != (args->trans_b ? b.columns : b.rows))
        return refuse_pair(node, "the inner sizes differ", error);
    if (!broadcast(a.lead, b.lead, &out))
        return refuse_pair(node, "the leading dimensions do not broadcast", error);
    if (out.rank + !a.vector + !b.vector + 1 > NN_MAX_DIMS)
        return refuse_pair(node, "the result has too many dimensions", error);
    if (!a.vector)
        out.dim[out.rank++] = args->trans_a ? a.columns : a.rows;
    if (!b.vector)
        out.dim[out.rank++] = args->trans_b ? b.rows : b.columns;
    return nn_set_activation(node, out, error);
}

/* --- the products of one call -------------------------------------------------------------- */

/* `examples` times a stack of `matrices` products of (m,k) by (k,n). Where one side has fewer
 * matrices than the result, its strides are 0. */
typedef struct {
    int64_t m, n, k, lda, ldb;
    int64_t examples, matrices;
    int64_t step[2]; /* from one example to the next, in numbers; 0 for a parameter */
    int rank;        /* of the leading dimensions */
    int64_t dim[NN_MAX_DIMS], stride[2][NN_MAX_DIMS];
    bool shared[2]; /* several products of this call read the same matrix */
} products;

/* Strides of the leading dimensions of a side, in numbers. */
static void set_strides(products *p, int side, stack s)
{
    int64_t size = s.rows * s.columns;
    for (int i = 1; i <= p->rank; i++) {
        int64_t dim = i <= s.lead.rank ? s.lead.dim[s.lead.rank - i] : 1;
        p->stride[side][p->rank - i] = dim == 1 ? 0 : size;
        p->shared[side] |= dim != p->dim[p->rank - i];
        size *= dim;
    }
}

/* Rows that meet the same B are one product: all matrices of an example, and with a parameter on
 * the right those of all examples. */
static void join_rows(products *p, bool trans_a)
{
    bool one_b = p->step[B] == 0 || p->examples == 1;
    for (int i = 0; i < p->rank; i++)
        if (p->stride[B][i] != 0 && p->dim[i] > 1)
            return;
    if (trans_a || p->shared[A] || p->step[A] == 0)
        return;
    p->m *= p->matrices;
    p->matrices = 1;
    p->rank = 0;
    p->shared[B] = false;
    if (one_b) {
        p->m *= p->examples;
        p->examples = 1;
    }
}

static products products_of(const nn_ctx *ctx)
{
    const nn_node *node = ctx->node;
    const product_args *args = args_of(node);
    stack a = stack_of(node->input[A], true), b = stack_of(node->input[B], false);
    nn_shape lead = {0};
    broadcast(a.lead, b.lead, &lead); /* the shape rule saw that it can */
    products p = {.m = args->trans_a ? a.columns : a.rows,
                  .n = args->trans_b ? b.rows : b.columns,
                  .k = args->trans_a ? a.rows : a.columns,
                  .lda = a.columns,
                  .ldb = b.columns,
                  .examples = nn_rows(ctx),
                  .matrices = nn_shape_count(lead),
                  .rank = lead.rank};
    memcpy(p.dim, lead.dim, sizeof p.dim);
    for (int side = A; side <= B; side++) {
        const nn_node *input = node->input[side];
        p.step[side] = input->batched ? nn_shape_row(input->shape) : 0;
        p.shared[side] = !input->batched;
    }
    set_strides(&p, A, a);
    set_strides(&p, B, b);
    join_rows(&p, args->trans_a);
    return p;
}

/* Where matrix `index` of an example's result finds its matrix on a side. */
static int64_t offset_of(const products *p, int side, int64_t index)
{
    int64_t offset = 0;
    for (int i = p->rank - 1; i >= 0; i--) {
        offset += index % p->dim[i] * p->stride[side][i];
        index /= p->dim[i];
    }
    return offset;
}

static void multiply(const nn_ctx *ctx, nn_real alpha, nn_real keep)
{
    const product_args *args = args_of(ctx->node);
    products p = products_of(ctx);
    nn_real *out = ctx->out;
    for (int64_t e = 0; e < p.examples; e++)
        for (int64_t i = 0; i < p.matrices; i++, out += p.m * p.n) {
            const nn_real *a = ctx->in[A], *b = ctx->in[B];
            a += e * p.step[A] + offset_of(&p, A, i);
            b += e * p.step[B] + offset_of(&p, B, i);
            nn_gemm(args->trans_a, args->trans_b, p.m, p.n, p.k, alpha, a, p.lda, b, p.ldb, keep,
                    out, p.n);
        }
}

/* --- gradients ----------------------------------------------------------------------------- */

/* Gradient of the matrix of A under dy, (m,n), and B as stored: dA = dy op(B)', and the other way
 * round where A was transposed. */
static void give_a(const products *p, const product_args *args, const nn_real *dy, const nn_real *b,
                   nn_real keep, nn_real *da)
{
    nn_real alpha = (nn_real)args->alpha;
    if (args->trans_a)
        nn_gemm(args->trans_b, true, p->k, p->m, p->n, alpha, b, p->ldb, dy, p->n, keep, da,
                p->lda);
    else
        nn_gemm(false, !args->trans_b, p->m, p->k, p->n, alpha, dy, p->n, b, p->ldb, keep, da,
                p->lda);
}

/* dB = op(A)' dy. */
static void give_b(const products *p, const product_args *args, const nn_real *dy, const nn_real *a,
                   nn_real keep, nn_real *db)
{
    nn_real alpha = (nn_real)args->alpha;
    if (args->trans_b)
        nn_gemm(true, args->trans_a, p->n, p->k, p->m, alpha, dy, p->n, a, p->lda, keep, db,
                p->ldb);
    else
        nn_gemm(!args->trans_a, false, p->k, p->n, p->m, alpha, a, p->lda, dy, p->n, keep, db,
                p->ldb);
}

static void product_backward(const nn_ctx *ctx)
{
    const product_args *args = args_of(ctx->node);
    products p = products_of(ctx);
    for (int side = A; side <= B; side++) {
        nn_real *gradient = ctx->grad_in[side], keep = ctx->beta[side];
        const nn_real *other = ctx->in[side == A ? B : A], *dy = ctx->grad_out;
        if (!gradient)
            continue;
        /* What several products give to is cleared, then all add. A parameter is cleared as well
         * where there is no product at all. */
        if (keep == 0 && (p.shared[side] || p.examples == 0)) {
            int64_t count = nn_shape_count(ctx->node->input[side]->shape);
            if (ctx->node->input[side]->batched)
                count = nn_elements(ctx, side);
            memset(gradient, 0, (size_t)count * sizeof *gradient);
            keep = 1;
        }
        int64_t step = p.step[side == A ? B : A];
        for (int64_t e = 0; e < p.examples; e++)
            for (int64_t i = 0; i < p.matrices; i++, dy += p.m * p.n) {
                nn_real *own = gradient + e * p.step[side] + offset_of(&p, side, i);
                const nn_real *partner = other + e * step + offset_of(&p, side == A ? B : A, i);
                (side == A ? give_a : give_b)(&p, args, dy, partner, keep, own);
            }
    }
}

/* --- reference ----------------------------------------------------------------------------- */

static void product_reference(const nn_ctx *ctx)
{
    const nn_node *node = ctx->node;
    const product_args *args = args_of(node);
    stack a = stack_of(node->input[A], true), b = stack_of(node->input[B], false);
    int64_t m = args->trans_a ? a.columns : a.rows, n = args->trans_b ? b.rows : b.columns;
    int64_t k = args->trans_a ? a.rows : a.columns, count = nn_shape_row(node->shape);
    nn_shape lead = {0};
    broadcast(a.lead, b.lead, &lead);
    products p = {.dim = {0}, .rank = lead.rank};
    memcpy(p.dim, lead.dim, sizeof p.dim);
    set_strides(&p, A, a);
    set_strides(&p, B, b);
    for (int64_t e = 0; e < nn_rows(ctx); e++)
        for (int64_t i = 0; i < count; i++) {
            const nn_real *left = ctx->in[A], *right = ctx->in[B];
            int64_t row = i / n % m, column = i % n;
            left += (node->input[A]->batched ? e * nn_shape_row(node->input[A]->shape) : 0) +
                    offset_of(&p, A, i / (m * n));
            right += (node->input[B]->batched ? e * nn_shape_row(node->input[B]->shape) : 0) +
                     offset_of(&p, B, i / (m * n));
            double sum = 0;
            for (int64_t j = 0; j < k; j++)
                sum += (double)left[args->trans_a ? j * m + row : row * k + j] *
                       (double)right[args->trans_b ? column * k + j : j * n + column];
            ctx->out[e * count + i] = (nn_real)(args->alpha * sum);
        }
}

static int64_t product_multiply_adds(const nn_node *node)
{
    stack a = stack_of(node->input[A], true);
    return nn_shape_row(node->shape) * (args_of(node)->trans_a ? a.rows : a.columns);
}

/* --- matmul -------------------------------------------------------------------------------- */

static void matmul_forward(const nn_ctx *ctx)
{
    multiply(ctx, 1, 0);
}

const nn_op nn_op_matmul = {
    .name = "matmul",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << A | 1u << B,
    .shape = product_shape,
    .forward = matmul_forward,
    .backward = product_backward,
    .reference = product_reference,
    .multiply_adds = product_multiply_adds,
};

nn_node *nn_matmul(nn_graph *graph, nn_node *a, nn_node *b, nn_matmul_args args)
{
    product_args all = {args.trans_a, args.trans_b, 1, 0};
    return nn_node_new(graph, &nn_op_matmul, (nn_node *[]){a, b}, 2, &all, sizeof all);
}

/* --- gemm ---------------------------------------------------------------------------------- */

/* The matrix of one example's result, and how C spreads over it. */
typedef struct {
    int64_t rows, columns, example; /* example: numbers of C from one example to the next */
    int64_t row, column;            /* numbers of C from one row, one column to the next, or 0 */
} spread;

static spread spread_of(const nn_node *node)
{
    nn_shape out = nn_sample_of(node), c = nn_sample_of(node->input[C]);
    int64_t columns = out.rank ? out.dim[out.rank - 1] : 1;
    int64_t width = c.rank ? c.dim[c.rank - 1] : 1, height = c.rank > 1 ? c.dim[0] : 1;
    return (spread){out.rank > 1 ? out.dim[0] : 1, columns,
                    node->input[C]->batched ? width * height : 0, height == 1 ? 0 : width,
                    width == 1 ? 0 : 1};
}

static nn_status gemm_shape(nn_node *node, nn_error *error)
{
    char have[NN_SHAPE_TEXT], want[NN_SHAPE_TEXT];
    for (int i = A; i <= B; i++)
        if (nn_sample_of(node->input[i]).rank > 2)
            return nn_refuse(node, error, NN_E_SHAPE, "'%s' is %s; one matrix an example is needed",
                             node->input[i]->name,
                             nn_shape_text(nn_sample_of(node->input[i]), have));
    nn_status status = product_shape(node, error);
    const nn_node *c = node->input[C];
    if (status || !c)
        return status;
    nn_shape out = nn_sample_of(node), both, own = nn_sample_of(c);
    if (c->dtype != NN_F || own.rank > 2 || !broadcast(own, out, &both) ||
        !nn_shape_equal(both, out))
        return nn_refuse(node, error, NN_E_SHAPE, "'%s' (%s) does not broadcast to the result (%s)",
                         c->name, nn_shape_text(own, have), nn_shape_text(out, want));
    return NN_OK;
}

static void gemm_forward(const nn_ctx *ctx)
{
    const product_args *args = args_of(ctx->node);
    const nn_real *c = ctx->in[C];
    bool add = c && args->beta != 0;
    if (add) {
        spread s = spread_of(ctx->node);
        nn_real beta = (nn_real)args->beta, *out = ctx->out;
        for (int64_t e = 0; e < nn_rows(ctx); e++, c += s.example)
            for (int64_t i = 0; i < s.rows; i++, out += s.columns)
                for (int64_t j = 0; j < s.columns; j++)
                    out[j] = beta * c[i * s.row + j * s.column];
    }
    multiply(ctx, (nn_real)args->alpha, add ? 1 : 0);
}

static void gemm_backward(const nn_ctx *ctx)
{
    const nn_real *dy = ctx->grad_out;
    nn_real *dc = ctx->grad_in[C], beta = (nn_real)args_of(ctx->node)->beta;
    product_backward(ctx);
    if (!dc)
        return;
    spread s = spread_of(ctx->node);
    if (ctx->beta[C] == 0) {
        nn_shape own = ctx->node->input[C]->shape;
        int64_t count = s.example ? nn_elements(ctx, C) : nn_shape_count(own);
        memset(dc, 0, (size_t)count * sizeof *dc);
    }
    for (int64_t e = 0; e < nn_rows(ctx); e++, dc += s.example)
        for (int64_t i = 0; i < s.rows; i++, dy += s.columns)
            for (int64_t j = 0; j < s.columns; j++)
                dc[i * s.row + j * s.column] += beta * dy[j];
}

static void gemm_reference(const nn_ctx *ctx)
{
    const nn_real *c = ctx->in[C];
    product_reference(ctx);
    if (!c)
        return;
    spread s = spread_of(ctx->node);
    for (int64_t i = 0; i < nn_rows(ctx) * s.rows * s.columns; i++) {
        int64_t row = i / s.columns % s.rows, e = i / s.columns / s.rows;
        ctx->out[i] += (nn_real)args_of(ctx->node)->beta *
                       c[e * s.example + row * s.row + i % s.columns * s.column];
    }
}

const nn_op nn_op_gemm = {
    .name = "gemm",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = NN_OP_SETS_GRADIENT,
    .needs = 1u << A | 1u << B,
    .shape = gemm_shape,
    .forward = gemm_forward,
    .backward = gemm_backward,
    .reference = gemm_reference,
    .multiply_adds = product_multiply_adds,
};

nn_node *nn_general_product(nn_graph *graph, nn_node *a, nn_node *b, nn_node *c, nn_gemm_args args)
{
    product_args all = {args.trans_a, args.trans_b, args.alpha, args.beta};
    return nn_node_new(graph, &nn_op_gemm, (nn_node *[]){a, b, c}, 3, &all, sizeof all);
}
