/* One line: state, epoch, step, how far, how fast, how long. */
#include "ui/panels/panel.h"

#include <math.h>
#include <stdio.h>

static void draw(const run_view *run, const panel_state *state, canvas *c)
{
    (void)state;
    const run_row *row = &run->row;
    if (!run->loaded) {
        canvas_text(c, 0, 0, -1, ROLE_DIM, " no run");
        return;
    }
    char speed[16], left[32];
    format_count(speed, sizeof speed, run->examples_per_s);
    bool active = run_view_active(run);
    format_duration(left, sizeof left, active ? run->eta_seconds : row->seconds);
    double share = row->total_steps > 0 ? (double)row->step / (double)row->total_steps : 0;
    share = fmin(share, 1);
    int epoch = row->epoch + (active && row->epoch < row->epochs ? 1 : 0);
    int x = 1;
    canvas_role role = row->state == RUN_RUNNING || row->state == RUN_FINISHED ? ROLE_GOOD
                       : row->state == RUN_PAUSED || row->state == RUN_STOPPED ? ROLE_WARN
                                                                               : ROLE_BAD;
    x += canvas_text(c, x, 0, -1, role, run_state_name(row->state));
    x += canvas_format(c, x, 0, -1, ROLE_TEXT, "  epoch %d/%d", epoch, row->epochs);
    if (c->clip.w >= 100)
        x += canvas_format(c, x, 0, -1, ROLE_TEXT, "  step %llu/%llu",
                           (unsigned long long)row->step, (unsigned long long)row->total_steps);
    char right[96];
    if (isnan(run->examples_per_s))
        snprintf(right, sizeof right, "  %3.0f %%  %s%s ", share * 100, left,
                 active ? " left" : "");
    else
        snprintf(right, sizeof right, "  %3.0f %%  %s/s  %s%s ", share * 100, speed, left,
                 active ? " left" : "");
    int room = c->clip.w - x - text_columns(right) - 2;
    if (room >= 4) {
        canvas_bar(c, x + 2, 0, room, ROLE_TRAIN, share);
        x += room + 2;
    }
    canvas_text(c, x, 0, -1, ROLE_TEXT, right);
}

const panel panel_progress = {
    .id = "progress", .title = "Progress", .min_w = 78, .min_h = 1, .draw = draw};
