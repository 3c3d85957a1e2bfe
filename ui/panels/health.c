/* Whether the numbers inside are sound: gradients and their trend, NaN, dead units, size of the
 * updates, speed, recording; layer by layer where there is room. */
#include "ui/panels/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Mean of the newest tenth of the points against the tenth before, as words: noise stays
 * "steady". */
static const char *trend(const curve *points)
{
    int64_t count = curve_count(points), part = count / 10;
    part = part > 200 ? 200 : part;
    if (part < 10)
        return "";
    double sum[2] = {0, 0};
    int64_t good[2] = {0, 0};
    for (int64_t i = 0; i < 2 * part; i++) {
        double x, y;
        curve_point(points, count - 1 - i, &x, &y);
        if (isfinite(y)) {
            sum[i / part] += y;
            good[i / part]++;
        }
    }
    if (good[0] == 0 || good[1] == 0 || sum[1] <= 0)
        return "";
    double ratio = (sum[0] / (double)good[0]) / (sum[1] / (double)good[1]);
    return ratio > 3 ? "exploding?" : ratio > 1.3 ? "rising" : ratio < 0.7 ? "falling" : "steady";
}

static void line(canvas *c, int *y, canvas_role role, const char *name, const char *value)
{
    if (*y >= c->clip.h)
        return;
    canvas_text(c, 0, *y, 11, ROLE_DIM, name);
    canvas_text(c, 11, *y, -1, role, value);
    (*y)++;
}

static void draw_gradient(const run_view *run, canvas *c, int *y)
{
    double x, value;
    char text[64], number[16];
    if (!curve_last(run->gradient_norm, &x, &value))
        value = NAN;
    const char *word = trend(run->gradient_norm);
    format_number(number, sizeof number, value);
    snprintf(text, sizeof text, "%-8s %s", number, word);
    line(c, y, *word == 'e' ? ROLE_WARN : ROLE_TEXT, "grad norm", text);
}

static void draw_bad(const run_view *run, canvas *c, int *y)
{
    char text[64], bad[16];
    curve_range all = curve_over(run->loss, -INFINITY, INFINITY);
    curve_range norms = curve_over(run->gradient_norm, -INFINITY, INFINITY);
    int64_t worst = all.bad > norms.bad ? all.bad : norms.bad, halts = 0;
    for (int i = 0; i < run->event_count; i++)
        halts += strcmp(run->events[i].kind, "nonfinite") == 0;
    worst = halts > worst ? halts : worst;
    format_count(bad, sizeof bad, (double)worst);
    snprintf(text, sizeof text, "%s%s", bad, worst > 0 ? "  see the log" : "");
    line(c, y, worst > 0 ? ROLE_BAD : ROLE_TEXT, "NaN or inf", text);
}

static void draw_dead(const run_view *run, canvas *c, int *y)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; run->has_health && i < run->health.layers; i++) {
        float dead = run->health.layer[i].dead;
        if (isnan(dead))
            continue;
        sum += dead;
        count++;
    }
    char text[64] = "-";
    bool bad = count > 0 && sum / count > 0.4;
    if (count > 0)
        snprintf(text, sizeof text, "%.1f %%%s", 100 * sum / count, bad ? "   many" : "");
    line(c, y, bad ? ROLE_WARN : ROLE_TEXT, "dead ReLU", text);
}

/* A healthy ratio of update to weight is about 1e-3 (a rule of thumb, not a law). */
static void draw_ratio(const run_view *run, canvas *c, int *y)
{
    double x, value;
    char text[64], number[16];
    if (!curve_last(run->update_ratio, &x, &value))
        value = NAN;
    format_number(number, sizeof number, value);
    const char *word = value > 0.03 ? "large" : value < 1e-5 ? "tiny" : "";
    snprintf(text, sizeof text, "%-8s %s", number, word);
    line(c, y, *word == 'l' ? ROLE_WARN : ROLE_TEXT, "update", text);
}

static void draw_speed(const run_view *run, canvas *c, int *y)
{
    char text[64], speed[16], epoch[32];
    format_count(speed, sizeof speed, run->examples_per_s);
    double seconds = (double)run->row.steps_per_epoch * run->row.batch / run->examples_per_s;
    format_duration(epoch, sizeof epoch, seconds);
    snprintf(text, sizeof text, "%s/s", speed);
    line(c, y, ROLE_TEXT, "examples", run->examples_per_s > 0 ? text : "-");
    line(c, y, ROLE_TEXT, "epoch", run->examples_per_s > 0 ? epoch : "-");
}

static void draw_recorder(const run_view *run, canvas *c, int *y)
{
    char text[64];
    if (run->recorder.failing) {
        canvas_text(c, 0, *y, 11, ROLE_DIM, "recording");
        canvas_rect rest = {11, *y, c->clip.w - 11, c->clip.h - *y};
        *y += canvas_wrap(c, rest, ROLE_BAD, run->recorder.text);
        return;
    }
    if (run->live && run->row.id > 0)
        snprintf(text, sizeof text, "ok, %llu waiting", (unsigned long long)run->recorder.pending);
    else
        snprintf(text, sizeof text, "%s", run->row.id > 0 ? "in the store" : "off");
    line(c, y, ROLE_TEXT, "recording", text);
}

static void draw_settings(const run_view *run, canvas *c, int *y)
{
    char text[64], a[16], b[16];
    format_number(a, sizeof a, run->l2);
    format_number(b, sizeof b, run->dropout);
    snprintf(text, sizeof text, "%s  L2 %s", run->has_dropout ? b : "none", a);
    line(c, y, ROLE_TEXT, "dropout", text);
}

static void draw_layers(const run_view *run, canvas *c, int y)
{
    if (!run->has_health || y + 3 > c->clip.h)
        return;
    canvas_text(c, 0, y + 1, -1, ROLE_TITLE, "layer        grad norm  dead");
    for (int i = 0; i < run->health.layers && y + 2 + i < c->clip.h; i++) {
        char norm[16], dead[16];
        format_number(norm, sizeof norm, run->health.layer[i].gradient_norm);
        format_percent(dead, sizeof dead, run->health.layer[i].dead);
        canvas_text(c, 0, y + 2 + i, 12, ROLE_TEXT, run->health.layer[i].name);
        canvas_right(c, 12, y + 2 + i, 10, ROLE_TEXT, norm);
        canvas_right(c, 22, y + 2 + i, 6, ROLE_TEXT, dead);
    }
}

static void draw(const run_view *run, const panel_state *state, canvas *c)
{
    (void)state;
    int y = 0;
    draw_gradient(run, c, &y);
    draw_bad(run, c, &y);
    draw_dead(run, c, &y);
    draw_ratio(run, c, &y);
    draw_recorder(run, c, &y);
    draw_speed(run, c, &y);
    if (y < c->clip.h)
        draw_settings(run, c, &y);
    draw_layers(run, c, y);
}

const panel panel_health = {
    .id = "health", .title = "Health", .min_w = 28, .min_h = 5, .draw = draw};
