/* Cases of words and texts: vectors, bias, beam search (chapters 37, 43-47). */
#include "engine/text/decode.h"
#include "engine/text/vectors.h"
#include "tests/golden_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1024 };

typedef struct {
    nn_real data[MOST];
    int size;
} vector;

/* The input `name`, at most MOST numbers; its `size` is the last dimension. */
static vector vector_of(golden_case *c, const char *name)
{
    golden_array a = golden_in(c, name);
    vector v = {.size = a.shape.rank > 0 ? (int)a.shape.dim[a.shape.rank - 1] : 1};
    if (a.count > MOST)
        golden_skip(c);
    for (int64_t i = 0; i < a.count; i++)
        v.data[i] = (nn_real)a.data[i];
    return v;
}

static void out_vector(golden_case *c, const char *name, const nn_real *data, int size)
{
    golden_array out = golden_new(c, nn_shape1(size));
    for (int i = 0; i < size; i++)
        out.data[i] = (double)data[i];
    golden_out(c, name, out);
}

static void out_pair(golden_case *c, double first, double second)
{
    golden_array out = golden_new(c, nn_shape1(2));
    out.data[0] = first;
    out.data[1] = second;
    golden_out(c, "", out);
}

static void check(golden_case *c, nn_status status, const nn_error *error)
{
    if (status)
        golden_fail(c, "%s", error->text);
}

/* --- chapter 37: the nearest of one example each ---------------------------------------------- */

static void one_shot(golden_case *c)
{
    vector db = vector_of(c, "db"), query = vector_of(c, "query");
    int rows = (int)golden_in(c, "db").shape.dim[0], count;
    golden_array distance = golden_new(c, nn_shape1(rows));
    nn_neighbour best = {-1, INFINITY};
    nn_error error;
    for (int r = 0; r < rows; r++)
        distance.data[r] = nn_square_distance(db.data + r * db.size, query.data, db.size);
    check(c,
          nn_nearest(db.data, rows, db.size, query.data, NN_BY_DISTANCE, NULL, 0, 1, &best, &count,
                     &error),
          &error);
    golden_out(c, "dist", distance);
    golden_out_number(c, "best", best.row);
    golden_out_number(c, "accept", best.value <= golden_number(c, "tau"));
}

/* --- chapter 43: words as vectors --------------------------------------------------------------
 */

static void man_woman_dot(golden_case *c)
{
    vector a = vector_of(c, "man"), b = vector_of(c, "woman");
    golden_out_number(c, "", nn_inner_product(a.data, b.data, a.size));
}

static void man_woman_cosine(golden_case *c)
{
    vector a = vector_of(c, "man"), b = vector_of(c, "woman");
    golden_out_number(c, "", nn_cosine(a.data, b.data, a.size));
}

static void out_likeness(golden_case *c, const char *first, const char *second)
{
    vector a = vector_of(c, first), b = vector_of(c, second);
    out_pair(c, nn_inner_product(a.data, b.data, a.size), nn_cosine(a.data, b.data, a.size));
}

static void king_queen(golden_case *c)
{
    out_likeness(c, "king", "queen");
}

static void man_king(golden_case *c)
{
    out_likeness(c, "man", "king");
}

static void out_difference(golden_case *c, const char *first, const char *second)
{
    vector a = vector_of(c, first), b = vector_of(c, second), axis = {.size = a.size};
    nn_bias_axis(a.data, b.data, 1, a.size, axis.data);
    out_vector(c, "", axis.data, a.size);
}

static void man_minus_woman(golden_case *c)
{
    out_difference(c, "man", "woman");
}

static void king_minus_queen(golden_case *c)
{
    out_difference(c, "king", "queen");
}

static vector king_as_woman(golden_case *c)
{
    vector man = vector_of(c, "man"), king = vector_of(c, "king"), woman = vector_of(c, "woman");
    vector out = {.size = man.size};
    nn_analogy(man.data, king.data, woman.data, man.size, out.data);
    return out;
}

static void analogy(golden_case *c)
{
    vector out = king_as_woman(c);
    out_vector(c, "", out.data, out.size);
}

static void analogy_cosines(golden_case *c)
{
    static const char *const word[4] = {"man", "woman", "king", "queen"};
    vector query = king_as_woman(c);
    golden_array out = golden_new(c, nn_shape1(4));
    for (int i = 0; i < 4; i++) {
        vector v = vector_of(c, word[i]);
        out.data[i] = nn_cosine(query.data, v.data, v.size);
    }
    golden_out(c, "", out);
}

/* --- chapter 44 ---------------------------------------------------------------------------------
 */

static void unigram(golden_case *c)
{
    golden_array count = golden_in(c, "count"), p = golden_new(c, count.shape);
    nn_error error;
    check(c, nn_unigram_shares(count.data, (int)count.count, 0.75, p.data, &error), &error);
    golden_out(c, "p", p);
}

/* --- chapter 45: bias ---------------------------------------------------------------------------
 */

static vector neutral(golden_case *c, const vector *axis)
{
    vector w = vector_of(c, "w");
    nn_error error;
    check(c, nn_neutralise(w.data, axis->data, w.size, w.data, &error), &error);
    return w;
}

static void neutralise(golden_case *c)
{
    vector axis = vector_of(c, "g"), w = neutral(c, &axis);
    out_vector(c, "", w.data, w.size);
}

/* Lengths before and after the axis (1, 0, ..) is taken out. */
static void norm_change(golden_case *c)
{
    vector w = vector_of(c, "w"), axis = {.data = {1}, .size = w.size}, after = neutral(c, &axis);
    out_pair(c, sqrt(nn_inner_product(w.data, w.data, w.size)),
             sqrt(nn_inner_product(after.data, after.data, w.size)));
}

static void neutralise_3d(golden_case *c)
{
    vector axis = vector_of(c, "g"), w = neutral(c, &axis);
    out_vector(c, "w_debiased", w.data, w.size);
    golden_out_number(c, "dot_after", nn_inner_product(w.data, axis.data, w.size));
}

static void equalise(golden_case *c)
{
    vector one = vector_of(c, "e1"), two = vector_of(c, "e2"), axis = vector_of(c, "g");
    nn_error error;
    check(c, nn_equalise(one.data, two.data, axis.data, one.size, &error), &error);
    out_vector(c, "e1_new", one.data, one.size);
    out_vector(c, "e2_new", two.data, two.size);
}

static void bias_axis(golden_case *c)
{
    vector a = vector_of(c, "a"), b = vector_of(c, "b"), axis = {.size = a.size};
    nn_bias_axis(a.data, b.data, (int)golden_in(c, "a").shape.dim[0], a.size, axis.data);
    out_vector(c, "g", axis.data, a.size);
}

/* --- chapters 46 and 47: decoding ----------------------------------------------------------------
 */

static void shift_right(golden_case *c)
{
    golden_array target = golden_in(c, "target"), out = golden_new(c, target.shape);
    int32_t tokens[MOST];
    if (target.count > MOST)
        golden_skip(c);
    for (int64_t i = 0; i < target.count; i++)
        tokens[i] = (int32_t)target.data[i];
    nn_shift_right(tokens, (int)target.shape.dim[0], (int)target.shape.dim[1],
                   (int32_t)golden_number(c, "bos"), tokens);
    for (int64_t i = 0; i < target.count; i++)
        out.data[i] = tokens[i];
    golden_out(c, "dec_in", out);
}

typedef struct {
    const double *first, *next;
    int vocabulary;
} chain;

static nn_status ask_chain(void *context, const nn_beam_step *step, double *answer, nn_error *error)
{
    const chain *model = context;
    (void)error;
    for (int i = 0; i < step->count; i++)
        for (int t = 0; t < model->vocabulary; t++) {
            const int32_t *text = step->tokens + (size_t)i * (size_t)step->stride;
            const double *p = step->length == 0
                                  ? model->first
                                  : model->next + text[step->length - 1] * model->vocabulary;
            answer[i * model->vocabulary + t] = log(p[t]);
        }
    return NN_OK;
}

static void beam(golden_case *c)
{
    enum { LENGTH = 3, ROWS = 4, WORDS = 32 };
    golden_array first = golden_in(c, "p0");
    int v = (int)first.count;
    if (v > WORDS)
        golden_skip(c);
    chain model = {first.data, golden_in(c, "pt").data, v};
    const int widths[ROWS] = {1, 2, 3, v * v + 2}; /* the last holds every text */
    golden_array seq = golden_new(c, nn_shape2(ROWS, LENGTH)),
                 logp = golden_new(c, nn_shape1(ROWS));
    for (int r = 0; r < ROWS; r++) {
        nn_beam_text texts[WORDS * WORDS + 2];
        int32_t tokens[(WORDS * WORDS + 2) * LENGTH];
        int count;
        nn_error error;
        nn_beam_args args = {.vocabulary = v, .width = widths[r], .length = LENGTH, .end = -1};
        check(c, nn_beam_search(args, ask_chain, &model, texts, tokens, &count, &error), &error);
        for (int i = 0; i < LENGTH; i++)
            seq.data[r * LENGTH + i] = tokens[i];
        logp.data[r] = texts[0].log_probability;
    }
    golden_out(c, "seq", seq);
    golden_out(c, "logp", logp);
}

/* Scores of a text of 2 and one of 4 words: raw, by length^0.7, by length. */
static void length_norm(golden_case *c)
{
    static const double power[3] = {0, 0.7, 1};
    golden_array out = golden_new(c, nn_shape1(6));
    const golden_array text[2] = {golden_in(c, "p2"), golden_in(c, "p4")};
    for (int p = 0; p < 3; p++)
        for (int t = 0; t < 2; t++) {
            double sum = 0;
            for (int64_t i = 0; i < text[t].count; i++)
                sum += log(text[t].data[i]);
            out.data[2 * p + t] = nn_beam_score(sum, (int)text[t].count, power[p]);
        }
    golden_out(c, "", out);
}

const golden_known golden_words_cases[] = {
    {"ch37-one-shot-nn", one_shot},
    {"ch43-man-woman-dot", man_woman_dot},
    {"ch43-man-woman-cos", man_woman_cosine},
    {"ch43-king-queen", king_queen},
    {"ch43-man-king", man_king},
    {"ch43-diff-mw", man_minus_woman},
    {"ch43-diff-kq", king_minus_queen},
    {"ch43-analogy", analogy},
    {"ch43-analogy-cos", analogy_cosines},
    {"ch44-unigram-34", unigram},
    {"ch45-neutralize", neutralise},
    {"ch45-norm-change", norm_change},
    {"ch45-neutralize-3d", neutralise_3d},
    {"ch45-equalize", equalise},
    {"ch45-bias-axis", bias_axis},
    {"ch46-shift-right", shift_right},
    {"ch47-beam", beam},
    {"ch47-length-norm", length_norm},
    {"", NULL},
};
