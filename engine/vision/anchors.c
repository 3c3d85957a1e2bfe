/* Anchors of boxes.h: which one fits a box, and k-means with the distance 1 - IoU. */
#include "engine/rng.h"
#include "engine/vision/boxes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { ROUNDS = 300 };

int nn_best_anchor(nn_box_size size, const nn_box_size *anchors, int count, double *iou)
{
    int best = -1;
    double most = -1;
    for (int i = 0; i < count; i++) {
        double one = nn_size_iou(size, anchors[i]);
        if (one > most) {
            most = one;
            best = i;
        }
    }
    if (iou)
        *iou = best < 0 ? 0 : most;
    return best;
}

/* k-means++ (Arthur and Vassilvitskii 2007): each next anchor is a box drawn with the square of its
 * distance to the nearest one so far. */
static void start(const nn_box_size *sizes, int count, int k, uint64_t seed, nn_box_size *anchors)
{
    uint32_t stream = nn_stream_of("anchors");
    anchors[0] = sizes[(int)(nn_uniform_at(seed, stream, 0, 0) * count)];
    for (int a = 1; a < k; a++) {
        double total = 0, iou;
        for (int i = 0; i < count; i++) {
            nn_best_anchor(sizes[i], anchors, a, &iou);
            total += (1 - iou) * (1 - iou);
        }
        double left = nn_uniform_at(seed, stream, 0, (uint32_t)a) * total;
        int chosen = count - 1;
        for (int i = 0; i < count; i++) {
            nn_best_anchor(sizes[i], anchors, a, &iou);
            left -= (1 - iou) * (1 - iou);
            if (left < 0) {
                chosen = i;
                break;
            }
        }
        anchors[a] = sizes[chosen];
    }
}

/* Every anchor becomes the mean of its boxes; one without boxes stays. */
static void move(const nn_box_size *sizes, int count, int k, const int *nearest,
                 nn_box_size *anchors)
{
    for (int a = 0; a < k; a++) {
        double width = 0, height = 0;
        int members = 0;
        for (int i = 0; i < count; i++)
            if (nearest[i] == a) {
                width += sizes[i].width;
                height += sizes[i].height;
                members++;
            }
        if (members > 0)
            anchors[a] = (nn_box_size){width / members, height / members};
    }
}

static int by_area(const void *left, const void *right)
{
    const nn_box_size *a = left, *b = right;
    double first = a->width * a->height, second = b->width * b->height;
    if (first != second)
        return first < second ? -1 : 1;
    return (a->width > b->width) - (a->width < b->width);
}

nn_status nn_anchor_means(const nn_box_size *sizes, int count, int k, uint64_t seed,
                          nn_box_size *anchors, double *mean_iou, nn_error *error)
{
    if (k < 1 || k > count)
        return nn_fail(error, NN_E_ARG, "anchors: %d of %d boxes; expected 1 to %d", k, count,
                       count);
    for (int i = 0; i < count; i++)
        if (!(sizes[i].width > 0 && sizes[i].height > 0 && isfinite(sizes[i].width) &&
              isfinite(sizes[i].height)))
            return nn_fail(error, NN_E_ARG, "anchors: box %d is %g x %g; expected sizes above 0", i,
                           sizes[i].width, sizes[i].height);
    int *nearest = calloc((size_t)count, sizeof *nearest);
    if (!nearest)
        return nn_fail(error, NN_E_NOMEM, "anchors of %d boxes: out of memory", count);
    start(sizes, count, k, seed, anchors);
    bool changed = true;
    for (int round = 0; changed && round < ROUNDS; round++) {
        changed = round == 0;
        for (int i = 0; i < count; i++) {
            int best = nn_best_anchor(sizes[i], anchors, k, NULL);
            changed |= best != nearest[i];
            nearest[i] = best;
        }
        if (changed)
            move(sizes, count, k, nearest, anchors);
    }
    free(nearest);
    qsort(anchors, (size_t)k, sizeof *anchors, by_area);
    *mean_iou = 0;
    for (int i = 0; i < count; i++) {
        double iou;
        nn_best_anchor(sizes[i], anchors, k, &iou);
        *mean_iou += iou / count;
    }
    return NN_OK;
}
