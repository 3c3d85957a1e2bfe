/* Changes of `gradus errors`: tags, notes, samples, undo. */
#include "ui/commands/common.h"
#include "ui/commands/errors.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CHANGES = ARGUMENTS_MAX * ARGUMENTS_MAX };

/* Changes under construction, and the examples they touch. */
typedef struct {
    example_change *changes;
    int count;
    int64_t examples[ARGUMENTS_MAX];
    int example_count;
} edit;

static nn_status copy_word(char *to, size_t size, const char *word, nn_error *error)
{
    if (strlen(word) >= size)
        return nn_fail(error, NN_E_ARG, "'%.40s...' is longer than %zu bytes", word, size - 1);
    snprintf(to, size, "%s", word);
    return NN_OK;
}

/* Numbers among the words are examples, the others names: in any order. */
static nn_status read_examples(errors_job *job, edit *e, nn_error *error)
{
    for (int i = 0; i < job->word_count; i++) {
        if (!errors_is_number(job->words[i]))
            continue;
        nn_status status =
            errors_read_id(job, job->words[i], &e->examples[e->example_count++], error);
        if (status != NN_OK)
            return status;
    }
    return e->example_count > 0 ? NN_OK
                                : nn_fail(error, NN_E_ARG,
                                          "which examples? expected their numbers (first column "
                                          "of the list)");
}

static nn_status add_tags(errors_job *job, edit *e, example_change_kind kind, nn_error *error)
{
    nn_status status = read_examples(job, e, error);
    for (int i = 0; i < job->word_count && status == NN_OK; i++) {
        if (errors_is_number(job->words[i]))
            continue;
        for (int k = 0; k < e->example_count && status == NN_OK; k++) {
            example_change *change = &e->changes[e->count++];
            *change = (example_change){.kind = kind, .example = e->examples[k]};
            status = copy_word(change->text, sizeof change->text, job->words[i], error);
        }
    }
    if (status == NN_OK && e->count == 0)
        status = nn_fail(error, NN_E_ARG, "which tag? expected a name beside the numbers");
    return status;
}

static nn_status add_note(errors_job *job, edit *e, nn_error *error)
{
    example_change *change = &e->changes[e->count++];
    *change = (example_change){.kind = EXAMPLE_SET_NOTE};
    nn_status status = errors_read_id(job, job->words[0], &change->example, error);
    e->examples[e->example_count++] = change->example;
    return status == NN_OK ? copy_word(change->text, sizeof change->text, job->words[1], error)
                           : status;
}

static nn_status add_of_tag(errors_job *job, edit *e, example_change_kind kind, nn_error *error)
{
    example_change *change = &e->changes[e->count++];
    *change = (example_change){.kind = kind};
    nn_status status = copy_word(change->text, sizeof change->text, job->words[0], error);
    if (status == NN_OK && job->word_count > 1)
        status = copy_word(change->other, sizeof change->other, job->words[1], error);
    return status;
}

static nn_status make_changes(errors_job *job, edit *e, nn_error *error)
{
    const errors_settings *o = job->o;
    if (o->tag || o->untag)
        return add_tags(job, e, o->tag ? EXAMPLE_TAG : EXAMPLE_UNTAG, error);
    if (o->note)
        return add_note(job, e, error);
    return add_of_tag(job, e,
                      o->rename   ? TAG_RENAME
                      : o->merge  ? TAG_MERGE
                      : o->remove ? TAG_REMOVE
                      : o->effort ? TAG_EFFORT
                                  : TAG_COLOUR,
                      error);
}

static nn_status mark_seen(errors_job *job, recorder *r, edit *e, nn_error *error)
{
    if (job->book->sample.id == 0)
        return nn_fail(error, NN_E_STATE,
                       "no sample was drawn yet: gradus errors %lld --sample 100 draws one",
                       (long long)job->run);
    if (job->word_count == 0)
        return recorder_analysis_seen(r, job->book->sample.id, NULL, -1, error);
    nn_status status = read_examples(job, e, error);
    for (int i = 0; i < e->example_count && status == NN_OK; i++) {
        const book_example *one = example_book_find(job->book, e->examples[i]);
        if (!one || one->sampled == 0)
            status = nn_fail(error, NN_E_MISSING, "example %lld is not in the sample",
                             (long long)e->examples[i]);
    }
    return status == NN_OK ? recorder_analysis_seen(r, job->book->sample.id, e->examples,
                                                    e->example_count, error)
                           : status;
}

static nn_status apply(errors_job *job, recorder *r, edit *e, char what[EXAMPLE_WHAT],
                       nn_error *error)
{
    const errors_settings *o = job->o;
    int64_t id = 0;
    nn_status status;
    if (o->undo)
        return recorder_examples_undo(r, job->book->content, "", what, error);
    if (o->redo)
        return recorder_examples_redo(r, job->book->content, "", what, error);
    if (o->seen)
        return mark_seen(job, r, e, error);
    if (o->sample > 0) {
        status =
            recorder_new_analysis(r, job->run, job->book->part, o->seed, o->sample, &id, error);
        snprintf(what, EXAMPLE_WHAT, "sample %lld was drawn; gradus errors %lld --session shows it",
                 (long long)id, (long long)job->run);
        return status;
    }
    status = make_changes(job, e, error);
    return status == NN_OK
               ? recorder_examples(r, job->book->content, "", e->changes, e->count, error)
               : status;
}

/* What stands now: the touched examples, else the tags (or the new sample). */
static nn_status tell(errors_job *job, const edit *e, const char *what, nn_error *error)
{
    nn_status status = example_book_refresh(job->book, job->s, error);
    if (status != NN_OK)
        return status;
    if (!job->o->json) {
        if (job->o->undo || job->o->redo)
            printf("%s: %s\n", job->o->undo ? "taken back" : "done again", what);
        else
            puts(*what ? what : "done; gradus errors RUN --undo takes it back");
        return errors_text_end(error);
    }
    if (job->o->sample > 0)
        return errors_session(job, error);
    if (e->example_count == 0)
        return errors_tags(job, error);
    json_out json = {.out = stdout};
    errors_json_head(&json, job->book);
    json_open(&json, "examples", '[');
    for (int i = 0; i < e->example_count; i++) {
        const book_example *one = example_book_find(job->book, e->examples[i]);
        if (one)
            errors_json_example(&json, job->book, one);
    }
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

nn_status errors_change(errors_job *job, nn_error *error)
{
    edit e = {.changes = calloc(MOST_CHANGES, sizeof *e.changes)};
    char what[EXAMPLE_WHAT] = "";
    if (!e.changes)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the changes");
    recorder *r = recorder_open(store_path(job->s), error);
    nn_status status = r ? apply(job, r, &e, what, error) : error->code;
    if (r) {
        nn_status closed = recorder_close(r, status == NN_OK ? error : NULL);
        status = status == NN_OK ? closed : status;
    }
    if (status == NN_OK)
        status = tell(job, &e, what, error);
    free(e.changes);
    return status;
}
