/* Boxes of detectors (chapter 35): overlap, suppression, coding, anchors, mean average precision.
 * Plain functions over arrays, beside the graph: nothing here is differentiated. All are pure and
 * callable from any thread; those that sort take memory for as long as they run. Lengths may be in
 * any unit (pixels, cells, shares of the image), the same for all boxes of a call. */
#ifndef GRADUS_ENGINE_VISION_BOXES_H
#define GRADUS_ENGINE_VISION_BOXES_H

#include "engine/status.h"

#include <stdint.h>

typedef struct {
    double x1, y1, x2, y2; /* corners; without area where x2 <= x1 or y2 <= y1 */
} nn_box;

typedef struct {
    double width, height;
} nn_box_size;

double nn_box_area(nn_box box);
double nn_box_intersection(nn_box a, nn_box b);
/* Intersection over union, 0..1; 0 where the union has no area (errata E35.1: no epsilon). */
double nn_iou(nn_box a, nn_box b);
/* IoU of two boxes laid on the same centre. */
double nn_size_iou(nn_box_size a, nn_box_size b);

/* --- suppression --------------------------------------------------------------------------- */

typedef struct {
    double score; /* the least a box needs to take part */
    double iou;   /* a kept box drops the others with this overlap or more */
    int limit;    /* most boxes to keep; 0: all */
} nn_suppress_args;
/* Keeps the highest score (the lower index on a tie), drops what overlaps it, and so on. With
 * `classes` a box drops only its own class (errata E35.2), with NULL any. Writes the indices in the
 * order kept; `kept` has room for `count`. A NaN score takes no part. */
nn_status nn_suppress(const nn_box *boxes, const double *scores, const int32_t *classes, int count,
                      nn_suppress_args args, int *kept, int *kept_count, nn_error *error);

/* --- coding (the notes' form: centre within its cell, size as share of the image) ------------ */

typedef struct {
    int row, column;      /* of the cell that holds the centre */
    double x, y;          /* of the centre in its cell, 0..1 */
    double height, width; /* of the image's */
} nn_cell_box;
/* `cells` a side, an image of width x height. Not clipped. */
nn_box nn_cell_decode(nn_cell_box cell, int cells, double width, double height);
/* The inverse; a centre outside the image goes to the cell at its edge. */
nn_cell_box nn_cell_encode(nn_box box, int cells, double width, double height);

/* --- anchors ------------------------------------------------------------------------------- */

/* The anchor with the highest nn_size_iou (the lower index on a tie); -1 without anchors. `iou`
 * receives it and may be NULL. */
int nn_best_anchor(nn_box_size size, const nn_box_size *anchors, int count, double *iou);
/* k-means with the distance 1 - IoU (Redmon and Farhadi 2017), started as k-means++ from `seed`.
 * Fills `anchors` (k of them, 1 <= k <= count), smallest area first, and the mean IoU of the boxes
 * with their anchors. Sizes must be above 0. */
nn_status nn_anchor_means(const nn_box_size *sizes, int count, int k, uint64_t seed,
                          nn_box_size *anchors, double *mean_iou, nn_error *error);

/* --- mean average precision ----------------------------------------------------------------- */

typedef struct {
    int32_t image, class_index;
    double score; /* of detections */
    nn_box box;
} nn_found_box;

typedef enum {
    NN_ALL_POINTS,   /* area under the interpolated curve (PASCAL VOC from 2010) */
    NN_ELEVEN_POINTS /* mean of 11 recalls (PASCAL VOC 2007) */
} nn_precision_points;

/* Of one class. Detections in falling score (the earlier on a tie) take the true box of their image
 * with the highest IoU if that is at least `iou` and not yet taken, else they are wrong. NaN in
 * `precision` where no true box has the class. */
nn_status nn_box_precision(const nn_found_box *found, int found_count, const nn_found_box *truth,
                           int truth_count, int32_t class_index, double iou,
                           nn_precision_points points, double *precision, nn_error *error);
/* Its mean over the classes 0..classes-1 that have true boxes; NaN where none has. */
nn_status nn_mean_box_precision(const nn_found_box *found, int found_count,
                                const nn_found_box *truth, int truth_count, int classes, double iou,
                                nn_precision_points points, double *precision, nn_error *error);

#endif
