/* Labels of `gradus errors`: suspects, fixes. */
#include "ui/commands/common.h"
#include "ui/commands/errors.h"
#include "ui/run_data.h"
#include "ui/suspects.h"

#include <math.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- suspects ----------------------------------------------------------------------------------
 */

/* Of a run whose labels were flipped on purpose: the labels as they were. NULL where none were. */
static nn_dataset *unflipped(errors_job *job, double *share, nn_error *error)
{
    train_options options;
    train_texts *texts = calloc(1, sizeof *texts);
    nn_dataset *data = NULL;
    *share = 0;
    if (texts && train_options_of_run(job->s, job->run, &options, texts, error) == NN_OK) {
        *share = options.flip_labels;
        options.flip_labels = 0;
        data = *share > 0 ? run_data_read(&options, error) : NULL;
    }
    free(texts);
    return data;
}

typedef struct {
    suspect_list all;
    int64_t shown;       /* of the top of the list */
    double flipped;      /* share that was flipped on purpose; 0: none */
    int64_t known_wrong; /* of those shown; -1: not known */
    nn_dataset *truth;
} findings;

static nn_status find_suspects(errors_job *job, findings *f, nn_error *error)
{
    const example_book *books[2];
    int count = 0;
    const char *rank = job->o->rank ? job->o->rank : "self";
    bool self = strcmp(rank, "self") == 0;
    nn_error problem = {0};
    if (!self && strcmp(rank, "margin") != 0)
        return nn_fail(error, NN_E_ARG, "--rank '%.40s': expected margin or self", rank);
    if (job->book == job->train) {
        books[count++] = job->train;
    } else {
        if (job->dev)
            books[count++] = job->dev;
        if (job->test)
            books[count++] = job->test;
    }
    nn_status status =
        suspects_rank(books, count, self ? SUSPECT_SELF : SUSPECT_MARGIN, &f->all, error);
    if (status != NN_OK)
        return status;
    f->shown = llround(job->o->top * (double)f->all.count);
    if (job->o->limit > 0 && job->o->limit < f->shown)
        f->shown = job->o->limit;
    f->truth = unflipped(job, &f->flipped, &problem);
    f->known_wrong = f->truth ? 0 : -1;
    for (int64_t i = 0; i < f->shown && f->truth; i++)
        f->known_wrong +=
            nn_dataset_label_of(f->truth, f->all.list[i].example) != f->all.list[i].given;
    return NN_OK;
}

static nn_status suspects_json(errors_job *job, const findings *f, nn_error *error)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_whole(&json, "run", job->run);
    json_text(&json, "rank", job->o->rank ? job->o->rank : "self");
    json_whole(&json, "examples", f->all.count);
    json_whole(&json, "likely", f->all.likely);
    json_number(&json, "flipped", f->flipped);
    if (f->known_wrong >= 0)
        json_number(&json, "precision",
                    f->shown > 0 ? (double)f->known_wrong / (double)f->shown : (double)NAN);
    else
        json_null(&json, "precision");
    json_open(&json, "thresholds", '[');
    for (int k = 0; k < f->all.classes; k++)
        json_number(&json, NULL, f->all.threshold[k]);
    json_close(&json, ']');
    json_open(&json, "suspects", '[');
    for (int64_t i = 0; i < f->shown; i++) {
        const suspect *one = &f->all.list[i];
        json_open(&json, NULL, '{');
        json_whole(&json, "id", one->example);
        json_text(&json, "part", nn_part_name(one->part));
        json_whole(&json, "label", one->given);
        json_text(&json, "label_name", errors_class_name(job->book, one->given));
        json_whole(&json, "suggested", one->suggested);
        json_text(&json, "suggested_name", errors_class_name(job->book, one->suggested));
        json_number(&json, "p_label", (double)one->p_given);
        json_number(&json, "p_suggested", (double)one->p_suggested);
        json_number(&json, "score", one->score);
        json_flag(&json, "likely", one->likely);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

static nn_status suspects_text(errors_job *job, const findings *f, nn_error *error)
{
    int64_t lines = job->o->limit > 0 || f->shown < 20 ? f->shown : 20;
    printf("run %lld  %s: of %lld labels in %s about %lld are wrong\n", (long long)job->run,
           job->book->row.name, (long long)f->all.count,
           job->dev && job->test ? "dev and test"
           : job->dev            ? "dev"
                                 : "test",
           (long long)f->all.likely);
    printf("%8s  %-5s %-14s %-14s %7s %7s %7s\n", "id", "part", "label", "suggested", "p_label",
           "p_sugg", "score");
    for (int64_t i = 0; i < lines; i++) {
        const suspect *one = &f->all.list[i];
        printf("%8lld  %-5s ", (long long)one->example, nn_part_name(one->part));
        print_cell(errors_class_name(job->book, one->given), 14);
        putchar(' ');
        print_cell(errors_class_name(job->book, one->suggested), 14);
        printf(" %7.3f %7.3f %7.3f%s\n", (double)one->p_given, (double)one->p_suggested, one->score,
               one->likely ? " likely" : "");
    }
    if (f->known_wrong >= 0)
        printf("%lld of the top %lld were flipped on purpose: precision %.3f\n",
               (long long)f->known_wrong, (long long)f->shown,
               f->shown > 0 ? (double)f->known_wrong / (double)f->shown : 0.0);
    return errors_text_end(error);
}

nn_status errors_suspects(errors_job *job, nn_error *error)
{
    findings f = {0};
    nn_status status = find_suspects(job, &f, error);
    if (status == NN_OK)
        status = job->o->json ? suspects_json(job, &f, error) : suspects_text(job, &f, error);
    suspects_free(&f.all);
    nn_dataset_free(f.truth);
    return status;
}

/* --- fixes -------------------------------------------------------------------------------------
 */

nn_status errors_fixes(errors_job *job, nn_error *error)
{
    const example_book *book = job->book;
    json_out json = {.out = stdout};
    if (job->o->json) {
        errors_json_head(&json, book);
        json_open(&json, "fixes", '[');
    } else if (book->fix_count == 0) {
        puts("No label of this data is fixed.");
    }
    for (int i = 0; i < book->fix_count; i++) {
        const label_fix *fix = &book->fixes[i];
        char time[32];
        if (!job->o->json) {
            printf("%8lld  %s -> %s  %s by %s  %s\n", (long long)fix->example,
                   errors_class_name(book, fix->from),
                   fix->to < 0 ? "left out" : errors_class_name(book, fix->to),
                   moment(fix->made_ms, time), fix->who, fix->rule);
            continue;
        }
        json_open(&json, NULL, '{');
        json_whole(&json, "id", fix->example);
        json_whole(&json, "from", fix->from);
        json_whole(&json, "to", fix->to);
        json_text(&json, "who", fix->who);
        json_whole(&json, "made_ms", fix->made_ms);
        json_text(&json, "rule", fix->rule);
        json_close(&json, '}');
    }
    if (!job->o->json)
        return errors_text_end(error);
    json_close(&json, ']');
    return errors_json_end(&json, error);
}

static void name_person(char who[EXAMPLE_WHO])
{
    char host[64] = "";
    const char *user = getenv("USER");
    struct passwd *entry = user && *user ? NULL : getpwuid(getuid());
    gethostname(host, sizeof host - 1);
    snprintf(who, EXAMPLE_WHO, "%.30s@%.30s",
             user && *user ? user
             : entry       ? entry->pw_name
                           : "?",
             host);
}

/* The label as it lies in the source: what an earlier fix was made from, else what the run saw. */
static nn_status label_in_source(errors_job *job, nn_dataset **data, int64_t example, int *label,
                                 nn_error *error)
{
    for (int i = 0; i < job->book->fix_count; i++)
        if (job->book->fixes[i].example == example) {
            *label = job->book->fixes[i].from;
            return NN_OK;
        }
    const example_book *book = errors_book_of(job, example);
    if (book) {
        *label = example_book_find(book, example)->truth;
        return NN_OK;
    }
    if (!*data && !(*data = run_data_open(job->s, job->run, error)))
        return error->code;
    *label = nn_dataset_label_of(*data, example);
    return NN_OK;
}

static nn_status make_fix(errors_job *job, nn_dataset **data, const char *id, const char *label,
                          example_change *change, nn_error *error)
{
    const errors_settings *o = job->o;
    *change = (example_change){.kind = o->unfix ? EXAMPLE_UNFIX : EXAMPLE_FIX, .to = -1};
    nn_status status = errors_read_id(job, id, &change->example, error);
    if (status != NN_OK || o->unfix)
        return status;
    name_person(change->who);
    if (label && (change->to = example_book_class(job->book, label, error)) < 0)
        return error->code;
    status = label_in_source(job, data, change->example, &change->from, error);
    if (status != NN_OK)
        return status;
    const example_book *first = job->dev ? job->dev : job->test ? job->test : job->train;
    return suspects_rule(first, job->dev ? job->test : NULL, change->example, o->rule, change->rule,
                         error);
}

static nn_status write_fixes(errors_job *job, const example_change *changes, int count,
                             nn_error *error)
{
    recorder *r = recorder_open(store_path(job->s), error);
    if (!r)
        return error->code;
    nn_status status = recorder_examples(r, job->book->content, "", changes, count, error);
    nn_status closed = recorder_close(r, status == NN_OK ? error : NULL);
    return status == NN_OK ? closed : status;
}

nn_status errors_fix(errors_job *job, nn_error *error)
{
    int each = job->o->fix ? 2 : 1, count = job->word_count / each;
    example_change *changes = calloc(ARGUMENTS_MAX, sizeof *changes);
    nn_dataset *data = NULL;
    nn_status status = NN_OK;
    if (!changes)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the fixes");
    if (job->word_count % each != 0)
        status = nn_fail(error, NN_E_ARG, "--fix: expected a label after every example");
    for (int i = 0; i < count && status == NN_OK; i++)
        status = make_fix(job, &data, job->words[i * each],
                          each == 2 ? job->words[i * each + 1] : NULL, &changes[i], error);
    if (status == NN_OK)
        status = write_fixes(job, changes, count, error);
    if (status == NN_OK)
        status = example_book_refresh(job->book, job->s, error);
    nn_dataset_free(data);
    free(changes);
    return status == NN_OK ? errors_fixes(job, error) : status;
}
