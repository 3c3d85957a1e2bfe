#include "tests/pty.h"

#include "tests/pty_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#include "ui/terminal/key.h"
#include "ui/terminal/text.h"

struct pty {
    int master; /* -1 after hang-up */
    pid_t shell, program;
    int reports, commands, idle; /* pipes from and to the shell, and the program's idle bytes */
    struct termios modes;
    VTerm *vterm;
    VTermScreen *screen;
    int columns, rows;
    bool alternate, cursor_visible, frozen, ended;
    int stopped, exit_status;
    long bytes, queries, idle_count;
};

double pty_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- start and end ---------------------------------------------------------------------------- */

static int on_property(VTermProp property, VTermValue *value, void *user)
{
    pty *p = user;
    if (property == VTERM_PROP_ALTSCREEN) {
        p->alternate = value->boolean != 0;
    } else if (property == VTERM_PROP_CURSORVISIBLE) {
        p->cursor_visible = value->boolean != 0;
    }
    return 1;
}

static void make_screen(pty *p)
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    p->vterm = vterm_new(p->rows, p->columns);
    vterm_set_utf8(p->vterm, 1);
    p->screen = vterm_obtain_screen(p->vterm);
    vterm_screen_set_callbacks(p->screen, &callbacks, p);
    vterm_screen_enable_altscreen(p->screen, 1);
    vterm_screen_reset(p->screen, 1);
}

static void read_reports(pty *p)
{
    pty_report r;
    while (read(p->reports, &r, sizeof r) == sizeof r) {
        p->program = r.what == 'P' ? r.value : p->program;
        p->stopped += r.what == 'S';
        if (r.what == 'X') {
            p->ended = true;
            p->exit_status = r.value;
        }
    }
}

static bool wait_started(pty *p)
{
    struct pollfd started = {.fd = p->reports, .events = POLLIN};
    if (write(p->commands, "G", 1) != 1) {
        return false;
    }
    for (double end = pty_seconds() + 60; p->program == 0 && pty_seconds() < end;) {
        poll(&started, 1, 100);
        read_reports(p);
    }
    return p->program != 0;
}

pty *pty_start(const pty_options *o)
{
    const char *environment[PTY_ENVIRONMENT];
    int reports[2], commands[2], idle[2];
    pty *p = calloc(1, sizeof *p);
    if (p == NULL || pipe2(reports, O_CLOEXEC) != 0 || pipe2(commands, O_CLOEXEC) != 0 ||
        pipe2(idle, O_CLOEXEC) != 0) {
        free(p);
        return NULL;
    }
    p->columns = o->columns > 0 ? o->columns : 80;
    p->rows = o->rows > 0 ? o->rows : 24;
    pty_environment(o, environment);
    struct winsize size = {.ws_col = (unsigned short)p->columns, .ws_row = (unsigned short)p->rows};
    p->shell = forkpty(&p->master, NULL, NULL, &size);
    if (p->shell == 0) {
        dup2(idle[1], PTY_IDLE_FD); /* the copy survives exec */
        /* The ends of pipes of other terminals too, or their shells would never see the end. */
        for (int fd = STDERR_FILENO + 1; fd < PTY_IDLE_FD; fd++)
            if (fd != reports[1] && fd != commands[0])
                close(fd);
        pty_be_shell(o, (char **)(uintptr_t)environment, reports[1], commands[0]);
    }
    close(reports[1]);
    close(commands[0]);
    close(idle[1]);
    p->reports = reports[0];
    p->commands = commands[1];
    p->idle = idle[0];
    fcntl(p->reports, F_SETFL, O_NONBLOCK);
    fcntl(p->idle, F_SETFL, O_NONBLOCK);
    if (p->shell > 0) {
        fcntl(p->master, F_SETFD, FD_CLOEXEC);
        tcgetattr(p->master, &p->modes);
    }
    make_screen(p);
    if (p->shell < 0 || !wait_started(p)) {
        fprintf(stderr, "pty: cannot start %s: %s\n", o->argv[0], strerror(errno));
        pty_free(p);
        return NULL;
    }
    return p;
}

pty *pty_start_program(const char *path, int columns, int rows)
{
    const char *const argv[] = {path, NULL};
    return pty_start(&(pty_options){.argv = argv, .columns = columns, .rows = rows});
}

void pty_free(pty *p)
{
    if (p == NULL) {
        return;
    }
    if (p->master >= 0) {
        close(p->master);
    }
    close(p->commands); /* the shell kills the program and leaves */
    if (p->shell > 0) {
        waitpid(p->shell, NULL, 0);
    }
    close(p->reports);
    close(p->idle);
    vterm_free(p->vterm);
    free(p);
}

/* --- doing ------------------------------------------------------------------------------------ */

void pty_send(pty *p, const char *bytes)
{
    size_t left = strlen(bytes);
    for (double end = pty_seconds() + 60; left > 0 && pty_seconds() < end;) {
        ssize_t wrote = write(p->master, bytes, left);
        bytes += wrote > 0 ? wrote : 0;
        left -= wrote > 0 ? (size_t)wrote : 0;
    }
}

/* What an xterm sends for a key. */
static void key_bytes(const key_event *key, char *bytes, size_t size)
{
    static const char *const sequences[UI_KEY_COUNT] = {
        [UI_KEY_ENTER] = "\r",       [UI_KEY_ESC] = "\033",       [UI_KEY_TAB] = "\t",
        [UI_KEY_BACKTAB] = "\033[Z", [UI_KEY_BACKSPACE] = "\177", [UI_KEY_DELETE] = "\033[3~",
        [UI_KEY_INSERT] = "\033[2~", [UI_KEY_LEFT] = "\033OD",    [UI_KEY_RIGHT] = "\033OC",
        [UI_KEY_UP] = "\033OA",      [UI_KEY_DOWN] = "\033OB",    [UI_KEY_PAGE_UP] = "\033[5~",
        [UI_KEY_HOME] = "\033OH",    [UI_KEY_END] = "\033OF",     [UI_KEY_PAGE_DOWN] = "\033[6~"};
    char text[5] = {0};
    if (key->code == UI_KEY_CHAR && key->ctrl) {
        text[0] = (char)(key->ch & 0x1F);
    } else if (key->code == UI_KEY_CHAR) {
        text_encode(key->ch, text);
    }
    const char *sequence = key->code == UI_KEY_CHAR ? text : sequences[key->code];
    (void)snprintf(bytes, size, "%s", sequence != NULL ? sequence : "");
}

void pty_keys(pty *p, const char *names)
{
    char name[32], bytes[16];
    for (names += strspn(names, " "); *names != '\0'; names += strspn(names, " ")) {
        size_t length = strcspn(names, " ");
        key_event key;
        (void)snprintf(name, sizeof name, "%.*s", (int)length, names);
        if (!key_parse(name, &key)) {
            fprintf(stderr, "pty_keys: '%s' is no key\n", name);
            abort();
        }
        key_bytes(&key, bytes, sizeof bytes);
        pty_send(p, bytes);
        names += length;
    }
}

void pty_resize(pty *p, int columns, int rows)
{
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    p->columns = columns;
    p->rows = rows;
    /* libvterm 0.1 writes outside its cells when a wide character meets a single column. */
    vterm_set_size(p->vterm, rows, columns > 1 ? columns : 2);
    ioctl(p->master, TIOCSWINSZ, &size);
}

void pty_signal(pty *p, int signal)
{
    read_reports(p);
    if (!p->ended) {
        kill(p->program, signal);
    }
}

void pty_hang_up(pty *p)
{
    close(p->master);
    p->master = -1;
}

void pty_freeze(pty *p, bool frozen)
{
    p->frozen = frozen;
}

void pty_foreground(pty *p)
{
    ssize_t wrote = write(p->commands, "F", 1);
    (void)wrote;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void count_idle(pty *p)
{
    char bytes[64];
    for (ssize_t got; (got = read(p->idle, bytes, sizeof bytes)) > 0;) {
        p->idle_count += got;
    }
}

/* One step: reads what the program drew, its reports and idle bytes; waits at most 20 ms. */
static void step(pty *p)
{
    struct pollfd polls[3] = {{.fd = p->frozen ? -1 : p->master, .events = POLLIN},
                              {.fd = p->reports, .events = POLLIN},
                              {.fd = p->idle, .events = POLLIN}};
    char bytes[4096];
    poll(polls, 3, 20);
    if ((polls[0].revents & POLLIN) != 0) {
        ssize_t got = read(p->master, bytes, sizeof bytes);
        if (got > 0) {
            p->bytes += got;
            vterm_input_write(p->vterm, bytes, (size_t)got);
            p->queries += (long)vterm_output_read(p->vterm, bytes, sizeof bytes);
        }
    }
    read_reports(p);
    count_idle(p);
}

void pty_pump(pty *p, double seconds)
{
    for (double end = pty_seconds() + seconds; pty_seconds() < end;) {
        step(p);
    }
}

static bool has_text(pty *p, const void *text)
{
    char *screen = pty_screen(p);
    bool found = screen != NULL && strstr(screen, text) != NULL;
    free(screen);
    return found;
}

static bool lacks_text(pty *p, const void *text)
{
    return !has_text(p, text);
}

static bool is_stopped(pty *p, const void *unused)
{
    (void)unused;
    return p->stopped > 0;
}

static bool is_idle(pty *p, const void *unused)
{
    (void)unused;
    return p->idle_count > 0;
}

static bool has_ended(pty *p, const void *unused)
{
    (void)unused;
    return p->ended;
}

static bool wait_for(pty *p, bool (*holds)(pty *, const void *), const void *detail, double seconds)
{
    double end = pty_seconds() + seconds;
    while (!holds(p, detail)) {
        if (pty_seconds() >= end) {
            return false;
        }
        step(p);
    }
    return true;
}

static bool explain(pty *p, bool held, const char *what)
{
    if (!held) {
        char *screen = pty_screen(p);
        fprintf(stderr, "pty: waited in vain for: %s\n--- the screen:\n%s---\n", what,
                screen != NULL ? screen : "");
        free(screen);
    }
    return held;
}

bool pty_wait_text(pty *p, const char *text, double seconds)
{
    return explain(p, wait_for(p, has_text, text, seconds), text);
}

bool pty_wait_no_text(pty *p, const char *text, double seconds)
{
    return explain(p, wait_for(p, lacks_text, text, seconds), "the text to go away");
}

bool pty_wait_stopped(pty *p, double seconds)
{
    bool stopped = explain(p, wait_for(p, is_stopped, NULL, seconds), "the program to stop");
    p->stopped = 0;
    return stopped;
}

void pty_forget_idle(pty *p)
{
    count_idle(p);
    p->idle_count = 0;
}

bool pty_wait_idle(pty *p, double seconds)
{
    return explain(p, wait_for(p, is_idle, NULL, seconds), "the program to be idle");
}

int pty_wait_exit(pty *p, double seconds)
{
    if (!explain(p, wait_for(p, has_ended, NULL, seconds), "the program to end")) {
        return -1;
    }
    int waiting = 0; /* its last words are in the terminal already */
    while (p->master >= 0 && !p->frozen && ioctl(p->master, FIONREAD, &waiting) == 0 &&
           waiting > 0) {
        step(p);
    }
    return p->exit_status;
}

/* --- looking ---------------------------------------------------------------------------------- */

char *pty_screen(pty *p)
{
    size_t room = (size_t)p->rows * ((size_t)p->columns * VTERM_MAX_CHARS_PER_CELL * 4 + 1) + 1;
    char *text = malloc(room), *end = text;
    if (text == NULL) {
        return NULL;
    }
    for (int y = 0; y < p->rows; y++) {
        char *solid = end;
        for (int x = 0; x < p->columns; x++) {
            VTermScreenCell cell;
            if (!vterm_screen_get_cell(p->screen, (VTermPos){.row = y, .col = x}, &cell) ||
                cell.chars[0] == (uint32_t)-1) {
                continue;
            }
            if (cell.chars[0] == 0) {
                *end++ = ' ';
            }
            for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; i++) {
                end += text_encode(cell.chars[i], end);
            }
            solid = cell.chars[0] != 0 && cell.chars[0] != ' ' ? end : solid;
        }
        end = solid;
        *end++ = '\n';
    }
    *end = '\0';
    return text;
}

bool pty_colored(pty *p)
{
    VTermColor fg, bg;
    vterm_state_get_default_colors(vterm_obtain_state(p->vterm), &fg, &bg);
    for (int y = 0; y < p->rows; y++) {
        for (int x = 0; x < p->columns; x++) {
            VTermScreenCell cell;
            if (vterm_screen_get_cell(p->screen, (VTermPos){.row = y, .col = x}, &cell) &&
                (!vterm_color_is_equal(&cell.fg, &fg) || !vterm_color_is_equal(&cell.bg, &bg))) {
                return true;
            }
        }
    }
    return false;
}

bool pty_alternate(const pty *p)
{
    return p->alternate;
}

bool pty_cursor_visible(const pty *p)
{
    return p->cursor_visible;
}

bool pty_modes_restored(const pty *p)
{
    struct termios modes;
    return p->master >= 0 && tcgetattr(p->master, &modes) == 0 &&
           modes.c_iflag == p->modes.c_iflag && modes.c_oflag == p->modes.c_oflag &&
           modes.c_lflag == p->modes.c_lflag && modes.c_cflag == p->modes.c_cflag &&
           memcmp(modes.c_cc, p->modes.c_cc, sizeof modes.c_cc) == 0;
}

long pty_bytes(const pty *p)
{
    return p->bytes;
}

long pty_queries(const pty *p)
{
    return p->queries;
}

int pty_pid(const pty *p)
{
    return (int)p->program;
}

double pty_processor_seconds(const pty *p)
{
    char path[64], line[1024] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)p->program);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    const char *fields = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
    fclose(file);
    unsigned long user = 0, kernel = 0;
    if (fields == NULL || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                 &user, &kernel) != 2) {
        return 0;
    }
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}
