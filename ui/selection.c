/* Filters and orders over an example book. */
#include "ui/selection.h"

#include "engine/number.h"
#include "engine/rng.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the words of a filter ---------------------------------------------------------------------
 */

typedef enum { IS, IS_NOT, BELOW, AT_MOST, ABOVE, AT_LEAST } comparison;

typedef enum {
    OF_TRUTH,
    OF_PREDICTED,
    OF_TAG,
    OF_PROBABILITY,
    OF_TRUTH_PROBABILITY,
    OF_LOSS,
    OF_MARGIN,
    OF_NUMBER,
    OF_LEARNED,
    OF_FORGOTTEN,
    OF_WRONG,
    OF_RIGHT,
    OF_TAGGED,
    OF_UNTAGGED,
    OF_NOTED,
    OF_FIXED,
    OF_SAMPLED,
    OF_SEEN,
    OF_UNSEEN
} rule_kind;

typedef struct {
    rule_kind kind;
    comparison how;
    double number;
    int index; /* a class or a tag */
} rule;

enum { MOST_RULES = 32, MOST_WORD = 96 };

static const struct {
    const char *word;
    rule_kind kind;
} words[] = {
    {"true", OF_TRUTH},
    {"pred", OF_PREDICTED},
    {"tag", OF_TAG},
    {"p", OF_PROBABILITY},
    {"p_true", OF_TRUTH_PROBABILITY},
    {"loss", OF_LOSS},
    {"margin", OF_MARGIN},
    {"id", OF_NUMBER},
    {"learned", OF_LEARNED},
    {"forgotten", OF_FORGOTTEN},
    {"wrong", OF_WRONG},
    {"right", OF_RIGHT},
    {"tagged", OF_TAGGED},
    {"untagged", OF_UNTAGGED},
    {"noted", OF_NOTED},
    {"fixed", OF_FIXED},
    {"sampled", OF_SAMPLED},
    {"seen", OF_SEEN},
    {"unseen", OF_UNSEEN},
};

const char *selection_filter_help(void)
{
    return "words that hold all together: true=5 pred=Shirt true!=3, p>0.8, p_true<=0.1, loss>2, "
           "margin<0.1, id>=600, learned<3, forgotten>0, tag=blurry tag!=blurry, wrong, right, "
           "tagged, untagged, noted, "
           "fixed, sampled, seen, unseen";
}

static bool has_value(rule_kind kind)
{
    return kind <= OF_FORGOTTEN;
}

/* Splits "p>=0.8" into name, comparison and value. */
static nn_status split_word(const char *word, char name[MOST_WORD], comparison *how,
                            const char **value, nn_error *error)
{
    static const struct {
        const char *sign;
        comparison how;
    } signs[] = {{"!=", IS_NOT}, {"<=", AT_MOST}, {">=", AT_LEAST}, {"==", IS},
                 {"=", IS},      {"<", BELOW},    {">", ABOVE}};
    size_t length = strcspn(word, "!<>=");
    snprintf(name, MOST_WORD, "%.*s", (int)length, word);
    *value = NULL;
    if (word[length] == '\0')
        return NN_OK;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t wide = strlen(signs[i].sign);
        if (strncmp(word + length, signs[i].sign, wide) != 0)
            continue;
        *how = signs[i].how;
        *value = word + length + wide;
        return NN_OK;
    }
    return nn_fail(error, NN_E_ARG, "filter '%.60s': expected =, !=, <, <=, > or >= at '%.20s'",
                   word, word + length);
}

static nn_status read_value(const example_book *book, const char *word, const char *value, rule *r,
                            nn_error *error)
{
    bool named = r->kind == OF_TRUTH || r->kind == OF_PREDICTED || r->kind == OF_TAG;
    if (named && r->how != IS && r->how != IS_NOT)
        return nn_fail(error, NN_E_ARG,
                       "filter '%.60s': classes and tags are compared by = or !=", word);
    if (r->kind == OF_TAG) {
        r->index = example_book_tag(book, value);
        if (r->index < 0)
            return nn_fail(error, NN_E_MISSING, "filter '%.60s': no tag of this data is called so",
                           word);
        return NN_OK;
    }
    if (named) {
        nn_error problem = {0};
        r->index = example_book_class(book, value, &problem);
        return r->index < 0 ? nn_fail(error, problem.code, "filter '%.60s': %s", word, problem.text)
                            : NN_OK;
    }
    if (!nn_parse_number(value, &r->number) || !isfinite(r->number))
        return nn_fail(error, NN_E_ARG, "filter '%.60s': expected a number after the sign", word);
    return NN_OK;
}

static nn_status read_word(const example_book *book, const char *word, rule *r, nn_error *error)
{
    char name[MOST_WORD];
    const char *value;
    nn_status status = split_word(word, name, &r->how, &value, error);
    if (status != NN_OK)
        return status;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, name) != 0)
            continue;
        r->kind = words[i].kind;
        if (has_value(r->kind) && (!value || !*value))
            return nn_fail(error, NN_E_ARG, "filter '%.60s': expected a comparison, like %s", word,
                           r->kind == OF_TAG         ? "tag=blurry"
                           : r->kind <= OF_PREDICTED ? "true=5"
                                                     : "p>0.8");
        if (!has_value(r->kind) && value)
            return nn_fail(error, NN_E_ARG, "filter '%.60s': '%s' stands alone", word, name);
        return value ? read_value(book, word, value, r, error) : NN_OK;
    }
    return nn_fail(error, NN_E_ARG, "filter: '%.60s' is unknown; %.220s", name,
                   "expected true, pred, tag, p, p_true, loss, margin, id, learned, forgotten, "
                   "wrong, right, tagged, "
                   "untagged, noted, fixed, sampled, seen or unseen");
}

static nn_status read_filter(const example_book *book, const char *text, rule *rules, int *count,
                             nn_error *error)
{
    *count = 0;
    for (const char *at = text ? text : ""; *at;) {
        if (isspace((unsigned char)*at)) {
            at++;
            continue;
        }
        size_t length = 0;
        while (at[length] && !isspace((unsigned char)at[length]))
            length++;
        char word[MOST_WORD];
        if (length >= sizeof word || *count == MOST_RULES)
            return nn_fail(error, NN_E_ARG, "filter: '%.40s' is too long a word, or one too many",
                           at);
        memcpy(word, at, length);
        word[length] = '\0';
        nn_status status = read_word(book, word, &rules[*count], error);
        if (status != NN_OK)
            return status;
        ++*count;
        at += length;
    }
    return NN_OK;
}

/* --- does an example fit -----------------------------------------------------------------------
 */

/* NaN fits nothing but !=. */
static bool compare(double value, comparison how, double number)
{
    switch (how) {
    case IS:
        return value == number;
    case IS_NOT:
        return value != number;
    case BELOW:
        return value < number;
    case AT_MOST:
        return value <= number;
    case ABOVE:
        return value > number;
    case AT_LEAST:
        return value >= number;
    }
    return false;
}

static bool fits_rule(const book_example *e, const rule *r)
{
    switch (r->kind) {
    case OF_TRUTH:
        return (e->truth == r->index) == (r->how == IS);
    case OF_PREDICTED:
        return (e->predicted == r->index) == (r->how == IS);
    case OF_TAG:
        return (e->tags >> r->index & 1) == (r->how == IS);
    case OF_PROBABILITY:
        return compare((double)e->probability, r->how, r->number);
    case OF_TRUTH_PROBABILITY:
        return compare((double)e->truth_probability, r->how, r->number);
    case OF_LOSS:
        return compare(book_example_loss(e), r->how, r->number);
    case OF_MARGIN:
        return compare(book_example_margin(e), r->how, r->number);
    case OF_NUMBER:
        return compare((double)e->example, r->how, r->number);
    case OF_LEARNED:
        return compare(e->learned, r->how, r->number);
    case OF_FORGOTTEN:
        return compare(e->forgotten, r->how, r->number);
    case OF_WRONG:
        return book_example_wrong(e);
    case OF_RIGHT:
        return e->truth == e->predicted;
    case OF_TAGGED:
        return e->tags != 0;
    case OF_UNTAGGED:
        return e->tags == 0;
    case OF_NOTED:
        return e->noted;
    case OF_FIXED:
        return e->fix >= 0;
    case OF_SAMPLED:
        return e->sampled > 0;
    case OF_SEEN:
        return e->sampled > 0 && e->seen;
    case OF_UNSEEN:
        return e->sampled > 0 && !e->seen;
    }
    return false;
}

static bool fits(const book_example *e, const selection_query *query, const rule *rules, int count)
{
    if (query->errors_only && !book_example_wrong(e))
        return false;
    if (!query->any_truth && e->truth != query->truth)
        return false;
    if (!query->any_predicted && e->predicted != query->predicted)
        return false;
    if (query->order == SELECT_SAMPLE && e->sampled == 0)
        return false;
    for (int i = 0; i < count; i++)
        if (!fits_rule(e, &rules[i]))
            return false;
    return true;
}

/* --- order -------------------------------------------------------------------------------------
 */

typedef struct {
    double key;
    int64_t index;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *one = a, *other = b;
    if (one->key != other->key)
        return one->key < other->key ? -1 : 1;
    return (one->index > other->index) - (one->index < other->index);
}

static double key_of(const book_example *e, const selection_query *query)
{
    double key = 0;
    switch (query->order) {
    case SELECT_IN_ORDER:
        break;
    case SELECT_CONFIDENT:
        key = -(double)e->probability;
        break;
    case SELECT_LOWEST_MARGIN:
        key = book_example_margin(e);
        break;
    case SELECT_LOSS:
        key = -book_example_loss(e);
        break;
    case SELECT_RANDOM: /* by the example's number: the same whatever else is selected */
        key = nn_uniform_at(query->seed, nn_stream_of("selection"), (uint64_t)e->example >> 32,
                            (uint32_t)e->example);
        break;
    case SELECT_SAMPLE:
        key = e->sampled;
        break;
    }
    return isnan(key) ? INFINITY : key;
}

selection_query selection_everything(void)
{
    return (selection_query){.any_truth = true, .any_predicted = true};
}

nn_status selection_make(const example_book *book, const selection_query *query, selection *found,
                         nn_error *error)
{
    rule rules[MOST_RULES];
    int count = 0;
    *found = (selection){0};
    nn_status status = read_filter(book, query->filter, rules, &count, error);
    if (status == NN_OK && query->order == SELECT_SAMPLE && book->sample.id == 0)
        status = nn_fail(error, NN_E_STATE,
                         "no sample of the errors of run %lld was drawn yet: gradus errors %lld "
                         "--sample 100 draws one",
                         (long long)book->row.id, (long long)book->row.id);
    if (status != NN_OK)
        return status;
    keyed *list = calloc((size_t)book->count + 1, sizeof *list);
    found->index = malloc(((size_t)book->count + 1) * sizeof *found->index);
    if (!list || !found->index) {
        free(list);
        selection_free(found);
        return nn_fail(error, NN_E_NOMEM, "out of memory for %lld examples",
                       (long long)book->count);
    }
    for (int64_t i = 0; i < book->count; i++)
        if (fits(&book->examples[i], query, rules, count))
            list[found->count++] = (keyed){key_of(&book->examples[i], query), i};
    if (query->order != SELECT_IN_ORDER)
        qsort(list, (size_t)found->count, sizeof *list, by_key);
    found->matching = found->count;
    if (query->limit > 0 && found->count > query->limit)
        found->count = query->limit;
    for (int64_t i = 0; i < found->count; i++)
        found->index[i] = list[i].index;
    free(list);
    return NN_OK;
}

void selection_free(selection *found)
{
    free(found->index);
    *found = (selection){0};
}
