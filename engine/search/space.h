/* What a study may choose: named parameters with their scales, some there only where another one
 * has a certain value.
 *
 *   lr=log(1e-4,1) batch=choice(32,64,128) layers=int(1,4) dropout=uniform(0,.6)
 *   optimizer=choice(adam,momentum) momentum=beta(.9,.999) if optimizer=momentum
 *
 * Scales: uniform; log (equal shares of the search to equal factors); beta (log in 1 - value, for
 * averages over 1 / (1 - beta) steps: notes, chapter 20); int; logint; choice of words or numbers.
 * A condition names a choice or an int that stands before it: `if a=x`, `if a=x|y`, `if a!=x`,
 * `if layers>=2`. Words with blanks or commas stand in quotes.
 *
 * Everything here is pure; a space never changes once it is parsed. */
#ifndef GRADUS_ENGINE_SEARCH_SPACE_H
#define GRADUS_ENGINE_SEARCH_SPACE_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NN_SPACE_PARAMS = 32, NN_SPACE_CHOICES = 32, NN_SPACE_OPTIONS = 64, NN_SPACE_TEXT = 1024 };

typedef enum {
    NN_SCALE_UNIFORM,
    NN_SCALE_LOG,
    NN_SCALE_BETA,
    NN_SCALE_INT,
    NN_SCALE_LOG_INT,
    NN_SCALE_CHOICE
} nn_scale;

typedef struct {
    const char *name;
    nn_scale scale;
    double low, high; /* both included; of a choice 0 and choices - 1 */
    int choices;
    const char *choice[NN_SPACE_CHOICES]; /* as written */
    int parent;    /* the parameter whose value decides whether this one is there; -1: none */
    uint64_t when; /* bit i: it is there where the parent has its option i (nn_space_option) */
} nn_space_param;

typedef struct {
    int count;
    nn_space_param param[NN_SPACE_PARAMS];
    char *words; /* where names and choices lie */
} nn_space;

/* One point of a space: of a choice the number of the word, NaN where the parameter is not there.
 */
typedef struct {
    double value[NN_SPACE_PARAMS];
} nn_point;

/* NULL with the column of the mistake and what would fit. */
nn_space *nn_space_parse(const char *text, nn_error *error);
void nn_space_free(nn_space *space);

const char *nn_scale_name(nn_scale scale);
/* -1 without one of this name. */
int nn_space_find(const nn_space *space, const char *name);
/* Whether parameter p is there, given the values of those before it. */
bool nn_space_active(const nn_space *space, int p, const nn_point *point);
/* How many values the parameter has; 0: a continuum. */
int64_t nn_space_options(const nn_space_param *param);
/* The number of the option that `value` is: of an int counted from its lowest. */
int64_t nn_space_option(const nn_space_param *param, double value);

/* The point at share `unit` of a range of real numbers on a scale (the others: uniform), exactly.
 */
double nn_scale_at(nn_scale scale, double low, double high, double unit);
/* From [0,1] to a value and back. Numbers of a continuum have 5 significant digits (beta: 4 of
 * 1 - value), so that what people read is what was used; the way back gives the middle of an
 * option's share. */
double nn_space_value(const nn_space_param *param, double unit);
double nn_space_unit(const nn_space_param *param, double value);
/* Units of all parameters to a point; those that are not there become NaN. */
nn_point nn_space_point(const nn_space *space, const double *units);
bool nn_space_same(const nn_space *space, const nn_point *a, const nn_point *b);

/* Writes the value as it would be given: "0.01", "adam", "-" for NaN. Returns `text`. */
const char *nn_space_text(const nn_space_param *param, double value, char text[NN_SPACE_TEXT]);
/* Reads what the parameter may be; refuses what lies outside its range. */
nn_status nn_space_read(const nn_space_param *param, const char *text, double *value,
                        nn_error *error);
/* Takes "lr=0.01" into `point`, where NaN stands for what has not been given. */
nn_status nn_space_assign(const nn_space *space, const char *text, nn_point *point,
                          nn_error *error);
/* All NaN. */
nn_point nn_point_nowhere(void);

#endif
