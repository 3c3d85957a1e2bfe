/* A connection to the store's file: opening it safely, transactions, statements, errors. Everything
 * of store/ that talks SQL goes through here. A connection belongs to one thread at a time. */
#ifndef GRADUS_STORE_DATABASE_H
#define GRADUS_STORE_DATABASE_H

#include "engine/status.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    DATABASE_APPLICATION = 0x47524455, /* "GRDU": marks the file as a Gradus store */
    DATABASE_PATH = 1024,
    DATABASE_BUSY_MS = 5000
};

typedef struct {
    sqlite3 *handle;
    char path[DATABASE_PATH]; /* absolute where it could be made so */
    char warning[256];        /* "" or what people should know */
    int code, system;         /* SQLite's and the system's number of the last failure */
    uint64_t device, inode;   /* of the file, when it was opened for writing */
    bool newer;               /* a newer program's schema: never written */
    bool network;             /* on a network file system: no WAL */
    bool frozen;              /* may not be written, nor its folder: read without locks */
} database;

typedef enum { DATABASE_READ, DATABASE_WRITE } database_mode;

/* Opens `path`; makes the file (and its folder) and brings its schema up to date first if need be,
 * in either mode. A file that is damaged, or is not a store, is refused and not touched. A newer
 * schema opens for reading only, with `newer` set; for writing it is refused. */
nn_status database_open(database *db, const char *path, database_mode mode, nn_error *error);
/* The same for a path on the network file system `network` ("NFS"; NULL: a local one). */
nn_status database_open_on(database *db, const char *path, database_mode mode, const char *network,
                           nn_error *error);
/* An existing file as it is, for reading: nothing is made, brought up to date or written. Writes
 * the schema's version. What is damaged or no store is refused. */
nn_status database_look(database *db, const char *path, int64_t *version, nn_error *error);
/* Close a connection that database_open (or nothing but zeroes) left in *db. */
void database_close(database *db);

/* Whether the path still leads to the file that was opened: one that was removed or replaced goes
 * on taking writes that nobody will ever read. */
bool database_in_place(const database *db);

/* Fill `error` from the connection's last failure: names the file, what was being done, what to do.
 * Returns NN_E_FORMAT for a damaged file, else NN_E_IO. */
nn_status database_fail(database *db, const char *doing, nn_error *error);

/* Whether SQLite's and the system's number of a failure say that there is no room. */
bool database_is_full(int code, int system);

/* Run statements that return nothing. */
nn_status database_run(database *db, const char *sql, nn_error *error);
/* The first column of the first row; *value is untouched without a row. */
nn_status database_number(database *db, const char *sql, int64_t *value, nn_error *error);

/* BEGIN IMMEDIATE. durable: the commit reaches the disk before it returns (checkpoints, run ends);
 * else it survives the death of the process but perhaps not of the machine. */
nn_status database_begin(database *db, bool durable, nn_error *error);
nn_status database_commit(database *db, nn_error *error); /* when it fails, roll back */
void database_rollback(database *db);

/* Prepare `sql` and bind its parameters by `types`, one letter each:
 *   i int64_t   d double (NaN becomes NULL)   s const char * (NULL becomes NULL)
 *   b const void *, size_t (NULL pointer becomes NULL)
 * Blobs and texts must live until the statement is reset. NULL on failure. */
sqlite3_stmt *database_query(database *db, nn_error *error, const char *sql, const char *types,
                             ...);
/* Reset a prepared statement and bind again. */
nn_status database_bind(database *db, sqlite3_stmt *statement, nn_error *error, const char *types,
                        ...);
/* Run a bound statement to its end and reset it. */
nn_status database_step(database *db, sqlite3_stmt *statement, nn_error *error);
/* Prepare, bind, run, finalize. */
nn_status database_do(database *db, nn_error *error, const char *sql, const char *types, ...);

/* One row further: true with a row. At the end, or after an error, *status says which. */
bool database_next(database *db, sqlite3_stmt *statement, nn_status *status, nn_error *error);

/* Columns: NULL is NaN, "" and 0. */
double column_double(sqlite3_stmt *statement, int column);
void column_text(sqlite3_stmt *statement, int column, char *text, size_t size);

/* Copy `from` (NULL is "") into `to`, cut at the end of a UTF-8 character where it does not fit. */
void copy_text(char *to, size_t size, const char *from);

#endif
