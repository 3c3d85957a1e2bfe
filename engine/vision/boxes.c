#include "engine/vision/boxes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* --- overlap ------------------------------------------------------------------------------- */

static double span(double low, double high)
{
    return high > low ? high - low : 0;
}

double nn_box_area(nn_box box)
{
    return span(box.x1, box.x2) * span(box.y1, box.y2);
}

double nn_box_intersection(nn_box a, nn_box b)
{
    return span(fmax(a.x1, b.x1), fmin(a.x2, b.x2)) * span(fmax(a.y1, b.y1), fmin(a.y2, b.y2));
}

static double share(double both, double first, double second)
{
    double either = first + second - both;
    return either > 0 ? both / either : 0;
}

double nn_iou(nn_box a, nn_box b)
{
    double first = nn_box_area(a), second = nn_box_area(b);
    /* A box without area meets nothing, wherever its corners lie. */
    double both = first > 0 && second > 0 ? nn_box_intersection(a, b) : 0;
    return share(both, first, second);
}

double nn_size_iou(nn_box_size a, nn_box_size b)
{
    double both = span(0, fmin(a.width, b.width)) * span(0, fmin(a.height, b.height));
    return share(both, span(0, a.width) * span(0, a.height), span(0, b.width) * span(0, b.height));
}

/* --- suppression --------------------------------------------------------------------------- */

typedef struct {
    double score;
    int index;
} ranked;

static int by_falling_score(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

nn_status nn_suppress(const nn_box *boxes, const double *scores, const int32_t *classes, int count,
                      nn_suppress_args args, int *kept, int *kept_count, nn_error *error)
{
    *kept_count = 0;
    if (count < 0 || args.limit < 0)
        return nn_fail(error, NN_E_ARG,
                       "suppression: %d boxes, at most %d kept; expected 0 or more", count,
                       args.limit);
    ranked *order = malloc(((size_t)count + 1) * sizeof *order);
    if (!order)
        return nn_fail(error, NN_E_NOMEM, "suppression of %d boxes: out of memory", count);
    int taking_part = 0;
    for (int i = 0; i < count; i++)
        if (scores[i] >= args.score)
            order[taking_part++] = (ranked){scores[i], i};
    qsort(order, (size_t)taking_part, sizeof *order, by_falling_score);
    int limit = args.limit > 0 ? args.limit : count;
    for (int i = 0; i < taking_part && *kept_count < limit; i++) {
        int candidate = order[i].index;
        bool dropped = false;
        for (int k = 0; k < *kept_count && !dropped; k++)
            dropped = (!classes || classes[kept[k]] == classes[candidate]) &&
                      nn_iou(boxes[kept[k]], boxes[candidate]) >= args.iou;
        if (!dropped)
            kept[(*kept_count)++] = candidate;
    }
    free(order);
    return NN_OK;
}

/* --- coding -------------------------------------------------------------------------------- */

nn_box nn_cell_decode(nn_cell_box cell, int cells, double width, double height)
{
    double x = (cell.column + cell.x) / cells * width, y = (cell.row + cell.y) / cells * height;
    double half_width = cell.width * width / 2, half_height = cell.height * height / 2;
    return (nn_box){x - half_width, y - half_height, x + half_width, y + half_height};
}

static int cell_of(double place, int cells)
{
    if (!(place > 0))
        return 0;
    return place < cells ? (int)place : cells - 1;
}

nn_cell_box nn_cell_encode(nn_box box, int cells, double width, double height)
{
    double x = (box.x1 + box.x2) / 2 / width * cells, y = (box.y1 + box.y2) / 2 / height * cells;
    int row = cell_of(y, cells), column = cell_of(x, cells);
    return (nn_cell_box){
        row, column, x - column, y - row, (box.y2 - box.y1) / height, (box.x2 - box.x1) / width};
}

/* --- mean average precision ----------------------------------------------------------------- */

/* The true box that this detection takes, or -1. */
static int taken_box(const nn_found_box *found, const nn_found_box *truth, int truth_count,
                     double least)
{
    int best = -1;
    double most = -1;
    for (int t = 0; t < truth_count; t++) {
        if (truth[t].class_index != found->class_index || truth[t].image != found->image)
            continue;
        double iou = nn_iou(found->box, truth[t].box);
        if (iou > most) {
            most = iou;
            best = t;
        }
    }
    return most >= least ? best : -1;
}

/* Precision from every rank on, the highest that comes yet: the interpolated curve. */
static double area_under(const double *precision, const double *recall, int count,
                         nn_precision_points points)
{
    double area = 0, before = 0;
    if (points == NN_ALL_POINTS)
        for (int i = 0; i < count; before = recall[i++])
            area += (recall[i] - before) * precision[i];
    for (int tenth = 0; points == NN_ELEVEN_POINTS && tenth <= 10; tenth++) {
        int i = 0;
        while (i < count && recall[i] < tenth / 10.0 - 1e-12)
            i++;
        area += i < count ? precision[i] / 11 : 0;
    }
    return area;
}

typedef struct {
    ranked *order;
    double *precision, *recall;
    bool *taken;
} curve;

static double precision_of(const nn_found_box *found, int found_count, const nn_found_box *truth,
                           int truth_count, int32_t class_index, double iou,
                           nn_precision_points points, const curve *room)
{
    int ranks = 0, total = 0, right = 0;
    for (int i = 0; i < found_count; i++)
        if (found[i].class_index == class_index && !isnan(found[i].score))
            room->order[ranks++] = (ranked){found[i].score, i};
    for (int t = 0; t < truth_count; t++) {
        total += truth[t].class_index == class_index;
        room->taken[t] = false;
    }
    if (total == 0)
        return NAN;
    qsort(room->order, (size_t)ranks, sizeof *room->order, by_falling_score);
    for (int i = 0; i < ranks; i++) {
        int box = taken_box(&found[room->order[i].index], truth, truth_count, iou);
        if (box >= 0 && !room->taken[box]) {
            room->taken[box] = true;
            right++;
        }
        room->precision[i] = (double)right / (i + 1);
        room->recall[i] = (double)right / total;
    }
    for (int i = ranks - 2; i >= 0; i--)
        room->precision[i] = fmax(room->precision[i], room->precision[i + 1]);
    return area_under(room->precision, room->recall, ranks, points);
}

static nn_status with_room(const nn_found_box *found, int found_count, const nn_found_box *truth,
                           int truth_count, int32_t first, int32_t end, double iou,
                           nn_precision_points points, double *precision, nn_error *error)
{
    size_t ranks = (size_t)(found_count > 0 ? found_count : 0) + 1;
    *precision = NAN;
    if (found_count < 0 || truth_count < 0 || !(iou > 0 && iou <= 1))
        return nn_fail(error, NN_E_ARG,
                       "average precision: %d detections, %d boxes, IoU %g; expected 0 or more and "
                       "an IoU above 0, at most 1",
                       found_count, truth_count, iou);
    curve room = {malloc(ranks * sizeof *room.order), malloc(ranks * sizeof *room.precision),
                  malloc(ranks * sizeof *room.recall),
                  malloc(((size_t)truth_count + 1) * sizeof *room.taken)};
    bool enough = room.order && room.precision && room.recall && room.taken;
    double sum = 0;
    int classes = 0;
    for (int32_t k = first; enough && k < end; k++) {
        double one = precision_of(found, found_count, truth, truth_count, k, iou, points, &room);
        sum += isnan(one) ? 0 : one;
        classes += !isnan(one);
    }
    free(room.order);
    free(room.precision);
    free(room.recall);
    free(room.taken);
    if (!enough)
        return nn_fail(error, NN_E_NOMEM, "average precision of %d detections: out of memory",
                       found_count);
    *precision = classes > 0 ? sum / classes : (double)NAN;
    return NN_OK;
}

nn_status nn_box_precision(const nn_found_box *found, int found_count, const nn_found_box *truth,
                           int truth_count, int32_t class_index, double iou,
                           nn_precision_points points, double *precision, nn_error *error)
{
    int64_t end = (int64_t)class_index + 1;
    if (class_index < 0 || end > INT32_MAX)
        return nn_fail(error, NN_E_ARG, "average precision: class %d; expected 0 or more",
                       (int)class_index);
    return with_room(found, found_count, truth, truth_count, class_index, (int32_t)end, iou, points,
                     precision, error);
}

nn_status nn_mean_box_precision(const nn_found_box *found, int found_count,
                                const nn_found_box *truth, int truth_count, int classes, double iou,
                                nn_precision_points points, double *precision, nn_error *error)
{
    return with_room(found, found_count, truth, truth_count, 0, classes, iou, points, precision,
                     error);
}
