#include "ui/terminal/terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ui/terminal/curses_canvas.h"
#include "ui/terminal/restore.h"
#include "ui/terminal/terminfo.h"
#include "ui/terminal/text.h"

static const int soft[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGINT, SIGTERM, SIGHUP};
enum { SOFT = sizeof soft / sizeof *soft, ESCAPE_MILLISECONDS = 25 };

struct terminal {
    screen base; /* first: the screen's address is ours */
    terminal_type type;
    bool utf8;
    color_depth depth;
    restore *restore;
    SCREEN *curses;
    WINDOW *keys; /* a pad: reading from it never refreshes anything */
    curses_canvas *canvas;
    FILE *in, *out;
    int signal_pipe[2];
    struct sigaction old[SOFT];
    char partial[8]; /* bytes of a character that is still coming in */
    int partial_length;
    int empty_reads; /* readable but nothing to read: the end of the keyboard */
};

/* Where the handler writes: a handler gets no argument. -1 while no terminal is owned. */
static atomic_int signal_fd = -1;

static terminal *self(screen *s)
{
    return (terminal *)(void *)s;
}

/* --- signals ---------------------------------------------------------------------------------- */

static void on_signal(int signal)
{
    int saved = errno, fd = atomic_load(&signal_fd);
    for (int i = 0; i < SOFT; i++) {
        if (soft[i] == signal && fd >= 0) {
            unsigned char byte = (unsigned char)i;
            ssize_t wrote = write(fd, &byte, 1);
            (void)wrote; /* a full pipe wakes the loop as well */
        }
    }
    errno = saved;
}

static void set_handler(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void catch_signals(const terminal *t)
{
    atomic_store(&signal_fd, t->signal_pipe[1]);
    for (int i = 0; i < SOFT; i++) {
        if (t->old[i].sa_handler != SIG_IGN) { /* nohup and the like stay as they are */
            set_handler(soft[i], on_signal);
        }
    }
}

static screen_signal read_signal(screen *s)
{
    static const screen_signal meaning[SOFT] = {SCREEN_RESIZED,   SCREEN_SUSPEND,
                                                SCREEN_CONTINUED, SCREEN_INTERRUPT,
                                                SCREEN_TERMINATE, SCREEN_HANGUP};
    unsigned char byte;
    ssize_t got = read(self(s)->signal_pipe[0], &byte, 1);
    return got == 1 && byte < SOFT ? meaning[byte] : SCREEN_NO_SIGNAL;
}

static int get_signal_fd(screen *s)
{
    return self(s)->signal_pipe[0];
}

/* --- keyboard --------------------------------------------------------------------------------- */

static ui_key from_curses(int code)
{
    switch (code) {
    case KEY_LEFT:
        return UI_KEY_LEFT;
    case KEY_RIGHT:
        return UI_KEY_RIGHT;
    case KEY_UP:
        return UI_KEY_UP;
    case KEY_DOWN:
        return UI_KEY_DOWN;
    case KEY_PPAGE:
        return UI_KEY_PAGE_UP;
    case KEY_NPAGE:
        return UI_KEY_PAGE_DOWN;
    case KEY_HOME:
        return UI_KEY_HOME;
    case KEY_END:
        return UI_KEY_END;
    case KEY_BACKSPACE:
        return UI_KEY_BACKSPACE;
    case KEY_DC:
        return UI_KEY_DELETE;
    case KEY_IC:
        return UI_KEY_INSERT;
    case KEY_BTAB:
        return UI_KEY_BACKTAB;
    case KEY_ENTER:
        return UI_KEY_ENTER;
    default:
        return code >= KEY_F(1) && code <= KEY_F(12) ? (ui_key)(UI_KEY_F1 + code - KEY_F(1))
                                                     : UI_KEY_NONE;
    }
}

static key_event from_mouse(void)
{
    MEVENT event;
    key_event key = {0};
    if (getmouse(&event) != OK) {
        return key;
    }
    key.button = event.bstate & BUTTON4_PRESSED                       ? MOUSE_WHEEL_UP
                 : event.bstate & BUTTON5_PRESSED                     ? MOUSE_WHEEL_DOWN
                 : event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED) ? MOUSE_CLICK
                                                                      : 0;
    if (key.button != 0) {
        key.code = UI_KEY_MOUSE;
        key.x = event.x;
        key.y = event.y;
    }
    return key;
}

static key_event from_control(int byte)
{
    switch (byte) {
    case '\r':
    case '\n':
        return (key_event){.code = UI_KEY_ENTER};
    case '\t':
        return (key_event){.code = UI_KEY_TAB};
    case '\b':
    case 0x7F:
        return (key_event){.code = UI_KEY_BACKSPACE};
    default:
        break;
    }
    if (byte >= 1 && byte <= 26) {
        return (key_event){.code = UI_KEY_CHAR, .ch = (uint32_t)(byte - 1 + 'a'), .ctrl = true};
    }
    return (key_event){0};
}

/* After ESC: a sequence that curses did not know is read to its end, so that its bytes are not
 * taken for commands; anything else is left for the next read. */
static key_event from_escape(terminal *t)
{
    char parameters[32] = "";
    size_t length = 0;
    int byte = wgetch(t->keys);
    if (byte != '[' && byte != 'O') {
        if (byte != ERR) {
            ungetch(byte);
        }
        return (key_event){.code = UI_KEY_ESC};
    }
    bool single = byte == 'O';
    while ((byte = wgetch(t->keys)) != ERR) {
        if (single || (byte >= 0x40 && byte <= 0x7E)) {
            return (key_event){.code = byte < 0x80 ? key_from_escape(parameters, (char)byte) : 0};
        }
        if (byte < 0x20 || byte > 0x3F) {
            break;
        }
        if (length + 1 < sizeof parameters) {
            parameters[length++] = (char)byte;
            parameters[length] = '\0';
        }
    }
    return (key_event){0};
}

/* One more byte of a character outside ASCII; NONE until it is whole. */
static key_event from_byte(terminal *t, int byte)
{
    uint32_t ch;
    t->partial[t->partial_length++] = (char)byte;
    t->partial[t->partial_length] = '\0';
    unsigned char first = (unsigned char)t->partial[0];
    int wanted = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (t->partial_length < wanted) {
        return (key_event){0};
    }
    t->partial_length = 0;
    if (text_decode(t->partial, &ch) != wanted || ch == 0xFFFD) {
        return (key_event){0};
    }
    return (key_event){.code = UI_KEY_CHAR, .ch = ch};
}

/* Nothing to read: is there no key yet, or no keyboard any more? */
static screen_input keyboard_state(terminal *t)
{
    struct pollfd p = {.fd = fileno(t->in), .events = POLLIN};
    int waiting = 0;
    if (poll(&p, 1, 0) < 0) {
        return SCREEN_NO_KEY;
    }
    if ((p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
        return SCREEN_LOST;
    }
    bool empty = (p.revents & POLLIN) != 0 && ioctl(p.fd, FIONREAD, &waiting) == 0 && waiting == 0;
    t->empty_reads = empty ? t->empty_reads + 1 : 0;
    return t->empty_reads > 5 ? SCREEN_LOST : SCREEN_NO_KEY;
}

static screen_input read_key(screen *s, key_event *key)
{
    terminal *t = self(s);
    for (;;) {
        int code = wgetch(t->keys);
        if (code == ERR) {
            return keyboard_state(t);
        }
        t->empty_reads = 0;
        *key = (key_event){0};
        if (code < 0x80) {
            t->partial_length = 0;
        }
        if (code == KEY_MOUSE) {
            *key = from_mouse();
        } else if (code > 0xFF) {
            key->code = from_curses(code);
        } else if (code == 0x1B) {
            *key = from_escape(t);
        } else if (code < ' ' || code == 0x7F) {
            *key = from_control(code);
        } else if (code < 0x80) {
            *key = (key_event){.code = UI_KEY_CHAR, .ch = (uint32_t)code};
        } else {
            *key = from_byte(t, code);
        }
        if (key->code != UI_KEY_NONE) {
            return SCREEN_KEY;
        }
    }
}

static int key_fd(screen *s)
{
    return fileno(self(s)->in);
}

/* --- screen ----------------------------------------------------------------------------------- */

static void size(screen *s, int *w, int *h)
{
    enum { WIDEST = 2000, HIGHEST = 1000 };
    struct winsize now;
    *w = COLS;
    *h = LINES;
    if (ioctl(fileno(self(s)->out), TIOCGWINSZ, &now) == 0 && now.ws_col > 0 && now.ws_row > 0) {
        *w = now.ws_col < WIDEST ? now.ws_col : WIDEST;
        *h = now.ws_row < HIGHEST ? now.ws_row : HIGHEST;
    }
    if (*w != COLS || *h != LINES) {
        resize_term(*h, *w); /* resizeterm() would queue a key that poll cannot see */
        *w = COLS;
        *h = LINES;
    }
}

static double show(screen *s, const canvas *c)
{
    restore_trim(self(s)->restore);
    return curses_canvas_show(self(s)->canvas, c);
}

static void repaint(screen *s)
{
    curses_canvas_repaint(self(s)->canvas);
}

static void suspend(screen *s, bool group)
{
    static const char note[] = "gradus is suspended, and training with it; fg continues.\r\n";
    terminal *t = self(s);
    sigset_t stop;
    endwin();
    ssize_t wrote = write(fileno(t->out), note, sizeof note - 1);
    (void)wrote;
    if (group) { /* as Ctrl-Z does: `make run` stops with us */
        set_handler(SIGTSTP, SIG_IGN);
        kill(0, SIGTSTP);
    }
    set_handler(SIGCONT, SIG_DFL);
    set_handler(SIGTSTP, SIG_DFL);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
    raise(SIGTSTP); /* not SIGSTOP: without a shell to wake us this does nothing, rightly */
    set_handler(SIGTSTP, on_signal);
    set_handler(SIGCONT, on_signal);
    doupdate(); /* curses takes the screen again */
    curses_canvas_repaint(t->canvas);
}

/* --- open and close --------------------------------------------------------------------------- */

static const screen_class terminal_class = {key_fd, get_signal_fd, read_signal, read_key,
                                            size,   show,          repaint,     suspend};

static void set_modes(terminal *t)
{
    struct termios modes;
    cbreak();
    noecho();
    nonl();
    set_escdelay(ESCAPE_MILLISECONDS);
    leaveok(stdscr, FALSE); /* the hidden cursor stands where a screen reader should read */
    scrollok(stdscr, FALSE);
    curs_set(0);
    keypad(t->keys, TRUE);
    nodelay(t->keys, TRUE);
    if (tcgetattr(fileno(t->in), &modes) == 0) {
        modes.c_iflag &= ~(tcflag_t)(IXON | IXOFF); /* Ctrl-S must not freeze us */
        modes.c_lflag |= NOFLSH; /* Ctrl-Z must not throw away what we are drawing */
        tcsetattr(fileno(t->in), TCSANOW, &modes);
        def_prog_mode();
    }
}

static nn_status open_curses(terminal *t, int screen_fd, nn_error *error)
{
    int in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    t->in = in_fd >= 0 ? fdopen(in_fd, "r") : NULL;
    t->out = fdopen(screen_fd, "w");
    if (t->in == NULL || t->out == NULL || pipe2(t->signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return nn_fail(error, NN_E_IO, "cannot take the terminal: %s", strerror(errno));
    }
    catch_signals(t); /* first: a handler of curses would lose Ctrl-Z while it draws */
    t->curses = newterm(t->type.name, t->out, t->in); /* initscr() would end the program itself */
    t->keys = t->curses != NULL ? newpad(1, 1) : NULL;
    if (t->keys == NULL) {
        return nn_fail(error, NN_E_STATE,
                       "TERM=%s: the terminal cannot be opened; use `gradus --print SCREEN`",
                       t->type.name);
    }
    terminal_avoid_repeat();
    set_modes(t);
    t->depth = theme_depth(t->type.colors, getenv("NO_COLOR"));
    t->base.light = theme_is_light(getenv("GRADUS_THEME"), getenv("COLORFGBG"));
    t->canvas = curses_canvas_new(t->depth, t->base.light, t->utf8);
    return t->canvas != NULL ? NN_OK : nn_fail(error, NN_E_NOMEM, "no memory for the screen");
}

terminal *terminal_open(nn_error *error)
{
    int screen_fd = -1;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        nn_fail(error, NN_E_STATE,
                "standard %s is not a terminal; for a screen as text use `gradus --print SCREEN`",
                isatty(STDIN_FILENO) ? "output" : "input");
        return NULL;
    }
    terminal *t = calloc(1, sizeof *t);
    if (t == NULL) {
        nn_fail(error, NN_E_NOMEM, "no memory for the screen");
        return NULL;
    }
    t->base.class = &terminal_class;
    t->signal_pipe[0] = t->signal_pipe[1] = -1;
    t->utf8 = terminal_locale();
    for (int i = 0; i < SOFT; i++) {
        sigaction(soft[i], NULL, &t->old[i]);
    }
    if (terminal_choose_type(&t->type, error) != NN_OK ||
        (t->restore = restore_begin(t->type.restore, &screen_fd, error)) == NULL ||
        open_curses(t, screen_fd, error) != NN_OK) {
        terminal_close(t);
        return NULL;
    }
    t->base.glyphs = terminal_glyphs(t->utf8, t->type.name);
    return t;
}

void terminal_close(terminal *t)
{
    if (t == NULL) {
        return;
    }
    atomic_store(&signal_fd, -1);
    if (t->curses != NULL) {
        if (t->base.mouse) {
            mousemask(0, NULL);
        }
        endwin();
        curses_canvas_free(t->canvas);
        if (t->keys != NULL) {
            delwin(t->keys);
        }
        delscreen(t->curses);
    }
    for (int i = 0; i < SOFT; i++) {
        sigaction(soft[i], &t->old[i], NULL);
    }
    restore_end(t->restore);
    if (t->in != NULL) {
        (void)fclose(t->in);
    }
    if (t->out != NULL) {
        (void)fclose(t->out);
    }
    for (int i = 0; i < 2; i++) {
        if (t->signal_pipe[i] >= 0) {
            close(t->signal_pipe[i]);
        }
    }
    free(t);
}

/* --- questions and settings ------------------------------------------------------------------- */

screen *terminal_screen(terminal *t)
{
    return &t->base;
}

const char *terminal_note(const terminal *t)
{
    return t->type.note;
}

void terminal_describe(const terminal *t, char *text, size_t size_of_text)
{
    static const char *const depths[] = {"no colour", "8 colours", "16 colours", "256 colours"};
    static const char *const glyphs[] = {"ASCII", "block", "braille"};
    (void)snprintf(text, size_of_text, "%s, %s, %s, %s glyphs, %dx%d", t->type.name,
                   depths[t->depth], t->utf8 ? "UTF-8" : "not UTF-8", glyphs[t->base.glyphs], COLS,
                   LINES);
}

size_t terminal_caught(const terminal *t, char *text, size_t size_of_text)
{
    return restore_caught(t->restore, text, size_of_text);
}

void terminal_set_mouse(terminal *t, bool on)
{
    mousemask(on ? BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
    mouseinterval(0);
    t->base.mouse = on;
}

void terminal_set_light(terminal *t, bool light)
{
    t->base.light = light;
    curses_canvas_set_light(t->canvas, light);
}
