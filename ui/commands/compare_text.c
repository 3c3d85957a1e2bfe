#include "ui/commands/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES_SHOWN = 5 };

static void print_runs(const comparison *c)
{
    printf("     run  %-24s %-9s %7s  %-8s %-20s %-8s %-8s\n", "name", "state", "epoch", "dev",
           "95 % interval", "train", "best dev");
    for (int i = 0; i < c->count; i++) {
        const compared_run *run = &c->runs[i];
        const run_row *row = &run->view->row;
        char dev[16], low[16], high[16], train[16], best[16], range[40] = "-";
        if (run->last && run->last->count > 0)
            snprintf(range, sizeof range, "%s to %s", percent(run->range.low, low),
                     percent(run->range.high, high));
        printf("%c %6lld  ", run->letter, (long long)row->id);
        print_cell(row->name, 24);
        printf(" %-9s %3d/%-3d  %-8s %-20s %-8s %-8s", run_state_name(row->state), row->epoch,
               row->epochs, percent(run->last ? run->last->error : row->dev_error, dev), range,
               percent(row->train_error, train), percent(row->best_dev_error, best));
        printf("%s%s\n", run->standing != STANDING_RANKED ? "  " : "",
               compared_standing_text(run->standing));
    }
}

static void print_settings(const comparison *c)
{
    if (c->differing == 0)
        puts("\nAll settings are the same.");
    else
        printf("\n%-18s", "what differs");
    for (int r = 0; c->differing > 0 && r < c->count; r++)
        printf(" %-16c", c->runs[r].letter);
    for (int i = 0; i < c->differing; i++) {
        printf("\n%-18s", c->settings[i].key);
        for (int r = 0; r < c->count; r++) {
            putchar(' ');
            print_cell(c->settings[i].value[r], 16);
        }
    }
    fputs(c->differing > 0 ? "\nsame in all:" : "same in all:", stdout);
    for (int i = c->differing; i < c->setting_count; i++) {
        printf(" %s=", c->settings[i].key);
        print_cell(c->settings[i].value[0], 0);
    }
    putchar('\n');
}

static void print_seeds(const comparison *c)
{
    for (int i = 0; i < c->count; i++) {
        const compared_run *run = &c->runs[i];
        char low[16], high[16];
        if (run->seed_count > 1)
            printf("%c over %d seeds: dev error %s to %s. A difference smaller than that may be "
                   "the seed's.\n",
                   run->letter, run->seed_count, percent(run->seed_errors[0], low),
                   percent(run->seed_errors[run->seed_count - 1], high));
        else
            printf("%c has one seed: the test tells chance in the dev examples, not in the "
                   "training.\n",
                   run->letter);
    }
}

static nn_status print_examples(const comparison *c, int first, int second, nn_error *error)
{
    compared_example *list = NULL;
    int64_t count = 0, of_first = 0;
    nn_status status = compare_examples(c, first, second, &list, &count, error);
    while (of_first < count && list[of_first].first == list[of_first].truth)
        of_first++;
    for (int side = 0; side < 2 && count > 0; side++) {
        int64_t from = side ? of_first : 0, to = side ? count : of_first;
        printf("  only %c right: %lld", c->runs[side ? second : first].letter,
               (long long)(to - from));
        for (int64_t i = from; i < to && i < from + EXAMPLES_SHOWN; i++)
            printf("%s #%lld is %d, %c said %d", i == from ? ":" : ",", (long long)list[i].example,
                   list[i].truth, c->runs[side ? first : second].letter,
                   side ? list[i].first : list[i].second);
        puts(to - from > EXAMPLES_SHOWN ? ", ... (--json lists all)" : "");
    }
    free(list);
    return status;
}

/* The cells that changed most, first is the larger change. */
static void print_confusion(const comparison *c, int first, int second)
{
    enum { SHOWN = 4 };
    int32_t *cells = compare_confusion(c, first, second);
    int classes = cells ? c->runs[first].last->classes : 0, shown = 0;
    for (; shown < SHOWN; shown++) {
        int most = -1;
        for (int i = 0; i < classes * classes; i++)
            if (i / classes != i % classes && cells[i] != 0 &&
                (most < 0 || abs(cells[i]) > abs(cells[most])))
                most = i;
        if (most < 0)
            break;
        printf("%s %d said %d %+d", shown ? "," : "  mistakes that changed most:", most / classes,
               most % classes, cells[most]);
        cells[most] = 0;
    }
    if (shown)
        putchar('\n');
    free(cells);
}

bool compare_write_text(const comparison *c, nn_error *error)
{
    nn_status status = NN_OK;
    print_runs(c);
    print_settings(c);
    putchar('\n');
    int rows = c->count > 6 ? 1 : c->count; /* of many, each against the first */
    for (int i = 0; i < rows; i++)
        for (int k = i + 1; k < c->count && status == NN_OK; k++) {
            compared_pair pair = compare_pair(c, i, k);
            if (i > 0 && pair.verdict == VERDICT_NONE)
                continue; /* said against the first run already */
            puts(pair.sentence);
            status = print_examples(c, i, k, error);
            print_confusion(c, i, k);
        }
    putchar('\n');
    print_seeds(c);
    if (c->count > 3)
        puts("Of 20 pairs that do not differ, one is called different at 5 %.");
    return fflush(stdout) == 0 && status == NN_OK;
}
