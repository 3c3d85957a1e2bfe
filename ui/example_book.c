/* What is known of every example of one part of a run. */
#include "ui/selection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- finding -----------------------------------------------------------------------------------
 */

const book_example *example_book_find(const example_book *book, int64_t example)
{
    int64_t low = 0, high = book->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (book->examples[middle].example < example)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < book->count && book->examples[low].example == example;
    return found ? &book->examples[low] : NULL;
}

static book_example *find_mutable(example_book *book, int64_t example)
{
    const book_example *found = example_book_find(book, example);
    return found ? &book->examples[found - book->examples] : NULL;
}

static int compare_note(const void *key, const void *item)
{
    int64_t wanted = *(const int64_t *)key, has = ((const example_note *)item)->example;
    return (wanted > has) - (wanted < has);
}

const char *example_book_note(const example_book *book, int64_t example)
{
    const example_note *note = book->note_count > 0
                                   ? bsearch(&example, book->notes, (size_t)book->note_count,
                                             sizeof *book->notes, compare_note)
                                   : NULL;
    return note ? note->text : "";
}

int example_book_tag(const example_book *book, const char *name)
{
    for (int i = 0; i < book->tag_count; i++)
        if (strcasecmp(book->tags[i].name, name) == 0)
            return i;
    return -1;
}

int example_book_class(const example_book *book, const char *text, nn_error *error)
{
    int found = -1, fits = 0;
    if (*text && strspn(text, "0123456789") == strlen(text)) {
        long number = strlen(text) < 6 ? strtol(text, NULL, 10) : book->classes;
        if (number < book->classes)
            return (int)number;
    }
    for (int i = 0; *text && i < book->classes; i++) {
        if (strcasecmp(book->class_names[i], text) == 0)
            return i;
        if (strncasecmp(book->class_names[i], text, strlen(text)) == 0) {
            found = i;
            fits++;
        }
    }
    if (fits == 1)
        return found;
    nn_fail(error, NN_E_ARG,
            fits > 1 ? "'%.60s' begins the names of %d classes: say more of it"
                     : "'%.60s' is no class of this data: expected 0 to %d or a class's name",
            text, fits > 1 ? fits : book->classes - 1);
    return -1;
}

double book_example_loss(const book_example *example)
{
    double p = (double)example->truth_probability;
    return p > 1e-38 ? -log(p) : isnan(p) ? NAN : 87;
}

double book_example_margin(const book_example *example)
{
    double p = (double)example->probability;
    return book_example_wrong(example) ? p - (double)example->truth_probability : 2 * p - 1;
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* What people said, read anew; taken over only when all of it is there. */
typedef struct {
    example_tag *tags;
    example_tagging *taggings;
    example_note *notes;
    label_fix *fixes;
    analysis *analyses;
    analysis_example *members;
    int tag_count, tagging_count, note_count, fix_count, analysis_count, member_count;
} said;

static nn_status read_said(const example_book *book, store *s, said *all, nn_error *error)
{
    nn_status status = store_example_tags(s, book->content, &all->tags, &all->tag_count, error);
    if (status == NN_OK)
        status = store_taggings(s, book->content, &all->taggings, &all->tagging_count, error);
    if (status == NN_OK)
        status = store_example_notes(s, book->content, &all->notes, &all->note_count, error);
    if (status == NN_OK)
        status = store_label_fixes(s, book->content, &all->fixes, &all->fix_count, error);
    if (status == NN_OK)
        status = store_analyses(s, book->row.id, &all->analyses, &all->analysis_count, error);
    return status;
}

static void free_said(said *all)
{
    free(all->tags);
    free(all->taggings);
    free(all->notes);
    free(all->fixes);
    free(all->analyses);
    free(all->members);
}

/* `wanted` 0: the newest of the book's part. */
static nn_status choose_sample(const example_book *book, store *s, int64_t wanted, said *all,
                               analysis *sample, nn_error *error)
{
    *sample = (analysis){0};
    for (int i = 0; i < all->analysis_count && sample->id == 0; i++)
        if (all->analyses[i].part == book->part && (!wanted || all->analyses[i].id == wanted))
            *sample = all->analyses[i];
    if (wanted && sample->id == 0)
        return nn_fail(error, NN_E_MISSING,
                       "run %lld has no sample %lld of its %s part: gradus errors %lld --sample "
                       "draws one",
                       (long long)book->row.id, (long long)wanted, nn_part_name(book->part),
                       (long long)book->row.id);
    return sample->id
               ? store_analysis_examples(s, sample->id, &all->members, &all->member_count, error)
               : NN_OK;
}

static void mark_examples(example_book *book, const said *all)
{
    for (int64_t i = 0; i < book->count; i++) {
        book_example *e = &book->examples[i];
        e->tags = 0;
        e->sampled = 0;
        e->seen = e->noted = false;
        e->fix = -1;
    }
    for (int i = 0; i < all->tagging_count; i++) {
        book_example *e = find_mutable(book, all->taggings[i].example);
        for (int k = 0; e && k < all->tag_count && k < EXAMPLE_TAGS; k++)
            if (all->tags[k].id == all->taggings[i].tag)
                e->tags |= 1ull << k;
    }
    for (int i = 0; i < all->note_count; i++) {
        book_example *e = find_mutable(book, all->notes[i].example);
        if (e)
            e->noted = true;
    }
    for (int i = 0; i < all->fix_count; i++) {
        book_example *e = find_mutable(book, all->fixes[i].example);
        if (e)
            e->fix = i;
    }
    for (int i = 0; i < all->member_count; i++) {
        book_example *e = find_mutable(book, all->members[i].example);
        if (e) {
            e->sampled = i + 1;
            e->seen = all->members[i].seen;
        }
    }
}

static nn_status load_said(example_book *book, store *s, int64_t wanted, nn_error *error)
{
    said all = {0};
    analysis sample;
    nn_status status = read_said(book, s, &all, error);
    if (status == NN_OK)
        status = choose_sample(book, s, wanted, &all, &sample, error);
    if (status != NN_OK) {
        free_said(&all);
        return status;
    }
    mark_examples(book, &all);
    free(book->tags);
    free(book->notes);
    free(book->fixes);
    book->tags = all.tags;
    book->tag_count = all.tag_count;
    book->notes = all.notes;
    book->note_count = all.note_count;
    book->fixes = all.fixes;
    book->fix_count = all.fix_count;
    book->sample = sample;
    free(all.taggings);
    free(all.analyses);
    free(all.members);
    return NN_OK;
}

nn_status example_book_refresh(example_book *book, store *s, nn_error *error)
{
    return load_said(book, s, 0, error);
}

nn_status example_book_sample(example_book *book, store *s, int64_t analysis_id, nn_error *error)
{
    return load_said(book, s, analysis_id, error);
}

static int by_number(const void *a, const void *b)
{
    const book_example *one = a, *other = b;
    return (one->example > other->example) - (one->example < other->example);
}

static nn_status load_answers(example_book *book, store *s, nn_error *error)
{
    store_prediction *answers = NULL;
    nn_status status =
        store_predictions(s, book->row.id, book->part, &answers, &book->count, error);
    if (status == NN_OK && book->count == 0)
        status = nn_fail(error, NN_E_MISSING, "run %lld '%s' has no answers for its %s part%s",
                         (long long)book->row.id, book->row.name, nn_part_name(book->part),
                         book->part == NN_TEST  ? ": test is measured at the end of a training"
                         : book->part == NN_DEV ? " yet: dev is measured after every epoch"
                                                : ": gradus errors RUN --suspects --folds 5 "
                                                  "asks for them");
    if (status == NN_OK && !(book->examples = calloc((size_t)book->count, sizeof *book->examples)))
        status =
            nn_fail(error, NN_E_NOMEM, "out of memory for %lld examples", (long long)book->count);
    for (int64_t i = 0; i < book->count && status == NN_OK; i++) {
        book->examples[i] = (book_example){
            .example = answers[i].example,
            .place = i,
            .truth = answers[i].truth,
            .predicted = answers[i].predicted,
            .probability = answers[i].probability,
            .truth_probability = answers[i].truth_probability,
            .fix = -1,
        };
        book->errors += book_example_wrong(&book->examples[i]);
    }
    free(answers);
    if (status == NN_OK)
        qsort(book->examples, (size_t)book->count, sizeof *book->examples, by_number);
    return status;
}

/* When each was learned and forgotten, from the answers after every epoch. */
static nn_status load_history(example_book *book, store *s, nn_error *error)
{
    answer_history *list = NULL;
    int count = 0;
    nn_status status =
        book->part == NN_DEV ? store_answer_history(s, book->row.id, &list, &count, error) : NN_OK;
    for (int h = 0; h < count && status == NN_OK; h++)
        for (int64_t i = 0; i < book->count && list[h].count == book->count; i++) {
            book_example *e = &book->examples[i];
            bool right = list[h].predicted[e->place] == e->truth;
            if (!right && e->learned)
                e->forgotten = list[h].epoch;
            e->learned = !right ? 0 : e->learned ? e->learned : list[h].epoch;
        }
    store_free_history(list, count);
    return status;
}

example_book *example_book_open(store *s, run_id run, nn_part part, nn_error *error)
{
    example_book *book = calloc(1, sizeof *book);
    if (!book) {
        nn_fail(error, NN_E_NOMEM, "out of memory for the examples of a run");
        return NULL;
    }
    book->part = part;
    nn_status status = store_run(s, run, &book->row, error);
    if (status == NN_OK)
        status = store_run_content(s, run, book->content, error);
    if (status == NN_OK)
        status = store_class_names(s, run, &book->class_names, &book->classes, error);
    if (status == NN_OK)
        status = load_answers(book, s, error);
    if (status == NN_OK)
        status = load_history(book, s, error);
    if (status == NN_OK)
        status = load_said(book, s, 0, error);
    if (status == NN_OK)
        return book;
    example_book_free(book);
    return NULL;
}

void example_book_free(example_book *book)
{
    if (!book)
        return;
    free(book->examples);
    free(book->class_names);
    free(book->tags);
    free(book->notes);
    free(book->fixes);
    free(book);
}
