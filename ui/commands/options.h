/* One table of options a command: parsing, `--help` and the shell's completion all come from it.
 *
 * An option is `--name VALUE` or `--name=VALUE`; a flag takes no value. `-o` is short for
 * `--output`.
 * `--` ends the options.
 * Whatever is wrong is answered with the word, what was expected, and the nearest that exists. */
#ifndef GRADUS_UI_OPTIONS_H
#define GRADUS_UI_OPTIONS_H

#include "engine/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef enum {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char *, points into argv */
    OPTION_INTEGER, /* int */
    OPTION_BIG,     /* int64_t */
    OPTION_SEED,    /* uint64_t */
    OPTION_REAL,    /* double */
    OPTION_SHARE,   /* double in [0,1) */
    OPTION_SIZE     /* int[2]: columns, rows, from "80x24" */
} option_kind;

typedef struct {
    const char *name; /* without the dashes */
    option_kind kind;
    const char *value; /* what stands for the value in help: "N"; NULL for a flag */
    size_t offset;     /* of the field in the command's settings */
    double least;      /* smallest legal number; sizes: of each side */
    const char *help;
    const char *choices; /* words for completion, blank-separated, or NULL */
} option;

typedef struct {
    const char *name;                  /* "train"; "" for the workbench */
    const char *arguments;             /* "RUN", "list | show ID", or "" */
    const char *summary;               /* one line */
    const char *details;               /* further paragraphs of --help, or NULL */
    const option *options;             /* ends with name NULL */
    const char *words;                 /* first words for completion ("list show"), or NULL */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
} program_command;

/* The words that are no options, in order, and which options were given. */
enum { ARGUMENTS_MAX = 16, OPTIONS_MAX = 64 };
typedef struct {
    int count;
    const char *word[ARGUMENTS_MAX];
    uint64_t given; /* bit i: option i of the table */
    bool help;      /* --help or -h: nothing else was looked at */
} arguments;

/* Fills `settings` (which holds the defaults) and `found`. NN_E_ARG with a message for people. */
nn_status options_parse(const program_command *command, int argc, char **argv, void *settings,
                        arguments *found, nn_error *error);
bool option_given(const program_command *command, const arguments *found, const char *name);

/* What every command does first: parse; print help or complain. True: go on; else leave with
 * *status. More words than `most` or fewer than `least` are wrong usage. */
bool options_begin(const program_command *command, int argc, char **argv, void *settings,
                   arguments *found, int least, int most, int *status);

void options_help(const program_command *command, FILE *out);

/* "gradus: ..." on stderr, a newline after it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* complain, point to `gradus help COMMAND`, and return EXIT_USAGE. */
int wrong_usage(const program_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The candidate (of `count`, NULLs skipped) nearest to `word` by edit distance, if it is near
 * enough to be meant; else NULL. */
const char *nearest_word(const char *word, const char *const *candidates, int count);

#endif
