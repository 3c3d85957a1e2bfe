/* Facts about dates and about images (chapters 28-31, 33-35): sizes, counts and multiply-adds of
 * small networks, boxes. */
#include "engine/shapes.h"
#include "engine/text/dates.h"
#include "engine/vision/boxes.h"
#include "engine/vision/field.h"
#include "tests/golden_case.h"
#include "tests/golden_settings.h"

#include <stdio.h>

/* --- building without values --------------------------------------------------------------------
 */

static nn_node *image_of(golden_net *net, int64_t channels, int64_t side)
{
    return nn_input(golden_graph(net), "x", NN_F, nn_shape3(channels, side, side));
}

static nn_node *conv(golden_net *net, const char *name, nn_node *x, int filters, int kernel,
                     nn_conv_args args)
{
    return nn_conv(golden_graph(net), name, x, filters, kernel, kernel, args, NN_INIT_ZEROS);
}

static nn_node *unbiased(golden_net *net, const char *name, nn_node *x, int filters, int kernel)
{
    int pad = (kernel - 1) / 2;
    return nn_conv_unbiased(golden_graph(net), name, x, filters, kernel, kernel,
                            (nn_conv_args){.pad = {pad, pad, pad, pad}}, NN_INIT_ZEROS);
}

static nn_node *pool(golden_net *net, nn_node *x, int kernel, int stride)
{
    nn_pool_args args = {.kernel = {kernel, kernel}, .stride = {stride, stride}};
    return nn_max_pool2d(golden_graph(net), x, args);
}

static nn_shape shape_of(golden_case *c, golden_net *net, const nn_node *node)
{
    nn_error error;
    if (nn_graph_error(golden_graph(net), &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    return nn_node_shape(node);
}

/* Rows, columns, channels, as the notes write them. */
static void out_volume(golden_case *c, golden_net *net, const nn_node *node)
{
    nn_shape shape = shape_of(c, net, node);
    golden_out_numbers(
        c, "", 3, (double[]){(double)shape.dim[2], (double)shape.dim[3], (double)shape.dim[1]});
}

static void out_parameters(golden_case *c, golden_net *net)
{
    golden_out_number(c, "", (double)nn_model_parameters(golden_model(net)));
}

/* --- chapter 28 ---------------------------------------------------------------------------------
 */

static void read_date(golden_case *c, const char *text, double parts[3])
{
    nn_date date;
    nn_error error;
    if (nn_date_read(text, &date, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    parts[0] = date.year;
    parts[1] = date.month;
    parts[2] = date.day;
}

static void one_date(golden_case *c)
{
    double parts[3];
    read_date(c, "20th Jan. 2023", parts);
    golden_out_numbers(c, "", 3, parts);
}

static void three_dates(golden_case *c)
{
    static const char *const listing[3] = {"25th Dec 2022", "December 25, 2022", "12/25/22"};
    golden_array out = golden_new(c, nn_shape2(3, 3));
    for (int i = 0; i < 3; i++)
        read_date(c, listing[i], out.data + 3 * i);
    golden_out(c, "", out);
}

static void pipeline(golden_case *c)
{
    golden_array stage = golden_in(c, "stage");
    golden_net *net = golden_net_new(c, 1);
    nn_node *x = golden_batch(net, "stage", golden_like(c, nn_shape2(1, stage.count), stage));
    nn_node *total = nn_reduce_prod(golden_graph(net), x, NULL, 0, false);
    golden_watch(net, total);
    golden_run(net, golden_sum(net, total, NULL));
    golden_out_number(c, "total", golden_value(net, total).data[0]);
}

/* --- chapters 29 and 30 -------------------------------------------------------------------------
 */

static void volume(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    out_volume(c, net, conv(net, "filters", image_of(net, 3, 6), 10, 3, (nn_conv_args){0}));
}

static void filter_parameters(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    conv(net, "filters", image_of(net, 3, 6), 10, 3, (nn_conv_args){0});
    out_parameters(c, net);
}

static void dense_on_a_photo(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_dense(golden_graph(net), "fc", nn_flatten(golden_graph(net), image_of(net, 3, 1000)), 1000,
             NN_INIT_ZEROS);
    const nn_param *weight = nn_model_find(golden_model(net), "fc.weight");
    golden_out_number(c, "", weight ? (double)nn_shape_count(nn_param_shape(weight)) : -1);
}

static void shrinking(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *x = image_of(net, 1, 6);
    double side[8] = {6};
    int sizes = 1;
    for (; sizes < 8 && side[sizes - 1] >= 3; sizes++) {
        char name[NN_NAME_MAX];
        snprintf(name, sizeof name, "conv%d", sizes);
        x = conv(net, name, x, 1, 3, (nn_conv_args){0});
        side[sizes] = (double)shape_of(c, net, x).dim[2];
    }
    golden_out_numbers(c, "", sizes, side);
}

/* The padding that keeps the size is whole for odd filters alone. */
static void even_filter(golden_case *c)
{
    golden_out_number(c, "", (golden_number(c, "f") - 1) / 2);
}

static void pooled_volume(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    out_volume(c, net, pool(net, image_of(net, 10, 32), 2, 2));
}

static void pool_parameters(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    pool(net, image_of(net, 10, 32), 2, 2);
    out_parameters(c, net);
}

static void overlapping_pool(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *y = pool(net, image_of(net, 1, 55), 3, 2);
    golden_out_number(c, "", (double)shape_of(c, net, y).dim[2]);
}

/* As listing 28 does it, int((n - f) / s) + 1: towards zero, so a window that does not fit gives
 * one cell. nn_max_pool2d refuses it. */
static void truncated_size(golden_case *c)
{
    double n = golden_number(c, "n"), f = golden_number(c, "f"), s = golden_number(c, "s");
    golden_out_number(c, "", (double)((int)((n - f) / s) + 1));
}

static void stacked_fields(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *image = image_of(net, 1, 32), *x = image;
    double size[3];
    for (int i = 0; i < 3; i++) {
        char name[NN_NAME_MAX];
        nn_field field;
        nn_error error;
        snprintf(name, sizeof name, "conv%d", i);
        x = conv(net, name, x, 1, 3, (nn_conv_args){0});
        if (nn_receptive_field(x, image, &field, &error) != NN_OK)
            golden_fail(c, "%s", error.text);
        size[i] = (double)field.size[0];
    }
    golden_out_numbers(c, "", 3, size);
}

/* --- chapter 33: 28x28x192 to 32 maps of 5x5 ----------------------------------------------------
 */

typedef struct {
    double first, second, weights; /* multiply-adds of the layers; weights of both */
} work;

static work naive_work(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    const nn_node *y = unbiased(net, "5x5", image_of(net, 192, 28), 32, 5);
    shape_of(c, net, y);
    return (work){0, (double)nn_node_multiply_adds(y),
                  (double)nn_model_parameters(golden_model(net))};
}

static work bottleneck_work(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *down = unbiased(net, "1x1", image_of(net, 192, 28), 16, 1);
    const nn_node *y = unbiased(net, "5x5", down, 32, 5);
    shape_of(c, net, y);
    return (work){(double)nn_node_multiply_adds(down), (double)nn_node_multiply_adds(y),
                  (double)nn_model_parameters(golden_model(net))};
}

static void naive_products(golden_case *c)
{
    golden_out_number(c, "", naive_work(c).second);
}

static void bottleneck_products(golden_case *c)
{
    work w = bottleneck_work(c);
    golden_out_numbers(c, "", 3, (double[]){w.first, w.second, w.first + w.second});
}

static void bottleneck_ratio(golden_case *c)
{
    work w = bottleneck_work(c);
    double small = w.first + w.second, large = naive_work(c).second;
    golden_out_numbers(c, "", 2, (double[]){small / large, large / small});
}

static void bottleneck_weights(golden_case *c)
{
    golden_out_numbers(c, "", 2, (double[]){naive_work(c).weights, bottleneck_work(c).weights});
}

/* --- chapter 34: the detector of 14x14 crops ----------------------------------------------------
 */

/* conv 5x5x16, pool 2, then dense 400, 400 and 4 as convolutions: one cell for a crop of 14. */
static nn_node *detector(golden_net *net, nn_node *image)
{
    nn_node *x = pool(net, conv(net, "conv", image, 16, 5, (nn_conv_args){0}), 2, 2);
    x = conv(net, "fc1", nn_relu(golden_graph(net), x), 400, 5, (nn_conv_args){0});
    x = conv(net, "fc2", nn_relu(golden_graph(net), x), 400, 1, (nn_conv_args){0});
    return conv(net, "fc3", nn_relu(golden_graph(net), x), 4, 1, (nn_conv_args){0});
}

/* Multiply-adds of one pass, and the windows it answers for. */
static double one_pass(golden_case *c, int64_t side, double *windows)
{
    golden_net *net = golden_outline_new(c);
    nn_shape shape = shape_of(c, net, detector(net, image_of(net, 3, side)));
    *windows = (double)(shape.dim[2] * shape.dim[3]);
    return (double)nn_graph_multiply_adds(golden_graph(net));
}

static void flattened(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *x = conv(net, "conv", image_of(net, 3, 14), 16, 5, (nn_conv_args){0});
    x = nn_flatten(golden_graph(net), pool(net, x, 2, 2));
    golden_out_number(c, "", (double)shape_of(c, net, x).dim[1]);
}

static void dense_and_conv(golden_case *c)
{
    golden_net *dense = golden_outline_new(c), *convolution = golden_outline_new(c);
    nn_node *flat = nn_flatten(golden_graph(dense), image_of(dense, 16, 5));
    nn_dense(golden_graph(dense), "fc", flat, 400, NN_INIT_ZEROS);
    conv(convolution, "conv", image_of(convolution, 16, 5), 400, 5, (nn_conv_args){0});
    golden_out_numbers(c, "", 2,
                       (double[]){(double)nn_model_parameters(golden_model(dense)),
                                  (double)nn_model_parameters(golden_model(convolution))});
}

static void window_stride(golden_case *c)
{
    golden_net *net = golden_outline_new(c);
    nn_node *image = image_of(net, 3, 16);
    nn_field field;
    nn_error error;
    if (nn_receptive_field(detector(net, image), image, &field, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    golden_out_number(c, "", (double)field.stride[0]);
}

static void shared_products(golden_case *c)
{
    double one, windows;
    double crop = one_pass(c, 14, &one), shared = one_pass(c, 16, &windows);
    golden_out_numbers(c, "", 2, (double[]){windows * crop, shared});
}

static void shared_ratio(golden_case *c)
{
    double one, windows;
    double crop = one_pass(c, 14, &one), shared = one_pass(c, 224, &windows);
    golden_out_number(c, "", windows * crop / shared);
}

/* --- chapter 35 ---------------------------------------------------------------------------------
 */

static void areas(golden_case *c)
{
    const nn_box a = {1, 1, 3, 3}, b = {2, 2, 4, 4}; /* of listing 33 */
    double common = nn_box_intersection(a, b), first = nn_box_area(a), second = nn_box_area(b);
    golden_out_numbers(c, "", 4, (double[]){first, second, common, first + second - common});
}

/* What a cell predicts for each of its anchors: p, a box, and the classes. */
static double numbers_of_cell(int anchors, int classes)
{
    enum { OBJECT = 1, BOX = sizeof(nn_box) / sizeof(double) };
    return anchors * (OBJECT + BOX + classes);
}

static void cell_lengths(golden_case *c)
{
    golden_out_numbers(
        c, "", 3, (double[]){numbers_of_cell(1, 3), numbers_of_cell(2, 3), numbers_of_cell(5, 80)});
}

static void grid_numbers(golden_case *c)
{
    const int cells = 19; /* a side */
    golden_out_number(c, "", cells * cells * numbers_of_cell(5, 80));
}

/* The settings, and that boxes at them behave as the chapter says: a score at the threshold stays,
 * an overlap at the threshold goes. */
static void thresholds(golden_case *c)
{
    const nn_box boxes[3] = {{0, 0, 2, 1}, {0, 0, 1, 1}, {5, 5, 6, 6}}; /* the first two: IoU 1/2 */
    const double scores[3] = {0.9, 0.8, BOX_SCORE};
    int kept[3], count;
    nn_error error;
    nn_suppress_args args = {.score = BOX_SCORE, .iou = BOX_OVERLAP};
    if (nn_suppress(boxes, scores, NULL, 3, args, kept, &count, &error) != NN_OK)
        golden_fail(c, "%s", error.text);
    if (count != 2 || kept[0] != 0 || kept[1] != 2)
        golden_fail(c, "%d boxes are left at the thresholds, expected the first and the third",
                    count);
    golden_out_numbers(c, "", 2, (double[]){args.score, args.iou});
}

const golden_known golden_image_fact_cases[] = {
    {"ch28-date", one_date},
    {"ch28-dates", three_dates},
    {"ch28-pipeline", pipeline},
    {"ch29-volume", volume},
    {"ch29-filter-params", filter_parameters},
    {"ch29-fc-explosion", dense_on_a_photo},
    {"ch29-shrink-chain", shrinking},
    {"ch29-even-filter", even_filter},
    {"ch30-channels", pooled_volume},
    {"ch30-params", pool_parameters},
    {"ch30-overlap-size", overlapping_pool},
    {"ch30-too-small", truncated_size},
    {"ch31-receptive-field", stacked_fields},
    {"ch33-naive", naive_products},
    {"ch33-bottleneck", bottleneck_products},
    {"ch33-ratio", bottleneck_ratio},
    {"ch33-params", bottleneck_weights},
    {"ch34-flatten", flattened},
    {"ch34-fc-conv-params", dense_and_conv},
    {"ch34-window-stride", window_stride},
    {"ch34-share-macs", shared_products},
    {"ch34-share-ratio-large", shared_ratio},
    {"ch35-areas", areas},
    {"ch35-y-len", cell_lengths},
    {"ch35-grid", grid_numbers},
    {"ch35-thresholds", thresholds},
    {"", NULL},
};
