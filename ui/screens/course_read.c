/* The page of a chapter: sections, guesses that open what comes after them, what is lit. */
#include "ui/screens/course.h"

#include "ui/terminal/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_COLUMNS = 74, WIDE = 110 };

/* --- laying out ---------------------------------------------------------------------------------
 */

void course_read_free(app *a)
{
    course_read *r = &a->course->read;
    lesson_page_free(&r->page);
    trace_free(r->trace);
    *r = (course_read){.term = -1, .symbol = -1, .want_block = -1};
}

static bool is_answered(const app *a, int guess)
{
    return course_item(a, a->course->chapter, "guess", a->course->read.page.guess[guess].id);
}

int course_read_lines(const app *a, int *lines, int *open)
{
    const course_read *r = &a->course->read;
    int count = 0;
    *open = -1;
    for (int i = 0; i < r->page.lines; i++) {
        const lesson_line *line = &r->page.line[i];
        if (line->section != r->section || (count == 0 && line->kind == LESSON_LINE_BLANK))
            continue;
        if (*open < 0 && line->guess >= 0 && !is_answered(a, line->guess))
            *open = line->guess;
        if (*open >= 0 && (line->guess != *open || line->kind == LESSON_LINE_REASON))
            continue; /* once it is open, nothing else follows */
        lines[count++] = i;
    }
    return count;
}

/* Which block of the section the line at `top` belongs to: the same in both languages. */
static int block_at(const course_read *r, const int *lines, int count, int top)
{
    int block = 0;
    for (int i = 0; i <= top && i < count; i++)
        block += r->page.line[lines[i]].kind == LESSON_LINE_BLANK;
    return block;
}

static int line_of_block(const course_read *r, const int *lines, int count, int block)
{
    int top = 0;
    while (top < count && block_at(r, lines, count, top) < block)
        top++;
    top += top < count && r->page.line[lines[top]].kind == LESSON_LINE_BLANK;
    return top < count ? top : 0;
}

/* How far down the section can be scrolled. */
static int last_top(const course_read *r, int count)
{
    return count > r->rows ? count - r->rows : 0;
}

static int *room_for_lines(const course_read *r)
{
    return calloc((size_t)r->page.lines + 1, sizeof(int));
}

static int block_now(const app *a)
{
    const course_read *r = &a->course->read;
    int open, *lines = room_for_lines(r);
    int block = lines ? block_at(r, lines, course_read_lines(a, lines, &open), r->top) : 0;
    free(lines);
    return block;
}

/* The whole text spelt out; NULL (as if it was missing) without memory. */
static char *plain_text(const app *a, const char *text)
{
    size_t size = 4 * strlen(text) + 1;
    char *plain = malloc(size);
    if (plain)
        course_plain(a, text, plain, size);
    return plain;
}

/* Again after the language was changed. A page of TEXT_COLUMNS fits every size of the screen. */
static void lay_out(app *a)
{
    course_read *r = &a->course->read;
    if (r->columns > 0 && r->language == a->course->language && r->glyphs == a->glyphs)
        return;
    nn_error error = {0};
    lesson_scope scope = {.trace = r->trace};
    lesson_source source = *course_source(a);
    char *plain[LESSON_LANGUAGES] = {0};
    if (r->columns > 0 && r->want_block < 0)
        r->want_block = block_now(a);
    lesson_page_free(&r->page);
    r->columns = TEXT_COLUMNS;
    r->language = a->course->language;
    for (int i = 0; i < LESSON_LANGUAGES && a->glyphs == GLYPHS_ASCII; i++)
        source.text[i] = plain[i] = plain_text(a, source.text[i]);
    r->glyphs = a->glyphs;
    if (lesson_page_make(&source, r->language, TEXT_COLUMNS, &scope, &r->page, &error) != NN_OK)
        app_say(a, ROLE_BAD, "%s", error.text);
    for (int i = 0; i < LESSON_LANGUAGES; i++)
        free(plain[i]);
    if (r->section >= r->page.sections)
        r->section = r->page.sections > 0 ? r->page.sections - 1 : 0;
}

void course_read_open(app *a)
{
    course_screen *s = a->course;
    const progress_place *place = &s->place[s->chapter];
    nn_error error = {0};
    course_read_free(a);
    s->read.trace = trace_run(course_source(a)->lesson->trace, &error);
    if (!s->read.trace)
        app_say(a, ROLE_BAD, "%s", error.text);
    s->read.section = place->section;
    if (strcmp(place->mode, "read") == 0)
        s->read.want_block = place->item;
    else
        s->place[s->chapter].item = 0;
    s->read.rows = a->h - 5;
    lay_out(a);
}

/* --- drawing ------------------------------------------------------------------------------------
 */

static canvas_role role_of(lesson_line_kind kind)
{
    switch (kind) {
    case LESSON_LINE_HEADING:
    case LESSON_LINE_MATH:
        return ROLE_TITLE;
    case LESSON_LINE_SOURCE:
        return ROLE_DIM;
    case LESSON_LINE_ASK:
        return ROLE_WARN;
    case LESSON_LINE_OPTION:
        return ROLE_KEY;
    case LESSON_LINE_BLANK:
    case LESSON_LINE_TEXT:
    case LESSON_LINE_ITEM:
    case LESSON_LINE_CODE:
    case LESSON_LINE_REASON:
        break;
    }
    return ROLE_TEXT;
}

/* Gives bytes [start, start + length) of the text, drawn from column x on, another role. */
static void light(canvas *c, const char *text, int x, int y, int start, int length,
                  canvas_role role)
{
    char before[512], lit[512];
    snprintf(before, sizeof before, "%.*s", start, text);
    snprintf(lit, sizeof lit, "%.*s", length, text + start);
    canvas_role_fill(c, (canvas_rect){x + text_columns(before), y, text_columns(lit), 1}, role);
}

/* The letter that was chosen, or 0. */
static char chosen(const app *a, int guess)
{
    const progress_item *item =
        course_item(a, a->course->chapter, "guess", a->course->read.page.guess[guess].id);
    return item ? item->answer[0] : '\0';
}

static void draw_line(const app *a, canvas *c, const lesson_line *line, int y,
                      const trace_entry *symbol)
{
    const char *text = line->text;
    bool verbatim = line->kind == LESSON_LINE_MATH || line->kind == LESSON_LINE_CODE;
    int x = 2, cut = 0, length;
    if (verbatim && text_columns(text) > c->clip.w - 4) { /* formulas may be as wide as the box */
        cut = (int)strspn(text, " ") < 4 ? (int)strspn(text, " ") : 4;
        x = 1;
    }
    canvas_text(c, x, y, c->clip.w - x, role_of(line->kind), text + cut);
    for (int i = 0; i < line->marks; i++)
        light(c, text, x, y, line->mark[i].start, line->mark[i].length,
              line->mark[i].code ? ROLE_KEY : ROLE_TITLE);
    for (int at = 0; symbol && (at = course_symbol_in(line, symbol, at, &length)) >= 0;
         at += length)
        if (at >= cut)
            light(c, text + cut, x, y, at - cut, length, ROLE_SELECT);
    /* "  *a because": the reason for what was chosen */
    if (line->kind == LESSON_LINE_REASON && strlen(text) > 5 && text[3] != ' ' &&
        text[3] == chosen(a, line->guess))
        canvas_text(c, 1, y, 1, ROLE_KEY, ">");
}

static void draw_term(const app *a, canvas *c, const course_term_hit *hit, const int *lines,
                      int count)
{
    const course_read *r = &a->course->read;
    for (int i = r->top; i < count && i < r->top + r->rows; i++) {
        if (lines[i] != hit->line)
            continue;
        light(c, r->page.line[lines[i]].text, 2, i - r->top, hit->start, hit->here, ROLE_SELECT);
        c->cursor_x = c->clip.x + 2, c->cursor_y = c->clip.y + i - r->top;
        if (hit->rest > 0 && i + 1 < count && i + 1 < r->top + r->rows)
            light(c, r->page.line[lines[i + 1]].text, 2, i + 1 - r->top, hit->rest_start, hit->rest,
                  ROLE_SELECT);
    }
}

static void draw_prompt(const app *a, canvas *c, int y, int options)
{
    char text[160];
    snprintf(text, sizeof text,
             course_word(a, "  Guess: a-%c   or 0 to see it without guessing. Nothing is graded.",
                         "  짐작: a-%c   또는 0으로 그냥 보기. 채점하지 않습니다."),
             'a' + options - 1);
    canvas_text(c, 2, y, -1, ROLE_DIM, text);
}

static void draw_text(app *a, canvas *c)
{
    course_read *r = &a->course->read;
    int open, *lines = room_for_lines(r);
    if (!lines)
        return;
    int count = course_read_lines(a, lines, &open), total = count + (open >= 0);
    r->rows = c->clip.h;
    if (r->want_block >= 0)
        r->top = r->want_block > 0 ? line_of_block(r, lines, count, r->want_block) : 0;
    r->want_block = -1;
    r->top = r->top > last_top(r, total) ? last_top(r, total) : r->top;
    int symbols[TRACE_VALUES];
    int named = r->symbol >= 0 ? course_find_symbols(a, lines, count, symbols) : 0;
    const trace_entry *symbol =
        r->symbol < named && r->symbol >= 0 ? trace_at(r->trace, symbols[r->symbol]) : NULL;
    for (int i = 0; i < r->rows && r->top + i < count; i++)
        draw_line(a, c, &r->page.line[lines[r->top + i]], i, symbol);
    if (open >= 0 && count - r->top < r->rows)
        draw_prompt(a, c, count - r->top, r->page.guess[open].options);
    course_term_hit hits[TERM_HITS];
    if (r->term >= 0 && r->term < course_find_terms(a, lines, count, hits))
        draw_term(a, c, &hits[r->term], lines, count);
    list_view bar = {.count = total, .selected = -1, .top = r->top, .rows = r->rows};
    list_draw_bar(&bar, c, c->clip.w - 1, 0);
    free(lines);
}

/* --- beside the text ----------------------------------------------------------------------------
 */

static void draw_contents(const app *a, canvas *c)
{
    const course_read *r = &a->course->read;
    int y = 0, section = -1;
    for (int i = 0; i < r->page.lines && y < c->clip.h; i++) {
        const lesson_line *line = &r->page.line[i];
        if (line->kind != LESSON_LINE_HEADING || line->section == section)
            continue;
        section = line->section;
        canvas_format(c, 0, y, -1, ROLE_TEXT, "%c%2d ", section == r->section ? '>' : ' ',
                      section + 1);
        y += canvas_wrap(c, (canvas_rect){4, y, c->clip.w - 5, c->clip.h - y},
                         section == r->section ? ROLE_TITLE : ROLE_TEXT, line->text);
    }
}

static void draw_words(const app *a, canvas *c)
{
    const course_read *r = &a->course->read;
    course_term_hit hits[TERM_HITS];
    int open, y = 0, *lines = room_for_lines(r);
    int count = lines ? course_find_terms(a, lines, course_read_lines(a, lines, &open), hits) : 0;
    free(lines);
    for (int i = 0; i < count && y < c->clip.h; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s: %s", course_say(a, hits[i].term->term),
                 course_say(a, hits[i].term->meaning));
        if (y + text_wrap_rows(text, c->clip.w - 2) > c->clip.h)
            break;
        y += canvas_wrap(c, (canvas_rect){1, y, c->clip.w - 2, c->clip.h - y},
                         i == r->term ? ROLE_SELECT : ROLE_TEXT, text);
    }
    if (count == 0)
        canvas_text(c, 1, 0, -1, ROLE_DIM, course_word(a, "None on this page.", "없습니다."));
}

static void draw_box(const app *a, canvas *c, canvas_rect area, const char *title,
                     void (*draw)(const app *a, canvas *c))
{
    canvas_box(c, area, title, false);
    canvas_rect old = canvas_push(c, (canvas_rect){area.x + 1, area.y + 1, area.w - 2, area.h - 2});
    draw(a, c);
    canvas_pop(c, old);
}

/* Blocks that differ mean that one text was changed and the other was not. */
static bool is_stale(const lesson_source *source)
{
    const char *at[2] = {source->text[0], source->text[1]};
    lesson_block block[2];
    int line[2] = {1, 1};
    for (;;) {
        bool more = lesson_block_next(&at[0], &line[0], &block[0]);
        if (more != lesson_block_next(&at[1], &line[1], &block[1]) ||
            (more && block[0].kind != block[1].kind))
            return true;
        if (!more)
            return false;
    }
}

static const char *mark_of(const app *a)
{
    if (a->course->read.page.other_language)
        return course_word(a, "  [not translated yet]", "  [아직 번역 전]");
    if (a->course->language == LESSON_KO && is_stale(course_source(a)))
        return "  [번역이 원문보다 오래됨]";
    return "";
}

void course_read_draw(app *a, canvas *c)
{
    course_read *r = &a->course->read;
    int w = c->clip.w >= WIDE ? 80 : c->clip.w, h = c->clip.h;
    lay_out(a);
    char title[256];
    snprintf(title, sizeof title, "*%d %s  %d/%d%s", a->course->chapter,
             course_say(a, lesson_title(a->course->chapter)), r->section + 1, r->page.sections,
             mark_of(a));
    canvas_box(c, (canvas_rect){0, 0, w, h}, title, true);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, w - 2, h - 2});
    draw_text(a, c);
    canvas_pop(c, old);
    if (w == c->clip.w)
        return;
    int contents = r->page.sections + 4 < h / 2 ? r->page.sections + 4 : h / 2;
    draw_box(a, c, (canvas_rect){w, 0, c->clip.w - w, h - contents},
             course_word(a, "Words on this page", "이 쪽의 용어"), draw_words);
    draw_box(a, c, (canvas_rect){w, h - contents, c->clip.w - w, contents},
             course_word(a, "Contents", "차례"), draw_contents);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void go_section(app *a, int section, bool at_end)
{
    course_read *r = &a->course->read;
    r->section = section;
    r->top = at_end ? r->page.lines : 0; /* drawing keeps it in range */
    r->term = r->symbol = -1;
}

void course_read_jump(app *a, int number)
{
    course_read *r = &a->course->read;
    int last = r->page.sections - 1;
    go_section(a, number < 1 ? 0 : number - 1 > last ? last : number - 1, false);
}

static void save(app *a)
{
    course_screen *s = a->course;
    s->place[s->chapter].item = block_now(a);
    course_save_place(a);
}

static void turn(app *a, int by)
{
    course_read *r = &a->course->read;
    int open, *lines = room_for_lines(r);
    if (!lines)
        return;
    int count = course_read_lines(a, lines, &open), last = last_top(r, count + (open >= 0));
    free(lines);
    int to = r->section + by;
    if (by > 0 && r->top < last)
        r->top = r->top + r->rows - 1 < last ? r->top + r->rows - 1 : last;
    else if (by < 0 && r->top > 0)
        r->top = r->top > r->rows - 1 ? r->top - r->rows + 1 : 0;
    else if (by > 0 && open >= 0)
        app_say(a, ROLE_WARN,
                course_word(a, "Guess with a-%c, or 0 shows it; then the page goes on.",
                            "a-%c로 짐작하거나 0으로 보면 다음이 열립니다."),
                'a' + r->page.guess[open].options - 1);
    else if (to >= 0 && to < r->page.sections)
        go_section(a, to, by < 0);
    else if (by > 0)
        course_next_pane(a, 1);
    if (a->course->pane == PANE_READ)
        save(a);
}

static void scroll(app *a, command_id what)
{
    course_read *r = &a->course->read;
    int open, *lines = room_for_lines(r);
    if (!lines)
        return;
    int count = course_read_lines(a, lines, &open);
    list_view list = {.count = last_top(r, count + (open >= 0)) + 1, .selected = r->top};
    list_do(&list, what);
    r->top = list.selected;
    free(lines);
    save(a);
}

/* The reasons come into sight. */
static void reveal(app *a, int guess, const char *outcome, const char *letter)
{
    course_read *r = &a->course->read;
    progress_item item = {.chapter = a->course->chapter, .kind = "guess"};
    snprintf(item.id, sizeof item.id, "%s", r->page.guess[guess].id);
    snprintf(item.outcome, sizeof item.outcome, "%s", outcome);
    snprintf(item.answer, sizeof item.answer, "%s", letter);
    course_save_item(a, &item);
    int open, ask = 0, reasons = 0, *lines = room_for_lines(r);
    int count = lines ? course_read_lines(a, lines, &open) : 0;
    for (int i = 0; i < count; i++) {
        if (r->page.line[lines[i]].guess != guess)
            continue;
        ask = reasons == 0 ? i : ask;
        reasons++;
    }
    if (ask + reasons > r->top + r->rows)
        r->top = ask;
    free(lines);
    const lesson_guess *asked = &r->page.guess[guess];
    if (!*letter)
        app_say(a, ROLE_TEXT,
                course_word(a, "It is %c. Why, and why not the others: below.",
                            "답은 %c입니다. 이유는 아래에 있습니다."),
                'a' + asked->right);
    else if (letter[0] - 'a' == asked->right)
        app_say(a, ROLE_GOOD, "%s",
                course_word(a, "That is it. Space goes on.", "맞습니다. 스페이스로 이어집니다."));
    else
        app_say(a, ROLE_TEXT,
                course_word(a, "It is %c; > shows why your %c does not hold.",
                            "답은 %c입니다. %c가 아닌 이유는 > 표시를 보세요."),
                'a' + asked->right, letter[0]);
}

static int open_guess(const app *a)
{
    int open = -1, *lines = room_for_lines(&a->course->read);
    if (lines)
        course_read_lines(a, lines, &open);
    free(lines);
    return open;
}

bool course_read_guess(app *a, const char *letter)
{
    int open = open_guess(a);
    if (open < 0 || letter[0] < 'a' || letter[1] ||
        letter[0] >= 'a' + a->course->read.page.guess[open].options)
        return false;
    reveal(a, open, "guessed", letter);
    return true;
}

bool course_read_key(app *a, const key_event *key)
{
    char letter[2] = {key->ch < 128 ? (char)key->ch : 0, 0};
    return key->code == UI_KEY_CHAR && !key->ctrl && course_read_guess(a, letter);
}

/* The next word or name; brings its line into sight. */
static void light_next(app *a, bool terms, int by)
{
    course_read *r = &a->course->read;
    course_term_hit hits[TERM_HITS];
    int symbols[TRACE_VALUES], open, *lines = room_for_lines(r);
    if (!lines)
        return;
    int count = course_read_lines(a, lines, &open);
    int found = terms ? course_find_terms(a, lines, count, hits)
                      : course_find_symbols(a, lines, count, symbols);
    int at = terms ? r->term : r->symbol;
    at = at + by >= found ? -1 : at + by < -1 ? found - 1 : at + by;
    r->term = terms ? at : -1;
    r->symbol = terms ? -1 : at;
    if (found == 0)
        app_say(a, ROLE_DIM, "%s",
                terms
                    ? course_word(a, "No word of the glossary here.", "이 쪽에는 용어가 없습니다.")
                    : course_word(a, "No formula or code with a name of the worked example here.",
                                  "이 쪽에는 예제의 기호가 없습니다."));
    for (int i = 0, length; i < count && at >= 0; i++) {
        bool here = terms ? lines[i] == hits[at].line
                          : course_symbol_in(&r->page.line[lines[i]],
                                             trace_at(r->trace, symbols[at]), 0, &length) >= 0;
        if (!here)
            continue;
        r->top = i < r->top || i >= r->top + r->rows ? i : r->top;
        break;
    }
    free(lines);
}

bool course_read_do(app *a, command_id what)
{
    switch (what) {
    case DO_COURSE_NEXT:
    case DO_COURSE_RIGHT:
        turn(a, 1);
        return true;
    case DO_COURSE_LEFT:
        turn(a, -1);
        return true;
    case DO_COURSE_SHOW:
        if (open_guess(a) >= 0)
            reveal(a, open_guess(a), "skipped", "");
        else
            app_say(a, ROLE_DIM, "%s",
                    course_word(a, "No question is open here; Space goes on.",
                                "열린 질문이 없습니다. 스페이스로 이어집니다."));
        return true;
    case DO_COURSE_TERM:
    case DO_COURSE_TERM_BACK:
        light_next(a, true, what == DO_COURSE_TERM ? 1 : -1);
        return true;
    case DO_COURSE_SYMBOL:
        light_next(a, false, 1);
        return true;
    case DO_UP:
    case DO_DOWN:
    case DO_PAGE_UP:
    case DO_PAGE_DOWN:
    case DO_FIRST:
    case DO_LAST:
        scroll(a, what);
        return true;
    default:
        return false;
    }
}

static void say_symbol(const app *a, const trace_entry *entry, char *text, size_t size)
{
    char value[80];
    snprintf(text, size, "{%s} = %s: %s", entry->name,
             course_value_text(entry, value, sizeof value),
             course_say(a, entry->input ? entry->given.what : entry->note.what));
}

const char *course_read_word(const app *a)
{
    const course_read *r = &a->course->read;
    course_term_hit hits[TERM_HITS];
    int open, *lines = room_for_lines(r);
    int count = lines ? course_find_terms(a, lines, course_read_lines(a, lines, &open), hits) : 0;
    free(lines);
    return r->term >= 0 && r->term < count ? course_say(a, hits[r->term].term->term) : "";
}

void course_read_standing(const app *a, char *text, size_t size)
{
    const course_read *r = &a->course->read;
    course_term_hit hits[TERM_HITS];
    int symbols[TRACE_VALUES], open = -1, *lines = room_for_lines(r);
    int count = lines ? course_read_lines(a, lines, &open) : 0;
    if (r->term >= 0 && r->term < course_find_terms(a, lines, count, hits))
        snprintf(text, size, "{%s}: %s", course_say(a, hits[r->term].term->term),
                 course_say(a, hits[r->term].term->meaning));
    else if (r->symbol >= 0 && r->symbol < course_find_symbols(a, lines, count, symbols))
        say_symbol(a, trace_at(r->trace, symbols[r->symbol]), text, size);
    else if (open >= 0)
        snprintf(text, size, "%s",
                 course_word(a, "The rest of this page opens after the guess.",
                             "나머지는 짐작한 뒤에 열립니다."));
    else if (r->section + 1 == r->page.sections)
        snprintf(text, size, "%s",
                 course_word(a, "The last page: Space leads to the worked example.",
                             "마지막 쪽입니다. 스페이스로 풀이 예제로 갑니다."));
    else
        snprintf(text, size, "%s",
                 course_word(a, "Space turns the page. Tab: words. m: formula and code.",
                             "스페이스: 다음 쪽.  Tab: 용어.  m: 수식과 코드."));
    free(lines);
}
