/* Lists of `gradus errors`: examples, tags, samples. */
#include "ui/commands/common.h"
#include "ui/commands/errors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *errors_class_name(const example_book *book, int label)
{
    return label >= 0 && label < book->classes ? book->class_names[label] : "?";
}

/* --- JSON --------------------------------------------------------------------------------------
 */

void errors_json_head(json_out *json, const example_book *book)
{
    json_open(json, NULL, '{');
    json_whole(json, "run", book->row.id);
    json_text(json, "name", book->row.name);
    json_text(json, "part", nn_part_name(book->part));
    json_whole(json, "count", book->count);
    json_whole(json, "errors", book->errors);
    json_number(json, "error", (double)book->errors / (double)book->count);
}

static void json_tags_of(json_out *json, const example_book *book, const book_example *e)
{
    json_open(json, "tags", '[');
    for (int i = 0; i < book->tag_count && i < EXAMPLE_TAGS; i++)
        if (e->tags >> i & 1)
            json_text(json, NULL, book->tags[i].name);
    json_close(json, ']');
}

void errors_json_example(json_out *json, const example_book *book, const book_example *e)
{
    json_open(json, NULL, '{');
    json_whole(json, "id", e->example);
    json_whole(json, "place", e->place);
    json_whole(json, "true", e->truth);
    json_text(json, "true_name", errors_class_name(book, e->truth));
    json_whole(json, "predicted", e->predicted);
    json_text(json, "predicted_name", errors_class_name(book, e->predicted));
    json_number(json, "p", (double)e->probability);
    json_number(json, "p_true", (double)e->truth_probability);
    json_number(json, "loss", book_example_loss(e));
    json_number(json, "margin", book_example_margin(e));
    if (e->learned > 0)
        json_whole(json, "learned_epoch", e->learned);
    else
        json_null(json, "learned_epoch");
    if (e->forgotten > 0)
        json_whole(json, "forgotten_epoch", e->forgotten);
    else
        json_null(json, "forgotten_epoch");
    json_tags_of(json, book, e);
    json_text(json, "note", e->noted ? example_book_note(book, e->example) : NULL);
    json_flag(json, "sampled", e->sampled > 0);
    json_flag(json, "seen", e->seen);
    if (e->fix >= 0)
        json_whole(json, "fixed_to", book->fixes[e->fix].to);
    else
        json_null(json, "fixed_to");
    json_close(json, '}');
}

nn_status errors_json_end(json_out *json, nn_error *error)
{
    json_close(json, '}');
    return json_line(json) ? NN_OK : nn_fail(error, NN_E_IO, "stdout cannot be written");
}

nn_status errors_text_end(nn_error *error)
{
    return fflush(stdout) == 0 ? NN_OK : nn_fail(error, NN_E_IO, "stdout cannot be written");
}

/* --- examples ----------------------------------------------------------------------------------
 */

static nn_status read_order(const errors_settings *o, selection_query *query, nn_error *error)
{
    static const struct {
        const char *word;
        select_order order;
    } orders[] = {{"source", SELECT_IN_ORDER},      {"confident", SELECT_CONFIDENT},
                  {"margin", SELECT_LOWEST_MARGIN}, {"loss", SELECT_LOSS},
                  {"random", SELECT_RANDOM},        {"sample", SELECT_SAMPLE}};
    if (!o->order)
        return NN_OK;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(orders[i].word, o->order) == 0) {
            query->order = orders[i].order;
            return NN_OK;
        }
    return nn_fail(error, NN_E_ARG,
                   "--order '%.40s': expected source, confident, margin, loss, random or sample",
                   o->order);
}

static void print_header(const example_book *book)
{
    char error[16];
    printf("run %lld  %s  %s part: %lld of %lld answers are wrong (%s)\n", (long long)book->row.id,
           book->row.name, nn_part_name(book->part), (long long)book->errors,
           (long long)book->count, percent((double)book->errors / (double)book->count, error));
}

static void print_examples(const example_book *book, const selection *found)
{
    if (found->count > 0)
        printf("%8s  %-14s %-14s %6s %6s  %s\n", "id", "true", "predicted", "p", "p_true",
               "tags, note");
    for (int64_t i = 0; i < found->count; i++) {
        const book_example *e = &book->examples[found->index[i]];
        printf("%8lld  ", (long long)e->example);
        print_cell(errors_class_name(book, e->truth), 14);
        putchar(' ');
        print_cell(errors_class_name(book, e->predicted), 14);
        printf(" %6.3f %6.3f  ", (double)e->probability, (double)e->truth_probability);
        for (int k = 0; k < book->tag_count && k < EXAMPLE_TAGS; k++)
            if (e->tags >> k & 1)
                printf("%s ", book->tags[k].name);
        if (e->fix >= 0)
            printf("[label fixed: %s] ", book->fixes[e->fix].to < 0
                                             ? "wrong"
                                             : errors_class_name(book, book->fixes[e->fix].to));
        print_cell(e->noted ? example_book_note(book, e->example) : "", 0);
        putchar('\n');
    }
    if (found->matching > found->count)
        printf("%lld of %lld; --limit %lld shows all\n", (long long)found->count,
               (long long)found->matching, (long long)found->matching);
    if (found->count == 0)
        puts("No example fits.");
}

static nn_status show(const errors_job *job, const selection *found, nn_error *error)
{
    if (!job->o->json) {
        print_header(job->book);
        print_examples(job->book, found);
        return errors_text_end(error);
    }
    json_out json = {.out = stdout};
    errors_json_head(&json, job->book);
    json_whole(&json, "matching", found->matching);
    json_open(&json, "examples", '[');
    for (int64_t i = 0; i < found->count; i++)
        errors_json_example(&json, job->book, &job->book->examples[found->index[i]]);
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

nn_status errors_list(errors_job *job, nn_error *error)
{
    const errors_settings *o = job->o;
    selection_query query = selection_everything();
    selection found;
    query.errors_only = !o->all;
    query.filter = o->filter;
    query.seed = o->seed;
    query.limit = o->limit > 0 ? o->limit : o->json ? 0 : 20;
    nn_status status = read_order(o, &query, error);
    if (status == NN_OK)
        status = selection_make(job->book, &query, &found, error);
    if (status != NN_OK)
        return status;
    status = show(job, &found, error);
    selection_free(&found);
    return status;
}

/* --- tags --------------------------------------------------------------------------------------
 */

nn_status errors_tags(errors_job *job, nn_error *error)
{
    const example_book *book = job->book;
    if (!job->o->json) {
        for (int i = 0; i < book->tag_count; i++)
            printf("%3d  %-20s %-8s %-12s %lld examples\n", i + 1, book->tags[i].name,
                   book->tags[i].colour, book->tags[i].effort, (long long)book->tags[i].count);
        if (book->tag_count == 0)
            printf("No tags yet: gradus errors %lld --tag ID NAME gives one.\n",
                   (long long)job->run);
        return errors_text_end(error);
    }
    json_out json = {.out = stdout};
    errors_json_head(&json, book);
    json_open(&json, "tags", '[');
    for (int i = 0; i < book->tag_count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "tag", book->tags[i].name);
        json_text(&json, "colour", book->tags[i].colour);
        json_text(&json, "effort", book->tags[i].effort);
        json_whole(&json, "examples", book->tags[i].count);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

/* --- samples -----------------------------------------------------------------------------------
 */

static void json_samples(json_out *json, const analysis *list, int count)
{
    json_open(json, "samples", '[');
    for (int i = 0; i < count; i++) {
        json_open(json, NULL, '{');
        json_whole(json, "sample", list[i].id);
        json_text(json, "part", nn_part_name(list[i].part));
        json_seed(json, "seed", list[i].seed);
        json_whole(json, "size", list[i].count);
        json_whole(json, "looked_at", list[i].seen);
        json_whole(json, "errors", list[i].errors);
        json_whole(json, "total", list[i].total);
        json_whole(json, "drawn_ms", list[i].made_ms);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static nn_status show_session(errors_job *job, const analysis *list, int count,
                              const selection *found, nn_error *error)
{
    if (job->o->json) {
        json_out json = {.out = stdout};
        errors_json_head(&json, job->book);
        json_samples(&json, list, count);
        json_open(&json, "examples", '[');
        for (int64_t i = 0; i < found->count; i++)
            errors_json_example(&json, job->book, &job->book->examples[found->index[i]]);
        json_close(&json, ']');
        return errors_json_end(&json, error);
    }
    print_header(job->book);
    for (int i = 0; i < count; i++) {
        char time[32];
        printf("sample %lld of %s, drawn %s with seed %llu: %d of %lld errors, %d looked at\n",
               (long long)list[i].id, nn_part_name(list[i].part), moment(list[i].made_ms, time),
               (unsigned long long)list[i].seed, list[i].count, (long long)list[i].errors,
               list[i].seen);
    }
    print_examples(job->book, found);
    return errors_text_end(error);
}

nn_status errors_session(errors_job *job, nn_error *error)
{
    analysis *list = NULL;
    int count = 0;
    selection found = {0};
    selection_query query = selection_everything();
    query.order = SELECT_SAMPLE;
    query.filter = job->o->filter;
    query.limit = job->o->limit;
    nn_status status = store_analyses(job->s, job->run, &list, &count, error);
    if (status == NN_OK)
        status = selection_make(job->book, &query, &found, error);
    if (status == NN_OK)
        status = show_session(job, list, count, &found, error);
    selection_free(&found);
    free(list);
    return status;
}
