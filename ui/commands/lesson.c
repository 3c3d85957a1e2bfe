/* `gradus lesson`: the course without its screens. */
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/lesson_list.h"
#include "ui/commands/lesson_out.h"
#include "ui/lesson_lint.h"
#include "ui/lesson_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool print, trace, check, full, lint, glossary, json, no_store;
    const char *language, *store, *set, *search;
    int columns, threads;
} lesson_settings;

#define FIELD(name) offsetof(lesson_settings, name)
static const option options[] = {
    {"print", OPTION_FLAG, NULL, FIELD(print), 0, "the chapter's page as text (the default)", NULL},
    {"trace", OPTION_FLAG, NULL, FIELD(trace), 0, "every step of its worked example", NULL},
    {"set", OPTION_TEXT, "LIST", FIELD(set), 0, "with --trace: other inputs, 'x[1]=3 rate=0.5'",
     NULL},
    {"check", OPTION_FLAG, NULL, FIELD(check), 0,
     "run its example, lab and checks; exit with 1 where a claim fails", NULL},
    {"full", OPTION_FLAG, NULL, FIELD(full), 0, "with --check: the lab's full size", NULL},
    {"search", OPTION_TEXT, "WORD", FIELD(search), 0,
     "where titles and texts of all chapters hold it, in both languages", NULL},
    {"glossary", OPTION_FLAG, NULL, FIELD(glossary), 0, "every term, with its chapter", NULL},
    {"lint", OPTION_FLAG, NULL, FIELD(lint), 0,
     "for authors, in the source tree: what breaks the rules of lessons/README.md", NULL},
    {"lang", OPTION_TEXT, "en|ko", FIELD(language), 0, "language (default en)", "en ko"},
    {"columns", OPTION_INTEGER, "N", FIELD(columns), 20, "width of the page (default 80)", NULL},
    {"threads", OPTION_INTEGER, "N", FIELD(threads), 1, "of the lab (default: the machine's)",
     NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the file that keeps the lab's runs", NULL},
    {"no-store", OPTION_FLAG, NULL, FIELD(no_store), 0, "keep no runs", NULL},
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "JSON on stdout", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* --- one chapter --------------------------------------------------------------------------------
 */

static int print_page(const lesson_source *source, const lesson_settings *settings,
                      lesson_language language)
{
    nn_error error = {NN_OK, ""};
    lesson_page page;
    lesson_trace *t = trace_run(source->lesson->trace, &error);
    lesson_scope scope = {.trace = t};
    int columns = settings->columns ? settings->columns : 80;
    if (!t || lesson_page_make(source, language, columns, &scope, &page, &error) != NN_OK) {
        trace_free(t);
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    printf("%d  %s\n", source->lesson->chapter,
           lesson_say(lesson_title(source->lesson->chapter), language));
    for (int i = 0; i < page.lines; i++)
        puts(page.line[i].text);
    lesson_page_free(&page);
    trace_free(t);
    if (error.code != NN_OK)
        complain("%s", error.text);
    return fflush(stdout) == 0 && error.code == NN_OK ? EXIT_OK : EXIT_FAILED;
}

static int show_trace(const lesson_source *source, const lesson_settings *settings,
                      lesson_language language)
{
    nn_error error = {NN_OK, ""};
    lesson_trace *t = trace_run(source->lesson->trace, &error);
    if (!t || (settings->set && trace_set_all(t, settings->set, &error) != NN_OK)) {
        trace_free(t);
        complain("%s", error.text);
        return EXIT_FAILED;
    }
    bool written = true;
    if (settings->json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_whole(&json, "chapter", source->lesson->chapter);
        lesson_trace_json(&json, "trace", t);
        json_close(&json, '}');
        written = json_line(&json);
    } else {
        lesson_trace_text(t, language);
    }
    trace_free(t);
    return written && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- check --------------------------------------------------------------------------------------
 */

/* `json` NULL: text. False when something failed. */
static bool check_one(const lesson *l, const lesson_settings *settings, lesson_record *record,
                      lesson_language language, json_out *json)
{
    nn_error error = {NN_OK, ""};
    lesson_proof proof;
    if (lesson_prove(l, settings->full, record, settings->threads, &proof, &error) != NN_OK) {
        complain("chapter %d: %s", l->chapter, error.text);
        return false;
    }
    if (json)
        lesson_proof_json(json, l, &proof);
    else
        lesson_proof_text(l, &proof, language);
    if (!proof.pass)
        complain("chapter %d: %s", l->chapter, proof.message);
    lesson_proof_free(&proof);
    return proof.pass;
}

/* All chapters that are written, or the one. */
static bool check_each(const lesson_source *only, const lesson_settings *settings,
                       lesson_record *record, lesson_language language)
{
    bool pass = true;
    json_out json = {.out = stdout};
    if (only) {
        pass = check_one(only->lesson, settings, record, language, settings->json ? &json : NULL);
        return (!settings->json || json_line(&json)) && pass;
    }
    if (settings->json) {
        json_open(&json, NULL, '{');
        json_open(&json, "chapters", '[');
    }
    for (const lesson_source *source = lesson_sources; source->folder; source++)
        pass &=
            check_one(source->lesson, settings, record, language, settings->json ? &json : NULL);
    if (!settings->json)
        return pass;
    json_close(&json, ']');
    json_flag(&json, "pass", pass);
    json_close(&json, '}');
    return json_line(&json) && pass;
}

static int check(const lesson_source *only, const lesson_settings *settings,
                 lesson_language language)
{
    nn_error error = {NN_OK, ""};
    char command_line[64];
    lesson_record *record = NULL;
    snprintf(command_line, sizeof command_line, "lesson %.0d%s --check%s",
             only ? only->lesson->chapter : 0, only ? "" : "all", settings->full ? " --full" : "");
    if (!settings->no_store) {
        record = lesson_record_open(settings->store, command_line, &error);
        if (!record) {
            complain("%s", error.text);
            return EXIT_FAILED;
        }
    }
    bool pass = check_each(only, settings, record, language);
    if (lesson_record_close(record, &error) != NN_OK) {
        complain("%s", error.text);
        pass = false;
    }
    return pass && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static void say_lint(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static int lint(const lesson_source *only)
{
    int complaints = 0;
    for (const lesson_source *source = lesson_sources; source->folder; source++)
        if (!only || only == source)
            complaints += lesson_lint(source, ".", say_lint, NULL);
    return fflush(stdout) == 0 && complaints == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- the command --------------------------------------------------------------------------------
 */

/* 1..51, 0 for "all", -1 for anything else. */
static int read_chapter(const char *text)
{
    char *end;
    if (strcmp(text, "all") == 0)
        return 0;
    long chapter = strtol(text, &end, 10);
    return *text && !*end && chapter >= 1 && chapter <= LESSON_CHAPTERS ? (int)chapter : -1;
}

static int run_chapter(int chapter, const lesson_settings *settings, lesson_language language)
{
    const lesson_source *source = lesson_find(chapter);
    if (!source) {
        complain("chapter %d, %s, is not written yet", chapter,
                 lesson_say(lesson_title(chapter), language));
        return EXIT_FAILED;
    }
    if (settings->check)
        return check(source, settings, language);
    if (settings->lint)
        return lint(source);
    if (settings->trace)
        return show_trace(source, settings, language);
    return print_page(source, settings, language);
}

/* Without a chapter. */
static int run_all(const lesson_settings *settings, lesson_language language)
{
    if (settings->print || settings->trace || settings->check || settings->lint)
        return wrong_usage(&command_lesson, "which chapter? 1 to %d, or all with --check",
                           LESSON_CHAPTERS);
    if (settings->search && !*settings->search)
        return wrong_usage(&command_lesson, "--search: expected a word");
    if (settings->search)
        return lesson_search(settings->search, language, settings->json);
    if (settings->glossary)
        return lesson_glossary(language, settings->json);
    return lesson_list(language, settings->store, settings->no_store, settings->json);
}

static int run(int argc, char **argv)
{
    lesson_settings settings = {.language = "en"};
    arguments found;
    int status;
    if (!options_begin(&command_lesson, argc, argv, &settings, &found, 0, 1, &status))
        return status;
    bool korean = strcmp(settings.language, "ko") == 0;
    if (!korean && strcmp(settings.language, "en") != 0)
        return wrong_usage(&command_lesson, "--lang %.20s: expected en or ko", settings.language);
    if (settings.print + settings.trace + settings.check + settings.lint > 1)
        return wrong_usage(&command_lesson, "expected one of --print, --trace, --check and --lint");
    if ((settings.full && !settings.check) || (settings.set && !settings.trace))
        return wrong_usage(&command_lesson,
                           settings.full ? "--full goes with --check" : "--set goes with --trace");
    lesson_language language = korean ? LESSON_KO : LESSON_EN;
    if (found.count == 0)
        return run_all(&settings, language);
    if (settings.search || settings.glossary)
        return wrong_usage(&command_lesson, "%s goes through all chapters: no number",
                           settings.search ? "--search" : "--glossary");
    int chapter = read_chapter(found.word[0]);
    if (chapter < 0 || (chapter == 0 && !settings.check && !settings.lint))
        return wrong_usage(&command_lesson, "lesson '%.40s': expected 1 to %d%s", found.word[0],
                           LESSON_CHAPTERS, settings.check ? ", or all" : "");
    if (chapter == 0)
        return settings.lint ? lint(NULL) : check(NULL, &settings, language);
    return run_chapter(chapter, &settings, language);
}

const program_command command_lesson = {
    .name = "lesson",
    .arguments = "[N | all]",
    .summary = "The course: lists its chapters, prints one, traces its example, proves it.",
    .details = "Without a number: the 51 chapters. --check runs the worked example with every\n"
               "gradient measured, the lab's quick preset (--full: the whole), the claims\n"
               "and the checks; `all` does so for every chapter that is written.",
    .options = options,
    .words = "all",
    .run = run,
};
