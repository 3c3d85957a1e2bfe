/* One curve of a run while it is recorded: the points that are not in the file yet (and those of
 * its newest, partial chunk), and the summary of all of them. Lives on the recorder's thread.
 *
 * Nothing in memory is given up before a commit says so: after a failed transaction the same
 * series_write tries again. */
#ifndef GRADUS_STORE_SERIES_H
#define GRADUS_STORE_SERIES_H

#include "store/database.h"

/* count 0: no points, the rest means nothing. nan_count counts infinities too. */
typedef struct {
    int64_t count, nan_count;
    double last, min, max; /* min and max of the finite points; NaN without one */
    uint64_t last_step, min_step, max_step, first_nan_step;
} series_summary;

typedef struct {
    int64_t metric; /* the row in table metric */
    /* The points from chunk `number` on, in step order. */
    uint64_t *steps;
    double *values;
    int64_t count, room, number;
    int64_t unsaved; /* added since the last commit */
    bool dirty;
    series_summary summary;
    /* Points after `cut` that the file holds are void (resume, rollback): the next write removes
     * them and counts the summary again. */
    bool cutting;
    uint64_t cut;
} series;

void series_free(series *s);
/* Append a point; one at or before the last step is ignored. False: out of memory, not added. */
bool series_add(series *s, uint64_t step, double value);
/* Void every point after `step`, in memory and (at the next write) in the file. */
void series_cut(series *s, uint64_t step);
/* Take over the curve that the file holds for a run that is resumed at `step`. */
void series_resume(series *s, uint64_t step);

/* Inside a transaction: bring the file's chunks and summary up to memory. */
nn_status series_write(series *s, database *db, int64_t run, nn_error *error);
/* After the commit: forget the chunks that are complete. */
void series_committed(series *s);

void series_summary_add(series_summary *summary, uint64_t step, double value);

/* Read a chunk row (columns first_step, count, point_values, point_steps from `column` on) into
 * arrays with room for its count. NULL arrays: only check. Returns the count, -1 if the row is
 * damaged. */
int64_t series_read_chunk(sqlite3_stmt *statement, int column, uint64_t *steps, double *values);

#endif
