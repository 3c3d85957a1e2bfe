#include "tests/run_program.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

const char *program_folder(void)
{
    if (!folder[0]) {
        strcpy(folder, "/tmp/gradus-test-XXXXXX");
        if (!mkdtemp(folder))
            fail_msg("no temporary folder");
    }
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *level)
{
    (void)info;
    (void)kind;
    (void)level;
    return remove(path);
}

void program_clean(void)
{
    if (folder[0])
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

enum { WORDS = 48, PATIENCE = 120 };

/* Splits in place; returns the number of words. */
static int split(char *line, char **words)
{
    int count = 0;
    for (char *at = line; *at && count < WORDS - 1;) {
        while (*at == ' ')
            at++;
        if (!*at)
            break;
        char stop = ' ';
        if (*at == '\'') {
            stop = '\'';
            at++;
        }
        words[count++] = at;
        while (*at && *at != stop)
            at++;
        if (*at)
            *at++ = '\0';
    }
    words[count] = NULL;
    return count;
}

/* A suite that runs in the background of a script has SIGINT ignored, and programs inherit that. */
static void reset_signals(void)
{
    static const int numbers[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
    sigset_t none;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        signal(numbers[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_program(const char *path, char **words, const int out[2], const int err[2])
{
    char text[128];
    snprintf(text, sizeof text, "%s/store.db", folder);
    setenv("GRADUS_STORE", text, 1);
    setenv("HOME", folder, 1);
    unsetenv("GRADUS_IDLE_FD");
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execv(path, words);
    _exit(127);
}

program program_start(const char *line)
{
    const char *path = getenv("GRADUS_PROGRAM");
    if (!path)
        fail_msg("GRADUS_PROGRAM must name the program to test");
    program_folder();
    char *words[WORDS], *copy = strdup(line);
    int out[2], err[2];
    assert_non_null(copy);
    words[0] = (char *)(uintptr_t)path;
    split(copy, words + 1);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    program p = {.pid = fork(), .out = out[0], .err = err[0]};
    if (p.pid == 0)
        become_program(path, words, out, err);
    assert_true(p.pid > 0);
    close(out[1]);
    close(err[1]);
    free(copy);
    return p;
}

double program_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Appends what waits on pipe `which` (0 stdout, 1 stderr); closes it at its end. */
static void take(program *p, int which)
{
    int *fd = which ? &p->err : &p->out;
    if (p->used[which] + 4096 > p->room[which]) {
        p->room[which] = 2 * p->room[which] + 8192;
        p->text[which] = realloc(p->text[which], p->room[which]);
        assert_non_null(p->text[which]);
    }
    ssize_t got = read(*fd, p->text[which] + p->used[which], 4095);
    if (got <= 0) {
        close(*fd);
        *fd = -1;
        got = 0;
    }
    p->used[which] += (size_t)got;
    p->text[which][p->used[which]] = '\0';
}

/* Waits for output and takes it; kills the program and fails after the deadline. */
static void pump(program *p, double deadline)
{
    struct pollfd fds[2] = {{.fd = p->out, .events = POLLIN}, {.fd = p->err, .events = POLLIN}};
    double left = deadline - program_now();
    if (left <= 0 || poll(fds, 2, (int)(left * 1000) + 1) == 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
        fail_msg("the program did not answer in time; stdout so far: %s; stderr: %s",
                 p->text[0] ? p->text[0] : "", p->text[1] ? p->text[1] : "");
    }
    for (int i = 0; i < 2; i++)
        if (fds[i].fd >= 0 && fds[i].revents)
            take(p, i);
}

bool program_lines(program *p, int count)
{
    double deadline = program_now() + PATIENCE;
    for (;;) {
        int lines = 0;
        for (size_t i = 0; i < p->used[0]; i++)
            lines += p->text[0][i] == '\n';
        if (lines >= count)
            return true;
        if (p->out < 0)
            return false;
        pump(p, deadline);
    }
}

bool program_says(program *p, const char *text)
{
    double deadline = program_now() + PATIENCE;
    while (!p->text[1] || !strstr(p->text[1], text)) {
        if (p->err < 0)
            return false;
        pump(p, deadline);
    }
    return true;
}

program_result program_finish(program *p)
{
    double deadline = program_now() + 2 * PATIENCE;
    while (p->out >= 0 || p->err >= 0)
        pump(p, deadline);
    int status = 0;
    waitpid(p->pid, &status, 0);
    return (program_result){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .out = p->text[0],
        .err = p->text[1],
    };
}

program_result program_run(const char *line)
{
    program p = program_start(line);
    return program_finish(&p);
}

void program_free(program_result *result)
{
    free(result->out);
    free(result->err);
}

json_t *program_json(const char *line)
{
    program_result result = program_run(line);
    if (result.status != 0)
        fail_msg("`gradus %s` exited with %d: %s", line, result.status, result.err);
    json_error_t error;
    json_t *json = json_loads(result.out, 0, &error);
    if (!json)
        fail_msg("`gradus %s`: %s in %s", line, error.text, result.out);
    program_free(&result);
    return json;
}

json_t *program_json_lines(const char *text)
{
    json_t *list = json_array();
    while (*text) {
        size_t length = strcspn(text, "\n");
        json_error_t error;
        json_t *value = json_loadb(text, length, 0, &error);
        if (!value)
            fail_msg("no JSON (%s): %.*s", error.text, (int)length, text);
        json_array_append_new(list, value);
        text += length + (text[length] == '\n');
    }
    return list;
}
