/* What one answer of a run's network costs, written when it has been measured. */
#include "store/recorder_thread.h"

typedef struct {
    run_id run;
    nn_cost cost;
} cost_request;

static nn_status cost_work(recorder *r, void *argument, nn_error *error)
{
    const cost_request *told = argument;
    r->beginning = true;
    nn_status status = database_begin(&r->db, false, error);
    r->beginning = false;
    if (status == NN_OK) {
        status = database_do(&r->db, error,
                             "UPDATE run SET latency_ms = ?, memory_bytes = ? WHERE id = ?", "dii",
                             told->cost.latency_ms, (int64_t)told->cost.bytes, told->run);
        if (status == NN_OK)
            status = database_commit(&r->db, error);
        if (status != NN_OK)
            database_rollback(&r->db);
    }
    r->locked_since = 0;
    return status;
}

nn_status recorder_cost(recorder *r, run_id run, const nn_cost *cost, nn_error *error)
{
    cost_request told = {run, *cost};
    return recorder_ask(r, cost_work, &told, error);
}
