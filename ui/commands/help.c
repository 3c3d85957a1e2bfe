/* `gradus help`: the commands, one command, the keys, the words of a network, or the shell's
 * completion, all from the tables that the program itself runs on. */
#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"
#include "ui/screens/workbench.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json;
} help_settings;

static const option options[] = {
    {"json", OPTION_FLAG, NULL, offsetof(help_settings, json), 0, "one JSON object on stdout",
     NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

static void print_overview(void)
{
    puts("Gradus trains neural networks and shows them learning, in the terminal.\n\n"
         "  gradus                  open the workbench");
    for (int i = 0; program_commands[i]; i++)
        printf("  gradus %-16s %s\n", program_commands[i]->name, program_commands[i]->summary);
    puts("\n  gradus help COMMAND     its options\n"
         "  gradus help keys        the keys of the workbench\n"
         "  gradus help models      networks by name and by description\n"
         "  gradus help completion  a script for bash: source <(gradus help completion)\n"
         "  gradus --version        gradus --print SCREEN --size 80x24 [--run RUN]\n\n"
         "Every command takes --help and --json. Exit status: 0 done, 1 failed, 2 wrong usage.");
}

static const char *kind_name(option_kind kind)
{
    switch (kind) {
    case OPTION_FLAG:
        return "flag";
    case OPTION_TEXT:
        return "text";
    case OPTION_INTEGER:
    case OPTION_BIG:
    case OPTION_SEED:
        return "integer";
    case OPTION_REAL:
        return "number";
    case OPTION_SHARE:
        return "share";
    case OPTION_SIZE:
        return "size";
    }
    return "text";
}

static void json_command(json_out *json, const program_command *command)
{
    json_open(json, NULL, '{');
    json_text(json, "name", command->name);
    json_text(json, "arguments", command->arguments);
    json_text(json, "summary", command->summary);
    json_open(json, "options", '[');
    for (const option *o = command->options; o->name; o++) {
        json_open(json, NULL, '{');
        json_text(json, "name", o->name);
        json_text(json, "kind", kind_name(o->kind));
        json_text(json, "value", o->value);
        json_text(json, "help", o->help);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static int print_json(const program_command *only)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "version", GRADUS_VERSION);
    json_open(&json, "commands", '[');
    if (!only || only == &command_workbench)
        json_command(&json, &command_workbench);
    for (int i = 0; program_commands[i]; i++)
        if (!only || only == program_commands[i])
            json_command(&json, program_commands[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json) ? EXIT_OK : EXIT_FAILED;
}

static int print_keys(void)
{
    char *text = workbench_keys_text();
    if (!text) {
        complain("no memory for the list of keys");
        return EXIT_FAILED;
    }
    fputs(text, stdout);
    free(text);
    return EXIT_OK;
}

static int print_models(void)
{
    const nn_model_info *list;
    int count = nn_model_list(&list);
    puts("Networks by name:");
    for (int i = 0; i < count; i++) {
        printf("  %-10s %s\n", list[i].name, list[i].what);
        if (list[i].description)
            printf("  %-10s \"%s\"\n", "", list[i].description);
    }
    printf("\nOr a line of layers, separated by |:\n%s\n", nn_model_words());
    return EXIT_OK;
}

/* Options of one command as a bash case branch, and the words its options take. */
static void print_completion_of(const program_command *command)
{
    bool helps = command == &command_help; /* its words are all the commands' names too */
    printf("    %s) options='--help", *command->name ? command->name : "''");
    for (const option *o = command->options; o->name; o++)
        printf(" --%s", o->name);
    printf("'; words='%s", command->words ? command->words : "");
    for (int i = 0; helps && program_commands[i]; i++)
        printf(" %s", program_commands[i]->name);
    fputs("'\n        case \"$previous\" in\n", stdout);
    for (const option *o = command->options; o->name; o++) {
        if (o->kind == OPTION_FLAG)
            continue;
        printf("        --%s) options=''; words='%s'; files=%d;;\n", o->name,
               o->choices ? o->choices : "",
               o->value && (strstr(o->value, "FILE") || strstr(o->value, "PATH")) ? 1 : 0);
    }
    puts("        esac;;");
}

static int print_completion(void)
{
    puts("# bash completion of gradus: source <(gradus help completion)\n"
         "_gradus() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local command=${COMP_WORDS[1]} options='' words='' files=0\n"
         "    if [ \"$COMP_CWORD\" = 1 ] || [ \"${command#-}\" != \"$command\" ]; then command=''; "
         "fi\n"
         "    case \"$command\" in");
    print_completion_of(&command_workbench);
    for (int i = 0; program_commands[i]; i++)
        print_completion_of(program_commands[i]);
    fputs("    esac\n    if [ \"$COMP_CWORD\" = 1 ]; then words='", stdout);
    for (int i = 0; program_commands[i]; i++)
        printf("%s%s", i ? " " : "", program_commands[i]->name);
    puts("'; fi\n"
         "    [ \"${word#-}\" = \"$word\" ] && [ -n \"$words\" ] && options=''\n"
         "    COMPREPLY=($(compgen -W \"$options $words\" -- \"$word\"))\n"
         "    [ $files = 1 ] && COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "}\n"
         "complete -F _gradus gradus");
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    help_settings settings = {0};
    arguments found;
    int status;
    if (!options_begin(&command_help, argc, argv, &settings, &found, 0, 1, &status))
        return status;
    const char *word = found.count ? found.word[0] : NULL;
    const program_command *command = word ? find_command(word) : NULL;
    if (word && strcmp(word, "gradus") == 0)
        command = &command_workbench;
    if (word && !command) {
        if (strcmp(word, "keys") == 0)
            return print_keys();
        if (strcmp(word, "models") == 0)
            return print_models();
        if (strcmp(word, "completion") == 0)
            return print_completion();
        return unknown_command(word);
    }
    if (settings.json)
        return print_json(command);
    if (command)
        options_help(command, stdout);
    else
        print_overview();
    return EXIT_OK;
}

const program_command command_help = {
    .name = "help",
    .arguments = "[COMMAND | keys | models | completion]",
    .summary = "Explains the program, a command, the keys, or the networks.",
    .options = options,
    .words = "keys models completion",
    .run = run,
};
