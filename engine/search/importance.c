#include "engine/search/importance.h"

#include "engine/rng.h"
#include "engine/search/sampler_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Features are cut into BINS parts of their scale; bin 0 says that the parameter is not there. */
enum { FORESTS = 12, TREES = 12, DEPTH = 12, LEAF = 2, BINS = 33 };

typedef struct {
    int feature; /* -1: a leaf */
    int bin;
    bool word;       /* left: bin == here; else left: bin <= here */
    int left, right; /* nodes */
    double value;
} node;

typedef struct {
    int rows, features;
    unsigned char *bins; /* rows x features */
    double *rank;        /* 0 the best, 1 the worst */
    bool word[NN_SPACE_PARAMS];
    uint64_t seed;
    uint32_t drawn;
    /* work space */
    int *sample, *unseen, *room;
    bool *used;
    node *nodes;
    int node_count;
} forest;

static double draw(forest *f)
{
    return nn_uniform_at(f->seed, NN_STREAM_IMPORTANCE, 0, f->drawn++);
}

static int draw_below(forest *f, int count)
{
    return (int)(draw(f) * count);
}

static unsigned char bin_of(const forest *f, int row, int feature)
{
    return f->bins[(size_t)row * (size_t)f->features + (size_t)feature];
}

/* --- growing a tree ----------------------------------------------------------------------------
 */

typedef struct {
    int feature, bin;
    bool word;
    double gain;
} cut;

/* The best cut of one feature: gain is the sum of squares that both sides explain. */
static void try_feature(const forest *f, const int *rows, int count, int feature, cut *best)
{
    int n[BINS] = {0}, seen = 0;
    double sum[BINS] = {0}, total = 0, before = 0;
    for (int i = 0; i < count; i++) {
        int bin = bin_of(f, rows[i], feature);
        n[bin]++;
        sum[bin] += f->rank[rows[i]];
        total += f->rank[rows[i]];
    }
    for (int bin = 0; bin < BINS; bin++) {
        int left = f->word[feature] ? n[bin] : seen + n[bin];
        double of_left = f->word[feature] ? sum[bin] : before + sum[bin];
        seen += n[bin];
        before += sum[bin];
        int right = count - left;
        if (left < LEAF || right < LEAF)
            continue;
        double of_right = total - of_left;
        double gain =
            of_left * of_left / left + of_right * of_right / right - total * total / count;
        if (gain > best->gain + 1e-12)
            *best = (cut){feature, bin, f->word[feature], gain};
    }
}

static bool goes_left(const node *at, unsigned char bin)
{
    return at->word ? bin == at->bin : bin <= at->bin;
}

/* A tree over rows[0..count); returns its node. */
static int grow(forest *f, int *rows, int count, int depth)
{
    int number = f->node_count++;
    node *at = &f->nodes[number];
    *at = (node){.feature = -1};
    for (int i = 0; i < count; i++)
        at->value += f->rank[rows[i]] / count;
    cut best = {.feature = -1};
    for (int p = 0; p < f->features && depth < DEPTH && count >= 2 * LEAF; p++)
        try_feature(f, rows, count, p, &best);
    if (best.feature < 0)
        return number;
    at->feature = best.feature;
    at->bin = best.bin;
    at->word = best.word;
    int left = 0;
    for (int i = 0; i < count; i++)
        if (goes_left(at, bin_of(f, rows[i], best.feature))) {
            int moved = rows[left];
            rows[left++] = rows[i];
            rows[i] = moved;
        }
    int first = grow(f, rows, left, depth + 1);
    int second = grow(f, rows + left, count - left, depth + 1);
    f->nodes[number].left = first;
    f->nodes[number].right = second;
    return number;
}

/* The tree's answer for `row`, with the value of `feature` (-1: none) from row `from`. */
static double answer(const forest *f, int row, int feature, int from)
{
    const node *at = f->nodes;
    while (at->feature >= 0) {
        int source = at->feature == feature ? from : row;
        at = &f->nodes[goes_left(at, bin_of(f, source, at->feature)) ? at->left : at->right];
    }
    return at->value;
}

/* --- forests -----------------------------------------------------------------------------------
 */

/* Sums over trees: variance and squared errors of unseen rows, as they are and with one feature
 * shuffled. */
typedef struct {
    double variance, error, shuffled[NN_SPACE_PARAMS];
} tally;

static double square(double x)
{
    return x * x;
}

static void shuffle(forest *f, int *list, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int other = draw_below(f, i + 1), kept = list[i];
        list[i] = list[other];
        list[other] = kept;
    }
}

static void judge(forest *f, int unseen, tally *sums)
{
    double mean = 0;
    for (int i = 0; i < unseen; i++)
        mean += f->rank[f->unseen[i]] / unseen;
    for (int i = 0; i < unseen; i++) {
        int row = f->unseen[i];
        sums->variance += square(f->rank[row] - mean);
        sums->error += square(f->rank[row] - answer(f, row, -1, 0));
    }
    for (int p = 0; p < f->features; p++) {
        memcpy(f->room, f->unseen, (size_t)unseen * sizeof *f->room);
        shuffle(f, f->room, unseen);
        for (int i = 0; i < unseen; i++)
            sums->shuffled[p] +=
                square(f->rank[f->unseen[i]] - answer(f, f->unseen[i], p, f->room[i]));
    }
}

/* One forest on the rows kept[0..count). */
static void plant(forest *f, const int *kept, int count, tally *sums)
{
    for (int tree = 0; tree < TREES; tree++) {
        memset(f->used, 0, (size_t)f->rows * sizeof *f->used);
        for (int i = 0; i < count; i++) {
            f->sample[i] = kept[draw_below(f, count)];
            f->used[f->sample[i]] = true;
        }
        int unseen = 0;
        for (int i = 0; i < count; i++)
            if (!f->used[kept[i]])
                f->unseen[unseen++] = kept[i];
        f->node_count = 0;
        grow(f, f->sample, count, 0);
        if (unseen > 1)
            judge(f, unseen, sums);
    }
}

static bool open_forest(forest *f)
{
    size_t rows = (size_t)f->rows;
    f->bins = malloc(rows * (size_t)f->features);
    f->rank = malloc(rows * sizeof *f->rank);
    f->sample = malloc(rows * sizeof *f->sample);
    f->unseen = malloc(rows * sizeof *f->unseen);
    f->room = malloc(rows * sizeof *f->room);
    f->used = malloc(rows * sizeof *f->used);
    f->nodes = malloc(2 * rows * sizeof *f->nodes);
    return f->bins && f->rank && f->sample && f->unseen && f->room && f->used && f->nodes;
}

static void close_forest(forest *f)
{
    free(f->bins);
    free(f->rank);
    free(f->sample);
    free(f->unseen);
    free(f->room);
    free(f->used);
    free(f->nodes);
}

static void fill(forest *f, const nn_space *space, const nn_trial_record *history, const int *order)
{
    for (int row = 0; row < f->rows; row++) {
        const nn_point *point = &history[order[row]].point;
        f->rank[row] = (double)row / (f->rows - 1);
        for (int p = 0; p < space->count; p++) {
            const nn_space_param *param = &space->param[p];
            int bin = 0;
            if (!isnan(point->value[p]))
                bin = 1 + (param->scale == NN_SCALE_CHOICE
                               ? (int)nn_space_option(param, point->value[p])
                               : (int)fmin(BINS - 2,
                                           nn_space_unit(param, point->value[p]) * (BINS - 1)));
            f->bins[(size_t)row * (size_t)f->features + (size_t)p] = (unsigned char)bin;
        }
    }
    for (int p = 0; p < space->count; p++)
        f->word[p] = space->param[p].scale == NN_SCALE_CHOICE;
}

static void measure(forest *f, int *kept, nn_importance *importance, double *explained)
{
    double sum[NN_SPACE_PARAMS] = {0}, squares[NN_SPACE_PARAMS] = {0}, known = 0;
    int used = f->rows - f->rows / 5;
    for (int i = 0; i < f->rows; i++)
        kept[i] = i;
    for (int k = 0; k < FORESTS; k++) {
        tally sums = {0};
        shuffle(f, kept, f->rows);
        plant(f, kept, used, &sums);
        double variance = sums.variance > 0 ? sums.variance : 1;
        known += (1 - sums.error / variance) / FORESTS;
        for (int p = 0; p < f->features; p++) {
            /* Shuffling puts in another trial's value: the variance counts twice. */
            double share = 0.5 * (sums.shuffled[p] - sums.error) / variance;
            sum[p] += share;
            squares[p] += share * share;
        }
    }
    /* Leaving out d of n, the deviation among the forests is enlarged by sqrt((n - d) / d). */
    double enlarged = sqrt((double)used / (f->rows > used ? f->rows - used : 1));
    for (int p = 0; p < f->features; p++) {
        double mean = sum[p] / FORESTS;
        double variance = squares[p] / FORESTS - mean * mean;
        importance[p] =
            (nn_importance){mean > 0 ? mean : 0, enlarged * sqrt(variance > 0 ? variance : 0)};
    }
    if (explained)
        *explained = known > 0 ? known : 0;
}

nn_status nn_importances(const nn_space *space, const nn_trial_record *history, int count,
                         uint64_t seed, nn_importance *importance, double *explained,
                         nn_error *error)
{
    int *order = malloc(((size_t)count + 1) * sizeof *order);
    int rows = order ? nn_rank_trials(history, count, order) : -1;
    forest f = {.rows = rows, .features = space->count, .seed = seed};
    nn_status status = NN_OK;
    if (rows >= 0 && rows < NN_IMPORTANCE_LEAST)
        status = nn_fail(error, NN_E_STATE,
                         "importance needs %d trials that have ended, and there are %d",
                         NN_IMPORTANCE_LEAST, rows);
    else if (rows < 0 || !open_forest(&f))
        status = nn_fail(error, NN_E_NOMEM, "no memory for forests over %d trials", count);
    if (status == NN_OK) {
        fill(&f, space, history, order);
        measure(&f, order, importance, explained);
    }
    close_forest(&f);
    free(order);
    return status;
}

void nn_pareto_front(const double *a, const double *b, int count, bool *front)
{
    for (int i = 0; i < count; i++) {
        front[i] = !isnan(a[i]) && !isnan(b[i]);
        for (int j = 0; j < count && front[i]; j++)
            front[i] = !(a[j] <= a[i] && b[j] <= b[i] && (a[j] < a[i] || b[j] < b[i]));
    }
}
