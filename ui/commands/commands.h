/* The list of commands. A new command: its file, one line here, one in commands.c. */
#ifndef GRADUS_UI_COMMANDS_H
#define GRADUS_UI_COMMANDS_H

#include "ui/commands/options.h"

extern const program_command command_workbench; /* without a name: `gradus` alone */
extern const program_command command_train;
extern const program_command command_lesson;
extern const program_command command_runs;
extern const program_command command_compare;
extern const program_command command_sweep;
extern const program_command command_errors;
extern const program_command command_diagnose;
extern const program_command command_watch;
extern const program_command command_data;
extern const program_command command_models;
extern const program_command command_op;
extern const program_command command_bench;
extern const program_command command_export;
extern const program_command command_sql;
extern const program_command command_store;
extern const program_command command_merge;
extern const program_command command_doctor;
extern const program_command command_help;

/* In the order of the help; ends with NULL. The workbench is not among them. */
extern const program_command *const program_commands[];

/* NULL when there is no such command. */
const program_command *find_command(const char *name);
/* Complains about an unknown command and names the nearest; returns EXIT_USAGE. */
int unknown_command(const char *name);

#endif
