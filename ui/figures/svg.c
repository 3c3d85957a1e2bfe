/* A drawing as SVG 1.1. */
#include "ui/figures/drawing.h"

#include <utf8proc.h>

/* XML 1.0 allows no control characters; bytes that are not UTF-8 are replaced. */
static void write_text(FILE *out, const char *text)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    while (*at) {
        utf8proc_int32_t code;
        utf8proc_ssize_t length = utf8proc_iterate(at, -1, &code);
        if (length <= 0) {
            fputs("\xef\xbf\xbd", out);
            at++;
            continue;
        }
        if (code == '<')
            fputs("&lt;", out);
        else if (code == '>')
            fputs("&gt;", out);
        else if (code == '&')
            fputs("&amp;", out);
        else if (code < ' ' || code == 0x7f || code == 0xfffe || code == 0xffff)
            fputc(' ', out);
        else
            fwrite(at, 1, (size_t)length, out);
        at += length;
    }
}

static void write_line(const drawn *item, FILE *out)
{
    fprintf(out, "<path d=\"");
    for (int i = 0; i < item->count; i++)
        fprintf(out, "%s%.2f %.2f",
                i == 0   ? "M"
                : i == 1 ? "L"
                         : " ",
                item->points[i].x, item->points[i].y);
    if (item->count == 1)
        fputs("h0", out); /* a dot */
    fprintf(out, "\" stroke=\"#%06x\" stroke-width=\"%g\"", (unsigned)item->colour, item->width);
    if (item->dash > 0)
        fprintf(out, " stroke-dasharray=\"%g %g\"", item->dash, item->dash);
    fputs("/>\n", out);
}

static void write_words(const drawn *item, FILE *out)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    const drawing_font *font = &item->font;
    drawing_point at = item->points[0];
    fprintf(out, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%g\" fill=\"#%06x\"", at.x, at.y,
            font->size, (unsigned)font->colour);
    if (font->anchor != ANCHOR_START)
        fprintf(out, " text-anchor=\"%s\"", anchors[font->anchor]);
    if (font->bold)
        fputs(" font-weight=\"bold\"", out);
    if (font->upwards)
        fprintf(out, " transform=\"rotate(-90 %.2f %.2f)\"", at.x, at.y);
    fputc('>', out);
    write_text(out, item->text);
    fputs("</text>\n", out);
}

nn_status drawing_write_svg(const drawing *d, const char *title, FILE *out, nn_error *error)
{
    if (d->incomplete)
        return nn_fail(error, NN_E_NOMEM, "out of memory for the picture");
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
            d->width, d->height, d->width, d->height);
    write_text(out, title);
    fprintf(out, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", d->width,
            d->height);
    fputs("<g fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\" "
          "font-family=\"DejaVu Sans, Verdana, Helvetica, Arial, sans-serif\">\n",
          out);
    for (int i = 0; i < d->count; i++) {
        const drawn *item = &d->items[i];
        const drawing_point *p = item->points;
        if (item->kind == DRAWN_LINE)
            write_line(item, out);
        else if (item->kind == DRAWN_TEXT)
            write_words(item, out);
        else
            fprintf(out,
                    "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
                    "fill=\"#%06x\"/>\n",
                    p[0].x, p[0].y, p[1].x - p[0].x, p[1].y - p[0].y, (unsigned)item->colour);
    }
    fputs("</g>\n</svg>\n", out);
    return ferror(out) ? nn_fail(error, NN_E_IO, "the picture could not be written") : NN_OK;
}
