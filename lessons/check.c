/* Reading answers of people and judging them by value. */
#include "lessons/check.h"

#include "engine/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *check_outcome_name(check_outcome outcome)
{
    static const char *const name[] = {"right", "nearly", "foreseen", "wrong", "unreadable"};
    return name[outcome];
}

/* --- reading ------------------------------------------------------------------------------------
 */

typedef struct {
    double value;
    int decimals; /* digits behind the point as typed; -1: no plain decimal number */
    bool digits;  /* at least one that is not 0 */
} reading;

/* Without blanks and a leading "name =", the minus sign of typesetters as '-'. */
static bool tidy(const char *answer, char *text, size_t size)
{
    const char *sign = strrchr(answer, '=');
    size_t used = 0;
    for (const char *at = sign ? sign + 1 : answer; *at;) {
        bool minus = strncmp(at, "−", strlen("−")) == 0;
        if (used + 1 >= size)
            return false;
        if (!isspace((unsigned char)*at))
            text[used++] = minus ? '-' : *at;
        at += minus ? strlen("−") : 1;
    }
    text[used] = '\0';
    return used > 0;
}

static bool read_plain(const char *text, reading *read)
{
    const char *begin = text[0] == '+' ? text + 1 : text;
    if (!nn_parse_number(begin, &read->value))
        return false;
    const char *point = strchr(begin, '.');
    read->decimals = strpbrk(begin, "eE") ? -1 : point ? (int)strlen(point + 1) : 0;
    read->digits = strpbrk(begin, "123456789") != NULL;
    return true;
}

/* "-0.57", "1/3", "57 %", "1e-3". */
static bool read_number(const char *answer, reading *read)
{
    char text[64];
    if (!tidy(answer, text, sizeof text))
        return false;
    size_t length = strlen(text);
    bool percent = text[length - 1] == '%';
    if (percent)
        text[length - 1] = '\0';
    char *slash = strchr(text, '/');
    if (slash) {
        reading under;
        *slash = '\0';
        if (!read_plain(text, read) || !read_plain(slash + 1, &under) || under.value == 0)
            return false;
        read->value /= under.value;
        read->decimals = -1;
    } else if (!read_plain(text, read)) {
        return false;
    }
    if (percent) {
        read->value /= 100;
        read->decimals = read->decimals >= 0 ? read->decimals + 2 : -1;
    }
    return isfinite(read->value);
}

/* "(4,3)", "4x3", "4 × 3", "4 3": rows and columns; one number alone is a column vector. */
static bool read_shape(const char *text, int shape[2])
{
    int count = 0;
    shape[1] = 1;
    for (const char *at = text; *at;) {
        if (isdigit((unsigned char)*at)) {
            char *end;
            long number = strtol(at, &end, 10);
            if (count == 2 || number > 100000000)
                return false;
            shape[count++] = (int)number;
            at = end;
        } else if (strchr(" (),xX*[]", *at)) {
            at++;
        } else if (strncmp(at, "×", strlen("×")) == 0) {
            at += strlen("×");
        } else {
            return false;
        }
    }
    return count > 0;
}

/* --- judging ------------------------------------------------------------------------------------
 */

static nn_status broken(const lesson *l, const lesson_check *check, const nn_error *why,
                        nn_error *error)
{
    return nn_fail(error, why->code, "chapter %d, check '%s': %s", l->chapter, check->id,
                   why->text);
}

lesson_trace *check_trace(const lesson *l, const lesson_check *check, nn_error *error)
{
    nn_error why = {NN_OK, ""};
    lesson_trace *t = trace_run(l->trace, &why);
    if (t && check->given && trace_set_all(t, check->given, &why) != NN_OK) {
        trace_free(t);
        t = NULL;
    }
    if (!t)
        broken(l, check, &why, error);
    return t;
}

/* Right but with fewer digits: it is the answer rounded to the decimals that were typed. */
static bool rounded(const reading *read, double answer)
{
    return read->digits && read->decimals >= 1 && read->decimals <= 15 &&
           fabs(read->value - answer) <= 0.5 * pow(10, -read->decimals) * (1 + 1e-9);
}

static nn_status judge_number(const lesson_check *check, const lesson_scope *scope,
                              const char *answer, check_verdict *verdict, nn_error *error)
{
    reading read;
    nn_status status =
        lesson_evaluate(scope, check->answer, strlen(check->answer), &verdict->answer, error);
    if (status != NN_OK)
        return status;
    if (!read_number(answer, &read)) {
        verdict->outcome = CHECK_UNREADABLE;
        return NN_OK;
    }
    double off = fabs(read.value - verdict->answer);
    if (off <= check->tolerance * (1 + 1e-9)) {
        verdict->outcome = CHECK_RIGHT;
        return NN_OK;
    }
    for (int i = 0; i < LESSON_FORESEEN && check->foreseen[i].answer; i++) {
        const char *mistake = check->foreseen[i].answer;
        double value;
        if ((status = lesson_evaluate(scope, mistake, strlen(mistake), &value, error)) != NN_OK)
            return status;
        if (fabs(read.value - value) <= check->tolerance * (1 + 1e-9) ||
            (rounded(&read, value) && !rounded(&read, verdict->answer))) {
            /* One that is nearer to the answer than to the mistake is not the mistake. */
            if (fabs(read.value - value) > off)
                continue;
            verdict->outcome = CHECK_FORESEEN;
            verdict->why = check->foreseen[i].why;
            return NN_OK;
        }
    }
    double loose = fmin(10 * check->tolerance, 0.02 * fabs(verdict->answer));
    verdict->outcome = off <= loose || rounded(&read, verdict->answer) ? CHECK_NEARLY : CHECK_WRONG;
    return NN_OK;
}

static nn_status judge_shape(const lesson_check *check, const lesson_scope *scope,
                             const char *answer, check_verdict *verdict, nn_error *error)
{
    const trace_entry *entry = trace_find(scope->trace, check->answer);
    int shape[2], other[2];
    if (!entry)
        return nn_fail(error, NN_E_MISSING, "the trace has no value '%s'", check->answer);
    verdict->rows = entry->rows;
    verdict->columns = entry->columns;
    if (!read_shape(answer, shape)) {
        verdict->outcome = CHECK_UNREADABLE;
        return NN_OK;
    }
    verdict->outcome =
        shape[0] == entry->rows && shape[1] == entry->columns ? CHECK_RIGHT : CHECK_WRONG;
    for (int i = 0; verdict->outcome == CHECK_WRONG && i < LESSON_FORESEEN; i++)
        if (check->foreseen[i].answer && read_shape(check->foreseen[i].answer, other) &&
            other[0] == shape[0] && other[1] == shape[1]) {
            verdict->outcome = CHECK_FORESEEN;
            verdict->why = check->foreseen[i].why;
        }
    return NN_OK;
}

static nn_status judge_choice(const lesson_check *check, const lesson_scope *scope,
                              const char *answer, check_verdict *verdict, nn_error *error)
{
    char text[64];
    int right = -1, options = 0;
    for (; options < LESSON_OPTIONS && check->options[options].holds; options++) {
        const char *holds = check->options[options].holds;
        double value;
        nn_status status = lesson_evaluate(scope, holds, strlen(holds), &value, error);
        if (status != NN_OK)
            return status;
        if (value != 0 && right >= 0)
            return nn_fail(error, NN_E_ARG, "options %c and %c are both right", 'a' + right,
                           'a' + options);
        right = value != 0 ? options : right;
    }
    if (right < 0)
        return nn_fail(error, NN_E_ARG, "no option is right");
    verdict->answer = right;
    int chosen = tidy(answer, text, sizeof text) && strlen(text) == 1
                     ? tolower((unsigned char)text[0]) - 'a'
                     : -1;
    if (chosen < 0 || chosen >= options) {
        verdict->outcome = CHECK_UNREADABLE;
        return NN_OK;
    }
    verdict->outcome = chosen == right ? CHECK_RIGHT : CHECK_FORESEEN;
    verdict->why = check->options[chosen].why;
    return NN_OK;
}

nn_status check_grade(const lesson *l, const lesson_check *check, const char *answer,
                      check_verdict *verdict, nn_error *error)
{
    nn_error why = {NN_OK, ""};
    *verdict = (check_verdict){.outcome = CHECK_UNREADABLE};
    lesson_trace *t = check_trace(l, check, error);
    if (!t)
        return error ? error->code : NN_E_ARG;
    lesson_scope scope = {.trace = t};
    nn_status status =
        check->kind == CHECK_NUMBER  ? judge_number(check, &scope, answer, verdict, &why)
        : check->kind == CHECK_SHAPE ? judge_shape(check, &scope, answer, verdict, &why)
                                     : judge_choice(check, &scope, answer, verdict, &why);
    trace_free(t);
    return status == NN_OK ? NN_OK : broken(l, check, &why, error);
}

const char *check_answer_text(const lesson_check *check, const check_verdict *verdict, char *text,
                              size_t size)
{
    if (check->kind == CHECK_CHOICE)
        snprintf(text, size, "%c", 'a' + (int)verdict->answer);
    else if (check->kind == CHECK_SHAPE)
        snprintf(text, size, "(%d,%d)", verdict->rows, verdict->columns);
    else
        snprintf(text, size, "%.6g (±%g)", verdict->answer, check->tolerance);
    return text;
}

static nn_status example(const lesson *l, const lesson_check *check, const char *answer, bool right,
                         nn_error *error)
{
    check_verdict verdict;
    nn_status status = check_grade(l, check, answer, &verdict, error);
    if (status != NN_OK)
        return status;
    bool accepted = verdict.outcome == CHECK_RIGHT || verdict.outcome == CHECK_NEARLY;
    if (accepted != right)
        return nn_fail(error, NN_E_ARG, "chapter %d, check '%s': '%s' is judged %s; expected %s",
                       l->chapter, check->id, answer, check_outcome_name(verdict.outcome),
                       right ? "right" : "not right");
    return NN_OK;
}

nn_status check_examples(const lesson *l, const lesson_check *check, nn_error *error)
{
    nn_status status = NN_OK;
    if (!check->right[0] || !check->wrong[0])
        return nn_fail(error, NN_E_MISSING,
                       "chapter %d, check '%s': needs right and wrong examples", l->chapter,
                       check->id);
    for (int i = 0; i < LESSON_EXAMPLES && status == NN_OK; i++) {
        if (check->right[i])
            status = example(l, check, check->right[i], true, error);
        if (check->wrong[i] && status == NN_OK)
            status = example(l, check, check->wrong[i], false, error);
    }
    return status;
}

/* --- claims -------------------------------------------------------------------------------------
 */

const char *claim_sign(claim_relation relation)
{
    static const char *const sign[] = {"<", "<=", ">", ">=", "="};
    return sign[relation];
}

nn_status claim_judge(const lesson_claim *claim, const lesson_scope *scope, bool quick,
                      claim_result *result, nn_error *error)
{
    nn_error why = {NN_OK, ""};
    *result = (claim_result){.measured = NAN, .bound = NAN, .skipped = quick && claim->full_only};
    if (result->skipped)
        return NN_OK;
    nn_status status =
        lesson_evaluate(scope, claim->measured, strlen(claim->measured), &result->measured, &why);
    if (status == NN_OK)
        status = lesson_evaluate(scope, claim->bound, strlen(claim->bound), &result->bound, &why);
    if (status != NN_OK)
        return nn_fail(error, status, "claim '%s': %s", claim->id, why.text);
    double m = result->measured, b = result->bound;
    /* Comparisons with NaN are false: a claim over it fails. */
    result->pass = claim->relation == CLAIM_LESS       ? m < b
                   : claim->relation == CLAIM_AT_MOST  ? m <= b
                   : claim->relation == CLAIM_MORE     ? m > b
                   : claim->relation == CLAIM_AT_LEAST ? m >= b
                                                       : fabs(m - b) <= claim->tolerance;
    return NN_OK;
}
