/* `gradus`: the workbench, or one of its screens as text, or the version. */
#include "ui/screens/workbench.h"
#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"

#include "lessons/lesson.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *store, *run, *print, *part, *language;
    int size[2], chapter, page;
    bool ascii, roles, version, json;
} workbench_settings;

#define FIELD(name) offsetof(workbench_settings, name)
static const option options[] = {
    {"run", OPTION_TEXT, "RUN", FIELD(run), 0,
     "open the Monitor on a recorded run: its number, its name, or last", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0,
     "the file that keeps the runs (default: $GRADUS_STORE, else gradus/gradus.db in "
     "$XDG_DATA_HOME or ~/.local/share)",
     NULL},
    {"print", OPTION_TEXT, "SCREEN", FIELD(print), 0,
     "print one screen as text and leave: home, course, train, monitor, runs, trials, compare, "
     "help or a panel",
     NULL},
    {"size", OPTION_SIZE, "COLUMNSxROWS", FIELD(size), 1, "with --print: the size (default 80x24)",
     "80x24 120x40"},
    {"chapter", OPTION_INTEGER, "N", FIELD(chapter), 1,
     "with --print course: this chapter instead of the list of them", NULL},
    {"part", OPTION_TEXT, "PART", FIELD(part), 0,
     "with --chapter: read, steps, lab or checks (default read)", "read steps lab checks"},
    {"page", OPTION_INTEGER, "N", FIELD(page), 1, "with --chapter: its page, step or question",
     NULL},
    {"lang", OPTION_TEXT, "en|ko", FIELD(language), 0,
     "with --print course: en or ko (default: as LANG says)", "en ko"},
    {"ascii", OPTION_FLAG, NULL, FIELD(ascii), 0, "plain ASCII instead of lines and dots", NULL},
    {"roles", OPTION_FLAG, NULL, FIELD(roles), 0,
     "with --print: one letter a cell for its role, in place of the text", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "with --version: as JSON", NULL},
    {"version", OPTION_FLAG, NULL, FIELD(version), 0, "print the version and leave", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

static int print_version(bool as_json)
{
    if (!as_json) {
        puts("gradus " GRADUS_VERSION);
        return EXIT_OK;
    }
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "version", GRADUS_VERSION);
    json_close(&json, '}');
    return json_line(&json) ? EXIT_OK : EXIT_FAILED;
}

static int print_screen(const workbench_settings *settings)
{
    print_options print = {
        .store_path = settings->store,
        .screen = settings->print,
        .run = settings->run,
        .w = settings->size[0],
        .h = settings->size[1],
        .glyphs = settings->ascii ? GLYPHS_ASCII : -1,
        .roles = settings->roles,
        .chapter = settings->chapter,
        .part = settings->part,
        .language = settings->language,
        .page = settings->page,
    };
    char *text = NULL;
    nn_error error = {0};
    nn_status status = workbench_print(&print, &text, &error);
    if (status != NN_OK) {
        complain("%s", error.text);
        return status == NN_E_ARG ? EXIT_USAGE : EXIT_FAILED;
    }
    fputs(text, stdout);
    free(text);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    workbench_settings settings = {0};
    arguments found;
    int status;
    if (!options_begin(&command_workbench, argc, argv, &settings, &found, 0, 0, &status))
        return status;
    if (settings.version)
        return print_version(settings.json);
    if (settings.json)
        return wrong_usage(&command_workbench, "--json goes with --version or with a command");
    bool course = settings.print && strcmp(settings.print, "course") == 0;
    if (!course && (settings.chapter || settings.part || settings.page || settings.language))
        return wrong_usage(&command_workbench,
                           "--chapter, --part, --page and --lang go with --print course");
    if (!settings.chapter && (settings.part || settings.page))
        return wrong_usage(&command_workbench, "--part and --page go with --chapter N");
    if (settings.chapter > LESSON_CHAPTERS)
        return wrong_usage(&command_workbench, "--chapter %d: expected 1 to %d", settings.chapter,
                           LESSON_CHAPTERS);
    if (settings.language && strcmp(settings.language, "en") != 0 &&
        strcmp(settings.language, "ko") != 0)
        return wrong_usage(&command_workbench, "--lang %s: expected en or ko", settings.language);
    if (settings.print)
        return print_screen(&settings);
    if (settings.size[0] || settings.roles)
        return wrong_usage(&command_workbench, "--size and --roles go with --print SCREEN");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        complain("the workbench needs a terminal; without one use `gradus train --headless`, "
                 "`gradus runs list` or `gradus --print home`");
        return EXIT_FAILED;
    }
    workbench_options workbench = {.store_path = settings.store,
                                   .run = settings.run,
                                   .glyphs = settings.ascii ? GLYPHS_ASCII : -1};
    return workbench_run(&workbench);
}

const program_command command_workbench = {
    .name = "",
    .arguments = "",
    .summary = "The workbench: train networks and watch them learn, in the terminal.",
    .details = NULL,
    .options = options,
    .run = run,
};
