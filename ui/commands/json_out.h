/* Writes JSON to a stream as it goes: no tree, no memory. Numbers read back to the same double;
 * NaN and infinity become null; text that is not UTF-8 is repaired. */
#ifndef GRADUS_UI_JSON_OUT_H
#define GRADUS_UI_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    FILE *out;
    bool comma; /* the next value follows another in the same object or array */
} json_out;

/* `key` is NULL inside an array and at the top. */
void json_open(json_out *json, const char *key, char bracket);     /* '{' or '[' */
void json_close(json_out *json, char bracket);                     /* '}' or ']' */
void json_text(json_out *json, const char *key, const char *text); /* NULL: null */
void json_number(json_out *json, const char *key, double number);
void json_whole(json_out *json, const char *key, int64_t number);
void json_seed(json_out *json, const char *key, uint64_t number);
void json_flag(json_out *json, const char *key, bool flag);
/* Hidden: jansson has a json_null too, and would call this one where a file holds a null. */
__attribute__((visibility("hidden"))) void json_null(json_out *json, const char *key);
/* Ends the line and flushes; false when the stream cannot be written. */
bool json_line(json_out *json);

#endif
