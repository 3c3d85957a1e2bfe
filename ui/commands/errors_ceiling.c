/* `gradus errors RUN --ceiling`. */
#include "ui/ceiling.h"
#include "ui/commands/common.h"
#include "ui/commands/errors.h"

#include <math.h>
#include <stdlib.h>

static void json_row(json_out *json, const example_book *book, const ceiling_row *row)
{
    const example_tag *tag = &book->tags[row->tag];
    json_open(json, NULL, '{');
    json_text(json, "tag", tag->name);
    json_text(json, "colour", tag->colour);
    json_text(json, "effort", tag->effort[0] ? tag->effort : NULL);
    json_number(json, "hours", row->hours);
    json_whole(json, "count", row->count);
    json_whole(json, "browsed", row->browsed);
    json_number(json, "share", row->share);
    json_number(json, "share_low", row->low);
    json_number(json, "share_high", row->high);
    json_number(json, "exclusive_share", row->exclusive);
    json_number(json, "explains", row->explains);
    json_number(json, "ceiling", row->ceiling);
    json_number(json, "ceiling_low", row->ceiling_low);
    json_number(json, "ceiling_high", row->ceiling_high);
    json_number(json, "gain", row->gain);
    json_number(json, "gain_per_hour", row->worth);
    if (row->still_wrong >= 0)
        json_whole(json, "still_wrong", row->still_wrong);
    else
        json_null(json, "still_wrong");
    json_close(json, '}');
}

static nn_status show_json(const errors_job *job, const ceiling_table *table, nn_error *error)
{
    json_out json = {.out = stdout};
    const analysis *sample = &job->book->sample;
    errors_json_head(&json, job->book);
    if (sample->id) {
        json_whole(&json, "sample", sample->id);
        json_seed(&json, "seed", sample->seed);
    } else {
        json_null(&json, "sample");
        json_null(&json, "seed");
    }
    json_whole(&json, "sampled", table->sampled);
    json_whole(&json, "looked_at", table->looked_at);
    json_whole(&json, "untagged", table->untagged);
    if (table->other) {
        json_whole(&json, "beside", table->other);
        json_whole(&json, "still_wrong", table->other_wrong);
    }
    json_open(&json, "tags", '[');
    for (int i = 0; i < table->count; i++)
        json_row(&json, job->book, &table->rows[i]);
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

static void print_row(const example_book *book, const ceiling_table *table, const ceiling_row *row)
{
    const example_tag *tag = &book->tags[row->tag];
    print_cell(tag->name, 16);
    printf(" %5lld ", (long long)row->count);
    if (isnan(row->share))
        printf("%5s %13s %5s %8s %8s ", "-", "-", "-", "-", "-");
    else
        printf("%4.0f%% %5.0f -%4.0f%% %4.0f%% %8.1f %7.2f%% ", 100 * row->share, 100 * row->low,
               100 * row->high, 100 * row->exclusive, row->explains, 100 * row->ceiling);
    printf("%7lld ", (long long)row->browsed);
    if (table->other)
        printf("%6lld ", (long long)row->still_wrong);
    printf(" %s\n", tag->effort);
}

static nn_status show_text(const errors_job *job, const ceiling_table *table, nn_error *error)
{
    char share[16];
    printf("run %lld  %s  %s part: %lld of %lld wrong (%s)\n", (long long)job->run,
           job->book->row.name, nn_part_name(job->book->part), (long long)table->errors,
           (long long)table->total, percent(table->error, share));
    if (table->sampled == 0)
        printf("No sample was drawn, so there are no shares: gradus errors %lld --sample 100\n",
               (long long)job->run);
    else
        printf("%lld of the %lld sampled errors were looked at, %lld of them bear no tag\n",
               (long long)table->looked_at, (long long)table->sampled, (long long)table->untagged);
    printf("%-16s %5s %5s %13s %5s %8s %8s %7s %s effort\n", "tag", "count", "share", "95 %",
           "alone", "explains", "ceiling", "browsed", table->other ? "still " : "");
    for (int i = 0; i < table->count; i++)
        print_row(job->book, table, &table->rows[i]);
    if (table->other)
        printf("run %lld still answers %lld of those %lld wrong\n", (long long)table->other,
               (long long)table->other_wrong, (long long)table->looked_at);
    return errors_text_end(error);
}

nn_status errors_ceiling(errors_job *job, nn_error *error)
{
    example_book *other = NULL;
    run_id beside = 0;
    ceiling_table table = {0};
    nn_status status = NN_OK;
    if (job->o->beside) {
        status = store_find_run(job->s, job->o->beside, &beside, error);
        if (status == NN_OK && !(other = example_book_open(job->s, beside, job->book->part, error)))
            status = error->code;
    }
    if (status == NN_OK)
        status = ceiling_make(job->book, other, &table, error);
    if (status == NN_OK)
        status = job->o->json ? show_json(job, &table, error) : show_text(job, &table, error);
    ceiling_free(&table);
    example_book_free(other);
    return status;
}
