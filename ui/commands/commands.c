#include "ui/commands/commands.h"

#include <string.h>

const program_command *const program_commands[] = {
    &command_train,  &command_lesson,   &command_sweep, &command_runs,  &command_compare,
    &command_errors, &command_diagnose, &command_watch, &command_data,  &command_models,
    &command_op,     &command_export,   &command_sql,   &command_store, &command_merge,
    &command_bench,  &command_doctor,   &command_help,  NULL,
};

const program_command *find_command(const char *name)
{
    for (int i = 0; program_commands[i]; i++)
        if (strcmp(program_commands[i]->name, name) == 0)
            return program_commands[i];
    return NULL;
}

int unknown_command(const char *name)
{
    const char *names[32];
    int count = 0;
    while (program_commands[count] && count < 32) {
        names[count] = program_commands[count]->name;
        count++;
    }
    const char *near = nearest_word(name, names, count);
    if (near)
        complain("unknown command '%.60s': did you mean '%s'?", name, near);
    else
        complain("unknown command '%.60s'", name);
    fputs("See: gradus help\n", stderr);
    return EXIT_USAGE;
}
