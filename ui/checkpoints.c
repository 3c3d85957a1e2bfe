/* A checkpoint file is written before its event reaches the store, so a killed process may leave
 * one that the store knows nothing of. The trainer keeps the one before until the store has caught
 * up (engine/checkpoint.c); here the right one is picked. */
#include "ui/checkpoints.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAST, PREVIOUS, BEST, FILES };

typedef struct {
    char path[PATH_MAX];
    uint64_t step, digest;
    bool there;    /* and a checkpoint */
    bool recorded; /* the store has committed the run up to it, and has not gone back since */
} checkpoint_file;

typedef struct {
    checkpoint_file file[FILES];
    bool any_recorded; /* of the run, whether its file is still there or not */
    nn_error trouble;  /* why the last of those that are not there could not be read */
} checkpoint_files;

/* --- looking ----------------------------------------------------------------------------------
 */

/* Where the run's files are: beside the one that was recorded, else where they would be made. */
static nn_status find_folder(store *s, const run_row *row, char *folder, size_t size,
                             nn_error *error)
{
    const char *known = row->last_checkpoint[0] ? row->last_checkpoint : row->best_checkpoint;
    const char *slash = strrchr(known, '/');
    if (!slash)
        return store_checkpoint_dir(store_path(s), row->id, folder, size, error);
    snprintf(folder, size, "%.*s", (int)(slash - known), known);
    return NN_OK;
}

static bool is_of(const run_event *event, const checkpoint_file *file)
{
    if (isnan(event->old_value)) /* recorded before events had digests */
        return event->step == file->step && strcmp(event->text, file->path) == 0;
    return event->old_value == (double)file->digest;
}

static nn_status look(store *s, const run_row *row, checkpoint_files *files, nn_error *error)
{
    static const char *const names[FILES] = {"last", "previous", "best"};
    char folder[PATH_MAX - 32];
    run_event *events = NULL;
    int count = 0;
    *files = (checkpoint_files){0};
    nn_status status = find_folder(s, row, folder, sizeof folder, error);
    if (status == NN_OK)
        status = store_events(s, row->id, &events, &count, error);
    for (int f = 0; f < FILES && status == NN_OK; f++) {
        checkpoint_file *file = &files->file[f];
        snprintf(file->path, sizeof file->path, "%s/%s.safetensors", folder, names[f]);
        file->there =
            nn_checkpoint_look(file->path, &file->step, &file->digest, &files->trouble) == NN_OK;
    }
    for (int i = 0; i < count; i++) {
        bool checkpoint = strcmp(events[i].kind, "checkpoint") == 0;
        files->any_recorded |= checkpoint;
        for (int f = 0; f < FILES && checkpoint; f++)
            if (files->file[f].there && files->file[f].step <= row->step &&
                is_of(&events[i], &files->file[f]))
                files->file[f].recorded = true;
    }
    free(events);
    return status;
}

/* --- choosing ---------------------------------------------------------------------------------
 */

nn_status checkpoint_to_resume(store *s, const run_row *row, char *path, size_t size,
                               nn_error *error)
{
    checkpoint_files files;
    nn_status status = look(s, row, &files, error);
    if (status != NN_OK)
        return status;
    const checkpoint_file *newest = NULL, *oldest = NULL;
    for (int f = 0; f < FILES; f++) {
        const checkpoint_file *file = &files.file[f];
        if (file->recorded && (!newest || file->step > newest->step))
            newest = file;
        if (file->there && (!oldest || file->step < oldest->step))
            oldest = file;
    }
    *path = '\0';
    /* Until a checkpoint is kept as the previous one, the store has got no further than the first:
     * back to the seed. */
    if (!newest && (!files.any_recorded || (oldest && !files.file[PREVIOUS].there)))
        return NN_OK;
    if (!newest) /* somebody has moved files about: a hole in the curves, but not all is lost */
        newest = oldest;
    if (!newest)
        return nn_fail(error, NN_E_MISSING,
                       "run %lld's checkpoint cannot be read (%.200s): put it back, or train anew",
                       (long long)row->id, files.trouble.text);
    snprintf(path, size, "%s", newest->path);
    return NN_OK;
}

nn_status checkpoint_to_branch(store *s, run_id run, uint64_t step, char *path, size_t size,
                               uint64_t *at, nn_error *error)
{
    checkpoint_files files;
    run_row row;
    nn_status status = store_run(s, run, &row, error);
    if (status == NN_OK)
        status = look(s, &row, &files, error);
    if (status != NN_OK)
        return status;
    const checkpoint_file *chosen = NULL;
    char there[128] = "none is there";
    int used = 0;
    for (int f = 0; f < FILES; f++) {
        const checkpoint_file *file = &files.file[f];
        if (!file->there)
            continue;
        used += snprintf(there + used, sizeof there - (size_t)used, "%s%llu",
                         used ? ", " : "those there are of steps ", (unsigned long long)file->step);
        if (file->step <= step && (!chosen || file->step > chosen->step))
            chosen = file;
    }
    if (!chosen)
        return nn_fail(error, NN_E_MISSING, "run %lld has no checkpoint at or before step %llu: %s",
                       (long long)run, (unsigned long long)step, there);
    snprintf(path, size, "%s", chosen->path);
    *at = chosen->step;
    return NN_OK;
}
