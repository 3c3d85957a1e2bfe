/* Cases of dense networks, activations and cross-entropy (chapters 1-10, 14, 27, 32, 51). In the
 * notes columns are examples; our rows are, so inputs go in and gradients come out transposed. */
#include "engine/losses.h"
#include "tests/golden_case.h"
#include "tests/op_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- helpers
 * -------------------------------------------------------------------------------------- */

static nn_shape flat(golden_array a)
{
    return nn_shape1(a.count);
}

/* Columns to rows. */
static golden_array rows_of(golden_case *c, const char *name)
{
    return golden_transposed(c, golden_in(c, name));
}

/* "grad_<name>" of a leaf that went in transposed. */
static void out_gradient_of_rows(golden_net *net, const char *name)
{
    char out[64];
    snprintf(out, sizeof out, "grad_%s", name);
    golden_case *c = golden_net_case(net);
    golden_out(c, out, golden_transposed(c, golden_gradient(net, name)));
}

static void out_columns(golden_net *net, const char *name, const nn_node *node)
{
    golden_case *c = golden_net_case(net);
    golden_out(c, name, golden_transposed(c, golden_value(net, node)));
}

/* x w' + b with the case's inputs of these names; no bias where `b` is NULL. */
static nn_node *dense(golden_net *net, nn_node *x, const char *w, const char *b)
{
    golden_case *c = golden_net_case(net);
    golden_array weight = golden_in(c, w);
    nn_node *bias = NULL;
    if (b) {
        golden_array value = golden_in(c, b);
        bias = golden_weight(net, b, value, flat(value));
    }
    nn_node *node =
        nn_linear(golden_graph(net), x, golden_weight(net, w, weight, weight.shape), bias);
    golden_watch(net, node);
    return node;
}

static nn_node *watched(golden_net *net, nn_node *node)
{
    golden_watch(net, node);
    return node;
}

/* Mean binary cross-entropy of one-column logits against the case's Y. */
static nn_node *binary_cost(golden_net *net, nn_node *logits)
{
    nn_graph *g = golden_graph(net);
    nn_node *targets = golden_constant(net, "Y", rows_of(golden_net_case(net), "Y"));
    return nn_mean(g, nn_binary_cross_entropy(g, logits, targets, NULL, NULL));
}

/* --- logistic regression
 * ---------------------------------------------------------------------------- */

typedef struct {
    golden_net *net;
    nn_node *z, *a, *cost;
} logistic;

/* X (n,m), w (n,1), b a number. */
static logistic logistic_new(golden_case *c)
{
    golden_array x = rows_of(c, "X"), w = golden_in(c, "w"), b = golden_in(c, "b");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_node *weight = golden_weight(net, "w", w, nn_shape2(1, w.count));
    nn_node *z =
        nn_linear(g, golden_batch(net, "X", x), weight, golden_weight(net, "b", b, nn_shape1(1)));
    nn_node *a = nn_sigmoid(g, z);
    golden_watch(net, z);
    golden_watch(net, a);
    return (logistic){net, z, a, binary_cost(net, z)};
}

static void logreg(golden_case *c)
{
    logistic l = logistic_new(c);
    golden_out_number(c, "cost", golden_run(l.net, l.cost));
    out_columns(l.net, "Z", l.z);
    out_columns(l.net, "A", l.a);
    golden_out_gradients(l.net, "w b");
}

static void gd3(golden_case *c)
{
    logistic l = logistic_new(c);
    int64_t n = golden_in(c, "w").count;
    nn_param_freeze(nn_model_find(golden_model(l.net), "X"), true);
    nn_exec *exec = golden_compile(l.net, l.cost);
    golden_array costs = golden_new(c, nn_shape1(3)), w = golden_new(c, nn_shape2(3, n));
    golden_array b = golden_new(c, nn_shape1(3));
    nn_optimizer_args args = {.kind = NN_SGD, .lr = golden_number(c, "lr")};
    nn_optimizer *sgd = nn_optimizer_new(golden_model(l.net), args, NULL);
    for (int step = 0; sgd && step < 3; step++) {
        costs.data[step] = golden_run(l.net, l.cost);
        nn_optimizer_step(sgd, exec, NULL, args.lr);
        memcpy(w.data + step * n, golden_param(l.net, "w").data, (size_t)n * sizeof(double));
        b.data[step] = golden_param(l.net, "b").data[0];
    }
    nn_optimizer_free(sgd);
    golden_out(c, "costs", costs);
    golden_out(c, "w_steps", w);
    golden_out(c, "b_steps", b);
}

/* The worked examples of chapters 1 and 2: one example, one step. */
static void worked_example(golden_case *c)
{
    if (!golden_has(c, "x"))
        golden_skip(c); /* an aside of the example */
    golden_array x = golden_in(c, "x"), w = golden_in(c, "w"), b = golden_in(c, "b");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *data = golden_batch(net, "x", golden_like(c, nn_shape2(1, x.count), x));
    nn_node *z = nn_linear(g, data, golden_weight(net, "w", w, nn_shape2(1, w.count)),
                           golden_weight(net, "b", b, nn_shape1(1)));
    nn_node *a = nn_sigmoid(g, z);
    golden_watch(net, z);
    golden_watch(net, a);
    nn_node *y = golden_constant(net, "y", golden_like(c, nn_shape2(1, 1), golden_in(c, "y")));
    nn_node *cost = nn_mean(g, nn_binary_cross_entropy(g, z, y, NULL, NULL));
    nn_param_freeze(nn_model_find(golden_model(net), "x"), true);
    nn_exec *exec = golden_compile(net, cost);
    double loss = golden_run(net, cost);
    golden_out_number(c, "z", golden_value(net, z).data[0]);
    golden_out_number(c, "a", golden_value(net, a).data[0]);
    golden_out_number(c, "prob-percent", 100 * golden_value(net, a).data[0]);
    golden_out_number(c, "loss", loss);
    golden_out_number(c, "dz", golden_gradient(net, "b").data[0]);
    golden_out(c, "dw", golden_gradient(net, "w"));
    golden_out(c, "db", golden_gradient(net, "b"));
    nn_optimizer_args args = {.kind = NN_SGD, .lr = golden_number(c, "lr")};
    nn_optimizer *sgd = nn_optimizer_new(golden_model(net), args, NULL);
    nn_optimizer_step(sgd, exec, NULL, args.lr);
    nn_optimizer_free(sgd);
    golden_array after = golden_new(c, nn_shape1(3));
    after.data[2] = golden_run(net, cost);
    after.data[0] = golden_value(net, z).data[0];
    after.data[1] = golden_value(net, a).data[0];
    golden_array stepped = golden_param(net, "w"), both = golden_new(c, nn_shape1(2));
    both.data[0] = stepped.data[stepped.count - 1];
    both.data[1] = golden_param(net, "b").data[0];
    golden_out(c, "w-new", stepped);
    golden_out_number(c, "w1", stepped.data[0]);
    golden_out(c, "w2-b", both);
    golden_out(c, "b-new", golden_param(net, "b"));
    golden_out(c, "after-update", after);
}

/* --- networks with hidden layers
 * ---------------------------------------------------------------------- */

typedef struct {
    golden_net *net;
    nn_node *z1, *a1, *z2, *a2;
} shallow;

static shallow shallow_new(golden_case *c)
{
    golden_array x = rows_of(c, "X");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    shallow s = {.net = net};
    s.z1 = dense(net, golden_batch(net, "X", x), "W1", "b1");
    s.a1 = watched(net, nn_tanh(g, s.z1));
    s.z2 = dense(net, s.a1, "W2", "b2");
    s.a2 = watched(net, nn_sigmoid(g, s.z2));
    return s;
}

static void out_shallow(const shallow *s)
{
    out_columns(s->net, "Z1", s->z1);
    out_columns(s->net, "A1", s->a1);
    out_columns(s->net, "Z2", s->z2);
    out_columns(s->net, "A2", s->a2);
}

static void shallow_forward(golden_case *c)
{
    shallow s = shallow_new(c);
    golden_run(s.net, golden_sum(s.net, s.a2, NULL));
    out_shallow(&s);
}

static void two_layer(golden_case *c)
{
    shallow s = shallow_new(c);
    golden_out_number(c, "cost", golden_run(s.net, binary_cost(s.net, s.z2)));
    out_shallow(&s);
    golden_out_gradients(s.net, "W1 b1 W2 b2");
    out_gradient_of_rows(s.net, "X");
}

/* W2 W1 and W2 b1 by sending the columns of W1 and b1 through the second layer. */
static void linear_collapse(golden_case *c)
{
    golden_array w1 = rows_of(c, "W1"), b1 = golden_in(c, "b1"), x = rows_of(c, "X");
    golden_net *net = golden_net_new(c, w1.shape.dim[0]);
    nn_node *wp = dense(net, golden_batch(net, "W1", w1), "W2", NULL);
    golden_run(net, golden_sum(net, wp, NULL));
    out_columns(net, "Wp", wp);
    net = golden_net_new(c, 1);
    nn_node *bp =
        dense(net, golden_batch(net, "b1", golden_like(c, nn_shape2(1, b1.count), b1)), "W2", "b2");
    golden_run(net, golden_sum(net, bp, NULL));
    out_columns(net, "bp", bp);
    net = golden_net_new(c, x.shape.dim[0]);
    nn_node *out = dense(net, dense(net, golden_batch(net, "X", x), "W1", "b1"), "W2", "b2");
    golden_run(net, golden_sum(net, out, NULL));
    out_columns(net, "out", out);
}

static void deep_relu(golden_case *c)
{
    golden_array x = rows_of(c, "X");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_node *a1 = watched(net, nn_relu(g, dense(net, golden_batch(net, "X", x), "W1", "b1")));
    nn_node *a2 = watched(net, nn_relu(g, dense(net, a1, "W2", "b2")));
    nn_node *z3 = dense(net, a2, "W3", "b3"), *al = watched(net, nn_sigmoid(g, z3));
    golden_out_number(c, "cost", golden_run(net, binary_cost(net, z3)));
    out_columns(net, "A1", a1);
    out_columns(net, "A2", a2);
    out_columns(net, "AL", al);
    golden_out_gradients(net, "W1 b1 W2 b2 W3 b3");
}

static void matvec(golden_case *c)
{
    golden_array x = golden_in(c, "x"), d = golden_in(c, "d_z");
    golden_net *net = golden_net_new(c, 1);
    nn_node *z =
        dense(net, golden_batch(net, "x", golden_like(c, nn_shape2(1, x.count), x)), "W", "b");
    golden_run(net, golden_sum(net, z, &d));
    golden_out(c, "z", golden_value(net, z));
    golden_out_gradients(net, "W x b");
}

/* x (n) through relu(W1 x), W2, and back onto x itself or onto Ws x. */
static void residual(golden_case *c)
{
    golden_array x = golden_in(c, "x"), d = golden_in(c, "d_H");
    bool projected = golden_has(c, "Ws");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *in = golden_batch(net, "x", golden_like(c, nn_shape2(1, x.count), x));
    nn_node *f = dense(net, nn_relu(g, dense(net, in, "W1", NULL)), "W2", NULL);
    nn_node *skip = projected ? dense(net, in, "Ws", NULL) : in;
    nn_node *h = watched(net, nn_relu(g, nn_add(g, f, skip)));
    golden_run(net, golden_sum(net, h, &d));
    golden_out(c, "F", golden_value(net, f));
    golden_out(c, "H", golden_value(net, h));
    golden_out_gradients(net, projected ? "x W1 W2 Ws" : "x W1 W2");
}

/* Rows are positions and weights stand on the right: W' is ours. */
static void feed_forward(golden_case *c)
{
    golden_array x = golden_in(c, "X"), d = golden_in(c, "d_Y");
    golden_array w1 = rows_of(c, "W1"), w2 = rows_of(c, "W2");
    golden_array b1 = golden_in(c, "b1"), b2 = golden_in(c, "b2");
    golden_net *net = golden_net_new(c, x.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_node *h = nn_linear(g, golden_batch(net, "X", x), golden_weight(net, "W1", w1, w1.shape),
                           golden_weight(net, "b1", b1, flat(b1)));
    nn_node *y = nn_linear(g, nn_relu(g, h), golden_weight(net, "W2", w2, w2.shape),
                           golden_weight(net, "b2", b2, flat(b2)));
    golden_watch(net, y);
    golden_run(net, golden_sum(net, y, &d));
    golden_out(c, "Y", golden_value(net, y));
    golden_out_gradients(net, "X b1 b2");
    out_gradient_of_rows(net, "W1");
    out_gradient_of_rows(net, "W2");
}

/* --- activations
 * --------------------------------------------------------------------------------------- */

static void activation(golden_case *c, nn_node *(*make)(golden_case *c, nn_graph *g, nn_node *x))
{
    golden_array z = golden_in(c, "z"), d = golden_in(c, "d_y");
    golden_net *net = golden_net_new(c, z.count);
    nn_node *in = golden_batch(net, "z", golden_like(c, flat(z), z));
    nn_node *y = watched(net, make(c, golden_graph(net), in));
    golden_run(net, golden_sum(net, y, &d));
    golden_out(c, "y", golden_value(net, y));
    golden_out_gradients(net, "z");
}

static nn_node *make_sigmoid(golden_case *c, nn_graph *g, nn_node *x)
{
    (void)c;
    return nn_sigmoid(g, x);
}

static nn_node *make_tanh(golden_case *c, nn_graph *g, nn_node *x)
{
    (void)c;
    return nn_tanh(g, x);
}

static nn_node *make_relu(golden_case *c, nn_graph *g, nn_node *x)
{
    (void)c;
    return nn_relu(g, x);
}

static nn_node *make_leaky(golden_case *c, nn_graph *g, nn_node *x)
{
    return nn_leaky_relu(g, x, golden_number(c, "slope"));
}

static void sigmoid_case(golden_case *c)
{
    activation(c, make_sigmoid);
}

static void tanh_case(golden_case *c)
{
    activation(c, make_tanh);
}

static void relu_case(golden_case *c)
{
    activation(c, make_relu);
}

static void leaky_case(golden_case *c)
{
    activation(c, make_leaky);
}

static void sigmoid_values(golden_case *c)
{
    golden_array z = golden_in(c, "z");
    golden_net *net = golden_net_new(c, z.count);
    nn_node *y = watched(net, nn_sigmoid(golden_graph(net), golden_batch(net, "z", z)));
    golden_run(net, golden_sum(net, y, NULL));
    golden_out(c, "", golden_value(net, y));
}

/* Inverted dropout with a given mask: masks are pure functions of the step, so one that drops
 * exactly these elements turns up among enough steps. */
static void dropout_case(golden_case *c)
{
    golden_array a = golden_in(c, "A"), mask = golden_in(c, "mask"), d = golden_in(c, "d_Y");
    if (a.count > 24)
        golden_skip(c); /* 2^24 masks and more are not searched */
    op_case drop = {.op = "dropout", .what = "golden", .rows = 1};
    drop.input[0] = op_activation_of(1, (int)a.count);
    op_draw(&drop, &(double){1 - golden_number(c, "keep")}, sizeof(double));
    golden_array y = golden_new(c, a.shape), grad = golden_new(c, a.shape);
    op_run run;
    op_run_new(&run, &drop, 1);
    bool found = false;
    for (run.step = 0; run.step < 4000000 && !found; run.step += !found) {
        op_run_forward(&run);
        found = true;
        for (int64_t i = 0; i < a.count && found; i++)
            found = (run.out[i] != 0) == (mask.data[i] != 0);
    }
    for (int64_t i = 0; i < a.count; i++) {
        ((nn_real *)run.value[0])[i] = (nn_real)a.data[i];
        run.grad_out[i] = (nn_real)d.data[i];
    }
    op_run_forward(&run);
    op_run_backward(&run);
    for (int64_t i = 0; i < a.count; i++) {
        y.data[i] = (double)run.out[i];
        grad.data[i] = (double)run.gradient[0][i];
    }
    op_run_free(&run);
    if (!found)
        golden_skip(c);
    golden_out(c, "Y", y);
    golden_out(c, "grad_A", grad);
}

/* --- losses
 * -----------------------------------------------------------------------------------------------
 */

static void stable_bce(golden_case *c)
{
    golden_array z = golden_in(c, "z");
    golden_net *net = golden_net_new(c, z.count);
    nn_node *in = golden_batch(net, "z", golden_like(c, flat(z), z));
    nn_node *targets = golden_constant(net, "y", golden_like(c, flat(z), golden_in(c, "y")));
    nn_graph *g = golden_graph(net);
    nn_node *loss = watched(net, nn_binary_cross_entropy(g, in, targets, NULL, NULL));
    golden_out_number(c, "total", golden_run(net, golden_sum(net, loss, NULL)));
    golden_out(c, "loss_each", golden_value(net, loss));
    golden_out_gradients(net, "z");
}

/* -log softmax of every class of every row, by asking the loss for each class in turn. */
static golden_array minus_log_softmax(golden_case *c, golden_array rows)
{
    int64_t n = rows.shape.dim[0], classes = rows.shape.dim[1];
    golden_array all = golden_new(c, rows.shape), labels = golden_new(c, nn_shape1(n * classes));
    golden_array repeated = golden_new(c, nn_shape2(n * classes, classes));
    for (int64_t i = 0; i < n * classes; i++) {
        labels.data[i] = (double)(i % classes);
        memcpy(repeated.data + i * classes, rows.data + i / classes * classes,
               (size_t)classes * sizeof(double));
    }
    golden_net *net = golden_net_new(c, n * classes);
    nn_node *loss = nn_softmax_cross_entropy(golden_graph(net), golden_batch(net, "z", repeated),
                                             golden_labels(net, "labels", labels));
    golden_watch(net, loss);
    golden_run(net, golden_sum(net, loss, NULL));
    golden_array each = golden_value(net, loss);
    memcpy(all.data, each.data, (size_t)all.count * sizeof(double));
    return all;
}

static void softmax_ce(golden_case *c)
{
    golden_array z = rows_of(c, "Z");
    golden_net *net = golden_net_new(c, z.shape.dim[0]);
    nn_graph *g = golden_graph(net);
    nn_node *labels = golden_labels(net, "labels", golden_in(c, "labels"));
    nn_node *loss = nn_softmax_cross_entropy(g, golden_batch(net, "Z", z), labels);
    golden_out_number(c, "loss", golden_run(net, nn_mean(g, loss)));
    out_gradient_of_rows(net, "Z");
    golden_array p = minus_log_softmax(c, z);
    for (int64_t i = 0; i < p.count; i++)
        p.data[i] = exp(-p.data[i]);
    golden_out(c, "P", golden_transposed(c, p));
}

static void softmax_big(golden_case *c)
{
    golden_array z = golden_in(c, "z");
    golden_array loss = minus_log_softmax(c, golden_like(c, nn_shape2(1, z.count), z));
    golden_array p = golden_new(c, flat(z)), logp = golden_new(c, flat(z));
    int64_t best = 0; /* its sum with the loss loses the fewest digits */
    for (int64_t i = 0; i < z.count; i++) {
        logp.data[i] = -loss.data[i];
        p.data[i] = exp(-loss.data[i]);
        best = z.data[i] > z.data[best] ? i : best;
    }
    golden_out(c, "p", p);
    golden_out(c, "logp", logp);
    golden_out_number(c, "lse", z.data[best] + loss.data[best]);
}

static void frozen_step(golden_case *c)
{
    golden_array x = golden_in(c, "x");
    golden_net *net = golden_net_new(c, 1);
    nn_graph *g = golden_graph(net);
    nn_node *in = golden_batch(net, "x", golden_like(c, nn_shape2(1, x.count), x));
    nn_node *z = dense(net, nn_relu(g, dense(net, in, "Wb", NULL)), "Wh", NULL);
    nn_node *loss = nn_mean(
        g, nn_softmax_cross_entropy(g, z, golden_labels(net, "label", golden_in(c, "label"))));
    nn_param_freeze(nn_model_find(golden_model(net), "x"), true);
    nn_param_freeze(nn_model_find(golden_model(net), "Wb"), true);
    nn_exec *exec = golden_compile(net, loss);
    golden_out_number(c, "loss", golden_run(net, loss));
    nn_optimizer_args args = {.kind = NN_SGD, .lr = golden_number(c, "lr")};
    nn_optimizer *sgd = nn_optimizer_new(golden_model(net), args, NULL);
    nn_optimizer_step(sgd, exec, NULL, args.lr);
    nn_optimizer_free(sgd);
    golden_out(c, "Wh_new", golden_param(net, "Wh"));
    golden_out(c, "Wb_new", golden_param(net, "Wb"));
}

const golden_known golden_network_cases[] = {
    {"ch01-logreg", logreg},
    {"ch01-stable-bce", stable_bce},
    {"ch01-sigmoid-limits", sigmoid_values},
    {"ch01-ex-", worked_example},
    {"ch02-ex-", worked_example},
    {"ch02-gd3", gd3},
    {"ch02-sigmoid-extreme", sigmoid_values},
    {"ch04-matvec", matvec},
    {"ch06-shallow-forward", shallow_forward},
    {"ch06-linear-collapse", linear_collapse},
    {"ch07-sigmoid", sigmoid_case},
    {"ch07-tanh", tanh_case},
    {"ch07-relu", relu_case},
    {"ch07-leaky", leaky_case},
    {"ch07-softmax-ce", softmax_ce},
    {"ch07-softmax-big", softmax_big},
    {"ch08-two-layer", two_layer},
    {"ch09-deep-relu", deep_relu},
    {"ch10-zero-init", two_layer},
    {"ch10-const-init", two_layer},
    {"ch14-dropout", dropout_case},
    {"ch27-frozen-step", frozen_step},
    {"ch32-residual", residual},
    {"ch32-residual-zero", residual},
    {"ch32-projection", residual},
    {"ch32-relu-gate", residual},
    {"ch51-ffn", feed_forward},
    {"", NULL},
};
