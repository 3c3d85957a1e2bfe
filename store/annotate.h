/* What people do to recorded runs: names, notes, tags, pins, the archive; and views they save.
 * Every change tells what would take it back. Writing goes through a recorder, from any thread but
 * its own; reading through a store. */
#ifndef GRADUS_STORE_ANNOTATE_H
#define GRADUS_STORE_ANNOTATE_H

#include "store/store.h"

typedef enum {
    RUN_UNCHANGED, /* what takes back a change that changed nothing */
    RUN_RENAME,
    RUN_NOTE, /* "" removes it */
    RUN_TAG,  /* makes the tag if there is none of that name */
    RUN_UNTAG,
    RUN_PIN,
    RUN_UNPIN,
    RUN_ARCHIVE, /* lists leave it out */
    RUN_UNARCHIVE,
    RUN_DELETE, /* only marked, until the store is compacted */
    RUN_UNDELETE
} run_change_kind;

typedef struct {
    run_id run;
    run_change_kind kind;
    char text[STORE_NOTE]; /* the name, note or tag */
    char colour[12];       /* of RUN_TAG: recolours the tag; "": as it is, or chosen */
} run_change;

/* All of them or none. `inverse` (NULL or of `count` changes) gets what takes each back: apply it
 * from its last to its first. A name must be free; a run that trains cannot be deleted. */
nn_status recorder_change(recorder *r, const run_change *changes, int count, run_change *inverse,
                          nn_error *error);

enum { STORE_TAG = 32 };
typedef struct {
    int64_t id;
    char name[STORE_TAG], colour[12];
} run_tag;
/* By name. Freed by the caller. */
nn_status store_tags(store *s, run_tag **list, int *count, nn_error *error);
/* The same, of one run. */
nn_status store_run_tags(store *s, run_id run, run_tag **list, int *count, nn_error *error);
/* "plain", "blue" ...; NULL after the last. */
const char *run_tag_colour(int i);

enum { STORE_VIEW_NAME = 48, STORE_VIEW_QUERY = 1024 };
typedef struct {
    char name[STORE_VIEW_NAME], query[STORE_VIEW_QUERY];
} saved_view;
/* Of a screen ("runs"), by name. Freed by the caller. */
nn_status store_views(store *s, const char *screen, saved_view **list, int *count, nn_error *error);
/* Replaces the view of that name; query NULL removes it (an error when there is none). */
nn_status recorder_save_view(recorder *r, const char *screen, const char *name, const char *query,
                             nn_error *error);

#endif
