/* Boxes: overlap, suppression, coding, anchors and mean average precision, against numbers worked
 * by hand and plain second ways to compute them. */
#include "engine/rng.h"
#include "engine/vision/boxes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-12 * (1 + fabs(expected))))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static void overlap_is_counted_cell_by_cell(void **state)
{
    (void)state;
    enum { GRID = 12 };
    for (uint32_t n = 0; n < 200; n++) {
        int corner[8], both = 0, either = 0;
        for (uint32_t k = 0; k < 8; k++)
            corner[k] = (int)(nn_uniform_at(3, 1, n, k) * (GRID + 1));
        for (int x = 0; x < GRID; x++)
            for (int y = 0; y < GRID; y++) {
                int in[2];
                for (int b = 0; b < 2; b++) {
                    const int *c = corner + 4 * b;
                    in[b] = x >= c[0] && x < c[2] && y >= c[1] && y < c[3];
                }
                both += in[0] && in[1];
                either += in[0] || in[1];
            }
        nn_box a = {corner[0], corner[1], corner[2], corner[3]};
        nn_box b = {corner[4], corner[5], corner[6], corner[7]};
        assert_near(nn_iou(a, b), either > 0 ? (double)both / either : 0);
    }
}

static void tiny_and_empty_boxes_are_legal(void **state)
{
    (void)state;
    nn_box tiny = {0, 0, 1e-9, 1e-9}, line = {0, 0, 0, 5}, turned = {4, 4, 1, 1};
    nn_box whole = {0, 0, 5, 5};
    assert_near(nn_iou(tiny, tiny), 1);
    assert_near(nn_iou(line, line), 0);
    assert_near(nn_iou(turned, whole), 0);
    assert_near(nn_size_iou((nn_box_size){2, 3}, (nn_box_size){3, 2}), 0.5);
    assert_near(nn_size_iou((nn_box_size){0, 0}, (nn_box_size){0, 0}), 0);
}

static void suppression_keeps_the_best(void **state)
{
    (void)state;
    const nn_box boxes[] = {
        {0, 0, 10, 10}, {1, 0, 11, 10}, {0, 0, 10, 10}, {20, 0, 30, 10}, {20, 0, 30, 10}};
    const double scores[] = {0.8, 0.9, 0.7, 0.5, (double)NAN};
    const int32_t classes[] = {0, 0, 1, 1, 1};
    int kept[5], count;
    nn_error error;
    nn_suppress_args args = {.score = 0.1, .iou = 0.5};
    assert_int_equal(nn_suppress(boxes, scores, NULL, 5, args, kept, &count, &error), NN_OK);
    assert_int_equal(count, 2);
    assert_true(kept[0] == 1 && kept[1] == 3);
    assert_int_equal(nn_suppress(boxes, scores, classes, 5, args, kept, &count, &error), NN_OK);
    assert_int_equal(count, 3);
    assert_true(kept[0] == 1 && kept[1] == 2 && kept[2] == 3);
    args.limit = 1;
    assert_int_equal(nn_suppress(boxes, scores, classes, 5, args, kept, &count, &error), NN_OK);
    assert_true(count == 1 && kept[0] == 1);
    assert_int_equal(nn_suppress(NULL, NULL, NULL, 0, args, kept, &count, &error), NN_OK);
    assert_int_equal(count, 0);
    assert_int_equal(nn_suppress(boxes, scores, NULL, -1, args, kept, &count, &error), NN_E_ARG);
}

static void coding_goes_there_and_back(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 50; n++) {
        double x = nn_uniform_at(1, 2, n, 0) * 600, y = nn_uniform_at(1, 2, n, 1) * 400;
        double w = nn_uniform_at(1, 2, n, 2) * 900, h = nn_uniform_at(1, 2, n, 3) * 90;
        nn_box box = {x - w / 2, y - h / 2, x + w / 2, y + h / 2};
        nn_cell_box cell = nn_cell_encode(box, 19, 600, 400);
        assert_true(cell.row >= 0 && cell.row < 19 && cell.column >= 0 && cell.column < 19);
        assert_true(cell.x >= 0 && cell.x < 1 && cell.y >= 0 && cell.y < 1);
        nn_box back = nn_cell_decode(cell, 19, 600, 400);
        assert_true(fabs(back.x1 - box.x1) < 1e-9 && fabs(back.y2 - box.y2) < 1e-9);
    }
    nn_cell_box edge = nn_cell_encode((nn_box){590, 390, 620, 430}, 19, 600, 400);
    assert_true(edge.row == 18 && edge.column == 18);
}

/* Three shapes, each of them many times with a little noise. */
static void anchors_find_the_shapes_there_are(void **state)
{
    (void)state;
    enum { EACH = 40 };
    const nn_box_size shape[3] = {{10, 12}, {80, 30}, {50, 160}};
    nn_box_size sizes[3 * EACH], anchors[3], again[3];
    double mean_iou, second;
    nn_error error;
    for (uint32_t i = 0; i < 3 * EACH; i++)
        sizes[i] =
            (nn_box_size){shape[i % 3].width * (0.95 + nn_uniform_at(4, 1, 0, 2 * i) / 10),
                          shape[i % 3].height * (0.95 + nn_uniform_at(4, 1, 0, 2 * i + 1) / 10)};
    for (uint64_t seed = 0; seed < 5; seed++) {
        assert_int_equal(nn_anchor_means(sizes, 3 * EACH, 3, seed, anchors, &mean_iou, &error),
                         NN_OK);
        assert_true(mean_iou > 0.9);
        for (int a = 0; a < 3; a++)
            assert_true(nn_size_iou(anchors[a], shape[a]) > 0.95);
        assert_int_equal(nn_anchor_means(sizes, 3 * EACH, 3, seed, again, &second, &error), NN_OK);
        assert_memory_equal(anchors, again, sizeof anchors);
    }
    assert_int_equal(nn_anchor_means(sizes, 3, 3, 1, anchors, &mean_iou, &error), NN_OK);
    assert_near(mean_iou, 1);
    assert_int_equal(nn_anchor_means(sizes, 3, 4, 1, anchors, &mean_iou, &error), NN_E_ARG);
    sizes[1].width = 0;
    assert_int_equal(nn_anchor_means(sizes, 3, 2, 1, anchors, &mean_iou, &error), NN_E_ARG);
    assert_non_null(strstr(error.text, "box 1"));
    assert_int_equal(nn_best_anchor(shape[0], NULL, 0, NULL), -1);
}

/* Two true boxes, found at ranks 1 and 3 of 4: precision 1, 1/2, 2/3, 1/2 at recall 1/2, 1/2, 1, 1.
 * All points: 1/2 1 + 1/2 2/3; eleven points: (6 x 1 + 5 x 2/3) / 11. */
static void average_precision_is_the_area_of_the_curve(void **state)
{
    (void)state;
    const nn_box here = {0, 0, 10, 10}, there = {50, 50, 60, 60};
    const nn_found_box truth[] = {{0, 0, 0, here}, {1, 0, 0, there}, {0, 2, 0, there}};
    const nn_found_box found[] = {{0, 0, 0.9, here}, {0, 0, 0.8, here}, {1, 0, 0.7, there},
                                  {1, 0, 0.1, here}, {0, 2, 0.3, here}, {0, 2, 0.2, there}};
    double precision;
    nn_error error;
    assert_int_equal(
        nn_box_precision(found, 6, truth, 3, 0, 0.5, NN_ALL_POINTS, &precision, &error), NN_OK);
    assert_near(precision, 0.5 + 1.0 / 3);
    assert_int_equal(
        nn_box_precision(found, 6, truth, 3, 0, 0.5, NN_ELEVEN_POINTS, &precision, &error), NN_OK);
    assert_near(precision, (6 + 10.0 / 3) / 11);
    assert_int_equal(
        nn_box_precision(found, 6, truth, 3, 1, 0.5, NN_ALL_POINTS, &precision, &error), NN_OK);
    assert_true(isnan(precision)); /* no true box of class 1 */
    assert_int_equal(
        nn_mean_box_precision(found, 6, truth, 3, 3, 0.5, NN_ALL_POINTS, &precision, &error),
        NN_OK);
    assert_near(precision, (0.5 + 1.0 / 3 + 0.5) / 2);
    assert_int_equal(
        nn_mean_box_precision(NULL, 0, truth, 3, 3, 0.5, NN_ELEVEN_POINTS, &precision, &error),
        NN_OK);
    assert_near(precision, 0);
    assert_int_equal(
        nn_box_precision(found, 6, truth, 3, -1, 0.5, NN_ALL_POINTS, &precision, &error), NN_E_ARG);
    assert_int_equal(nn_box_precision(found, 6, truth, 3, 0, 0, NN_ALL_POINTS, &precision, &error),
                     NN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlap_is_counted_cell_by_cell),
        cmocka_unit_test(tiny_and_empty_boxes_are_legal),
        cmocka_unit_test(suppression_keeps_the_best),
        cmocka_unit_test(coding_goes_there_and_back),
        cmocka_unit_test(anchors_find_the_shapes_there_are),
        cmocka_unit_test(average_precision_is_the_area_of_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
