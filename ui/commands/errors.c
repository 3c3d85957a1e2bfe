/* `gradus errors`: the mistakes of a run, what people say about them, and what fixing is worth. */
#include "ui/commands/errors.h"

#include "ui/commands/common.h"
#include "ui/folds.h"
#include "ui/run_data.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(errors_settings, name)
static const option options[] = {
    {"filter", OPTION_TEXT, "WORDS", FIELD(filter), 0,
     "only examples that fit: words that hold all together, such as \"true=5 pred=3 p>0.8 "
     "tag!=blurry\"; true and pred take numbers or names of classes; p, p_true, loss, margin, id, "
     "learned, forgotten compare; wrong, right, tagged, untagged, noted, fixed, sampled, seen, "
     "unseen stand alone",
     NULL},
    {"order", OPTION_TEXT, "ORDER", FIELD(order), 0,
     "source (default), confident (surest first), margin (least sure first), loss, random or "
     "sample",
     "source confident margin loss random sample"},
    {"nearest", OPTION_FLAG, NULL, FIELD(nearest), 0,
     "ID: the examples of its part most like it, right answers too", NULL},
    {"space", OPTION_TEXT, "SPACE", FIELD(space), 0,
     "with --nearest: features (what the network's last layer sees, default) or pixels (the "
     "numbers "
     "it is fed)",
     "features pixels"},
    {"part", OPTION_TEXT, "PART", FIELD(part), 0,
     "dev (default), test or train (after --suspects --folds)", "dev test train"},
    {"all", OPTION_FLAG, NULL, FIELD(all), 0, "right answers too", NULL},
    {"limit", OPTION_INTEGER, "N", FIELD(limit), 1, "at most N lines (default 20; JSON: all)",
     NULL},
    {"seed", OPTION_SEED, "N", FIELD(seed), 0, "of --sample and --order random (default 1)", NULL},
    {"sample", OPTION_INTEGER, "N", FIELD(sample), 1,
     "draw a random sample of N errors and keep it: shares are estimated from it (usual: 100)",
     NULL},
    {"session", OPTION_FLAG, NULL, FIELD(session), 0,
     "the samples drawn, and the examples of the newest in their order", NULL},
    {"seen", OPTION_FLAG, NULL, FIELD(seen), 0,
     "ID...: these of the sample were looked at and need no tag; without ID: all of it", NULL},
    {"tag", OPTION_FLAG, NULL, FIELD(tag), 0, "ID... NAME...: give tags; new names are made", NULL},
    {"untag", OPTION_FLAG, NULL, FIELD(untag), 0, "ID... NAME...: take them away", NULL},
    {"note", OPTION_FLAG, NULL, FIELD(note), 0, "ID TEXT; an empty text removes it", NULL},
    {"tags", OPTION_FLAG, NULL, FIELD(tags), 0, "the tags of this data", NULL},
    {"rename", OPTION_FLAG, NULL, FIELD(rename), 0, "NAME NEW", NULL},
    {"merge", OPTION_FLAG, NULL, FIELD(merge), 0, "NAME INTO: both become one", NULL},
    {"remove", OPTION_FLAG, NULL, FIELD(remove), 0, "NAME: the tag, everywhere", NULL},
    {"effort", OPTION_FLAG, NULL, FIELD(effort), 0,
     "NAME TEXT: what fixing it takes, such as '2 h', '3 days', easy, medium, hard", NULL},
    {"colour", OPTION_FLAG, NULL, FIELD(colour), 0,
     "NAME COLOUR: plain, blue, orange, white or violet", NULL},
    {"ceiling", OPTION_FLAG, NULL, FIELD(ceiling), 0,
     "what fixing each tag would be worth, from the newest sample; best return first", NULL},
    {"beside", OPTION_TEXT, "RUN", FIELD(beside), 0,
     "with --ceiling: what another run on that data still answers wrong", NULL},
    {"suspects", OPTION_FLAG, NULL, FIELD(suspects), 0,
     "labels that are probably wrong, of dev and test by one rule", NULL},
    {"rank", OPTION_TEXT, "RULE", FIELD(rank), 0,
     "with --suspects: self (confidence, default) or margin", "self margin"},
    {"folds", OPTION_INTEGER, "K", FIELD(folds), 2,
     "with --suspects: of the train part, by K trainings that each leave out a fold and answer it; "
     "the answers are kept: --part train lists them",
     NULL},
    {"top", OPTION_SHARE, "SHARE", FIELD(top), 0,
     "with --suspects: so much of all examples (default 0.05)", NULL},
    {"fix", OPTION_FLAG, NULL, FIELD(fix), 0,
     "ID LABEL ...: later runs take these labels; kept beside the data, never in it", NULL},
    {"wrong", OPTION_FLAG, NULL, FIELD(wrong), 0,
     "ID...: the label is wrong, nobody knows the right one: later runs leave them out", NULL},
    {"unfix", OPTION_FLAG, NULL, FIELD(unfix), 0, "ID...: the label is as it lies in the source",
     NULL},
    {"fixes", OPTION_FLAG, NULL, FIELD(fixes), 0, "the labels fixed in this data", NULL},
    {"rule", OPTION_TEXT, "TEXT", FIELD(rule), 0,
     "with --fix and --wrong: how dev and test were looked through alike", NULL},
    {"undo", OPTION_FLAG, NULL, FIELD(undo), 0, "take back the last change made by this command",
     NULL},
    {"redo", OPTION_FLAG, NULL, FIELD(redo), 0, "do it again", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the runs", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- shared by the others ----------------------------------------------------------------------
 */

const example_book *errors_book_of(const errors_job *job, int64_t example)
{
    const example_book *books[] = {job->dev, job->test, job->train};
    for (int i = 0; i < 3; i++)
        if (books[i] && example_book_find(books[i], example))
            return books[i];
    return NULL;
}

bool errors_is_number(const char *word)
{
    size_t length = strlen(word);
    return length > 0 && strspn(word + (word[0] == '-'), "0123456789") == length - (word[0] == '-');
}

nn_status errors_read_id(errors_job *job, const char *word, int64_t *example, nn_error *error)
{
    if (!errors_is_number(word) || strlen(word) > 15)
        return nn_fail(error, NN_E_ARG, "'%.60s' is no example: expected its number", word);
    *example = strtoll(word, NULL, 10);
    if (errors_book_of(job, *example))
        return NN_OK;
    nn_error problem = {0};
    nn_dataset *data = run_data_open(job->s, job->run, &problem);
    if (!data)
        return nn_fail(error, NN_E_MISSING,
                       "example %lld is not among the answers of run %lld, and %.200s",
                       (long long)*example, (long long)job->run, problem.text);
    bool exists = nn_dataset_label_of(data, *example) >= 0;
    nn_dataset_free(data);
    return exists ? NN_OK
                  : nn_fail(error, NN_E_MISSING, "the data of run %lld has no example %lld",
                            (long long)job->run, (long long)*example);
}

/* --- the command -------------------------------------------------------------------------------
 */

typedef struct {
    bool asked;
    const char *name;
    nn_status (*work)(errors_job *job, nn_error *error);
    int least, most; /* words after the run */
} action;

enum { ANY = ARGUMENTS_MAX };

/* What was asked for; more than one thing is refused. */
static int choose(const errors_settings *o, int words, action *chosen)
{
    const action actions[] = {
        {o->ceiling, "ceiling", errors_ceiling, 0, 0},
        {o->suspects, "suspects", errors_suspects, 0, 0},
        {o->nearest, "nearest", errors_nearest, 1, 1},
        {o->tags, "tags", errors_tags, 0, 0},
        {o->session, "session", errors_session, 0, 0},
        {o->fixes, "fixes", errors_fixes, 0, 0},
        {o->tag, "tag", errors_change, 2, ANY},
        {o->untag, "untag", errors_change, 2, ANY},
        {o->note, "note", errors_change, 2, 2},
        {o->rename, "rename", errors_change, 2, 2},
        {o->merge, "merge", errors_change, 2, 2},
        {o->remove, "remove", errors_change, 1, 1},
        {o->effort, "effort", errors_change, 2, 2},
        {o->colour, "colour", errors_change, 2, 2},
        {o->seen, "seen", errors_change, 0, ANY},
        {o->sample > 0, "sample", errors_change, 0, 0},
        {o->undo, "undo", errors_change, 0, 0},
        {o->redo, "redo", errors_change, 0, 0},
        {o->fix, "fix", errors_fix, 2, ANY},
        {o->wrong, "wrong", errors_fix, 1, ANY},
        {o->unfix, "unfix", errors_fix, 1, ANY},
    };
    *chosen = (action){true, "list", errors_list, 0, 0};
    int count = 0;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (!actions[i].asked)
            continue;
        if (count++ > 0)
            return wrong_usage(&command_errors, "--%s and --%s exclude each other", chosen->name,
                               actions[i].name);
        *chosen = actions[i];
    }
    if (words < chosen->least || words > chosen->most)
        return wrong_usage(&command_errors,
                           count == 0 ? "'errors RUN' takes no further words (%s, %d given)"
                                      : "--%s does not go with %d words after the run: see "
                                        "gradus help errors",
                           chosen->name, words);
    return EXIT_OK;
}

static void tell_fold(void *context, int fold)
{
    const errors_job *job = context;
    fprintf(stderr, "gradus: training without fold %d of %d\n", fold + 1, job->o->folds);
}

/* The dev part is measured first, test only at the end of a training, train when asked for. */
static nn_status open_books(errors_job *job, nn_error *error)
{
    static const char *const words[] = {"train", "dev", "test"};
    example_book **books[] = {&job->train, &job->dev, &job->test};
    nn_error problems[NN_PARTS] = {{0}};
    const char *part = job->o->part ? job->o->part : job->o->folds ? "train" : "dev";
    int which = -1;
    for (int p = 0; p < NN_PARTS; p++)
        if (strcmp(part, words[p]) == 0)
            which = p;
    if (which < 0)
        return nn_fail(error, NN_E_ARG, "--part '%.40s': expected dev, test or train", part);
    if (job->o->folds && !job->o->suspects)
        return nn_fail(error, NN_E_ARG, "--folds belongs to --suspects");
    nn_status status = job->o->folds
                           ? folds_answer(job->s, job->run, job->o->folds, 0, tell_fold, job, error)
                           : NN_OK;
    if (status != NN_OK)
        return status;
    for (int p = 0; p < NN_PARTS; p++)
        *books[p] = example_book_open(job->s, job->run, (nn_part)p, &problems[p]);
    job->book = *books[which];
    if (!job->book)
        *error = problems[which];
    return job->book ? NN_OK : error->code;
}

static nn_status work_on(errors_job *job, const char *run, const action *chosen, nn_error *error)
{
    nn_status status = store_find_run(job->s, run, &job->run, error);
    if (status == NN_OK)
        status = open_books(job, error);
    if (status == NN_OK)
        status = chosen->work(job, error);
    return status;
}

static int run(int argc, char **argv)
{
    errors_settings settings = {.seed = 1, .top = 0.05};
    arguments found;
    action chosen;
    nn_error error = {0};
    int status;
    if (!options_begin(&command_errors, argc, argv, &settings, &found, 1, ARGUMENTS_MAX, &status))
        return status;
    if ((status = choose(&settings, found.count - 1, &chosen)) != EXIT_OK)
        return status;
    errors_job job = {.o = &settings, .words = found.word + 1, .word_count = found.count - 1};
    if (!(job.s = require_store(settings.store)))
        return EXIT_FAILED;
    nn_status done = work_on(&job, found.word[0], &chosen, &error);
    if (done != NN_OK)
        complain("%s", error.text);
    example_book_free(job.dev);
    example_book_free(job.test);
    example_book_free(job.train);
    store_close(job.s);
    return done == NN_OK ? EXIT_OK : done == NN_E_ARG ? EXIT_USAGE : EXIT_FAILED;
}

const program_command command_errors = {
    .name = "errors",
    .arguments = "RUN [ID ...] [NAME ...]",
    .summary = "the mistakes of a run: look, tag, fix labels, and what fixing is worth",
    .details = "RUN is a run's number, its name, or last. Examples are named by their number in\n"
               "the data, the first column of the list. Tags, notes and fixed labels belong to\n"
               "the example, so they serve every run on that data.\n"
               "  gradus errors last --order confident\n"
               "  gradus errors last --sample 100 --seed 1\n"
               "  gradus errors last --tag 1234 blurry\n"
               "  gradus errors last --ceiling --json",
    .options = options,
    .words = "last",
    .run = run,
};
