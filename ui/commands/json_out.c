#include "ui/commands/json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <utf8proc.h>

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    while (*at) {
        utf8proc_int32_t code;
        utf8proc_ssize_t length = utf8proc_iterate(at, -1, &code);
        if (length <= 0) {
            fputs("\\ufffd", out);
            at++;
            continue;
        }
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (char)code);
        else if (code == '\n')
            fputs("\\n", out);
        else if (code < 0x20 || code == 0x7f)
            fprintf(out, "\\u%04x", (unsigned)code);
        else
            fwrite(at, 1, (size_t)length, out);
        at += length;
    }
    fputc('"', out);
}

static void before_value(json_out *json, const char *key)
{
    if (json->comma)
        fputc(',', json->out);
    json->comma = true;
    if (key) {
        write_text(json->out, key);
        fputc(':', json->out);
    }
}

void json_open(json_out *json, const char *key, char bracket)
{
    before_value(json, key);
    fputc(bracket, json->out);
    json->comma = false;
}

void json_close(json_out *json, char bracket)
{
    fputc(bracket, json->out);
    json->comma = true;
}

void json_text(json_out *json, const char *key, const char *text)
{
    if (!text) {
        json_null(json, key);
        return;
    }
    before_value(json, key);
    write_text(json->out, text);
}

void json_number(json_out *json, const char *key, double number)
{
    if (!isfinite(number)) {
        json_null(json, key);
        return;
    }
    before_value(json, key);
    /* The shortest of these that reads back to the same number. */
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    fputs(text, json->out);
}

void json_whole(json_out *json, const char *key, int64_t number)
{
    before_value(json, key);
    fprintf(json->out, "%" PRId64, number);
}

void json_seed(json_out *json, const char *key, uint64_t number)
{
    before_value(json, key);
    fprintf(json->out, "%" PRIu64, number);
}

void json_flag(json_out *json, const char *key, bool flag)
{
    before_value(json, key);
    fputs(flag ? "true" : "false", json->out);
}

void json_null(json_out *json, const char *key)
{
    before_value(json, key);
    fputs("null", json->out);
}

bool json_line(json_out *json)
{
    fputc('\n', json->out);
    json->comma = false;
    return fflush(json->out) == 0 && !ferror(json->out);
}
