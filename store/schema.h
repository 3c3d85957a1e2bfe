/* The shape of the file, for the rooms of store/ only. */
#ifndef GRADUS_STORE_SCHEMA_H
#define GRADUS_STORE_SCHEMA_H

#include "store/database.h"

/* One step of the schema's history: the statements that lead from version N to N + 1. */
typedef struct {
    const char *const *statements;
    int count;
} schema_step;

/* Every step so far; the schema's present version is *count. */
const schema_step *schema_steps(int *count);

/* Bring the file from its user_version to `count`, in one BEGIN IMMEDIATE; the version is read
 * again once the lock is held, so that two processes starting together migrate once. A version
 * above `count` is left alone (NN_OK). Not inside a transaction. */
nn_status schema_migrate(database *db, const schema_step *steps, int count, nn_error *error);

#endif
