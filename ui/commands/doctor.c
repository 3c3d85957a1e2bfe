/* `gradus doctor`: is everything here that a training needs, and does it work? */
#include "engine/blas.h"
#include "ui/commands/commands.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"
#include "ui/session.h"
#include "ui/terminal/terminal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct {
    const char *store;
    bool json;
} doctor_settings;

#define FIELD(name) offsetof(doctor_settings, name)
static const option options[] = {
    {"json", OPTION_FLAG, NULL, FIELD(json), 0, "one JSON object on stdout", NULL},
    {"store", OPTION_TEXT, "FILE", FIELD(store), 0, "the store to look at", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};

/* Good, worth knowing, or in need of somebody. */
typedef enum { FINE, HINT, ATTENTION } finding_kind;
static const char *const kind_names[] = {"ok", "hint", "attention"};

typedef struct {
    const char *topic;
    finding_kind kind;
    char text[600];
} finding;

enum { FINDINGS_MAX = 32 };
typedef struct {
    finding list[FINDINGS_MAX];
    int count;
    double peak_gflops;
    char store[PATH_MAX];
} findings;

static void found(findings *all, const char *topic, finding_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void found(findings *all, const char *topic, finding_kind kind, const char *format, ...)
{
    if (all->count == FINDINGS_MAX)
        return;
    finding *f = &all->list[all->count++];
    f->topic = topic;
    f->kind = kind;
    va_list list;
    va_start(list, format);
    vsnprintf(f->text, sizeof f->text, format, list);
    va_end(list);
}

/* --- terminal ----------------------------------------------------------------------------------
 */

static const char *environment(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread so far */
    return value ? value : "";
}

static void look_at_terminal(findings *all)
{
    const char *term = environment("TERM");
    bool utf8 = terminal_locale();
    static const char *const glyphs[] = {"ASCII", "blocks", "braille dots"};
    found(all, "terminal", *term ? FINE : HINT, "TERM is %s, text is %s, curves are drawn in %s",
          *term ? term : "not set", utf8 ? "UTF-8" : "not UTF-8",
          glyphs[terminal_glyphs(utf8, term)]);
    if (*environment("NO_COLOR"))
        found(all, "terminal", FINE, "NO_COLOR is set: no colours");
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        found(all, "terminal", FINE, "stdout is no terminal: commands print, train runs headless");
    else if (strcmp(term, "dumb") == 0)
        found(all, "terminal", ATTENTION,
              "a dumb terminal cannot show the workbench; use gradus --print SCREEN");
    else if (size.ws_col < 80 || size.ws_row < 24)
        found(all, "terminal", HINT, "%dx%d is small: everything fits from 80x24 on", size.ws_col,
              size.ws_row);
    else
        found(all, "terminal", FINE, "%dx%d", size.ws_col, size.ws_row);
}

/* --- machine -----------------------------------------------------------------------------------
 */

static void cpu_features(char *text, size_t size)
{
    text[0] = '\0';
#if defined(__x86_64__) && defined(__GNUC__)
    size_t used = 0;
#define FEATURE(name)                                                                              \
    if (__builtin_cpu_supports(name) && used < size)                                               \
        used += (size_t)snprintf(text + used, size - used, " %s", name);
    FEATURE("sse4.2")
    FEATURE("avx")
    FEATURE("avx2")
    FEATURE("fma")
    FEATURE("avx512f")
#undef FEATURE
#elif defined(__aarch64__)
    snprintf(text, size, " neon");
#endif
    if (!text[0])
        snprintf(text, size, " no vector extension that Gradus knows");
}

static void look_at_machine(findings *all)
{
    char features[128];
    cpu_features(features, sizeof features);
    found(all, "cpu", FINE, "%ld cores,%s", sysconf(_SC_NPROCESSORS_ONLN), features);
    int parallel = nn_blas_prepare();
    all->peak_gflops = nn_blas_peak_gflops(1024, 3);
    found(all, "blas", FINE, "%s; %.1f GFLOP/s on one thread", nn_blas_name(), all->peak_gflops);
    if (parallel == 1)
        found(all, "blas", FINE, "threads of its own kind (pthreads): safe to call from several");
    else
        found(all, "blas", ATTENTION,
              "built %s: Gradus will train on one thread; install libopenblas0-pthread",
              parallel == 0 ? "without threads" : "with OpenMP");
}

/* --- store -------------------------------------------------------------------------------------
 */

/* Cuts `path` to the nearest folder that exists. */
static void nearest_folder(char path[PATH_MAX])
{
    for (;;) {
        char *slash = strrchr(path, '/');
        if (!slash) {
            snprintf(path, PATH_MAX, ".");
            return;
        }
        slash[slash == path ? 1 : 0] = '\0';
        if (access(path, F_OK) == 0 || strcmp(path, "/") == 0)
            return;
    }
}

static void look_at_space(findings *all, const char *folder)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0)
        return;
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    found(all, "store", free_bytes < 100e6 ? ATTENTION : FINE, "%.1f GB free in %s",
          free_bytes / 1e9, folder);
}

/* Byte 18 of an SQLite file is 2 in write-ahead logging. */
static bool uses_wal(const char *path)
{
    unsigned char header[20] = {0};
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(header, 1, sizeof header, file) : 0;
    if (file)
        fclose(file);
    return size == sizeof header && header[18] == 2;
}

static void look_into_store(findings *all)
{
    nn_error error = {0};
    if (store_check(all->store, &error) != NN_OK) {
        found(all, "store", ATTENTION, "%s", error.text);
        return;
    }
    store *s = store_open(all->store, &error);
    if (!s) {
        found(all, "store", ATTENTION, "%s", error.text);
        return;
    }
    run_row *rows = NULL;
    int count = 0;
    if (store_runs(s, &rows, &count, &error) == NN_OK)
        found(all, "store", FINE, "sound, %d runs, %s", count,
              uses_wal(all->store) ? "write-ahead log" : "rollback journal");
    else
        found(all, "store", ATTENTION, "%s", error.text);
    free(rows);
    if (store_newer(s))
        found(all, "store", ATTENTION,
              "made by a newer Gradus: it can be read here, not written; update, or use --store");
    if (*store_warning(s))
        found(all, "store", HINT, "%s", store_warning(s));
    store_close(s);
}

static void look_at_store(findings *all, const char *given)
{
    nn_error error = {0};
    char folder[PATH_MAX];
    if (given)
        snprintf(all->store, sizeof all->store, "%s", given);
    else if (store_default_path(all->store, sizeof all->store, &error) != NN_OK) {
        found(all, "store", ATTENTION, "%s", error.text);
        return;
    }
    snprintf(folder, sizeof folder, "%s", all->store);
    nearest_folder(folder);
    bool there = access(all->store, F_OK) == 0;
    const char *needed = there ? all->store : folder;
    if (access(needed, W_OK) != 0)
        found(all, "store", ATTENTION, "%s cannot be written: %s", needed, strerror(errno));
    else
        found(all, "store", FINE, "%s%s", all->store,
              there ? "" : " (not there yet: the first run makes it)");
    look_at_space(all, folder);
    if (there)
        look_into_store(all);
}

/* --- data --------------------------------------------------------------------------------------
 */

static void look_at_data(findings *all)
{
    nn_dataset_info list[32];
    int count = nn_dataset_list(list, 32);
    char names[400] = "";
    size_t used = 0;
    for (int i = 0; i < count && i < 32; i++) {
        if (list[i].available && used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, " %s", list[i].name);
    }
    found(all, "data", FINE, "found:%s", names);
    for (int i = 0; i < count && i < 32; i++)
        if (!list[i].available && list[i].package)
            found(all, "data", HINT, "%s is not installed: apt install %s", list[i].name,
                  list[i].package);
}

/* --- output ------------------------------------------------------------------------------------
 */

static bool print_json(const findings *all, int troubles)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "version", GRADUS_VERSION);
    json_flag(&json, "ok", troubles == 0);
    json_text(&json, "blas", nn_blas_name());
    json_number(&json, "peak_gflops", all->peak_gflops);
    json_text(&json, "store", all->store);
    json_open(&json, "findings", '[');
    for (int i = 0; i < all->count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "topic", all->list[i].topic);
        json_text(&json, "kind", kind_names[all->list[i].kind]);
        json_text(&json, "text", all->list[i].text);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json);
}

static bool print_text(const findings *all, int troubles)
{
    puts("gradus " GRADUS_VERSION);
    for (int i = 0; i < all->count; i++)
        printf("%-10s %-9s  %s\n", all->list[i].topic, kind_names[all->list[i].kind],
               all->list[i].text);
    if (troubles == 0)
        puts("\nEverything a training needs is here.");
    else
        printf("\n%d %s attention.\n", troubles, troubles == 1 ? "thing needs" : "things need");
    return fflush(stdout) == 0;
}

static int run(int argc, char **argv)
{
    doctor_settings settings = {0};
    arguments words;
    int status;
    if (!options_begin(&command_doctor, argc, argv, &settings, &words, 0, 0, &status))
        return status;
    findings all = {0};
    look_at_terminal(&all);
    look_at_machine(&all);
    look_at_store(&all, settings.store);
    look_at_data(&all);
    int troubles = 0;
    for (int i = 0; i < all.count; i++)
        troubles += all.list[i].kind == ATTENTION;
    bool written = settings.json ? print_json(&all, troubles) : print_text(&all, troubles);
    return written && troubles == 0 ? EXIT_OK : EXIT_FAILED;
}

const program_command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Checks terminal, processor, BLAS, store and data.",
    .details = "Exit status 1 when something needs attention.",
    .options = options,
    .run = run,
};
