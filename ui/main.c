/* Picks a command by its name; everything else is the command's. */
#include "ui/commands/commands.h"
#include "ui/terminal/terminal.h"

int main(int argc, char **argv)
{
    terminal_locale();
    if (argc < 2 || argv[1][0] == '-')
        return command_workbench.run(argc, argv);
    const program_command *command = find_command(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
