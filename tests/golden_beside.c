/* Cases of what stands beside the graph: metrics, boxes, BLEU (chapters 23, 35, 37, 48). */
#include "engine/metrics.h"
#include "engine/text/bleu.h"
#include "engine/vision/boxes.h"
#include "tests/golden_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- helpers ------------------------------------------------------------------------------- */

static golden_array vector(golden_case *c, int64_t count)
{
    return golden_new(c, nn_shape1(count));
}

static void out_numbers(golden_case *c, const char *name, const double *numbers, int64_t count)
{
    golden_array out = vector(c, count);
    for (int64_t i = 0; i < count; i++)
        out.data[i] = numbers[i];
    golden_out(c, name, out);
}

enum { MOST = 1024 }; /* numbers of one case in a row of ours; a larger case is not for these */

static int whole_numbers(golden_case *c, const char *name, int32_t numbers[MOST])
{
    golden_array a = golden_in(c, name);
    if (a.count > MOST)
        golden_skip(c);
    for (int64_t i = 0; i < a.count; i++)
        numbers[i] = (int32_t)a.data[i];
    return (int)a.count;
}

/* --- chapter 23: precision and recall -------------------------------------------------------- */

static nn_outcomes outcomes(golden_case *c)
{
    int32_t labels[MOST], predictions[MOST];
    int count = whole_numbers(c, "y_true", labels);
    if (whole_numbers(c, "y_pred", predictions) != count)
        golden_fail(c, "labels and predictions differ in number");
    return nn_outcomes_of(labels, predictions, count);
}

static void demo_counts(golden_case *c)
{
    nn_outcomes o = outcomes(c);
    out_numbers(c, "",
                (double[]){(double)o.true_positive, (double)o.false_positive,
                           (double)o.false_negative, (double)o.true_negative},
                4);
}

static void demo_exact(golden_case *c)
{
    nn_outcomes o = outcomes(c);
    double p = nn_precision(o), r = nn_recall(o);
    out_numbers(c, "", (double[]){p, r, nn_f_score(p, r, 1)}, 3);
}

/* The listing of the notes adds epsilon below each quotient. */
static void demo_epsilon(golden_case *c)
{
    nn_outcomes o = outcomes(c);
    double eps = golden_number(c, "eps"), right = (double)o.true_positive;
    double p = right / (right + (double)o.false_positive + eps);
    double r = right / (right + (double)o.false_negative + eps);
    out_numbers(c, "", (double[]){p, r, 2 * p * r / (p + r + eps)}, 3);
}

static void arithmetic_mean(golden_case *c)
{
    golden_out_number(c, "", (golden_number(c, "P") + golden_number(c, "R")) / 2);
}

static void f1(golden_case *c)
{
    golden_out_number(c, "", nn_f_score(golden_number(c, "P"), golden_number(c, "R"), 1));
}

static void f_scores(golden_case *c)
{
    double p = golden_number(c, "P"), r = golden_number(c, "R");
    out_numbers(c, "", (double[]){nn_f_score(p, r, 0.5), nn_f_score(p, r, 1), nn_f_score(p, r, 2)},
                3);
}

static void thresholds(golden_case *c)
{
    int32_t labels[MOST];
    int count = whole_numbers(c, "y", labels);
    golden_array scores = golden_in(c, "s"), t = golden_in(c, "t");
    golden_array table = golden_new(c, nn_shape2(t.count, 6));
    for (int64_t i = 0; i < t.count; i++) {
        nn_outcomes o = nn_outcomes_at(labels, scores.data, count, t.data[i]);
        double p = nn_precision(o), r = nn_recall(o), *row = table.data + 6 * i;
        row[0] = (double)o.true_positive;
        row[1] = (double)o.false_positive;
        row[2] = (double)o.false_negative;
        row[3] = p;
        row[4] = r;
        row[5] = nn_f_score(p, r, 1);
    }
    golden_out(c, "table", table);
}

/* --- chapters 35 and 37: boxes --------------------------------------------------------------- */

static nn_box box_at(golden_array boxes, int64_t i)
{
    const double *b = boxes.data + 4 * i;
    return (nn_box){b[0], b[1], b[2], b[3]};
}

/* With the epsilon of the listing where the case has one. */
static void iou(golden_case *c)
{
    nn_box a = box_at(golden_in(c, "a"), 0), b = box_at(golden_in(c, "b"), 0);
    if (!golden_has(c, "eps")) {
        golden_out_number(c, "", nn_iou(a, b));
        return;
    }
    double both = nn_box_intersection(a, b);
    golden_out_number(c, "",
                      both / (nn_box_area(a) + nn_box_area(b) - both + golden_number(c, "eps")));
}

static void iou_matrix(golden_case *c)
{
    golden_array boxes = golden_in(c, "boxes");
    int64_t n = boxes.shape.dim[0];
    golden_array out = golden_new(c, nn_shape2(n, n));
    for (int64_t i = 0; i < n * n; i++)
        out.data[i] = nn_iou(box_at(boxes, i / n), box_at(boxes, i % n));
    golden_out(c, "iou", out);
}

static void out_kept(golden_case *c, const char *name, const nn_box *boxes, const int32_t *classes,
                     int count)
{
    int kept[MOST], kept_count;
    nn_error error;
    nn_suppress_args args = {.score = golden_number(c, "p_min"),
                             .iou = golden_number(c, "iou_thr")};
    if (nn_suppress(boxes, golden_in(c, "scores").data, classes, count, args, kept, &kept_count,
                    &error))
        golden_fail(c, "%s", error.text);
    golden_array out = vector(c, kept_count);
    for (int i = 0; i < kept_count; i++)
        out.data[i] = kept[i];
    golden_out(c, name, out);
}

static void suppression(golden_case *c)
{
    nn_box boxes[MOST];
    int32_t classes[MOST];
    int count = whole_numbers(c, "classes", classes);
    for (int i = 0; i < count; i++)
        boxes[i] = box_at(golden_in(c, "boxes"), i);
    out_kept(c, "keep_class_agnostic", boxes, NULL, count);
    out_kept(c, "keep_per_class", boxes, classes, count);
}

static void decode(golden_case *c)
{
    golden_array cells = golden_in(c, "cells");
    int64_t n = cells.shape.dim[0];
    golden_array out = golden_new(c, nn_shape2(n, 4));
    for (int64_t i = 0; i < n; i++) {
        const double *cell = cells.data + 6 * i;
        nn_cell_box code = {(int)cell[0], (int)cell[1], cell[2], cell[3], cell[4], cell[5]};
        nn_box box = nn_cell_decode(code, (int)golden_number(c, "S"), golden_number(c, "W"),
                                    golden_number(c, "H"));
        out.data[4 * i] = box.x1;
        out.data[4 * i + 1] = box.y1;
        out.data[4 * i + 2] = box.x2;
        out.data[4 * i + 3] = box.y2;
    }
    golden_out(c, "boxes", out);
}

static void assign(golden_case *c)
{
    golden_array truth = golden_in(c, "gt"), anchors = golden_in(c, "anchors");
    int64_t n = truth.shape.dim[0], k = anchors.shape.dim[0];
    golden_array shape = golden_new(c, nn_shape2(n, k)), best = vector(c, n);
    nn_box_size sizes[MOST];
    if (k > MOST)
        golden_skip(c);
    for (int64_t a = 0; a < k; a++)
        sizes[a] = (nn_box_size){anchors.data[2 * a], anchors.data[2 * a + 1]};
    for (int64_t i = 0; i < n; i++) {
        nn_box_size box = {truth.data[2 * i], truth.data[2 * i + 1]};
        for (int64_t a = 0; a < k; a++)
            shape.data[i * k + a] = nn_size_iou(box, sizes[a]);
        best.data[i] = nn_best_anchor(box, sizes, (int)k, NULL);
    }
    golden_out(c, "shape_iou", shape);
    golden_out(c, "best", best);
}

/* --- chapter 48: BLEU ------------------------------------------------------------------------ */

static double mean_of(const double *p, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += p[i] / (double)count;
    return sum;
}

/* Made-up counts with exactly these precisions, so that our own formula answers. */
static double score_of(golden_case *c, golden_array p, double length, double reference)
{
    nn_bleu bleu = {.length = (int64_t)length, .reference_length = (int64_t)reference};
    const int64_t of = INT64_C(1) << 50;
    if (p.count > NN_BLEU_ORDER)
        golden_skip(c);
    for (int64_t n = 0; n < p.count; n++) {
        bleu.total[n] = of;
        bleu.matches[n] = llround(p.data[n] * (double)of);
    }
    return nn_bleu_score(&bleu, (int)p.count, NN_BLEU_PLAIN);
}

static void wrong_formula(golden_case *c)
{
    golden_array p = golden_in(c, "p");
    golden_out_number(c, "", exp(mean_of(p.data, p.count)));
}

static void right_formula(golden_case *c)
{
    golden_out_number(c, "", score_of(c, golden_in(c, "p"), 2, 1));
}

static void formulas(golden_case *c)
{
    golden_array p = golden_in(c, "p");
    double length = golden_number(c, "c"), reference = golden_number(c, "r");
    nn_bleu bleu = {.length = (int64_t)length, .reference_length = (int64_t)reference};
    double brevity = nn_bleu_brevity(&bleu);
    out_numbers(c, "",
                (double[]){brevity, score_of(c, p, length, reference),
                           brevity * exp(mean_of(p.data, p.count))},
                3);
}

static void bleu(golden_case *c)
{
    int32_t tokens[3][MOST];
    nn_error error;
    nn_bleu bleu = {.length = 0};
    nn_sentence candidate = {tokens[0], whole_numbers(c, "cand", tokens[0])};
    nn_sentence references[2] = {{tokens[1], whole_numbers(c, "ref1", tokens[1])},
                                 {tokens[2], whole_numbers(c, "ref2", tokens[2])}};
    if (nn_bleu_add(&bleu, candidate, references, 2, &error))
        golden_fail(c, "%s", error.text);
    golden_array counts = golden_new(c, nn_shape2(NN_BLEU_ORDER, 2));
    double p[NN_BLEU_ORDER];
    for (int n = 0; n < NN_BLEU_ORDER; n++) {
        counts.data[2 * n] = (double)bleu.matches[n];
        counts.data[2 * n + 1] = (double)bleu.total[n];
        p[n] = bleu.total[n] > 0 ? (double)bleu.matches[n] / (double)bleu.total[n] : 0;
    }
    golden_out(c, "clipped_total", counts);
    golden_out_number(c, "bp", nn_bleu_brevity(&bleu));
    golden_out_number(c, "bleu", nn_bleu_score(&bleu, NN_BLEU_ORDER, NN_BLEU_PLAIN));
    golden_out_number(c, "notes_formula", nn_bleu_brevity(&bleu) * exp(mean_of(p, NN_BLEU_ORDER)));
}

const golden_known golden_beside_cases[] = {
    {"ch23-arith-mean", arithmetic_mean},
    {"ch23-f1-silly", f1},
    {"ch23-fbeta", f_scores},
    {"ch23-demo-counts", demo_counts},
    {"ch23-demo-exact", demo_exact},
    {"ch23-demo-eps", demo_epsilon},
    {"ch23-perfect-eps", demo_epsilon},
    {"ch23-pr-thresholds", thresholds},
    {"ch35-iou", iou},
    {"ch35-iou-eps", iou},
    {"ch35-iou-eps-tiny", iou},
    {"ch35-iou-matrix", iou_matrix},
    {"ch35-nms", suppression},
    {"ch35-decode", decode},
    {"ch35-anchor-assign", assign},
    {"ch37-iou", iou},
    {"ch48-wrong-formula", wrong_formula},
    {"ch48-right-formula", right_formula},
    {"ch48-candidate7", right_formula},
    {"ch48-formula-compare", formulas},
    {"ch48-bleu-perfect", bleu},
    {"ch48-bleu-short", bleu},
    {"ch48-bleu-7", bleu},
    {"ch48-bleu-scramble", bleu},
    {"ch48-bleu-the", bleu},
    {"", NULL},
};
