/* The plan: same bits for any number of threads and any reuse of memory, gradients that add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/small_nets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 13 }; /* no multiple of anything */

typedef struct {
    int threads, shards, batch, rows, steps;
    bool keep_all;
} setting;

/* Trains a net from seed 7 and returns its model; the loss goes to *loss. */
static small_net trained(net_kind kind, setting s, double *loss)
{
    nn_error error = {NN_OK, ""};
    small_net net = net_build(kind, 7);
    nn_pool *pool = nn_pool_new(s.threads, &error);
    nn_exec *exec = nn_compile(net.graph, net.loss, &net.logits, 1, pool,
                               (nn_exec_args){.batch = s.batch,
                                              .shards = s.shards,
                                              .training = true,
                                              .keep_all = s.keep_all,
                                              .seed = 3},
                               &error);
    if (!exec)
        fail_msg("%s: %s", net_name(kind), error.text);
    *loss = net_train(&net, exec, s.steps, s.rows, 0.1);
    assert_true(isfinite(*loss));
    nn_exec_free(exec);
    nn_pool_free(pool);
    return net;
}

static void assert_same_bits(const small_net *a, const small_net *b, const char *what)
{
    assert_int_equal(nn_model_count(a->model), nn_model_count(b->model));
    for (int i = 0; i < nn_model_count(a->model); i++) {
        const nn_param *p = nn_model_at(a->model, i), *q = nn_model_at(b->model, i);
        size_t bytes = (size_t)nn_shape_count(nn_param_shape(p)) * sizeof(nn_real);
        if (memcmp(nn_param_values(p), nn_param_values(q), bytes) != 0)
            fail_msg("%s: parameter '%s' differs", what, nn_param_name(p));
    }
}

static double largest_difference(const small_net *a, const small_net *b)
{
    double largest = 0;
    for (int i = 0; i < nn_model_count(a->model); i++) {
        const nn_param *p = nn_model_at(a->model, i), *q = nn_model_at(b->model, i);
        for (int64_t k = 0; k < nn_shape_count(nn_param_shape(p)); k++)
            largest = fmax(largest, fabs((double)nn_param_values(p)[k] - nn_param_values(q)[k]));
    }
    return largest;
}

/* Trains every net with both settings and compares: bits, or closeness where `near` > 0. */
static void compare(setting one, setting other, double near)
{
    for (int kind = 0; kind < NET_KINDS; kind++) {
        double loss[2];
        small_net a = trained((net_kind)kind, one, &loss[0]);
        small_net b = trained((net_kind)kind, other, &loss[1]);
        if (near > 0) {
            double difference = largest_difference(&a, &b);
            if (difference > near)
                fail_msg("%s: %g apart", net_name((net_kind)kind), difference);
        } else {
            assert_same_bits(&a, &b, net_name((net_kind)kind));
            assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
        }
        net_free(&a);
        net_free(&b);
    }
}

static void threads_never_change_a_bit(void **state)
{
    (void)state;
    for (int shards = 1; shards <= 5; shards += 2)
        for (int threads = 2; threads <= 3; threads++)
            compare((setting){1, shards, BATCH, BATCH, 6, false},
                    (setting){threads, shards, BATCH, BATCH, 6, false}, 0);
}

static void reuse_of_memory_never_changes_a_bit(void **state)
{
    (void)state;
    for (int shards = 1; shards <= 4; shards++)
        compare((setting){2, shards, BATCH, BATCH, 6, false},
                (setting){2, shards, BATCH, BATCH, 6, true}, 0);
}

static void shards_give_the_same_up_to_rounding(void **state)
{
    (void)state;
    for (int shards = 2; shards <= BATCH; shards += 3)
        compare((setting){1, 1, BATCH, BATCH, 4, false},
                (setting){2, shards, BATCH, BATCH, 4, false}, 2e-5);
}

/* A batch of 3 in a plan for 13 is the batch of 3 in a plan for 3, also where shards stay empty. */
static void a_short_batch_is_a_small_batch(void **state)
{
    (void)state;
    compare((setting){1, 2, BATCH, 3, 4, false}, (setting){1, 2, 3, 3, 4, false}, 0);
    compare((setting){2, 5, BATCH, 3, 4, false}, (setting){1, 3, 3, 3, 4, false}, 0);
    compare((setting){2, 5, BATCH, 1, 1, false}, (setting){1, 1, 1, 1, 1, false}, 0);
    compare((setting){3, 5, BATCH, 2, 4, true}, (setting){1, 1, 2, 2, 4, false}, 2e-5);
}

static void a_short_batch_between_full_ones_leaves_no_trace(void **state)
{
    (void)state;
    small_net net = net_build(NET_CONV, 1);
    nn_exec *exec = nn_compile(net.graph, net.loss, NULL, 0, NULL,
                               (nn_exec_args){.batch = BATCH, .shards = 3, .training = true}, NULL);
    assert_non_null(exec);
    double loss[2];
    for (int i = 0; i < 2; i++) {
        net_feed(&net, exec, BATCH, 5);
        assert_int_equal(nn_exec_rows(exec, BATCH, NULL), NN_OK);
        loss[i] = nn_forward(exec);
        assert_int_equal(nn_backward(exec, NULL), NN_OK);
        net_feed(&net, exec, 2, 6);
        assert_int_equal(nn_exec_rows(exec, 2, NULL), NN_OK);
        assert_true(nn_forward(exec) != loss[i]);
    }
    assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
    nn_exec_free(exec);
    net_free(&net);
}

/* Shards that are empty this time still hold the gradients of the last full batch. */
static void gradients_of_a_short_batch_are_its_own(void **state)
{
    (void)state;
    small_net net = net_build(NET_MLP, 1);
    nn_exec_args args = {.batch = BATCH, .shards = 5, .training = true};
    nn_exec *used = nn_compile(net.graph, net.loss, NULL, 0, NULL, args, NULL);
    nn_exec *fresh = nn_compile(net.graph, net.loss, NULL, 0, NULL, args, NULL);
    assert_non_null(used);
    assert_non_null(fresh);
    net_feed(&net, used, BATCH, 5);
    nn_forward(used);
    assert_int_equal(nn_backward(used, NULL), NN_OK);
    nn_exec *both[2] = {used, fresh};
    for (int i = 0; i < 2; i++) {
        net_feed(&net, both[i], 2, 6);
        assert_int_equal(nn_exec_rows(both[i], 2, NULL), NN_OK);
        nn_forward(both[i]);
        assert_int_equal(nn_backward(both[i], NULL), NN_OK);
    }
    for (int i = 0; i < nn_model_count(net.model); i++) {
        const nn_param *param = nn_model_at(net.model, i);
        assert_memory_equal(nn_param_gradient(used, param), nn_param_gradient(fresh, param),
                            (size_t)nn_shape_count(nn_param_shape(param)) * sizeof(nn_real));
    }
    nn_exec_free(used);
    nn_exec_free(fresh);
    net_free(&net);
}

/* --- gradients that meet -----------------------------------------------------------------------
 */

/* loss = mean(a + a + a) with a = x w': the gradient of w is three times that of mean(a). */
static void a_tensor_read_several_times_collects_its_gradients(void **state)
{
    (void)state;
    for (int reuse = 0; reuse < 2; reuse++) {
        nn_model *model = nn_model_new(1);
        nn_graph *g = nn_graph_new(model);
        nn_node *x = nn_input(g, "x", NN_F, nn_shape1(2));
        nn_node *a = nn_dense(g, "w", x, 1, NN_INIT_HE);
        nn_node *loss = nn_mean(g, nn_add(g, nn_add(g, a, a), a));
        nn_exec *exec = nn_compile(
            g, loss, NULL, 0, NULL,
            (nn_exec_args){.batch = 2, .shards = 2, .training = true, .keep_all = reuse}, NULL);
        assert_non_null(exec);
        memcpy(nn_exec_feed(exec, x), (nn_real[]){1, 2, 3, 5}, 4 * sizeof(nn_real));
        for (int again = 0; again < 2; again++) { /* and a second step starts from zero */
            nn_forward(exec);
            assert_int_equal(nn_backward(exec, NULL), NN_OK);
            const nn_real *dw = nn_param_gradient(exec, nn_model_find(model, "w.weight"));
            const nn_real *db = nn_param_gradient(exec, nn_model_find(model, "w.bias"));
            assert_float_equal(dw[0], 3 * (1 + 3) / 2.0, 1e-6);
            assert_float_equal(dw[1], 3 * (2 + 5) / 2.0, 1e-6);
            assert_float_equal(db[0], 3, 1e-6);
        }
        nn_exec_free(exec);
        nn_graph_free(g);
        nn_model_free(model);
    }
}

static void several_losses_add_up_on_shards(void **state)
{
    (void)state;
    small_net net = net_build(NET_MLP, 2);
    nn_graph *g = net.graph;
    nn_node *side = nn_mean(g, nn_sigmoid(g, net.logits));
    nn_node *total = nn_add(g, net.loss, side);
    assert_non_null(total);
    double first[2];
    for (int shards = 1; shards <= 2; shards++) {
        nn_exec *exec =
            nn_compile(g, total, NULL, 0, NULL,
                       (nn_exec_args){.batch = 6, .shards = shards, .training = true}, NULL);
        assert_non_null(exec);
        net_feed(&net, exec, 6, 1);
        assert_true(isfinite(nn_forward(exec)));
        assert_int_equal(nn_backward(exec, NULL), NN_OK);
        first[shards - 1] =
            (double)nn_param_gradient(exec, nn_model_find(net.model, "d1.weight"))[0];
        nn_exec_free(exec);
    }
    assert_float_equal(first[0], first[1], 1e-6);
    net_free(&net);
}

static void frozen_and_unused_parameters_have_no_gradient(void **state)
{
    (void)state;
    small_net net = net_build(NET_CONV, 2);
    nn_dense(net.graph, "aside", nn_flatten(net.graph, net.x), 3, NN_INIT_HE);
    nn_param_freeze(nn_model_find(net.model, "c1.weight"), true);
    nn_exec *exec = nn_compile(net.graph, net.loss, NULL, 0, NULL,
                               (nn_exec_args){.batch = 4, .training = true}, NULL);
    assert_non_null(exec);
    net_feed(&net, exec, 4, 1);
    nn_forward(exec);
    assert_int_equal(nn_backward(exec, NULL), NN_OK);
    assert_null(nn_param_gradient(exec, nn_model_find(net.model, "c1.weight")));
    assert_null(nn_param_gradient(exec, nn_model_find(net.model, "aside.weight")));
    assert_null(nn_param_gradient(exec, nn_model_find(net.model, "n1.mean")));
    assert_non_null(nn_param_gradient(exec, nn_model_find(net.model, "c1.bias")));
    nn_exec_free(exec);
    for (int i = 0; i < nn_model_count(net.model); i++)
        nn_param_freeze(nn_model_at(net.model, i), true);
    exec = nn_compile(net.graph, net.loss, NULL, 0, NULL,
                      (nn_exec_args){.batch = 4, .training = true}, NULL);
    net_feed(&net, exec, 4, 1);
    assert_true(isfinite(nn_forward(exec)));
    assert_int_equal(nn_backward(exec, NULL), NN_OK); /* nothing to do is fine */
    nn_exec_free(exec);
    net_free(&net);
}

/* --- random numbers -----------------------------------------------------------------------------
 */

static void dropout_draws_by_step_and_live_rate(void **state)
{
    (void)state;
    small_net net = net_build(NET_DROPOUT, 2);
    nn_exec *exec = nn_compile(net.graph, net.loss, NULL, 0, NULL,
                               (nn_exec_args){.batch = 8, .training = true, .seed = 1}, NULL);
    assert_non_null(exec);
    assert_float_equal(nn_exec_dropout(exec), 0.4, 0);
    net_feed(&net, exec, 8, 1);
    nn_exec_step(exec, 1);
    double first = nn_forward(exec);
    nn_exec_step(exec, 2);
    double second = nn_forward(exec);
    assert_true(first != second);
    nn_exec_step(exec, 1);
    assert_true(nn_forward(exec) == first);
    assert_int_equal(nn_exec_set_dropout(exec, 0, NULL), NN_OK);
    double without = nn_forward(exec);
    nn_exec_step(exec, 9);
    assert_true(nn_forward(exec) == without);
    nn_error error;
    assert_int_equal(nn_exec_set_dropout(exec, 1, &error), NN_E_ARG);
    assert_int_equal(nn_exec_set_dropout(exec, NAN, &error), NN_E_ARG);
    assert_float_equal(nn_exec_dropout(exec), 0, 0);
    nn_exec_free(exec);
    exec = nn_compile(net.graph, net.loss, NULL, 0, NULL, (nn_exec_args){.batch = 8}, NULL);
    net_feed(&net, exec, 8, 1);
    assert_float_equal(nn_forward(exec), without, 1e-6); /* identity in evaluation */
    nn_exec_free(exec);
    net_free(&net);
}

static void a_net_without_dropout_says_so(void **state)
{
    (void)state;
    small_net net = net_build(NET_MLP, 2);
    nn_error error;
    nn_exec *exec =
        nn_compile(net.graph, net.loss, NULL, 0, NULL, (nn_exec_args){.batch = 1}, NULL);
    assert_true(isnan(nn_exec_dropout(exec)));
    assert_int_equal(nn_exec_set_dropout(exec, 0.5, &error), NN_E_STATE);
    nn_exec_free(exec);
    net_free(&net);
}

/* --- reading a plan ------------------------------------------------------------------------------
 */

static void kept_tensors_can_be_read(void **state)
{
    (void)state;
    small_net net = net_build(NET_CONV, 2);
    for (int keep = 0; keep < 2; keep++) {
        nn_exec *exec = nn_compile(
            net.graph, net.loss, &net.logits, 1, NULL,
            (nn_exec_args){.batch = 6, .shards = 2, .training = true, .keep_all = keep}, NULL);
        net_feed(&net, exec, 5, 1);
        assert_int_equal(nn_exec_rows(exec, 5, NULL), NN_OK);
        double loss = nn_forward(exec);
        assert_int_equal(nn_backward(exec, NULL), NN_OK);
        nn_view logits = nn_value(exec, net.logits);
        assert_non_null(logits.data);
        assert_int_equal(logits.shape.dim[0], 5);
        const int32_t *label = nn_value(exec, net.labels).data;
        double sum = 0;
        for (int r = 0; r < 5; r++) {
            const nn_real *z = (const nn_real *)logits.data + 4 * r;
            double total = 0;
            for (int k = 0; k < 4; k++)
                total += exp((double)z[k]);
            sum += log(total) - (double)z[label[r]];
        }
        assert_float_equal(loss, sum / 5, 1e-5);
        const nn_node *relu = nn_graph_find(net.graph, "relu1");
        assert_non_null(relu);
        assert_int_equal(nn_value(exec, relu).data != NULL, keep);
        assert_int_equal(nn_gradient(exec, relu).data != NULL, keep);
        const nn_param *w = nn_model_find(net.model, "d.weight");
        assert_ptr_equal(nn_gradient(exec, nn_graph_find(net.graph, "d.weight")).data,
                         nn_param_gradient(exec, w));
        nn_exec_free(exec);
    }
    net_free(&net);
}

static size_t bytes_of(const small_net *net, bool training, bool keep_all)
{
    nn_exec *exec = nn_compile(
        net->graph, net->loss, NULL, 0, NULL,
        (nn_exec_args){.batch = 64, .shards = 1, .training = training, .keep_all = keep_all}, NULL);
    assert_non_null(exec);
    size_t bytes = nn_exec_bytes(exec);
    nn_exec_free(exec);
    return bytes;
}

static void reuse_makes_the_plan_smaller(void **state)
{
    (void)state;
    small_net net = net_build(NET_CONV, 2);
    assert_true(bytes_of(&net, true, false) * 10 < bytes_of(&net, true, true) * 7);
    assert_true(bytes_of(&net, false, false) * 10 < bytes_of(&net, false, true) * 7);
    net_free(&net);
}

static void shards_follow_graph_and_batch(void **state)
{
    (void)state;
    nn_model *model = nn_model_new(1);
    nn_graph *g = nn_graph_new(model);
    nn_node *image = nn_input(g, "image", NN_F, nn_shape3(1, 28, 28));
    nn_node *labels = nn_input(g, "labels", NN_I32, nn_shape_of(0, NULL));
    nn_conv_args plain = {.groups = 1};
    nn_node *h = nn_relu(g, nn_conv(g, "c", image, 8, 5, 5, plain, NN_INIT_HE));
    nn_node *deep = nn_dense(g, "d", nn_flatten(g, h), 10, NN_INIT_HE);
    nn_node *wide = nn_dense(g, "w1", nn_flatten(g, image), 128, NN_INIT_HE);
    wide = nn_dense(g, "w2", nn_relu(g, wide), 10, NN_INIT_HE);
    nn_node *loss[2] = {nn_mean(g, nn_softmax_cross_entropy(g, wide, labels)),
                        nn_mean(g, nn_softmax_cross_entropy(g, deep, labels))};
    static const struct {
        int net, batch, fixed, shards;
    } expect[] = {{0, 64, 0, 1}, {1, 64, 0, 2},   {0, 128, 0, 2},
                  {1, 1, 0, 1},  {0, 64, 16, 16}, {1, 3, 8, 3}};
    for (size_t i = 0; i < sizeof expect / sizeof *expect; i++)
        for (int threads = 1; threads <= 3; threads++) {
            nn_pool *pool = nn_pool_new(threads, NULL);
            nn_exec *exec = nn_compile(g, loss[expect[i].net], NULL, 0, pool,
                                       (nn_exec_args){.batch = expect[i].batch,
                                                      .shards = expect[i].fixed,
                                                      .training = true},
                                       NULL);
            assert_non_null(exec);
            assert_int_equal(nn_exec_shards(exec), expect[i].shards);
            nn_exec_free(exec);
            nn_pool_free(pool);
        }
    nn_graph_free(g);
    nn_model_free(model);
}

/* --- no allocation in the loop
 * -------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__) &&       \
    !defined(__clang__)
#define COUNTS_ALLOCATIONS 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
static volatile long allocations; /* of the one thread that runs while it is looked at */

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    allocations++;
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __libc_memalign(alignment, size);
}
#endif

static void a_step_allocates_nothing(void **state)
{
    (void)state;
#ifdef COUNTS_ALLOCATIONS
    for (int kind = 0; kind < NET_KINDS; kind++)
        for (int threads = 1; threads <= 2; threads++) {
            small_net net = net_build((net_kind)kind, 2);
            nn_pool *pool = nn_pool_new(threads, NULL);
            nn_exec *exec =
                nn_compile(net.graph, net.loss, NULL, 0, pool,
                           (nn_exec_args){.batch = 16, .shards = 2, .training = true}, NULL);
            net_train(&net, exec, 2, 16, 0.01);
            long before = allocations;
            net_train(&net, exec, 5, 16, 0.01);
            net_train(&net, exec, 2, 7, 0.01);
            assert_int_equal(allocations, before);
            nn_exec_free(exec);
            nn_pool_free(pool);
            net_free(&net);
        }
#else
    skip(); /* the allocator belongs to the sanitizer */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_never_change_a_bit),
        cmocka_unit_test(reuse_of_memory_never_changes_a_bit),
        cmocka_unit_test(shards_give_the_same_up_to_rounding),
        cmocka_unit_test(a_short_batch_is_a_small_batch),
        cmocka_unit_test(a_short_batch_between_full_ones_leaves_no_trace),
        cmocka_unit_test(gradients_of_a_short_batch_are_its_own),
        cmocka_unit_test(a_tensor_read_several_times_collects_its_gradients),
        cmocka_unit_test(several_losses_add_up_on_shards),
        cmocka_unit_test(frozen_and_unused_parameters_have_no_gradient),
        cmocka_unit_test(dropout_draws_by_step_and_live_rate),
        cmocka_unit_test(a_net_without_dropout_says_so),
        cmocka_unit_test(kept_tensors_can_be_read),
        cmocka_unit_test(reuse_makes_the_plan_smaller),
        cmocka_unit_test(shards_follow_graph_and_batch),
        cmocka_unit_test(a_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
