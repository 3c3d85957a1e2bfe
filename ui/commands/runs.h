/* The parts of `gradus runs`. */
#ifndef GRADUS_UI_COMMANDS_RUNS_H
#define GRADUS_UI_COMMANDS_RUNS_H

#include "store/annotate.h"
#include "ui/commands/json_out.h"
#include "ui/commands/options.h"

typedef struct {
    const char *store;
    const char *filter, *sort, *group, *columns, *view, *colour;
    bool json, all, archived, deleted, tree;
} runs_settings;

/* The members that every answer about a run has, without the braces. */
void runs_json_row(json_out *json, const run_row *row);
void runs_json_tags(json_out *json, const run_tag *tags, int count);

/* Each returns the exit status. */
int runs_list(store *s, const runs_settings *settings, const arguments *found);
int runs_show(store *s, run_id id, bool as_json);
/* rename note tag untag pin unpin archive restore delete; false: `word` is none of these. */
bool runs_changes(const char *word);
int runs_change(store *s, const runs_settings *settings, const arguments *found);

#endif
