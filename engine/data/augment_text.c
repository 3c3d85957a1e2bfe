/* The text form of a list of changes: "flip,shift 2,mixup 0.2". */
#include "engine/cursor.h"
#include "engine/data/augment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    double low, high; /* of the number; high 0: it takes none */
    bool whole;
    const char *expected;
} augment_form;

static const augment_form forms[NN_AUGMENT_KINDS] = {
    [NN_AUGMENT_FLIP] = {"flip", 0, 0, false, ""},
    [NN_AUGMENT_CROP] = {"crop", 1, 1024, true, "a whole number of pixels from 1 on"},
    [NN_AUGMENT_SHIFT] = {"shift", 1, 1024, true, "a whole number of pixels from 1 on"},
    [NN_AUGMENT_ROTATE] = {"rotate", 0, 180, false, "degrees from 0 to 180"},
    [NN_AUGMENT_SHEAR] = {"shear", 0, 60, false, "degrees from 0 to 60"},
    [NN_AUGMENT_SCALE] = {"scale", 0, 0.9, false, "a share from 0 to 0.9"},
    [NN_AUGMENT_BRIGHTNESS] = {"brightness", 0, 1, false, "a share from 0 to 1"},
    [NN_AUGMENT_CONTRAST] = {"contrast", 0, 1, false, "a share from 0 to 1"},
    [NN_AUGMENT_NOISE] = {"noise", 0, 10, false, "a standard deviation from 0 to 10"},
    [NN_AUGMENT_BLUR] = {"blur", 0, 10, false, "pixels from 0 to 10"},
    [NN_AUGMENT_CUTOUT] = {"cutout", 1, 1024, true, "a whole number of pixels from 1 on"},
    [NN_AUGMENT_MIXUP] = {"mixup", 0.05, 1, false, "a number from 0.05 to 1"},
};

const char *nn_augmentation_words(void)
{
    return "flip            left and right change places, every second time\n"
           "crop N          a window N pixels smaller, drawn to full size\n"
           "shift N         up to N pixels down, up, left, right\n"
           "rotate N        up to N degrees\n"
           "shear N         up to N degrees\n"
           "scale N         sides times 1-N to 1+N\n"
           "brightness N    plus -N to N, where an image reaches from 0 to 1\n"
           "contrast N      distances from the image's mean times 1-N to 1+N\n"
           "noise N         plus normal numbers with standard deviation N\n"
           "blur N          Gaussian, sigma up to N pixels\n"
           "cutout N        a square of N pixels becomes the data's mean\n"
           "mixup N         with another example, shares from Beta(N, N); the last word\n";
}

static nn_status read_amount(nn_cursor *cursor, const augment_form *form, double *amount)
{
    if (!nn_cursor_skip(cursor, " "))
        return nn_cursor_refuse(cursor, cursor->at, form->expected);
    const char *place = cursor->at;
    if (!nn_cursor_number(cursor, amount) || *amount < form->low || *amount > form->high ||
        (form->whole && *amount != floor(*amount)))
        return nn_cursor_refuse(cursor, place, form->expected);
    return NN_OK;
}

static nn_status read_step(nn_cursor *cursor, nn_augmentation *result)
{
    char word[16];
    const char *place = cursor->at;
    if (result->count == NN_AUGMENTS)
        return nn_cursor_refuse(cursor, place, "at most 16 changes");
    if (nn_augmentation_mixup(result) > 0)
        return nn_cursor_refuse(cursor, place, "nothing behind mixup, which is the last");
    nn_cursor_word(cursor, word, sizeof word);
    for (int i = 0; i < NN_AUGMENT_KINDS; i++) {
        if (strcmp(word, forms[i].name) != 0)
            continue;
        int at = result->count++;
        result->step[at].kind = (nn_augment_kind)i;
        result->step[at].amount = 0;
        return forms[i].high > 0 ? read_amount(cursor, &forms[i], &result->step[at].amount) : NN_OK;
    }
    return nn_cursor_refuse(cursor, place,
                            "flip, crop N, shift N, rotate N, shear N, scale N, brightness N, "
                            "contrast N, noise N, blur N, cutout N or mixup N");
}

nn_status nn_augmentation_parse(const char *text, nn_augmentation *augmentation, nn_error *error)
{
    nn_augmentation result = {0};
    nn_cursor cursor = nn_cursor_on("augment", text, error);
    nn_status status;
    do {
        nn_cursor_skip(&cursor, " ");
        status = read_step(&cursor, &result);
    } while (status == NN_OK && nn_cursor_skip(&cursor, ","));
    if (status == NN_OK && *cursor.at)
        status = nn_cursor_refuse(&cursor, cursor.at, "',' or the end");
    if (status == NN_OK)
        *augmentation = result;
    return status;
}
