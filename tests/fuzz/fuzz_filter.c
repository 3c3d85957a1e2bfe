/* A filter of runs from text: refused with a place, or parsed, and then it judges every run. */
#include "store/run_filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two runs: one with everything, one with nothing. */
static run_table *make_table(void)
{
    run_table *t = run_table_new();
    run_name *names = calloc(2, sizeof *names);
    run_entry *entries = calloc(2, sizeof *entries);
    run_tag *tags = calloc(1, sizeof *tags);
    run_fact *fact = calloc(1, sizeof *fact);
    run_measure *measure = calloc(1, sizeof *measure);
    int *tag = calloc(1, sizeof *tag);
    run_name *key = calloc(1, sizeof *key);
    if (!t || !names || !entries || !tags || !fact || !measure || !tag || !key)
        abort();
    strcpy(key->name, "lr");
    strcpy(names->name, "dev_error");
    names->goal = -1;
    strcpy(tags->name, "good");
    fact->number = NAN;
    fact->text = strdup("auto");
    measure->count = 1;
    strcpy(entries[0].row.name, "lenet5-digits");
    strcpy(entries[0].row.model, "lenet5");
    entries[0].facts = fact, entries[0].fact_count = 1;
    entries[0].measures = measure, entries[0].measure_count = 1;
    entries[0].tags = tag, entries[0].tag_count = 1;
    t->keys = key, t->key_count = 1;
    t->metrics = names, t->metric_count = 1;
    t->tags = tags, t->tag_count = 1;
    t->entries = entries, t->count = 2;
    return t;
}

/* Random bytes are seldom a filter: where the first one is odd, each of the others is a word. */
static void spell(const uint8_t *data, size_t size, char *text)
{
    static const char *const words[] = {
        "dev_error", "lr",   "param.lr",   "tag",     "state", "name",    "dev_error.best",
        "loss",      "=",    "!=",         "<",       ">=",    "~",       "!~",
        " AND ",     " OR ", " NOT ",      "(",       ")",     "'x y'",   "\"",
        "0.1",       "10%",  "5m",         "good",    "auto",  "crashed", "has:",
        " ",         "-",    "2026-11-20", "\xC3\xA9"};
    size_t used = 0;
    for (size_t i = 1; i < size; i++) {
        const char *word = words[data[i] % (sizeof words / sizeof *words)];
        memcpy(text + used, word, strlen(word));
        used += strlen(word);
    }
    text[used] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size * 16 + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (size > 0 && data[0] % 2 == 1)
        spell(data, size, text);
    run_table *table = make_table();
    nn_error error = {NN_OK, ""};
    run_filter *filter = run_filter_parse(text, table, &error);
    if (!filter && strncmp(error.text, "at character ", 13) != 0)
        abort();
    for (int i = 0; filter && i < table->count; i++)
        run_filter_passes(filter, table, &table->entries[i]);
    run_filter_free(filter);
    run_table_free(table);
    free(text);
    return 0;
}
