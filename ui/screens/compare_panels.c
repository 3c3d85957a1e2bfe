/* The panels beside the curves of the Compare screen. */
#include "ui/screens/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void compare_draw_settings(const compare_screen *s, canvas *c)
{
    enum { KEY = 11, VALUE = 9 };
    const comparison *data = &s->data;
    int fits = (c->clip.w - KEY) / VALUE, first = 0, y = 1;
    fits = fits < 1 ? 1 : fits;
    if (s->list.selected >= fits) /* the selected run is in sight */
        first = s->list.selected - fits + 1;
    for (int k = 0; k < fits && first + k < data->count; k++)
        canvas_put(c, KEY + k * VALUE, 0, compare_role(first + k),
                   (uint32_t)data->runs[first + k].letter);
    for (int i = s->scroll[COMPARE_SETTINGS]; i < data->differing && y < c->clip.h; i++, y++) {
        canvas_text(c, 0, y, KEY - 1, ROLE_TEXT, data->settings[i].key);
        for (int k = 0; k < fits && first + k < data->count; k++)
            canvas_text(c, KEY + k * VALUE, y, VALUE - 1, ROLE_TEXT,
                        data->settings[i].value[first + k]);
    }
    char same[2000];
    size_t used = (size_t)snprintf(same, sizeof same,
                                   data->differing ? "same in all:" : "All settings are the same:");
    for (int i = data->differing; i < data->setting_count && used < sizeof same; i++)
        used += (size_t)snprintf(same + used, sizeof same - used, " %s=%s", data->settings[i].key,
                                 data->settings[i].value[0]);
    if (y + 1 < c->clip.h)
        canvas_wrap(c, (canvas_rect){0, y + 1, c->clip.w, c->clip.h - y - 1}, ROLE_DIM, same);
}

static void seed_line(const compared_run *run, char *text, size_t size)
{
    char low[16], high[16];
    if (run->seed_count > 1) {
        format_percent(low, sizeof low, run->seed_errors[0]);
        format_percent(high, sizeof high, run->seed_errors[run->seed_count - 1]);
        snprintf(text, size, "%c over %d seeds: %s to %s", run->letter, run->seed_count, low, high);
    } else {
        snprintf(text, size, "%c: one seed only", run->letter);
    }
}

void compare_draw_real(const compare_screen *s, canvas *c)
{
    static const char *const words[] = {"not ranked", "better", "worse", "the same?"};
    const comparison *data = &s->data;
    char base = data->runs[s->base].letter, text[160];
    int y = 0, skip = s->scroll[COMPARE_REAL];
    for (int i = 0; i < data->count && y < c->clip.h; i++) {
        const compared_pair *pair = &s->pairs[i];
        if (i == s->base || skip-- > 0)
            continue;
        if (pair->verdict == VERDICT_NONE)
            snprintf(text, sizeof text, "%c - %c  not ranked", data->runs[i].letter, base);
        else
            snprintf(text, sizeof text, "%c - %c %+.1f (%+.1f,%+.1f) %s", data->runs[i].letter,
                     base, pair->difference * 100, pair->range.low * 100, pair->range.high * 100,
                     words[pair->verdict]);
        canvas_text(c, 0, y++, -1, i == compare_other(s) ? ROLE_TITLE : ROLE_TEXT, text);
    }
    y += canvas_wrap(c, (canvas_rect){0, y + 1, c->clip.w, c->clip.h - y - 1}, ROLE_TEXT,
                     s->pairs[compare_other(s)].sentence) +
         2;
    for (int i = 0; i < data->count && y < c->clip.h; i++) {
        seed_line(&data->runs[i], text, sizeof text);
        canvas_text(c, 0, y++, -1, ROLE_DIM, text);
    }
}

void compare_draw_confusion(const compare_screen *s, canvas *c)
{
    const run_view *view = s->data.runs[s->base].view;
    if (!s->confusion) {
        canvas_wrap(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, ROLE_DIM,
                    "No difference to show: a matrix is missing, or the runs were judged on other "
                    "dev examples.");
        return;
    }
    enum { NAME = 8 };
    int classes = s->data.runs[s->base].last->classes,
        wide = classes * 4 + NAME <= c->clip.w ? 4 : 3;
    canvas_text(c, 0, 0, NAME - 1, ROLE_DIM, "truth");
    for (int k = 0; k < classes; k++)
        canvas_format(c, NAME + k * wide, 0, wide, ROLE_DIM, "%*d", wide - 1, k);
    for (int i = s->scroll[COMPARE_CONFUSION], y = 1; i < classes && y < c->clip.h; i++, y++) {
        canvas_format(c, 0, y, NAME - 1, ROLE_TEXT, "%d %s", i,
                      i < view->class_count ? view->class_names[i] : "");
        for (int k = 0; k < classes; k++) {
            int change = s->confusion[i * classes + k];
            canvas_role role = change == 0                ? ROLE_DIM
                               : (change > 0) == (i == k) ? ROLE_GOOD
                                                          : ROLE_BAD;
            canvas_format(c, NAME + k * wide, y, wide, role, change ? "%+*d" : "%*d", wide - 1,
                          change);
        }
    }
}

static const char *class_name(const run_view *view, int label, char text[16])
{
    if (label >= 0 && label < view->class_count)
        return view->class_names[label];
    snprintf(text, 16, "%d", label);
    return text;
}

void compare_draw_examples(const compare_screen *s, canvas *c)
{
    const compared_run *a = &s->data.runs[s->base], *b = &s->data.runs[compare_other(s)];
    char names[3][16];
    if (s->example_count == 0) {
        canvas_wrap(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, ROLE_DIM,
                    "No example on which exactly one is right, or no common predictions.");
        return;
    }
    int width = (c->clip.w - 12) / 3;
    canvas_text(c, 0, 0, -1, ROLE_DIM, "   id right");
    canvas_text(c, 12, 0, width, ROLE_DIM, "truth");
    canvas_format(c, 12 + width, 0, width, ROLE_DIM, "%c said", a->letter);
    canvas_format(c, 12 + 2 * width, 0, width, ROLE_DIM, "%c said", b->letter);
    for (int64_t i = s->scroll[COMPARE_EXAMPLES], y = 1; i < s->example_count && y < c->clip.h;
         i++, y++) {
        const compared_example *e = &s->examples[i];
        canvas_format(c, 0, (int)y, 6, ROLE_TEXT, "%5lld", (long long)e->example);
        canvas_put(c, 8, (int)y, ROLE_GOOD,
                   (uint32_t)(e->first == e->truth ? a->letter : b->letter));
        canvas_text(c, 12, (int)y, width - 1, ROLE_TEXT, class_name(a->view, e->truth, names[0]));
        canvas_text(c, 12 + width, (int)y, width - 1, ROLE_TEXT,
                    class_name(a->view, e->first, names[1]));
        canvas_text(c, 12 + 2 * width, (int)y, width - 1, ROLE_TEXT,
                    class_name(a->view, e->second, names[2]));
    }
}
