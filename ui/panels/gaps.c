/* The error ladder: human, train, dev, test with the gaps between them and the verdict in words. */
#include "ui/panels/panel.h"
#include "ui/panels/plot.h"
#include "ui/panels/verdict.h"
#include "ui/terminal/text.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    canvas *c;
    int y;
    double full; /* error of a full bar */
} ladder_view;

static void draw_bar(ladder_view *l, const char *name, double error, int64_t count,
                     canvas_role role)
{
    char text[32], number[16];
    format_percent(number, sizeof number, error);
    double noise = verdict_noise(error, count);
    snprintf(text, sizeof text, "%s", number);
    if (!isnan(error) && noise >= 0.0005)
        snprintf(text, sizeof text, "%s +-%.1f", number, noise * 100);
    int w = l->c->clip.w, bar = w - 9 - 12;
    canvas_text(l->c, 0, l->y, 9, ROLE_TEXT, name);
    if (bar > 0 && !isnan(error))
        canvas_bar(l->c, 9, l->y, bar, role, error / l->full);
    canvas_text(l->c, w - 11, l->y, -1, isnan(error) ? ROLE_DIM : ROLE_TEXT, text);
    l->y++;
}

static void draw_gap(ladder_view *l, const char *name, error_gap gap, bool here, const char *note)
{
    if (isnan(gap.size))
        return;
    int w = l->c->clip.w;
    canvas_text(l->c, 0, l->y, 16, here ? ROLE_TITLE : ROLE_DIM, name);
    char text[32];
    snprintf(text, sizeof text, "%+5.1f", gap.size * 100);
    int x = 16 + canvas_text(l->c, 16, l->y, -1, here ? ROLE_WARN : ROLE_TEXT, text);
    if (here)
        x += canvas_text(l->c, x, l->y, -1, ROLE_WARN, " <--");
    if (*note && x + 1 + text_columns(note) <= w)
        canvas_text(l->c, x + 1, l->y, -1, ROLE_DIM, note);
    l->y++;
}

/* All of it where it fits; else what and what to try: the numbers stand above already. */
static void draw_verdict(const verdict *v, canvas *c, int y)
{
    char chapter[48] = "";
    if (v->chapter > 0)
        snprintf(chapter, sizeof chapter, "Course chapter %d.", v->chapter);
    const struct {
        const char *text;
        canvas_role role;
    } parts[] = {
        {v->what, ROLE_TITLE}, {v->why, ROLE_TEXT}, {v->advice, ROLE_GOOD}, {chapter, ROLE_DIM}};
    int rows[4], room = c->clip.h - y;
    for (int i = 0; i < 4; i++)
        rows[i] = *parts[i].text ? text_wrap_rows(parts[i].text, c->clip.w) : 0;
    bool why = rows[0] + rows[1] + rows[2] <= room;
    for (int i = 0; i < 4; i++) {
        if (rows[i] == 0 || rows[i] > room || (i == 1 && !why))
            continue;
        canvas_wrap(c, (canvas_rect){0, y, c->clip.w, rows[i]}, parts[i].role, parts[i].text);
        y += rows[i], room -= rows[i];
    }
}

static void draw(const run_view *run, const panel_state *state, canvas *c)
{
    (void)state;
    error_ladder e = verdict_ladder(run);
    verdict v = verdict_of_run(run);
    double train = isnan(e.train) ? run->train_error_now : e.train;
    double max = fmax(fmax(fmax(e.human, train), fmax(e.train_dev, e.dev)), e.test);
    ladder_view l = {c, 0, plot_tick(max > 0 ? max : 1, 1)};
    bool roomy = c->clip.h >= 16;
    if (roomy || !isnan(e.human))
        draw_bar(&l, "human", e.human, 0, ROLE_SERIES_C);
    draw_bar(&l, isnan(e.train) && !isnan(train) ? "train.." : "train", train, 0, ROLE_TRAIN);
    if (!isnan(e.train_dev))
        draw_bar(&l, "train-dev", e.train_dev, e.train_dev_count, ROLE_SERIES_D);
    draw_bar(&l, "dev", e.dev, e.dev_count, ROLE_DEV);
    if (roomy || !isnan(e.test))
        draw_bar(&l, "test", e.test, e.test_count, ROLE_SERIES_C);
    l.y += roomy;
    draw_gap(&l, isnan(e.human) ? "bias, at most" : "avoidable bias", v.bias,
             v.kind == VERDICT_BIAS, isnan(e.human) ? "train - 0" : "train - human");
    draw_gap(&l, "variance", v.variance, v.kind == VERDICT_VARIANCE,
             isnan(e.train_dev) ? "dev - train" : "train-dev - train");
    draw_gap(&l, "data mismatch", v.mismatch, v.kind == VERDICT_MISMATCH, "dev - train-dev");
    draw_gap(&l, "overfit to dev", v.overfit, v.kind == VERDICT_DEV_OVERFIT, "test - dev");
    l.y += roomy;
    draw_verdict(&v, c, l.y);
}

static void caption(const run_view *run, const panel_state *state, char *text, size_t size)
{
    (void)state;
    if (verdict_of_best(run))
        snprintf(text, size, "percent, best epoch");
    else
        snprintf(text, size, "percent");
}

const panel panel_gaps = {
    .id = "gaps", .title = "Error", .min_w = 28, .min_h = 7, .caption = caption, .draw = draw};
