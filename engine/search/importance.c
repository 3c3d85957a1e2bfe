#include "engine/search/importance.h"

#include "engine/rng.h"
#include "engine/search/sampler_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Features are cut into BINS parts of their scale; bin 0 says that the parameter is not there. */
enum { FORESTS = 12, TREES = 24, DEPTH = 12, LEAF = 2, BINS = 33 };

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
    double *judges; /* of each row: how many trees of the forest have not learned from it */
    double *sums;   /* rows x (1 + features): their answers, and those with a feature shuffled */
    int *sample, *unseen;
    int *from; /* features x rows: whose value a row takes where the feature is shuffled */
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

/* Of the rows that some tree of a forest has not seen: variance, squared errors of the mean answer
 * of those trees, and the same with one feature shuffled. */
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

static double *sums_of(const forest *f, int row)
{
    return f->sums + (size_t)row * (size_t)(1 + f->features);
}

/* The newest tree's answers about the rows that it has not seen. */
static void ask(forest *f, int unseen)
{
    for (int i = 0; i < unseen; i++) {
        f->judges[f->unseen[i]]++;
        sums_of(f, f->unseen[i])[0] += answer(f, f->unseen[i], -1, 0);
    }
    for (int p = 0; p < f->features; p++)
        for (int i = 0; i < unseen; i++) {
            int row = f->unseen[i], from = f->from[(size_t)p * (size_t)f->rows + (size_t)row];
            sums_of(f, row)[1 + p] += answer(f, row, p, from);
        }
}

/* One shuffle of each feature for the whole forest: its trees must judge the same strangers. */
static void shuffle_features(forest *f)
{
    for (int p = 0; p < f->features; p++) {
        int *from = f->from + (size_t)p * (size_t)f->rows;
        for (int row = 0; row < f->rows; row++)
            from[row] = row;
        shuffle(f, from, f->rows);
    }
}

static tally judge(const forest *f)
{
    tally sums = {0};
    double mean = 0, rows = 0;
    for (int row = 0; row < f->rows; row++)
        if (f->judges[row] > 0) {
            mean += f->rank[row];
            rows++;
        }
    mean = rows > 0 ? mean / rows : 0;
    for (int row = 0; row < f->rows; row++) {
        const double *answers = sums_of(f, row);
        double judges = f->judges[row], rank = f->rank[row];
        if (judges < 1)
            continue;
        sums.variance += square(rank - mean);
        sums.error += square(rank - answers[0] / judges);
        for (int p = 0; p < f->features; p++)
            sums.shuffled[p] += square(rank - answers[1 + p] / judges);
    }
    return sums;
}

/* One forest on the rows kept[0..count). */
static tally plant(forest *f, const int *kept, int count)
{
    memset(f->judges, 0, (size_t)f->rows * sizeof *f->judges);
    memset(f->sums, 0, (size_t)f->rows * (size_t)(1 + f->features) * sizeof *f->sums);
    shuffle_features(f);
    for (int tree = 0; tree < TREES; tree++) {
        memset(f->used, 0, (size_t)f->rows * sizeof *f->used);
        for (int i = 0; i < count; i++) {
            f->sample[i] = kept[draw_below(f, count)];
            f->used[f->sample[i]] = true;
        }
        int unseen = 0; /* also those that the whole forest does without */
        for (int row = 0; row < f->rows; row++)
            if (!f->used[row])
                f->unseen[unseen++] = row;
        f->node_count = 0;
        grow(f, f->sample, count, 0);
        ask(f, unseen);
    }
    return judge(f);
}

static bool open_forest(forest *f)
{
    size_t rows = (size_t)f->rows;
    f->bins = malloc(rows * (size_t)f->features);
    f->rank = malloc(rows * sizeof *f->rank);
    f->judges = malloc(rows * sizeof *f->judges);
    f->sums = malloc(rows * (size_t)(1 + f->features) * sizeof *f->sums);
    f->sample = malloc(rows * sizeof *f->sample);
    f->unseen = malloc(rows * sizeof *f->unseen);
    f->from = malloc(rows * (size_t)f->features * sizeof *f->from);
    f->used = malloc(rows * sizeof *f->used);
    f->nodes = malloc(2 * rows * sizeof *f->nodes);
    return f->bins && f->rank && f->judges && f->sums && f->sample && f->unseen && f->from &&
           f->used && f->nodes;
}

static void close_forest(forest *f)
{
    free(f->bins);
    free(f->rank);
    free(f->judges);
    free(f->sums);
    free(f->sample);
    free(f->unseen);
    free(f->from);
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
        shuffle(f, kept, f->rows);
        tally sums = plant(f, kept, used);
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
