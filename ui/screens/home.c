/* Home: what to do next, and the newest runs. One list; Enter does what is selected. */
#include "ui/screens/app.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum { ITEM_WATCH, ITEM_TRAIN, ITEM_QUICK, ITEM_CONTINUE, ITEM_COURSE, ITEM_RUN } item_kind;

typedef struct {
    item_kind kind;
    const run_row *row; /* of ITEM_CONTINUE and ITEM_RUN */
} home_item;

enum { HOME_ITEMS = 64 };

static bool can_continue(const run_row *row)
{
    return (row->state == RUN_STOPPED || row->state == RUN_CRASHED) && row->last_checkpoint[0];
}

/* Actions first; the runs after them. Returns how many, and how many of them are actions. */
static int list_items(const app *a, home_item *items, int *actions)
{
    int count = 0;
    if (training_active(a))
        items[count++] = (home_item){ITEM_WATCH, NULL};
    items[count++] = (home_item){ITEM_TRAIN, NULL};
    items[count++] = (home_item){ITEM_QUICK, NULL};
    const run_row *newest = records_newest(a);
    if (newest && !training_active(a) && can_continue(newest))
        items[count++] = (home_item){ITEM_CONTINUE, newest};
    items[count++] = (home_item){ITEM_COURSE, NULL};
    *actions = count;
    for (int i = 0; i < a->table->count && count < HOME_ITEMS; i++) {
        const run_row *row = &a->table->entries[i].row;
        if (!row->archived_ms && !row->deleted_ms)
            items[count++] = (home_item){ITEM_RUN, row};
    }
    return count;
}

static void say_run(const run_row *row, char *text, size_t size)
{
    char dev[16], test[16];
    format_percent(dev, sizeof dev, row->best_dev_error);
    format_percent(test, sizeof test, row->test_error);
    char epochs[24];
    snprintf(epochs, sizeof epochs, "%d/%d", row->epoch, row->epochs);
    snprintf(text, size, "%4lld  %-9s %-24.24s %7s  dev %5s  test %5s", (long long)row->id,
             run_state_name(row->state), row->name, epochs, dev, test);
}

static void say_item(const app *a, const home_item *item, char *text, size_t size)
{
    train_options preset = train_options_default();
    switch (item->kind) {
    case ITEM_WATCH:
        snprintf(text, size, "Watch the training %s",
                 a->live && a->live->live ? a->live->row.name : "");
        break;
    case ITEM_TRAIN:
        snprintf(text, size, "Start a training     %s, %s, %s: opens the form", preset.data,
                 preset.model, preset.optimizer);
        break;
    case ITEM_QUICK:
        snprintf(text, size,
                 "Try it in seconds    digits, a small convolutional net: starts at once");
        break;
    case ITEM_CONTINUE:
        snprintf(text, size, "Continue run %-7lld %s, %s in epoch %d of %d",
                 (long long)item->row->id, item->row->name, run_state_name(item->row->state),
                 item->row->epoch + 1, item->row->epochs);
        break;
    case ITEM_COURSE:
        course_invite(a, text, size);
        break;
    case ITEM_RUN:
        say_run(item->row, text, size);
        break;
    }
}

static const char *explain(item_kind kind)
{
    switch (kind) {
    case ITEM_WATCH:
        return "Opens the Monitor: loss curves, errors and what they mean, confusion matrix, rate; "
               "and the keys to pause, step, change the rate and stop.";
    case ITEM_TRAIN:
        return "Opens the form: data, model, optimizer, rate and the rest, each with a default "
               "that "
               "works. Enter on its first line starts.";
    case ITEM_QUICK:
        return "Trains a small net on 1 797 handwritten digits that are built in, and opens "
               "the "
               "Monitor. A good way to learn the keys: ? lists them.";
    case ITEM_CONTINUE:
        return "Goes on from the last checkpoint, bit for bit as if it had never stopped.";
    case ITEM_COURSE:
        return "Deep learning in 51 chapters, from one neuron on: read, step through the numbers, "
               "experiment, answer. It goes on where you were.";
    case ITEM_RUN:
        break;
    }
    return "Opens this run in the Monitor, with its curves, confusion matrix and log.";
}

static void draw_item(const app *a, canvas *c, const home_item *item, int y, bool here)
{
    char text[320];
    say_item(a, item, text, sizeof text);
    long clipped = c->clipped; /* names may be long; the Monitor shows them in full */
    canvas_text(c, 2, y, c->clip.w - 3, item->kind == ITEM_RUN ? ROLE_TEXT : ROLE_KEY, text);
    c->clipped = clipped;
    if (here) {
        canvas_text(c, 0, y, 1, ROLE_TEXT, ">");
        canvas_role_fill(c, (canvas_rect){0, y, c->clip.w, 1}, ROLE_SELECT);
        c->cursor_x = c->clip.x, c->cursor_y = c->clip.y + y;
    }
}

void home_draw(app *a, canvas *c)
{
    home_item items[HOME_ITEMS];
    int actions, count = list_items(a, items, &actions);
    int w = c->clip.w, h = c->clip.h, about = 5, next = actions + 2;
    canvas_box(c, (canvas_rect){0, 0, w, next}, "*What next", true);
    canvas_box(c, (canvas_rect){0, next, w, h - next - about}, "Recent runs, errors in percent",
               false);
    canvas_box(c, (canvas_rect){0, h - about, w, about}, "Enter", false);
    int rows = h - next - about - 2;
    /* The actions stay; the runs scroll below them. */
    list_fit(&a->home_list, count, actions + rows);
    for (int i = 0; i < actions; i++) {
        canvas_rect old = canvas_push(c, (canvas_rect){1, 1 + i, w - 2, 1});
        draw_item(a, c, &items[i], 0, a->home_list.selected == i);
        canvas_pop(c, old);
    }
    int skip =
        a->home_list.selected >= actions + rows ? a->home_list.selected - actions - rows + 1 : 0;
    canvas_rect old = canvas_push(c, (canvas_rect){1, next + 1, w - 2, rows});
    for (int i = 0; i < rows && actions + skip + i < count; i++)
        draw_item(a, c, &items[actions + skip + i], i, a->home_list.selected == actions + skip + i);
    if (count == actions)
        canvas_text(c, 2, 0, -1, ROLE_DIM,
                    !a->store && !a->store_problem[0] ? "Opening the store ..."
                                                      : "None yet: they are kept here for good.");
    canvas_pop(c, old);
    int selected = a->home_list.selected >= 0 ? a->home_list.selected : 0;
    canvas_wrap(c, (canvas_rect){2, h - about + 1, w - 4, about - 2}, ROLE_TEXT,
                explain(items[selected].kind));
}

static void open_item(app *a, const home_item *item)
{
    train_options quick = train_options_default();
    switch (item->kind) {
    case ITEM_WATCH:
        if (a->live)
            a->shown = a->live;
        app_go(a, VIEW_MONITOR);
        break;
    case ITEM_TRAIN:
        app_do(a, DO_TRAIN, "");
        break;
    case ITEM_QUICK:
        quick.data = "digits", quick.epochs = 300, quick.batch = 16; /* long enough to steer */
        quick.model = "conv 8 3x3 pad=1 | relu | maxpool 2 | conv 16 3x3 pad=1 | relu | flatten | "
                      "dense 10";
        quick.name = NULL;
        training_start(a, &quick);
        break;
    case ITEM_CONTINUE:
        training_resume(a, item->row);
        break;
    case ITEM_COURSE:
        app_go(a, VIEW_COURSE);
        course_take_up(a);
        break;
    case ITEM_RUN:
        records_show(a, item->row->id);
        break;
    }
}

bool home_do(app *a, command_id what)
{
    home_item items[HOME_ITEMS];
    int actions, count = list_items(a, items, &actions);
    a->home_list.count = count;
    if (a->home_list.selected < 0)
        a->home_list.selected = 0;
    if (list_do(&a->home_list, what))
        return true;
    if (what == DO_OPEN && a->home_list.selected < count) {
        open_item(a, &items[a->home_list.selected]);
        return true;
    }
    return false;
}
