#include "ui/commands/detach.h"

#include "ui/commands/json_out.h"
#include "ui/commands/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Names the descriptor to tell, in the environment of the process that is started. */
static const char *const variable = "GRADUS_DETACHED";

/* What the training tells when its run has begun. */
typedef struct {
    run_id run;
    char name[96], log[PATH_MAX];
} beginning;

/* --- the one who starts it ---------------------------------------------------------------------
 */

/* In the child, between fork and exec: a session of its own, nothing to read, nobody who reads. */
static void become(char **words, char *const *environment)
{
    setsid();
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        if (nowhere > STDERR_FILENO)
            close(nowhere);
    }
    execve("/proc/self/exe", words, environment);
    static const char text[] = "gradus: cannot start itself again through /proc/self/exe\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(EXIT_FAILED);
}

/* All of it, or false at the end of the pipe. */
static bool read_whole(int fd, void *room, size_t size)
{
    char *at = room;
    while (size > 0) {
        ssize_t got = read(fd, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static int say_beginning(const beginning *begun, pid_t pid, bool as_json)
{
    if (as_json) {
        json_out json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "event", "detached");
        json_whole(&json, "run", begun->run);
        json_text(&json, "name", begun->name);
        json_whole(&json, "pid", pid);
        json_text(&json, "log", begun->log);
        json_close(&json, '}');
        return json_line(&json) ? EXIT_OK : EXIT_FAILED;
    }
    printf("run %lld '%s' trains in process %d\n"
           "  gradus watch %lld   shows and steers it; q leaves it alone\n"
           "  kill %d   stops it with a checkpoint\n"
           "  %s   has what it says\n",
           (long long)begun->run, begun->name, (int)pid, (long long)begun->run, (int)pid,
           begun->log);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* It ended before its run began, and said why. */
static int early_end(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_OK)
        return WEXITSTATUS(status);
    complain("the training ended before its run began");
    return EXIT_FAILED;
}

/* The environment with our variable; NULL: out of memory. */
static char **extended_environment(char *setting)
{
    extern char **environ;
    size_t count = 0;
    while (environ[count])
        count++;
    char **all = calloc(count + 2, sizeof *all);
    if (!all)
        return NULL;
    all[0] = setting;
    memcpy(all + 1, environ, count * sizeof *all);
    return all;
}

int detach_start(int argc, char **argv, bool as_json)
{
    int tell[2];
    char setting[48];
    char program[] = "gradus";
    char **words = calloc((size_t)argc + 2, sizeof *words);
    /* Only the writing end is for the child. */
    if (!words || pipe(tell) != 0 || fcntl(tell[0], F_SETFD, FD_CLOEXEC) != 0) {
        complain("cannot start a training of its own: %s", strerror(words ? errno : ENOMEM));
        free(words);
        return EXIT_FAILED;
    }
    words[0] = program;
    memcpy(words + 1, argv, (size_t)argc * sizeof *words);
    snprintf(setting, sizeof setting, "%s=%d", variable, tell[1]);
    char **environment = extended_environment(setting);
    pid_t pid = environment ? fork() : -1;
    if (pid == 0)
        become(words, environment);
    close(tell[1]);
    free(words);
    free(environment);
    beginning begun;
    int status = EXIT_FAILED;
    if (pid < 0)
        complain("cannot start a training of its own: %s", strerror(errno));
    else if (read_whole(tell[0], &begun, sizeof begun))
        status = say_beginning(&begun, pid, as_json);
    else
        status = early_end(pid);
    close(tell[0]);
    return status;
}

/* --- the training ------------------------------------------------------------------------------
 */

int detach_taken(void)
{
    const char *text = getenv(variable);
    char *end;
    long fd = text ? strtol(text, &end, 10) : -1;
    if (!text || *end || fd <= STDERR_FILENO || fd > INT_MAX ||
        fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    unsetenv(variable);
    signal(SIGPIPE, SIG_IGN); /* the one who waited may have gone */
    return (int)fd;
}

nn_status detach_begun(int tell, const char *path, run_id run, const char *name, nn_error *error)
{
    beginning begun = {.run = run};
    snprintf(begun.name, sizeof begun.name, "%s", name);
    nn_status status = store_checkpoint_dir(path, run, begun.log, sizeof begun.log, error);
    size_t used = strlen(begun.log);
    if (status != NN_OK)
        return status;
    if (used + sizeof "/train.log" > sizeof begun.log)
        return nn_fail(error, NN_E_IO, "the path of the log is too long");
    snprintf(begun.log + used, sizeof begun.log - used, "/train.log");
    int log = open(begun.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) {
        if (log >= 0)
            close(log);
        return nn_fail(error, NN_E_IO, "%.250s: %s", begun.log, strerror(errno));
    }
    close(log);
    ssize_t written = write(tell, &begun, sizeof begun); /* fits a pipe: at once or not at all */
    (void)written;
    close(tell);
    return NN_OK;
}
