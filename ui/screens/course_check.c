/* The checks of a chapter: questions, what was answered, hints both ways, reasons. */
#include "ui/screens/course.h"

#include "ui/terminal/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 74 };

static const lesson_check *check_at(const app *a)
{
    return &course_source(a)->lesson->checks[a->course->check.at];
}

static course_answered *answered_at(const app *a)
{
    return &a->course->check.answered[a->course->check.at];
}

static bool is_settled(const course_answered *answered)
{
    return answered->shown || (answered->tried && (answered->verdict.outcome == CHECK_RIGHT ||
                                                   answered->verdict.outcome == CHECK_NEARLY));
}

/* --- opening ------------------------------------------------------------------------------------
 */

void course_check_free(app *a)
{
    trace_free(a->course->check.trace);
    a->course->check = (course_check){0};
}

/* The question's own inputs, whatever was edited elsewhere. */
static void take_inputs(app *a)
{
    course_check *s = &a->course->check;
    nn_error error = {0};
    trace_free(s->trace);
    s->trace = check_trace(course_source(a)->lesson, check_at(a), &error);
    if (!s->trace)
        app_say(a, ROLE_BAD, "%s", error.text);
}

static void grade(app *a, const lesson_check *check, course_answered *answered)
{
    nn_error error = {0};
    answered->broken = check_grade(course_source(a)->lesson, check, answered->answer,
                                   &answered->verdict, &error) != NN_OK;
    if (answered->broken)
        snprintf(answered->problem, sizeof answered->problem, "%s", error.text);
}

/* As the learner left it. */
static void restore(app *a, const lesson_check *check, course_answered *answered)
{
    const progress_item *item = course_item(a, a->course->chapter, "check", check->id);
    *answered = (course_answered){0};
    if (!item)
        return;
    snprintf(answered->answer, sizeof answered->answer, "%s", item->answer);
    answered->shown = strcmp(item->outcome, "skipped") == 0;
    answered->tried = !answered->shown;
    grade(a, check, answered);
}

static void go_to(app *a, int at)
{
    course_screen *s = a->course;
    int count = lesson_check_count(course_source(a)->lesson);
    s->check.at = at < 0 ? 0 : at >= count ? count - 1 : at;
    s->check.top = 0;
    prompt_set(&s->check.line, "");
    take_inputs(a);
    s->place[s->chapter].item = s->check.at;
    course_save_place(a);
}

void course_check_open(app *a)
{
    course_screen *s = a->course;
    const lesson *l = course_source(a)->lesson;
    const progress_place *place = &s->place[s->chapter];
    bool here = strcmp(place->mode, "check") == 0;
    if (s->check.trace && s->check.chapter == s->chapter) {
        s->place[s->chapter].item = s->check.at;
        return;
    }
    course_check_free(a);
    s->check.chapter = s->chapter;
    for (int i = 0; i < lesson_check_count(l); i++)
        restore(a, &l->checks[i], &s->check.answered[i]);
    s->check.at = here && place->item < lesson_check_count(l) ? place->item : 0;
    s->place[s->chapter].item = s->check.at;
    take_inputs(a);
}

void course_check_jump(app *a, int number)
{
    go_to(a, number - 1);
}

/* --- answering ----------------------------------------------------------------------------------
 */

static void save(app *a, const char *outcome)
{
    const course_answered *answered = answered_at(a);
    progress_item item = {.chapter = a->course->chapter, .kind = "check"};
    snprintf(item.id, sizeof item.id, "%s", check_at(a)->id);
    snprintf(item.outcome, sizeof item.outcome, "%s", outcome);
    snprintf(item.answer, sizeof item.answer, "%s", answered->answer);
    item.hints = answered->hints;
    course_save_item(a, &item);
}

/* A chapter is done once every question was answered or its answer was looked at. */
static void finish(app *a)
{
    course_screen *s = a->course;
    int count = lesson_check_count(course_source(a)->lesson);
    for (int i = 0; i < count; i++)
        if (!is_settled(&s->check.answered[i]))
            return;
    if (s->place[s->chapter].done)
        return;
    s->place[s->chapter].done = true;
    course_save_done(a);
    app_say(a, ROLE_GOOD,
            course_word(a, "Chapter %d is done: %d of %d right. Space goes on.",
                        "%d장을 마쳤습니다. %d/%d개 맞음. 스페이스로 이어집니다."),
            s->chapter, course_passed(a, s->chapter), count);
}

bool course_check_answer(app *a, const char *text)
{
    course_answered *answered = answered_at(a);
    if (is_settled(answered))
        return false;
    snprintf(answered->answer, sizeof answered->answer, "%s", text);
    grade(a, check_at(a), answered);
    answered->tried = true;
    a->course->check.to_end = true;
    prompt_set(&a->course->check.line, "");
    if (!answered->broken && answered->verdict.outcome != CHECK_UNREADABLE)
        save(a, check_outcome_name(answered->verdict.outcome));
    finish(a);
    return true;
}

static void show_answer(app *a)
{
    course_answered *answered = answered_at(a);
    answered->answer[0] = '\0';
    grade(a, check_at(a), answered);
    answered->shown = true;
    answered->tried = false;
    a->course->check.to_end = true;
    prompt_set(&a->course->check.line, "");
    save(a, "skipped");
    finish(a);
}

static void change_hints(app *a, int by)
{
    course_answered *answered = answered_at(a);
    int hints = answered->hints + by;
    if (hints > LESSON_HINTS)
        app_say(a, ROLE_DIM, "%s",
                course_word(a, "That was the last hint; 0 shows the answer.",
                            "마지막 힌트였습니다. 0으로 답을 볼 수 있습니다."));
    answered->hints = hints < 0 ? 0 : hints > LESSON_HINTS ? LESSON_HINTS : hints;
    a->course->check.to_end = true;
}

/* --- what there is to see -----------------------------------------------------------------------
 */

typedef struct {
    const app *app;
    canvas *canvas; /* NULL: only counts */
    int y, top;
} sheet;

static void put(sheet *s, canvas_role role, const char *first, const char *text)
{
    int indent = text_columns(first);
    bool once = true;
    for (const char *at = text, *next; *at || once; at = next, s->y++) {
        char line[512];
        size_t length = text_wrap_line(at, COLUMNS - indent, &next);
        int y = s->y - s->top;
        if (s->canvas && y >= 0 && y < s->canvas->clip.h) {
            snprintf(line, sizeof line, "%.*s", (int)length, at);
            if (once)
                canvas_text(s->canvas, 2, y, -1, role, first);
            canvas_text(s->canvas, 2 + indent, y, -1, role, line);
        }
        once = false;
    }
}

static void put_filled(sheet *s, canvas_role role, const char *first, lesson_text text)
{
    char filled[2048];
    lesson_scope scope = {.trace = s->app->course->check.trace};
    char plain[2048];
    lesson_filled(&scope, text, s->app->course->language, filled, sizeof filled);
    put(s, role, first, course_plain(s->app, filled, plain, sizeof plain));
}

static void put_options(sheet *s, const lesson_check *check, const course_answered *answered)
{
    bool settled = is_settled(answered);
    for (int i = 0; i < LESSON_OPTIONS && check->options[i].holds; i++) {
        char letter[16];
        bool chosen = answered->tried && (answered->answer[0] | 32) == 'a' + i;
        bool right = settled && (int)answered->verdict.answer == i;
        snprintf(letter, sizeof letter, "%c%c%c) ", chosen ? '>' : ' ', right ? '*' : ' ', 'a' + i);
        put_filled(s, right ? ROLE_GOOD : ROLE_KEY, letter, check->options[i].text);
        if (settled || chosen)
            put_filled(s, ROLE_TEXT, "      ", check->options[i].why);
    }
}

static void put_line(sheet *s, const lesson_check *check)
{
    const app *a = s->app;
    char label[120];
    if (check->kind == CHECK_CHOICE) {
        put(s, ROLE_DIM, "",
            course_word(a, "A letter answers; 0 shows the answer. H: a hint.",
                        "글자로 답합니다. 0: 답 보기, H: 힌트."));
        return;
    }
    if (check->kind == CHECK_NUMBER)
        snprintf(label, sizeof label, course_word(a, "Answer (±%g): ", "답 (±%g): "),
                 check->tolerance);
    else
        snprintf(label, sizeof label, "%s",
                 course_word(a, "Shape, such as (4,3): ", "모양, 예를 들면 (4,3): "));
    int y = s->y++ - s->top;
    if (s->canvas && y >= 0 && y < s->canvas->clip.h)
        prompt_draw(&a->course->check.line, s->canvas, 2, y, COLUMNS, label, true);
    put(s, ROLE_DIM, "",
        course_word(a, "Type it, Enter checks it. 0 Space shows the answer. H: a hint.",
                    "적고 Enter. 0 스페이스: 답 보기, H: 힌트."));
}

static void put_outcome(sheet *s, const lesson_check *check, const course_answered *answered)
{
    const app *a = s->app;
    char text[512], answer[80];
    check_answer_text(check, &answered->verdict, answer, sizeof answer);
    if (answered->broken) {
        snprintf(text, sizeof text,
                 course_word(a, "The check itself failed, please report it: %.400s",
                             "문제 자체에 오류가 있습니다. 알려 주세요: %.400s"),
                 answered->problem);
        put(s, ROLE_BAD, "! ", text);
        return;
    }
    switch (answered->verdict.outcome) {
    case CHECK_RIGHT:
        snprintf(text, sizeof text, course_word(a, "%s: right.", "%s: 맞습니다."),
                 answered->answer);
        put(s, ROLE_GOOD, "= ", text);
        return;
    case CHECK_NEARLY:
        snprintf(text, sizeof text,
                 course_word(a, "%s: right, rounded; exactly %s.",
                             "%s: 반올림했지만 맞습니다. 정확히는 %s."),
                 answered->answer, answer);
        put(s, ROLE_GOOD, "= ", text);
        return;
    case CHECK_FORESEEN:
        snprintf(text, sizeof text,
                 check->kind == CHECK_CHOICE
                     ? course_word(a, "%s: not yet; why stands below it.",
                                   "%s: 아직 아닙니다. 이유는 보기 아래에 있습니다.")
                     : course_word(a, "%s: not yet, because:", "%s: 아직 아닙니다."),
                 answered->answer);
        put(s, ROLE_WARN, "! ", text);
        if (check->kind != CHECK_CHOICE) /* there it stands below the option */
            put_filled(s, ROLE_TEXT, "  ", answered->verdict.why);
        return;
    case CHECK_WRONG:
        snprintf(
            text, sizeof text,
            course_word(a, "%s: not yet. H gives a hint.", "%s: 아직 아닙니다. H로 힌트를 봅니다."),
            answered->answer);
        put(s, ROLE_WARN, "! ", text);
        return;
    case CHECK_UNREADABLE:
        snprintf(
            text, sizeof text,
            check->kind == CHECK_NUMBER
                ? course_word(a, "'%s' is no number (1/3, 1e-3 and 45 %% are): not counted.",
                              "'%s'은(는) 수가 아닙니다(1/3, 1e-3, 45 %% 가능). 세지 않습니다.")
            : check->kind == CHECK_SHAPE
                ? course_word(a, "'%s' is no shape such as (4,3): not counted.",
                              "'%s'은(는) (4,3) 같은 모양이 아닙니다. 세지 않습니다.")
                : course_word(a, "'%s' is none of the letters: not counted.",
                              "'%s'은(는) 보기의 글자가 아닙니다. 세지 않습니다."),
            answered->answer);
        put(s, ROLE_WARN, "? ", text);
        return;
    }
}

static void put_answer(sheet *s, const lesson_check *check, const course_answered *answered)
{
    char text[128], answer[80];
    if (answered->shown && !answered->broken) {
        snprintf(text, sizeof text, course_word(s->app, "The answer: %s", "답: %s"),
                 check_answer_text(check, &answered->verdict, answer, sizeof answer));
        put(s, ROLE_TITLE, "= ", text);
    }
    put_filled(s, ROLE_TEXT, "  ", check->explanation);
}

static void put_all(sheet *s)
{
    const lesson_check *check = check_at(s->app);
    const course_answered *answered = answered_at(s->app);
    put_filled(s, ROLE_TITLE, "", check->question);
    if (check->kind == CHECK_CHOICE) {
        s->y++;
        put_options(s, check, answered);
    }
    s->y++;
    if (!is_settled(answered))
        put_line(s, check);
    if (answered->tried || answered->broken)
        put_outcome(s, check, answered);
    if (is_settled(answered)) {
        put_answer(s, check, answered);
        return;
    }
    if (answered->hints > 0) {
        char first[32];
        snprintf(first, sizeof first, course_word(s->app, "Hint %d/%d: ", "힌트 %d/%d: "),
                 answered->hints, LESSON_HINTS);
        s->y++;
        put_filled(s, ROLE_TEXT, first, check->hints[answered->hints - 1]);
    }
}

/* "dz [x]  shape [ ]": every question, for the upper edge of what is wide. */
static void say_title(const app *a, char *title, size_t size)
{
    const course_check *s = &a->course->check;
    int count = lesson_check_count(course_source(a)->lesson);
    size_t used = (size_t)snprintf(title, size, course_word(a, "*Check %d/%d  ", "*문제 %d/%d  "),
                                   s->at + 1, count);
    for (int i = 0; i < count && used < size; i++) {
        const course_answered *answered = &s->answered[i];
        const char *mark = answered->shown        ? "[0]"
                           : is_settled(answered) ? "[x]"
                           : answered->tried      ? "[!]"
                                                  : "[ ]";
        used += (size_t)snprintf(title + used, size - used, "%s", mark);
    }
    if (used < size)
        snprintf(title + used, size - used, "  %d/%s", a->course->chapter, check_at(a)->id);
}

void course_check_draw(app *a, canvas *c)
{
    course_check *s = &a->course->check;
    char title[200];
    say_title(a, title, sizeof title);
    canvas_box(c, (canvas_rect){0, 0, c->clip.w, c->clip.h}, title, true);
    canvas_rect old = canvas_push(c, (canvas_rect){1, 1, c->clip.w - 2, c->clip.h - 2});
    sheet all = {.app = a};
    put_all(&all);
    int last = all.y > c->clip.h ? all.y - c->clip.h : 0;
    s->top = s->to_end || s->top > last ? last : s->top;
    s->to_end = false;
    s->last = last;
    list_view bar = {.count = all.y, .selected = -1, .top = s->top, .rows = c->clip.h};
    all.canvas = c;
    all.y = 0;
    all.top = s->top;
    put_all(&all);
    list_draw_bar(&bar, c, c->clip.w - 1, 0);
    canvas_pop(c, old);
}

void course_check_standing(const app *a, char *text, size_t size)
{
    const course_screen *s = a->course;
    int count = lesson_check_count(course_source(a)->lesson), settled = 0;
    for (int i = 0; i < count; i++)
        settled += is_settled(&s->check.answered[i]);
    if (settled == count)
        snprintf(text, size,
                 course_word(a, "All %d are settled. Space goes on, r tries this anew.",
                             "%d문제를 모두 마쳤습니다. 스페이스로 이어지고 r로 다시 풉니다."),
                 count);
    else
        snprintf(text, size,
                 course_word(a, "%d of %d settled. Nothing here is a test of you.",
                             "%d/%d 마침. 점수를 매기는 시험이 아닙니다."),
                 settled, count);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

const char *course_check_typing(const app *a)
{
    if (a->course->check.line.length == 0)
        return NULL;
    return course_word(a, "Enter checks it  Esc clears it  0 Space shows the answer",
                       "Enter 확인  Esc 지우기  0 Space 답 보기");
}

bool course_check_key(app *a, const key_event *key)
{
    course_check *s = &a->course->check;
    if (is_settled(answered_at(a)))
        return false;
    if (check_at(a)->kind == CHECK_CHOICE) {
        char letter[2] = {key->ch < 128 ? (char)key->ch : 0, 0};
        bool option = key->code == UI_KEY_CHAR && !key->ctrl && letter[0] >= 'a' &&
                      letter[0] < 'a' + LESSON_OPTIONS &&
                      check_at(a)->options[letter[0] - 'a'].holds;
        return option && course_check_answer(a, letter);
    }
    switch (course_answer_key(&s->line, key)) {
    case ANSWER_UNUSED:
        return false;
    case ANSWER_TYPED:
        s->to_end = false;
        return true;
    case ANSWER_GIVEN:
        course_check_answer(a, s->line.text);
        return true;
    case ANSWER_SHOW:
        show_answer(a);
        return true;
    }
    return false;
}

/* The next question that is not settled, from this one on and round; -1: none. */
static int next_open(const app *a)
{
    const course_check *s = &a->course->check;
    int count = lesson_check_count(course_source(a)->lesson);
    for (int i = 1; i <= count; i++)
        if (!is_settled(&s->answered[(s->at + i) % count]))
            return (s->at + i) % count;
    return -1;
}

static void next(app *a)
{
    if (!is_settled(answered_at(a))) {
        bool choice = check_at(a)->kind == CHECK_CHOICE;
        app_say(a, ROLE_WARN, "%s",
                choice ? course_word(a, "A letter answers; 0 shows the answer.",
                                     "글자로 답하거나 0으로 답을 보세요.")
                       : course_word(a, "Type the answer; 0 and then Space shows it.",
                                     "답을 적거나 0 다음에 스페이스로 답을 보세요."));
        return;
    }
    int to = next_open(a);
    if (to >= 0)
        go_to(a, to);
    else
        course_next_pane(a, 1);
}

static void scroll(app *a, command_id what)
{
    course_check *s = &a->course->check;
    list_view list = {.count = s->last + 1, .selected = s->top};
    list_do(&list, what);
    s->top = list.selected;
}

bool course_check_do(app *a, command_id what)
{
    course_check *s = &a->course->check;
    switch (what) {
    case DO_COURSE_NEXT:
        next(a);
        return true;
    case DO_COURSE_LEFT:
        go_to(a, s->at - 1);
        return true;
    case DO_COURSE_RIGHT:
        go_to(a, s->at + 1);
        return true;
    case DO_COURSE_HINT:
        change_hints(a, 1);
        return true;
    case DO_COURSE_HINT_BACK:
        change_hints(a, -1);
        return true;
    case DO_COURSE_RESET:
        *answered_at(a) = (course_answered){0};
        s->top = 0;
        return true;
    case DO_COURSE_SHOW:
        if (!is_settled(answered_at(a)))
            show_answer(a);
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
