/* `gradus errors RUN --nearest ID`. */
#include "ui/answers.h"
#include "ui/commands/common.h"
#include "ui/commands/errors.h"
#include "ui/run_data.h"

#include <string.h>

enum { NEAREST_USUAL = 10, NEAREST_MOST = 1000 };

typedef struct {
    const example_book *book;
    const char *space;
    int64_t place[NEAREST_MOST];
    double distance[NEAREST_MOST];
    int count;
} neighbours;

/* Books are sorted by number; so are the parts of a data set. */
static const book_example *at_place(const example_book *book, int64_t place)
{
    for (int64_t i = 0; i < book->count; i++)
        if (book->examples[i].place == place)
            return &book->examples[i];
    return NULL;
}

static nn_status find(errors_job *job, int64_t example, neighbours *n, nn_error *error)
{
    bool pixels = strcmp(n->space, "pixels") == 0;
    int wanted = job->o->limit > 0 ? job->o->limit : NEAREST_USUAL;
    answers found = {0};
    nn_dataset *data = run_data_open(job->s, job->run, error);
    if (!data)
        return error->code;
    nn_status status =
        pixels ? NN_OK : answers_ask(job->s, job->run, data, n->book->part, &found, error);
    if (status == NN_OK)
        n->count = answers_nearest(
            pixels ? NULL : &found, data, n->book->part, example_book_find(n->book, example)->place,
            wanted < NEAREST_MOST ? wanted : NEAREST_MOST, n->place, n->distance);
    if (status == NN_OK && n->count < 0)
        status = nn_fail(error, NN_E_NOMEM, "out of memory for the nearest examples");
    answers_free(&found);
    nn_dataset_free(data);
    return status;
}

static nn_status show(const errors_job *job, int64_t example, const neighbours *n, nn_error *error)
{
    json_out json = {.out = stdout};
    if (job->o->json) {
        errors_json_head(&json, n->book);
        json_whole(&json, "nearest_to", example);
        json_text(&json, "space", n->space);
        json_open(&json, "examples", '[');
    } else {
        printf("nearest to example %lld of %s by %s\n%8s  %10s  %-14s %-14s\n", (long long)example,
               nn_part_name(n->book->part), n->space, "id", "distance", "true", "predicted");
    }
    for (int i = 0; i < n->count; i++) {
        const book_example *e = at_place(n->book, n->place[i]);
        if (!e)
            continue;
        if (job->o->json) {
            json_open(&json, NULL, '{');
            json_number(&json, "distance", n->distance[i]);
            json_whole(&json, "id", e->example);
            json_whole(&json, "true", e->truth);
            json_whole(&json, "predicted", e->predicted);
            json_number(&json, "p", (double)e->probability);
            json_close(&json, '}');
            continue;
        }
        printf("%8lld  %10.4g  ", (long long)e->example, n->distance[i]);
        print_cell(errors_class_name(n->book, e->truth), 14);
        putchar(' ');
        print_cell(errors_class_name(n->book, e->predicted), 14);
        puts(book_example_wrong(e) ? " wrong" : "");
    }
    if (!job->o->json)
        return errors_text_end(error);
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

nn_status errors_nearest(errors_job *job, nn_error *error)
{
    int64_t example;
    neighbours n = {.space = job->o->space ? job->o->space : "features"};
    if (strcmp(n.space, "features") != 0 && strcmp(n.space, "pixels") != 0)
        return nn_fail(error, NN_E_ARG, "--space '%.40s': expected features or pixels", n.space);
    nn_status status = errors_read_id(job, job->words[0], &example, error);
    if (status != NN_OK)
        return status;
    n.book = errors_book_of(job, example);
    if (!n.book)
        return nn_fail(error, NN_E_MISSING,
                       "example %lld is in the train part: neighbours are found in dev and test",
                       (long long)example);
    status = find(job, example, &n, error);
    return status == NN_OK ? show(job, example, &n, error) : status;
}
