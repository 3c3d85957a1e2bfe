/* The worked example, step by step: its numbers, why, the line of C; inputs to change, gradients to
 * check, numbers to guess. */
#include "ui/screens/course.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDIT_NUMBERS = 10 };

/* --- the trace ----------------------------------------------------------------------------------
 */

static const trace_entry *entry_at(const app *a)
{
    return trace_at(a->course->step.trace, a->course->step.at);
}

static void forget_before(course_step *s)
{
    for (int i = 0; i < TRACE_VALUES; i++) {
        free(s->before[i]);
        s->before[i] = NULL;
    }
}

void course_step_free(app *a)
{
    course_step *s = &a->course->step;
    forget_before(s);
    trace_free(s->trace);
    *s = (course_step){0};
}

/* The number is asked for: one number, of a step, not known well enough by now. */
static bool may_ask(const app *a)
{
    const course_step *s = &a->course->step;
    const trace_entry *entry = entry_at(a);
    return s->asking && !entry->input && entry->scalar && isfinite(entry->values[0]) &&
           s->streak[s->at] < 2;
}

static void go_to(app *a, int at, bool forward)
{
    course_screen *s = a->course;
    int count = trace_count(s->step.trace);
    s->step.at = at < 0 ? 0 : at >= count ? count - 1 : at;
    s->step.slope[0] = '\0';
    s->step.missed = false;
    s->step.hidden = forward && may_ask(a);
    prompt_set(&s->step.line, "");
    s->place[s->chapter].step = s->step.at;
    course_save_place(a);
}

void course_step_open(app *a)
{
    course_screen *s = a->course;
    nn_error error = {0};
    if (s->step.trace && s->step.chapter == s->chapter)
        return;
    course_step_free(a);
    s->step.chapter = s->chapter;
    s->step.trace = trace_run(course_source(a)->lesson->trace, &error);
    if (!s->step.trace) {
        app_say(a, ROLE_BAD, "%s", error.text);
        return;
    }
    int at = s->place[s->chapter].step;
    s->step.at = at < trace_count(s->step.trace) ? at : 0;
}

void course_step_jump(app *a, int number)
{
    if (a->course->step.trace)
        go_to(a, number - 1, false);
}

/* --- inputs -------------------------------------------------------------------------------------
 */

static void remember(course_step *s)
{
    forget_before(s);
    for (int i = 0; i < trace_count(s->trace); i++) {
        const trace_entry *entry = trace_at(s->trace, i);
        size_t bytes = (size_t)entry->rows * (size_t)entry->columns * sizeof(double);
        s->before[i] = malloc(bytes);
        if (s->before[i])
            memcpy(s->before[i], entry->values, bytes);
    }
}

/* Whether the last edit changed the entry. */
bool course_step_changed(const course_step *s, int at)
{
    const trace_entry *entry = trace_at(s->trace, at);
    size_t count = (size_t)entry->rows * (size_t)entry->columns;
    return s->before[at] && memcmp(s->before[at], entry->values, count * sizeof(double)) != 0;
}

/* The inputs as all edits so far leave them. */
static nn_status apply(course_step *s, nn_error *error)
{
    remember(s);
    nn_status status = trace_reset(s->trace, error);
    for (int i = 0; i < s->edits && status == NN_OK; i++)
        status = trace_set_all(s->trace, s->edit[i], error);
    return status;
}

static void say_changed(app *a)
{
    const course_step *s = &a->course->step;
    int changed = 0;
    for (int i = 0; i < trace_count(s->trace); i++)
        changed += course_step_changed(s, i);
    app_say(a, ROLE_TEXT,
            course_word(a, "Computed anew: %d values changed, marked *. u takes it back.",
                        "다시 계산했습니다. 값 %d개가 바뀌었습니다(* 표시). u로 되돌립니다."),
            changed);
}

static void edit(app *a, const char *text)
{
    course_step *s = &a->course->step;
    nn_error error = {0};
    if (s->edits == STEP_EDITS) {
        memmove(s->edit[0], s->edit[1], sizeof s->edit - sizeof *s->edit);
        s->edits--;
    }
    snprintf(s->edit[s->edits++], sizeof *s->edit, "%s", text);
    if (apply(s, &error) == NN_OK) {
        s->editing = false;
        s->edits_before_reset = 0;
        prompt_set(&s->line, "");
        say_changed(a);
        return;
    }
    s->edits--;
    app_say(a, ROLE_WARN, "%s", error.text);
}

static void undo(app *a)
{
    course_step *s = &a->course->step;
    nn_error error = {0};
    if (s->edits == 0 && s->edits_before_reset == 0) {
        app_say(a, ROLE_DIM, "%s",
                course_word(a, "No input was changed.", "바꾼 입력이 없습니다."));
        return;
    }
    s->edits = s->edits > 0 ? s->edits - 1 : s->edits_before_reset;
    s->edits_before_reset = 0;
    if (apply(s, &error) == NN_OK)
        say_changed(a);
    else
        app_say(a, ROLE_BAD, "%s", error.text);
}

static void reset(app *a)
{
    course_step *s = &a->course->step;
    nn_error error = {0};
    s->edits_before_reset = s->edits > 0 ? s->edits : s->edits_before_reset;
    s->edits = 0;
    if (apply(s, &error) == NN_OK)
        app_say(a, ROLE_TEXT, "%s",
                course_word(a, "The inputs are the chapter's again. u brings yours back.",
                            "입력을 처음 값으로 되돌렸습니다. u로 바꾼 값을 다시 부릅니다."));
    else
        app_say(a, ROLE_BAD, "%s", error.text);
}

static void say_input(const trace_entry *entry, char *text, size_t size)
{
    size_t used = strlen(text);
    for (int i = 0; i < entry->rows * entry->columns && i < EDIT_NUMBERS && used < size; i++) {
        int n = used > 0 ? snprintf(text + used, size - used, " ") : 0;
        used += (size_t)n;
        if (entry->scalar)
            n = snprintf(text + used, size - used, "%s=%.10g", entry->name, entry->values[i]);
        else if (entry->columns == 1)
            n = snprintf(text + used, size - used, "%s[%d]=%.10g", entry->name, i + 1,
                         entry->values[i]);
        else
            n = snprintf(text + used, size - used, "%s[%d,%d]=%.10g", entry->name,
                         i / entry->columns + 1, i % entry->columns + 1, entry->values[i]);
        used += (size_t)n;
    }
}

/* The input under the cursor, or all of them where they are few. */
static void open_edit(app *a)
{
    course_step *s = &a->course->step;
    char text[PROMPT_BYTES] = "";
    int numbers = 0;
    for (int i = 0; i < trace_count(s->trace); i++)
        if (trace_at(s->trace, i)->input)
            numbers += trace_at(s->trace, i)->rows * trace_at(s->trace, i)->columns;
    bool all = !entry_at(a)->input;
    for (int i = 0; i < trace_count(s->trace); i++) {
        const trace_entry *entry = trace_at(s->trace, i);
        if (entry->input && (all ? numbers <= EDIT_NUMBERS || !text[0] : i == s->at))
            say_input(entry, text, sizeof text);
    }
    s->editing = true;
    prompt_set(&s->line, text);
}

/* --- gradients and guesses ----------------------------------------------------------------------
 */

static void check_slope(app *a)
{
    course_step *s = &a->course->step;
    const trace_entry *entry = entry_at(a);
    nn_error error = {0};
    trace_slope slope;
    if (entry->input || !entry->note.of) {
        app_say(a, ROLE_DIM, "%s",
                course_word(a, "This is no gradient; f checks those.",
                            "기울기가 아닙니다. f는 기울기 단계에서 씁니다."));
        return;
    }
    if (trace_check_slope(s->trace, entry, &slope, &error) != NN_OK) {
        app_say(a, ROLE_BAD, "%s", error.text);
        return;
    }
    snprintf(s->slope, sizeof s->slope,
             course_word(a,
                         "Nudged %s both ways and computed %s anew: slope %.8g, here %.8g. "
                         "They differ by %.1e: %s.",
                         "%s 값을 양쪽으로 조금 움직여 %s 값을 다시 계산: 기울기 %.8g, 여기 "
                         "%.8g. 차이 %.1e: %s."),
             entry->note.by, entry->note.of, slope.measured, slope.given, slope.worst,
             slope.worst < 1e-6 ? course_word(a, "they agree", "일치합니다")
                                : course_word(a, "they DISAGREE", "일치하지 않습니다"));
}

double course_step_tolerance(double value)
{
    return fmax(0.0005, 0.001 * fabs(value));
}

static void save_guess(app *a, const char *outcome)
{
    progress_item item = {.chapter = a->course->chapter, .kind = "step"};
    snprintf(item.id, sizeof item.id, "%s", entry_at(a)->name);
    snprintf(item.outcome, sizeof item.outcome, "%s", outcome);
    snprintf(item.answer, sizeof item.answer, "%.100s", a->course->step.line.text);
    course_save_item(a, &item);
}

static void uncover(app *a)
{
    course_step *s = &a->course->step;
    s->streak[s->at] = 0;
    s->hidden = false;
    prompt_set(&s->line, "");
    save_guess(a, "skipped");
}

static void guess(app *a)
{
    course_step *s = &a->course->step;
    const trace_entry *entry = entry_at(a);
    const lesson_scope nothing = {0};
    double value;
    if (lesson_evaluate(&nothing, s->line.text, strlen(s->line.text), &value, NULL) != NN_OK) {
        app_say(a, ROLE_WARN,
                course_word(a, "'%.40s' is no number: not counted.",
                            "'%.40s'은(는) 수가 아닙니다. 세지 않습니다."),
                s->line.text);
        return;
    }
    bool right = fabs(value - entry->values[0]) <= course_step_tolerance(entry->values[0]);
    save_guess(a, right ? "right" : "wrong");
    s->streak[s->at] = right ? s->streak[s->at] + 1 : 0;
    s->missed = !right;
    s->hidden = !right;
    prompt_set(&s->line, "");
    if (right)
        app_say(a, ROLE_GOOD,
                course_word(a, "Right, within %.2g. Space goes on.%s",
                            "맞습니다(오차 %.2g 이내). 스페이스로 이어집니다.%s"),
                course_step_tolerance(entry->values[0]),
                s->streak[s->at] == 2 ? course_word(a, " Twice: this step is not asked again.",
                                                    " 두 번 맞혀서 더 묻지 않습니다.")
                                      : "");
    else
        app_say(a, ROLE_WARN, "%s",
                course_word(a,
                            "Not yet: the numbers are put in now. Try again, or 0 Space shows it.",
                            "아직 아닙니다. 수를 넣은 식을 보고 다시 해 보세요. 0 스페이스: 답."));
}

/* --- keys ---------------------------------------------------------------------------------------
 */

const char *course_step_typing(const app *a)
{
    const course_step *s = &a->course->step;
    if (s->editing)
        return course_word(a, "Enter computes anew  Esc leaves the inputs as they are",
                           "Enter 다시 계산  Esc 그대로 두기");
    if (s->hidden && s->line.length > 0)
        return course_word(a, "Enter checks it  Esc clears it  0 Space shows the number",
                           "Enter 확인  Esc 지우기  0 Space 답 보기");
    return NULL;
}

bool course_step_key(app *a, const key_event *key)
{
    course_step *s = &a->course->step;
    if (!s->trace)
        return false;
    if (s->editing) {
        prompt_result result = prompt_key(&s->line, key);
        if (result == PROMPT_ACCEPTED)
            edit(a, s->line.text);
        else if (result == PROMPT_CANCELED)
            s->editing = false;
        if (!s->editing)
            prompt_set(&s->line, "");
        return true;
    }
    if (!s->hidden)
        return false;
    switch (course_answer_key(&s->line, key)) {
    case ANSWER_UNUSED:
        return false;
    case ANSWER_TYPED:
        return true;
    case ANSWER_GIVEN:
        guess(a);
        return true;
    case ANSWER_SHOW:
        uncover(a);
        return true;
    }
    return false;
}

static void forward(app *a)
{
    course_step *s = &a->course->step;
    if (s->hidden)
        app_say(a, ROLE_WARN, "%s",
                course_word(a, "Type the number, or 0 Space shows it.",
                            "수를 적거나 0 스페이스로 답을 보세요."));
    else if (s->at + 1 < trace_count(s->trace))
        go_to(a, s->at + 1, true);
    else
        course_next_pane(a, 1);
}

static void toggle_asking(app *a)
{
    course_step *s = &a->course->step;
    s->asking = !s->asking;
    s->hidden = s->hidden && s->asking;
    app_say(a, ROLE_TEXT, "%s",
            s->asking ? course_word(a, "From here on each number is asked first. a stops that.",
                                    "이제부터 수를 먼저 묻습니다. a로 끕니다.")
                      : course_word(a, "Numbers are shown at once.", "수를 바로 보여 줍니다."));
}

bool course_step_do(app *a, command_id what)
{
    course_step *s = &a->course->step;
    if (!s->trace)
        return false;
    switch (what) {
    case DO_COURSE_NEXT:
    case DO_COURSE_RIGHT:
        forward(a);
        return true;
    case DO_COURSE_LEFT:
        go_to(a, s->at - 1, false);
        return true;
    case DO_UP:
    case DO_DOWN:
    case DO_PAGE_UP:
    case DO_PAGE_DOWN:
    case DO_FIRST:
    case DO_LAST: {
        list_view list = {.count = trace_count(s->trace), .selected = s->at};
        list_do(&list, what);
        go_to(a, list.selected, false);
        return true;
    }
    case DO_COURSE_EDIT:
        open_edit(a);
        return true;
    case DO_COURSE_UNDO:
        undo(a);
        return true;
    case DO_COURSE_RESET:
        reset(a);
        return true;
    case DO_COURSE_SLOPE:
        check_slope(a);
        return true;
    case DO_COURSE_ASK:
        toggle_asking(a);
        return true;
    case DO_COURSE_SHOW:
        app_say(a, ROLE_DIM, "%s",
                course_word(a, "Nothing is hidden; Space goes on.",
                            "가린 것이 없습니다. 스페이스로 이어집니다."));
        return true;
    default:
        return false;
    }
}
