#include "ui/commands/common.h"
#include "ui/commands/options.h"
#include "ui/terminal/canvas.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool store_path_given(const char *given, char *path, size_t size)
{
    nn_error error = {0};
    if (given)
        snprintf(path, size, "%s", given);
    else if (store_default_path(path, size, &error) != NN_OK)
        complain("%s", error.text);
    return error.code == NN_OK;
}

store *require_store(const char *path)
{
    char chosen[4096];
    nn_error error = {0};
    if (!store_path_given(path, chosen, sizeof chosen))
        return NULL;
    store *s = store_open(chosen, &error);
    if (!s)
        complain("%s", error.text);
    else if (*store_warning(s))
        complain("%s", store_warning(s));
    return s;
}

const char *commas(int64_t number, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number);
    int used = 0;
    for (int i = 0; i < length; i++) {
        text[used++] = digits[i];
        int left = length - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-')
            text[used++] = ',';
    }
    text[used] = '\0';
    return text;
}

const char *percent(double share, char text[16])
{
    if (isfinite(share))
        snprintf(text, 16, "%.2f %%", 100 * share);
    else
        snprintf(text, 16, "-");
    return text;
}

const char *decimal(double number, char text[16])
{
    if (isfinite(number))
        snprintf(text, 16, "%.4g", number);
    else
        snprintf(text, 16, "-");
    return text;
}

const char *duration(double seconds, char text[32])
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e8) {
        snprintf(text, 32, "-");
        return text;
    }
    long whole = lround(seconds);
    if (whole >= 3600)
        snprintf(text, 32, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, 32, "%ld:%02ld", whole / 60, whole % 60);
    return text;
}

const char *moment(int64_t milliseconds, char text[32])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm local;
    if (milliseconds <= 0 || !localtime_r(&seconds, &local) ||
        strftime(text, 32, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(text, 32, "-");
    return text;
}

void print_cell(const char *text, int columns)
{
    int width = text_columns(text);
    if (columns > 0 && width > columns) {
        /* Cut by characters until it fits with its mark. */
        char part[512];
        snprintf(part, sizeof part, "%s", text);
        size_t length = strlen(part);
        while (length > 0 && text_columns(part) > columns - 1) {
            while (length > 1 && ((unsigned char)part[length - 1] & 0xC0) == 0x80)
                length--;
            part[--length] = '\0';
        }
        printf("%s~", part);
        width = text_columns(part) + 1;
    } else {
        for (const char *at = text; *at; at++)
            putchar((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at);
    }
    for (int i = width; i < columns; i++)
        putchar(' ');
}
