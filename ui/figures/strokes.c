#include "ui/figures/strokes.h"

#include <string.h>

/* Each letter: its width ('0' + units), then strokes separated by blanks. A stroke is a row of
 * points: x as '0' + units; y as a letter, 'e' on the baseline, 'l' the height of small letters,
 * 'o' that of capitals. A capital letter is a point that pulls a quadratic curve without being on
 * it; between two of them the curve passes the middle, as in TrueType. */
static const char *const letters[] = {
    /* blank */ "4",
    /* ! */ "21o1h 1f1e",
    /* " */ "41o1m 3o3m",
    /* # */ "73o1e 6o4e 1l7l 0h6h",
    /* $ */ "66m6O0O0J6J6E0E0g 3p3d",
    /* % */ "82o0O0K4K4O2o 6i4I4E8E8I6i 8o0e",
    /* & */ "88e2l2O5O5L0I0E5E8i",
    /* ' */ "21o1m",
    /* ( */ "33p1N1F3c",
    /* ) */ "30p2N2F0c",
    /* * */ "63n3h 1m5i 5m1i",
    /* + */ "63l3f 0i6i",
    /* , */ "21f1e0c",
    /* - */ "40i4i",
    /* . */ "21f1e",
    /* / */ "55p0d",
    /* 0 */ "63o0O0E6E6O3o",
    /* 1 */ "61m3o3e 1e5e",
    /* 2 */ "60l0O6O6K0e6e",
    /* 3 */ "60m0O6O6J2j6J6E0E0g",
    /* 4 */ "65e5o0h6h",
    /* 5 */ "66o0o0j2K6K6E0E0g",
    /* 6 */ "65o0M0E6E6K0K0h",
    /* 7 */ "60o6o2e",
    /* 8 */ "63o0O0J6J6O3o 3j0J0E6E6J3j",
    /* 9 */ "61e6G6O0O0I6I6l",
    /* : */ "21l1k 1f1e",
    /* ; */ "21l1k 1f1e0c",
    /* < */ "66l0i6f",
    /* = */ "60k6k 0g6g",
    /* > */ "60l6i0f",
    /* ? */ "60m0O6O6J3J3h 3f3e",
    /* @ */ "97e0E0O9O9G6G6k 6j6L3L3G6G6i",
    /* A */ "80e4o8e 1h7h",
    /* B */ "70e0o3o6O6J3j0j 3j7J7E3e0e",
    /* C */ "77m6O0O0E6E7g",
    /* D */ "70e0o3o7O7E3e0e",
    /* E */ "66o0o0e6e 0j5j",
    /* F */ "66o0o0e 0j5j",
    /* G */ "77m6O0O0E7E7j4j",
    /* H */ "70o0e 7o7e 0j7j",
    /* I */ "21o1e",
    /* J */ "55o5g5E0E0g",
    /* K */ "70o0e 7o0i 2k7e",
    /* L */ "60o0e6e",
    /* M */ "80e0o4g8o8e",
    /* N */ "70e0o7e7o",
    /* O */ "84o0O0E8E8O4o",
    /* P */ "70e0o3o7O7I3i0i",
    /* Q */ "84o0O0E8E8O4o 5g8d",
    /* R */ "70e0o3o7O7I3i0i 3i7e",
    /* S */ "66m6O0O0J6J6E0E0g",
    /* T */ "80o8o 4o4e",
    /* U */ "70o0h0E7E7h7o",
    /* V */ "80o4e8o",
    /* W */ ":0o2e5o8e:o",
    /* X */ "70o7e 7o0e",
    /* Y */ "80o4j8o 4j4e",
    /* Z */ "70o7o0e7e",
    /* [ */ "33p1p1c3c",
    /* backslash */ "50p5d",
    /* ] */ "30p2p2c0c",
    /* ^ */ "60k3o6k",
    /* _ */ "70c7c",
    /* ` */ "30o2m",
    /* a */ "66l6e 6i6L0L0E6E6h",
    /* b */ "60o0e 0i0L6L6E0E0h",
    /* c */ "66j5L0L0E5E6g",
    /* d */ "66o6e 6i6L0L0E6E6h",
    /* e */ "60i6i6L0L0E5E6g",
    /* f */ "44o2O2l2e 0l4l",
    /* g */ "66l6d6B1B0c 6i6L0L0E6E6h",
    /* h */ "60o0e 0i0L6L6i6e",
    /* i */ "21l1e 1o1n",
    /* j */ "32l2d2B0b 2o2n",
    /* k */ "60o0e 6l0h 2i6e",
    /* l */ "21o1e",
    /* m */ ":0l0e 0i0L5L5i5e 5i5L:L:i:e",
    /* n */ "60l0e 0i0L6L6i6e",
    /* o */ "63l0L0E6E6L3l",
    /* p */ "60l0b 0i0L6L6E0E0h",
    /* q */ "66l6b 6i6L0L0E6E6h",
    /* r */ "40l0e 0i0L4l",
    /* s */ "55k5L0L0I5H5E0E0f",
    /* t */ "42o2g2E4e 0l4l",
    /* u */ "60l0h0E6E6h 6l6e",
    /* v */ "60l3e6l",
    /* w */ "80l2e4l6e8l",
    /* x */ "60l6e 6l0e",
    /* y */ "60l3f 6l1b",
    /* z */ "60l6l0e6e",
    /* { */ "44p2P2l0j2h2C4c",
    /* | */ "21p1c",
    /* } */ "40p2P2l4j2h2C0c",
    /* ~ */ "60h2L4F6j",
};
static const char unknown[] = "60e0o6o6e0e";

/* An em: a capital is 0.72 of it high, and letters stand 2.6 units apart. */
static const double unit_x = 0.063, unit_y = 0.072, gap = 2.6;
enum { CURVE_PARTS = 6, POINTS_MOST = 128 };

/* The letter that begins at *text, which moves behind it. */
static const char *next_letter(const char **text)
{
    unsigned char byte = (unsigned char)*(*text)++;
    if (byte >= ' ' && byte < 0x7f)
        return letters[byte - ' '];
    while (((unsigned char)**text & 0xC0) == 0x80)
        (*text)++; /* the rest of its bytes */
    return unknown;
}

double strokes_width(const char *text)
{
    double width = 0;
    while (*text)
        width += next_letter(&text)[0] - '0' + gap;
    return width * unit_x;
}

typedef struct {
    drawing_point points[POINTS_MOST];
    int count;
} stroke;

static void reach(stroke *s, drawing_point point)
{
    if (s->count < POINTS_MOST)
        s->points[s->count++] = point;
}

/* A quadratic Bezier curve from where the stroke is. */
static void bend(stroke *s, drawing_point control, drawing_point end)
{
    if (s->count == 0) /* a stroke begins on its curve */
        return;
    drawing_point start = s->points[s->count - 1];
    for (int i = 1; i <= CURVE_PARTS; i++) {
        double t = (double)i / CURVE_PARTS, u = 1 - t;
        reach(s, (drawing_point){u * u * start.x + 2 * u * t * control.x + t * t * end.x,
                                 u * u * start.y + 2 * u * t * control.y + t * t * end.y});
    }
}

/* One stroke of a letter that stands at `left` (in units); returns what follows it. */
static const char *follow(stroke *s, const char *at, double left)
{
    drawing_point control = {0, 0};
    bool pulled = false;
    s->count = 0;
    for (; at[0] && at[0] != ' '; at += 2) {
        bool on_curve = at[1] >= 'a';
        drawing_point point = {(left + at[0] - '0') * unit_x,
                               (at[1] - (on_curve ? 'e' : 'E')) * unit_y};
        if (pulled && on_curve)
            bend(s, control, point);
        else if (pulled)
            bend(s, control, (drawing_point){(control.x + point.x) / 2, (control.y + point.y) / 2});
        else if (on_curve)
            reach(s, point);
        control = point;
        pulled = !on_curve;
    }
    return at;
}

void strokes_of(const char *text, strokes_take *take, void *context)
{
    double left = gap / 2;
    stroke s;
    while (*text) {
        const char *letter = next_letter(&text);
        for (const char *at = letter + 1; *at;) {
            at += *at == ' ';
            at = follow(&s, at, left);
            take(context, s.points, s.count);
        }
        left += letter[0] - '0' + gap;
    }
}
