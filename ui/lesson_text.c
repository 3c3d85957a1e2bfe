/* Blocks of a chapter to lines: md4c reads the inline Markdown, our own table measures columns. */
#include "ui/lesson_text.h"

#include "ui/terminal/text.h"

#include <md4c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAGRAPH = 16384, MARKS = 64 };

typedef struct {
    lesson_page *page;
    int columns, room, section, guess;
    nn_status status;
    nn_error *error;
} layout;

/* --- lines --------------------------------------------------------------------------------------
 */

static lesson_line *add_line(layout *l, lesson_line_kind kind, const char *indent, const char *text,
                             size_t length)
{
    if (l->page->lines == l->room) {
        int room = l->room ? 2 * l->room : 128;
        lesson_line *line = realloc(l->page->line, (size_t)room * sizeof *line);
        if (!line) {
            l->status = nn_fail(l->error, NN_E_NOMEM, "no memory for the page");
            return NULL;
        }
        l->page->line = line;
        l->room = room;
    }
    size_t before = strlen(indent);
    char *copy = malloc(before + length + 1);
    if (!copy) {
        l->status = nn_fail(l->error, NN_E_NOMEM, "no memory for the page");
        return NULL;
    }
    memcpy(copy, indent, before);
    if (length > 0)
        memcpy(copy + before, text, length);
    copy[before + length] = '\0';
    lesson_line *line = &l->page->line[l->page->lines++];
    *line = (lesson_line){.kind = kind, .text = copy, .section = l->section, .guess = l->guess};
    return line;
}

static void blank_line(layout *l)
{
    if (l->page->lines > 0)
        add_line(l, LESSON_LINE_BLANK, "", "", 0);
}

/* --- inline Markdown ----------------------------------------------------------------------------
 */

typedef struct {
    char text[PARAGRAPH];
    size_t used;
    lesson_mark mark[MARKS];
    int marks, open;
} plain;

static int no_block(MD_BLOCKTYPE type, void *detail, void *context)
{
    (void)type;
    (void)detail;
    (void)context;
    return 0;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *context)
{
    plain *p = context;
    (void)detail;
    if ((type == MD_SPAN_STRONG || type == MD_SPAN_CODE) && p->marks < MARKS)
        p->mark[p->open = p->marks++] =
            (lesson_mark){.start = (int)p->used, .code = type == MD_SPAN_CODE};
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *context)
{
    plain *p = context;
    (void)detail;
    if ((type == MD_SPAN_STRONG || type == MD_SPAN_CODE) && p->open >= 0) {
        p->mark[p->open].length = (int)p->used - p->mark[p->open].start;
        p->open = -1;
    }
    return 0;
}

static int add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *context)
{
    plain *p = context;
    bool space = type == MD_TEXT_SOFTBR || type == MD_TEXT_BR;
    if (p->used + size + 1 >= sizeof p->text)
        return 1;
    if (space)
        p->text[p->used++] = ' ';
    else
        memcpy(p->text + p->used, text, size);
    p->used += space ? 0 : size;
    p->text[p->used] = '\0';
    return 0;
}

static bool read_inline(const char *markdown, plain *p)
{
    /* A paragraph that begins like a list or a heading is none: blocks were cut before. */
    const MD_PARSER parser = {.flags = MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS,
                              .enter_block = no_block,
                              .leave_block = no_block,
                              .enter_span = enter_span,
                              .leave_span = leave_span,
                              .text = add_text};
    p->used = 0;
    p->marks = 0;
    p->open = -1;
    p->text[0] = '\0';
    return md_parse(markdown, (MD_SIZE)strlen(markdown), &parser, p) == 0;
}

/* The part of each mark that lies on the line text[start, start + length). */
static void put_marks(lesson_line *line, const plain *p, size_t start, size_t length, size_t indent)
{
    for (int i = 0; i < p->marks && line->marks < 8; i++) {
        int from = p->mark[i].start, to = from + p->mark[i].length;
        from = from > (int)start ? from : (int)start;
        to = to < (int)(start + length) ? to : (int)(start + length);
        if (from < to)
            line->mark[line->marks++] = (lesson_mark){.start = from - (int)start + (int)indent,
                                                      .length = to - from,
                                                      .code = p->mark[i].code};
    }
}

/* Wraps Markdown; `first` stands before the first line, `indent` before the others. */
static void wrap(layout *l, lesson_line_kind kind, const char *markdown, const char *first,
                 const char *indent)
{
    plain *p = malloc(sizeof *p);
    if (!p || !read_inline(markdown, p)) {
        l->status = nn_fail(l->error, NN_E_NOMEM, "a paragraph of the page cannot be laid out");
        free(p);
        return;
    }
    const char *at = p->text;
    while (*at && l->status == NN_OK) {
        const char *before = at == p->text ? first : indent, *next;
        size_t length = text_wrap_line(at, l->columns - text_columns(before), &next);
        lesson_line *line = add_line(l, kind, before, at, length);
        if (line)
            put_marks(line, p, (size_t)(at - p->text), length, strlen(before));
        at = next;
    }
    free(p);
}

/* --- blocks -------------------------------------------------------------------------------------
 */

/* Each line as it stands, indented. */
static void verbatim(layout *l, lesson_line_kind kind, const char *text)
{
    while (*text && l->status == NN_OK) {
        size_t length = strcspn(text, "\n");
        add_line(l, kind, "    ", text, length);
        text += length + (text[length] == '\n');
    }
}

static void put_guess(layout *l, const lesson_block *block, const char *text)
{
    lesson_page *page = l->page;
    if (page->guesses == (int)(sizeof page->guess / sizeof *page->guess))
        return;
    lesson_guess *guess = &page->guess[page->guesses];
    if (lesson_guess_read(block->info, text, strlen(text), guess, l->error) != NN_OK)
        return; /* the linter complains */
    l->guess = page->guesses++;
    wrap(l, LESSON_LINE_ASK, guess->question, "? ", "  ");
    for (int i = 0; i < guess->options; i++) {
        char letter[8];
        snprintf(letter, sizeof letter, "  %c) ", 'a' + i);
        wrap(l, LESSON_LINE_OPTION, guess->option[i].text, letter, "     ");
    }
    for (int i = 0; i < guess->options; i++) {
        char letter[8];
        snprintf(letter, sizeof letter, "  %c%c ", guess->right == i ? '*' : ' ', 'a' + i);
        wrap(l, LESSON_LINE_REASON, guess->option[i].reason, letter, "     ");
    }
    l->guess = -1;
}

static void put_block(layout *l, const lesson_block *block, const char *text)
{
    switch (block->kind) {
    case BLOCK_HEADING:
        l->section = l->page->sections++;
        blank_line(l);
        wrap(l, LESSON_LINE_HEADING, text, "", "");
        return;
    case BLOCK_PARAGRAPH:
        blank_line(l);
        wrap(l, LESSON_LINE_TEXT, text, "", "");
        return;
    case BLOCK_ITEM:
        blank_line(l);
        wrap(l, LESSON_LINE_ITEM, text, "- ", "  ");
        return;
    case BLOCK_MATH:
        blank_line(l);
        verbatim(l, LESSON_LINE_MATH, text);
        return;
    case BLOCK_CODE:
        blank_line(l);
        if (strchr(block->info, ' '))
            add_line(l, LESSON_LINE_SOURCE, "    ", strchr(block->info, ' ') + 1,
                     strlen(strchr(block->info, ' ') + 1));
        verbatim(l, LESSON_LINE_CODE, text);
        return;
    case BLOCK_GUESS:
        blank_line(l);
        put_guess(l, block, text);
        return;
    }
}

/* The block's text with its expressions filled in; code keeps its braces. */
static void fill_block(layout *l, const lesson_block *block, const lesson_scope *scope)
{
    char *raw = malloc(2 * (size_t)PARAGRAPH), *text = raw ? raw + PARAGRAPH : NULL;
    if (!raw || block->length >= PARAGRAPH) {
        l->status = nn_fail(l->error, NN_E_NOMEM, "a paragraph of the page is too long");
        free(raw);
        return;
    }
    memcpy(raw, block->text, block->length);
    raw[block->length] = '\0';
    nn_error why = {NN_OK, ""};
    if (block->kind != BLOCK_CODE && block->kind != BLOCK_MATH) {
        if (lesson_fill(scope, raw, text, PARAGRAPH, &why) != NN_OK && l->error &&
            l->error->code == NN_OK)
            *l->error = why;
        put_block(l, block, text);
    } else {
        put_block(l, block, raw);
    }
    free(raw);
}

nn_status lesson_page_make(const lesson_source *source, lesson_language language, int columns,
                           const lesson_scope *scope, lesson_page *page, nn_error *error)
{
    *page = (lesson_page){0};
    layout l = {.page = page, .columns = columns > 20 ? columns : 20, .guess = -1, .error = error};
    const char *at = source->text[language];
    if (!at || !*at) {
        at = source->text[language == LESSON_EN ? LESSON_KO : LESSON_EN];
        page->other_language = true;
    }
    lesson_block block;
    int line = 1;
    while (l.status == NN_OK && lesson_block_next(&at, &line, &block))
        fill_block(&l, &block, scope);
    if (l.status != NN_OK)
        lesson_page_free(page);
    return l.status;
}

void lesson_page_free(lesson_page *page)
{
    for (int i = 0; i < page->lines; i++)
        free(page->line[i].text);
    free(page->line);
    *page = (lesson_page){0};
}

const char *lesson_filled(const lesson_scope *scope, lesson_text text, lesson_language language,
                          char *out, size_t size)
{
    (void)lesson_fill(scope, lesson_say(text, language), out, size, NULL);
    return out;
}
