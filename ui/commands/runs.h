/* Parts of `gradus runs` in files of their own. */
#ifndef GRADUS_UI_RUNS_H
#define GRADUS_UI_RUNS_H

#include "store/store.h"
#include "ui/commands/json_out.h"

/* The fields of a run, inside an open object. */
void runs_json_row(json_out *json, const run_row *row);
/* Everything about one run; returns the exit status. */
int runs_show(store *s, run_id id, bool as_json);

#endif
