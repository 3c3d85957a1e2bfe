#include "engine/search/pruner.h"

#include "engine/cursor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A whole number after ':' or ','; absent it stays as it is. */
static nn_status read_whole(nn_cursor *cursor, const char *sign, int least, const char *expected,
                            int *number)
{
    double value;
    if (!nn_cursor_skip(cursor, sign))
        return NN_OK;
    const char *place = cursor->at;
    if (!nn_cursor_number(cursor, &value) || value < least || value > 1000000 ||
        value != floor(value))
        return nn_cursor_refuse(cursor, place, expected);
    *number = (int)value;
    return NN_OK;
}

nn_status nn_pruner_parse(const char *text, nn_pruner *pruner, nn_error *error)
{
    nn_cursor cursor = nn_cursor_on("pruner", text, error);
    nn_status status = NN_OK;
    char word[16];
    *pruner = (nn_pruner){.others = 5, .warmup = 1, .factor = 3, .first = 1};
    nn_cursor_word(&cursor, word, sizeof word);
    if (strcmp(word, "none") == 0) {
        pruner->kind = NN_PRUNER_NONE;
    } else if (strcmp(word, "median") == 0) {
        pruner->kind = NN_PRUNER_MEDIAN;
        status = read_whole(&cursor, ":", 1, "how many other trials it waits for, from 1 on",
                            &pruner->others);
        if (status == NN_OK)
            status =
                read_whole(&cursor, ",", 0, "epochs without pruning, from 0 on", &pruner->warmup);
    } else if (strcmp(word, "asha") == 0) {
        pruner->kind = NN_PRUNER_ASHA;
        status = read_whole(&cursor, ":", 2, "the reduction factor, from 2 on", &pruner->factor);
        if (status == NN_OK)
            status = read_whole(&cursor, ",", 1, "the epoch of the first rung, from 1 on",
                                &pruner->first);
    } else {
        return nn_cursor_refuse(&cursor, text,
                                "none, median[:OTHERS[,EPOCHS]] or "
                                "asha[:FACTOR[,FIRST]]");
    }
    if (status == NN_OK && *cursor.at)
        status = nn_cursor_refuse(&cursor, cursor.at, "nothing more");
    return status;
}

const char *nn_pruner_text(const nn_pruner *pruner, char *text, size_t size)
{
    if (pruner->kind == NN_PRUNER_MEDIAN)
        snprintf(text, size, "median:%d,%d", pruner->others, pruner->warmup);
    else if (pruner->kind == NN_PRUNER_ASHA)
        snprintf(text, size, "asha:%d,%d", pruner->factor, pruner->first);
    else
        snprintf(text, size, "none");
    return text;
}

bool nn_pruner_due(const nn_pruner *pruner, int epoch, int epochs)
{
    if (epoch >= epochs) /* it is done anyway */
        return false;
    if (pruner->kind == NN_PRUNER_MEDIAN)
        return epoch > pruner->warmup;
    if (pruner->kind != NN_PRUNER_ASHA)
        return false;
    int64_t rung = pruner->first;
    while (rung < epoch)
        rung *= pruner->factor;
    return rung == epoch;
}

/* How many of the others are better. A NaN is worse than any number. */
static int count_better(double value, const double *others, int count)
{
    int better = 0;
    for (int i = 0; i < count; i++)
        better += !isnan(others[i]) && (isnan(value) || others[i] < value);
    return better;
}

bool nn_pruner_stops(const nn_pruner *pruner, int epoch, double value, const double *others,
                     int count, char *reason, size_t size)
{
    int better = count_better(value, others, count);
    if (pruner->kind == NN_PRUNER_MEDIAN) {
        /* Worse than the median: more than half of them are better. */
        if (count < pruner->others || 2 * better <= count)
            return false;
        snprintf(reason, size, "epoch %d: worse than the median of %d trials", epoch, count);
        return true;
    }
    if (pruner->kind == NN_PRUNER_ASHA) {
        /* With itself count + 1 have come here; the first few go on whatever they are. */
        int kept = (count + 1) / pruner->factor;
        kept = kept > 1 ? kept : 1;
        if (better < kept)
            return false;
        snprintf(reason, size, "rung of epoch %d: place %d of %d, the best %d go on", epoch,
                 better + 1, count + 1, kept);
        return true;
    }
    return false;
}
