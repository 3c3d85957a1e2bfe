/* The parts of `gradus export`. */
#ifndef GRADUS_UI_COMMANDS_EXPORT_H
#define GRADUS_UI_COMMANDS_EXPORT_H

#include "store/study.h"
#include "ui/comparison.h"
#include "ui/figures/run_figure.h"

/* Tables: one part a file. Columns are explained in the help of the command. */
nn_status export_runs_csv(const comparison *c, const run_figure *what, FILE *out, nn_error *error);
nn_status export_runs_json(const comparison *c, const run_figure *what, FILE *out, nn_error *error);
/* A row or an object for every trial. */
nn_status export_study_csv(store *s, study_id study, FILE *out, nn_error *error);
nn_status export_study_json(store *s, study_id study, FILE *out, nn_error *error);

/* RFC 4180: in quotes where it must be. */
void csv_text(FILE *out, const char *text);
/* Reads back to the same double; "nan", "inf" and "-inf" as most programs read them. */
void csv_number(FILE *out, double number);

#endif
