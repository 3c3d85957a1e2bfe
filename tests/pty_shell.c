#include "tests/pty_shell.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the shell: one program with job control ------------------------------------------------- */

static void tell(int fd, char what, int value)
{
    pty_report r = {what, value};
    if (write(fd, &r, sizeof r) != sizeof r) {
        _exit(1);
    }
}

static void run_program(const pty_options *o, char **environment)
{
    struct {
        const char *path;
        int fd, flags;
    } files[] = {{o->input, 0, O_RDONLY}, {o->output, 1, O_WRONLY | O_CREAT | O_TRUNC}};
    for (int i = 0; i < 2; i++) {
        int fd = files[i].path != NULL ? open(files[i].path, files[i].flags, 0600) : -1;
        if (fd >= 0) {
            dup2(fd, files[i].fd);
            close(fd);
        }
    }
    execve(o->argv[0], (char *const *)(uintptr_t)o->argv, environment);
    _exit(127);
}

/* Waits for the program to change its state and for commands: 'F' brings it back, end leaves. */
static _Noreturn void serve(pid_t program, int reports, int commands)
{
    for (bool running = true;;) {
        int status;
        if (running && waitpid(program, &status, WUNTRACED | WNOHANG) == program) {
            tcsetpgrp(STDIN_FILENO, getpid());
            running = WIFSTOPPED(status);
            int value = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            tell(reports, running ? 'S' : 'X', running ? 0 : value);
        }
        struct pollfd p = {.fd = commands, .events = POLLIN};
        char command;
        if (poll(&p, 1, running ? 5 : -1) > 0) {
            if (read(commands, &command, 1) != 1) {
                kill(-program, SIGKILL);
                _exit(0);
            }
            tcsetpgrp(STDIN_FILENO, program);
            kill(-program, SIGCONT);
        }
    }
}

_Noreturn void pty_be_shell(const pty_options *o, char **environment, int reports, int commands)
{
    char go;
    signal(SIGTTOU, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (read(commands, &go, 1) != 1) {
        _exit(0);
    }
    pid_t program = fork();
    if (program == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpid()); /* TTOU is still ignored here */
        signal(SIGINT, SIG_DFL); /* ignored where the suite runs in the background of a script */
        signal(SIGQUIT, SIG_DFL);
        signal(SIGTTOU, SIG_DFL);
        signal(SIGTTIN, SIG_DFL);
        signal(SIGTSTP, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        run_program(o, environment);
    }
    setpgid(program, program);
    tell(reports, 'P', (int)program);
    serve(program, reports, commands);
}

/* --- environment ------------------------------------------------------------------------------ */

extern char **environ;

static bool same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length) == 0 && (b[length] == '=' || b[length] == '\0');
}

static void set_in(const char **list, int *count, const char *entry)
{
    for (int i = 0; i < *count; i++) {
        if (same_name(entry, list[i])) {
            list[i--] = list[--*count];
        }
    }
    if (strchr(entry, '=') != NULL && *count < PTY_ENVIRONMENT - 1) {
        list[(*count)++] = entry;
    }
}

void pty_environment(const pty_options *o, const char **list)
{
    static const char *const standard[] = {"LC_ALL",
                                           "LC_CTYPE",
                                           "COLORFGBG",
                                           "NO_COLOR",
                                           "GRADUS_THEME",
                                           "COLUMNS",
                                           "LINES",
                                           "TERM=xterm-256color",
                                           "LANG=C.UTF-8",
                                           "GRADUS_IDLE_FD=100",
                                           "ASAN_OPTIONS=detect_leaks=0"};
    int count = 0;
    for (char **e = environ; *e != NULL && count < PTY_ENVIRONMENT - 32; e++) {
        list[count++] = *e;
    }
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        set_in(list, &count, standard[i]);
    }
    for (int i = 0; o->env != NULL && o->env[i] != NULL; i++) {
        set_in(list, &count, o->env[i]);
    }
    list[count] = NULL;
}
