/* Operators of chapters 37 and 44 to 48 beside the graph: word vectors, beam search, BLEU. */
#include "engine/text/bleu.h"
#include "engine/text/decode.h"
#include "engine/text/vectors.h"
#include "ui/onnx/course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The whole numbers of input i; the caller frees. NULL if refused. */
static int32_t *tokens_of(onnx_call *call, int i)
{
    const onnx_tensor *input = onnx_input(call, i);
    int32_t *tokens = malloc((size_t)input->count * sizeof *tokens);
    if (!tokens)
        return onnx_refuse(call, "out of memory");
    for (int64_t k = 0; k < input->count; k++) {
        float x = input->data[k];
        bool good = fabsf(x) <= (float)ONNX_EXACT && x == floorf(x);
        if (!good)
            onnx_refuse(call, "input %d has %g; whole numbers are expected", i, (double)x);
        tokens[k] = good ? (int32_t)x : 0;
    }
    return tokens;
}

/* --- vectors ------------------------------------------------------------------------------------
 */

static void build_one_shot(onnx_call *call)
{
    nn_shape shape = onnx_input(call, 0)->shape;
    const float *table = onnx_input(call, 0)->data, *query = onnx_input(call, 1)->data;
    float *distance = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape1(shape.dim[0]));
    int64_t best = 0;
    for (int64_t i = 0; i < shape.dim[0] && distance; i++) {
        distance[i] = (float)nn_square_distance(table + i * shape.dim[1], query, (int)shape.dim[1]);
        best = distance[i] < distance[best] ? i : best;
    }
    if (!distance)
        return;
    course_out_number(call, 1, ONNX_INT64, (double)best);
    course_out_number(call, 2, ONNX_INT64, distance[best] <= onnx_input(call, 2)->data[0]);
}

static void build_shares(onnx_call *call)
{
    const onnx_tensor *count = onnx_input(call, 0);
    double *counts = course_numbers(call, 0), *shares = course_numbers(call, 0);
    nn_error error = {NN_OK, ""};
    if (counts && shares) {
        if (nn_unigram_shares(counts, (int)count->count, 0.75, shares, &error) == NN_OK)
            course_out_numbers(call, 0, ONNX_FLOAT, count->shape, shares);
        else
            onnx_refuse(call, "%s", error.text);
    }
    free(counts);
    free(shares);
}

static void build_neutralise(onnx_call *call)
{
    const onnx_tensor *w = onnx_input(call, 0), *axis = onnx_input(call, 1);
    nn_error error = {NN_OK, ""};
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, w->shape);
    if (to && nn_neutralise(w->data, axis->data, (int)w->count, to, &error) != NN_OK)
        onnx_refuse(call, "%s", error.text);
    if (to)
        course_out_number(call, 1, ONNX_FLOAT, nn_inner_product(to, axis->data, (int)w->count));
}

static void build_equalise(onnx_call *call)
{
    const onnx_tensor *first = onnx_input(call, 0), *second = onnx_input(call, 1);
    nn_error error = {NN_OK, ""};
    float *a = onnx_give_numbers(call, 0, ONNX_FLOAT, first->shape);
    float *b = onnx_give_numbers(call, 1, ONNX_FLOAT, first->shape);
    if (!a || !b)
        return;
    memcpy(a, first->data, (size_t)first->count * sizeof *a);
    memcpy(b, second->data, (size_t)first->count * sizeof *b);
    if (nn_equalise(a, b, onnx_input(call, 2)->data, (int)first->count, &error) != NN_OK)
        onnx_refuse(call, "%s", error.text);
}

static void build_axis(onnx_call *call)
{
    nn_shape shape = onnx_input(call, 0)->shape;
    float *to = onnx_give_numbers(call, 0, ONNX_FLOAT, nn_shape1(shape.dim[1]));
    if (to)
        nn_bias_axis(onnx_input(call, 0)->data, onnx_input(call, 1)->data, (int)shape.dim[0],
                     (int)shape.dim[1], to);
}

/* --- decoding -----------------------------------------------------------------------------------
 */

static void build_shift(onnx_call *call)
{
    nn_shape shape = onnx_input(call, 0)->shape;
    int64_t count = onnx_input(call, 0)->count;
    int32_t *target = tokens_of(call, 0), *first = tokens_of(call, 1);
    int32_t *shifted = malloc((size_t)count * sizeof *shifted);
    float *to = onnx_give_numbers(call, 0, ONNX_INT64, shape);
    if (target && first && shifted && to) {
        nn_shift_right(target, (int)shape.dim[0], (int)shape.dim[1], first[0], shifted);
        for (int64_t i = 0; i < count; i++)
            to[i] = (float)shifted[i];
    } else {
        onnx_refuse(call, "out of memory");
    }
    free(target);
    free(first);
    free(shifted);
}

/* A chain: the next token depends on the last one alone. */
typedef struct {
    const double *first, *next; /* (words), (words, words) */
    int words;
} chain;

static nn_status ask_chain(void *context, const nn_beam_step *step, double *log_probabilities,
                           nn_error *error)
{
    const chain *model = context;
    (void)error;
    for (int i = 0; i < step->count; i++) {
        const double *row = model->first;
        if (step->length > 0)
            row = model->next +
                  (int64_t)step->tokens[i * step->stride + step->length - 1] * model->words;
        for (int w = 0; w < model->words; w++)
            log_probabilities[i * model->words + w] = log(row[w]);
    }
    return NN_OK;
}

enum { BEAM_LENGTH = 3, BEAM_ROWS = 4, BEAM_WORDS = 32 };

typedef struct {
    nn_beam_text text[BEAM_WORDS * BEAM_WORDS + 2];
    int32_t token[(BEAM_WORDS * BEAM_WORDS + 2) * BEAM_LENGTH];
} beams;

static void give_beams(onnx_call *call, chain model, beams *room)
{
    const int widths[BEAM_ROWS] = {1, 2, 3, model.words * model.words + 2}; /* the last: all */
    float *sequence = onnx_give_numbers(call, 0, ONNX_INT64, nn_shape2(BEAM_ROWS, BEAM_LENGTH));
    float *score = onnx_give_numbers(call, 1, ONNX_FLOAT, nn_shape1(BEAM_ROWS));
    for (int r = 0; r < BEAM_ROWS && sequence && score; r++) {
        nn_error error = {NN_OK, ""};
        int count = 0;
        nn_beam_args args = {
            .vocabulary = model.words, .width = widths[r], .length = BEAM_LENGTH, .end = -1};
        if (nn_beam_search(args, ask_chain, &model, room->text, room->token, &count, &error) !=
                NN_OK ||
            count < 1) {
            onnx_refuse(call, "%s", error.text[0] ? error.text : "no text has a probability");
            return;
        }
        for (int i = 0; i < BEAM_LENGTH; i++)
            sequence[r * BEAM_LENGTH + i] = (float)room->token[i];
        score[r] = (float)room->text[0].log_probability;
    }
}

static void build_beam(onnx_call *call)
{
    int64_t words = onnx_input(call, 0)->count;
    if (words > BEAM_WORDS) {
        onnx_refuse(call, "%lld words; an exhaustive search takes at most %d", (long long)words,
                    BEAM_WORDS);
        return;
    }
    double *first = course_numbers(call, 0), *next = course_numbers(call, 1);
    beams *room = calloc(1, sizeof *room);
    if (first && next && room)
        give_beams(call, (chain){first, next, (int)words}, room);
    else
        onnx_refuse(call, "out of memory");
    free(first);
    free(next);
    free(room);
}

/* --- BLEU ---------------------------------------------------------------------------------------
 */

static void give_bleu(onnx_call *call, int32_t *const tokens[3])
{
    nn_error error = {NN_OK, ""};
    nn_bleu bleu = {.length = 0};
    nn_sentence sentence[3];
    double counts[2 * NN_BLEU_ORDER], mean = 0;
    for (int i = 0; i < 3; i++)
        sentence[i] = (nn_sentence){tokens[i], (int)onnx_input(call, i)->count};
    if (nn_bleu_add(&bleu, sentence[0], sentence + 1, 2, &error) != NN_OK) {
        onnx_refuse(call, "%s", error.text);
        return;
    }
    for (int n = 0; n < NN_BLEU_ORDER; n++) {
        counts[2 * n] = (double)bleu.matches[n];
        counts[2 * n + 1] = (double)bleu.total[n];
        mean += bleu.total[n] > 0 ? counts[2 * n] / counts[2 * n + 1] / NN_BLEU_ORDER : 0;
    }
    course_out_numbers(call, 0, ONNX_INT64, nn_shape2(NN_BLEU_ORDER, 2), counts);
    course_out_number(call, 1, ONNX_FLOAT, nn_bleu_brevity(&bleu));
    course_out_number(call, 2, ONNX_FLOAT, nn_bleu_score(&bleu, NN_BLEU_ORDER, NN_BLEU_PLAIN));
    course_out_number(call, 3, ONNX_FLOAT, nn_bleu_brevity(&bleu) * exp(mean));
}

static void build_bleu(onnx_call *call)
{
    int32_t *tokens[3];
    double work = 0;
    for (int i = 0; i < 3; i++) {
        tokens[i] = tokens_of(call, i);
        work += (double)onnx_input(call, i)->count;
    }
    if (!onnx_failed(call) && onnx_work(call, 100 * work * work))
        give_bleu(call, tokens);
    for (int i = 0; i < 3; i++)
        free(tokens[i]);
}

#define BLEU(NAME)                                                                                 \
    COURSE_PLAIN(NAME, "cand ref1 ref2", "c r s", "clipped_total bp bleu notes_formula",           \
                 build_bleu, 0)

const onnx_operator course_word_operators[] = {
    COURSE_PLAIN("one-shot-nn", "db query tau", "n,d d .", "dist best accept", build_one_shot, 0),
    COURSE_PLAIN("unigram-34", "count", "n", "p", build_shares, 0),
    COURSE_PLAIN("neutralize-3d", "w g", "n n", "w_debiased dot_after", build_neutralise, 0),
    COURSE_PLAIN("equalize", "e1 e2 g", "n n n", "e1_new e2_new", build_equalise, 0),
    COURSE_PLAIN("bias-axis", "a b", "n,d n,d", "g", build_axis, 0),
    COURSE_PLAIN("shift-right", "target bos", "b,t .", "dec_in", build_shift, 0),
    COURSE_PLAIN("beam", "p0 pt", "v v,v", "seq logp", build_beam, 0),
    BLEU("bleu-perfect"),
    BLEU("bleu-short"),
    BLEU("bleu-7"),
    BLEU("bleu-scramble"),
    BLEU("bleu-the"),
    {.name = NULL},
};
