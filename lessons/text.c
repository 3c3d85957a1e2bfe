#include "lessons/text.h"

#include <stdio.h>
#include <string.h>

/* --- blocks -------------------------------------------------------------------------------------
 */

static size_t line_length(const char *at)
{
    return strcspn(at, "\n");
}

static const char *after_line(const char *at, int *line)
{
    at += line_length(at);
    ++*line;
    return *at ? at + 1 : at;
}

static bool blank(const char *at)
{
    return strspn(at, " \t\r") == line_length(at);
}

static bool starts(const char *at, const char *what)
{
    return strncmp(at, what, strlen(what)) == 0;
}

static void read_fence(const char **at, int *line, lesson_block *block)
{
    size_t length = line_length(*at) - 3;
    snprintf(block->info, sizeof block->info, "%.*s", (int)length, *at + 3);
    block->kind = starts(block->info, "math")    ? BLOCK_MATH
                  : starts(block->info, "guess") ? BLOCK_GUESS
                                                 : BLOCK_CODE;
    *at = after_line(*at, line);
    block->text = *at;
    while (**at && !starts(*at, "```"))
        *at = after_line(*at, line);
    block->length = (size_t)(*at - block->text);
    if (**at)
        *at = after_line(*at, line);
}

bool lesson_block_next(const char **at, int *line, lesson_block *block)
{
    while (**at && blank(*at))
        *at = after_line(*at, line);
    if (!**at)
        return false;
    *block = (lesson_block){.kind = BLOCK_PARAGRAPH, .line = *line};
    if (starts(*at, "```")) {
        read_fence(at, line, block);
        return true;
    }
    if (starts(*at, "## ") || starts(*at, "- ")) {
        block->kind = **at == '#' ? BLOCK_HEADING : BLOCK_ITEM;
        *at += block->kind == BLOCK_HEADING ? 3 : 2;
    }
    block->text = *at;
    do {
        block->length = (size_t)(*at - block->text) + line_length(*at);
        *at = after_line(*at, line);
    } while (block->kind != BLOCK_HEADING && **at && !blank(*at) && !starts(*at, "- ") &&
             !starts(*at, "```") && !starts(*at, "## "));
    return true;
}

/* --- guesses ------------------------------------------------------------------------------------
 */

static void copy(char *to, const char *from, size_t length)
{
    while (length > 0 && (*from == ' ' || *from == '\n')) {
        from++;
        length--;
    }
    while (length > 0 && (from[length - 1] == ' ' || from[length - 1] == '\n'))
        length--;
    length = length < GUESS_TEXT ? length : GUESS_TEXT - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

/* "b) text | reason", perhaps with a star before it. */
static nn_status read_option(const char *at, size_t length, lesson_guess *guess, nn_error *error)
{
    const char *end = at + length;
    bool right = *at == '*';
    at += right;
    const char *bar = memchr(at, '|', (size_t)(end - at));
    if (guess->options == LESSON_OPTIONS || *at != 'a' + guess->options || !bar)
        return nn_fail(error, NN_E_FORMAT,
                       "guess '%s': expected options a) ... | reason, b) ..., at most %d; got %.*s",
                       guess->id, LESSON_OPTIONS, (int)(length < 40 ? length : 40), at);
    if (right && guess->right >= 0)
        return nn_fail(error, NN_E_FORMAT, "guess '%s': two options are marked right", guess->id);
    guess->right = right ? guess->options : guess->right;
    copy(guess->option[guess->options].text, at + 2, (size_t)(bar - at) - 2);
    copy(guess->option[guess->options].reason, bar + 1, (size_t)(end - bar) - 1);
    guess->options++;
    return NN_OK;
}

static bool is_option(const char *at)
{
    at += *at == '*';
    return *at >= 'a' && *at <= 'f' && at[1] == ')';
}

nn_status lesson_guess_read(const char *info, const char *text, size_t length, lesson_guess *guess,
                            nn_error *error)
{
    *guess = (lesson_guess){.right = -1};
    if (sscanf(info, "guess %31s", guess->id) != 1)
        return nn_fail(error, NN_E_FORMAT, "'%.40s': expected guess ID", info);
    const char *at = text, *end = text + length;
    while (at < end && !is_option(at))
        at += line_length(at) + 1;
    copy(guess->question, text, (size_t)((at < end ? at : end) - text));
    while (at < end) {
        size_t line = line_length(at);
        nn_status status = line > 2 ? read_option(at, line, guess, error) : NN_OK;
        if (status != NN_OK)
            return status;
        at += line + 1;
    }
    if (!*guess->question || guess->options < 2 || guess->right < 0)
        return nn_fail(error, NN_E_FORMAT,
                       "guess '%s': expected a question, two options or more, one with a star",
                       guess->id);
    return NN_OK;
}
