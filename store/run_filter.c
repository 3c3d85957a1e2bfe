#include "store/run_filter.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DEEPEST = 64, LONGEST = 4000, VALUE_BYTES = 256 };

typedef enum { NODE_ALL, NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE, NODE_HAS, NODE_WORD } node_kind;
typedef enum {
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_AT_MOST,
    OP_MORE,
    OP_AT_LEAST,
    OP_HOLDS,
    OP_HOLDS_NOT
} filter_op;

typedef struct {
    node_kind kind;
    int left, right; /* nodes */
    run_field field; /* of COMPARE, and of HAS unless `which` is a tag's name */
    filter_op op;
    bool is_tag;    /* HAS: `text` names a tag */
    bool is_number; /* the value can be read as one */
    double number;
    char text[VALUE_BYTES];
} filter_node;

struct run_filter {
    filter_node *nodes;
    int count, room, root;
};

typedef struct {
    const char *text, *at;
    const run_table *table;
    run_filter *filter;
    nn_error *error;
    int depth;
    bool failed;
} parser;

static int fail(parser *p, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first failure counts. Characters are counted, not bytes. */
static int fail(parser *p, const char *at, const char *format, ...)
{
    if (p->failed)
        return -1;
    p->failed = true;
    int place = 1;
    for (const char *c = p->text; c < at; c++)
        place += ((unsigned char)*c & 0xC0) != 0x80;
    char text[240];
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is one line above */
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    nn_fail(p->error, NN_E_ARG, "at character %d: %s", place, text);
    return -1;
}

static int add(parser *p, node_kind kind)
{
    run_filter *f = p->filter;
    if (f->count == f->room) {
        int room = f->room ? f->room * 2 : 8;
        filter_node *grown = realloc(f->nodes, (size_t)room * sizeof *grown);
        if (!grown) {
            p->failed = true;
            nn_fail(p->error, NN_E_NOMEM, "out of memory for the filter");
            return -1;
        }
        f->nodes = grown;
        f->room = room;
    }
    filter_node *node = &f->nodes[f->count];
    memset(node, 0, sizeof *node);
    node->kind = kind;
    node->left = node->right = -1;
    return f->count++;
}

/* --- words ------------------------------------------------------------------------------------ */

static void skip_blanks(parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* Words end at blanks, brackets and signs of the language. */
static bool in_word(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("()'\"&|=!<>~", c);
}

/* `word` as a whole stands here; moves behind it. */
static bool keyword(parser *p, const char *word, const char *sign)
{
    skip_blanks(p);
    size_t length = strlen(word);
    if (strncasecmp(p->at, word, length) == 0 && !in_word(p->at[length]) &&
        !strchr("=!<>~", p->at[length] ? p->at[length] : ' ')) {
        p->at += length;
        return true;
    }
    if (strncmp(p->at, sign, strlen(sign)) == 0 &&
        !(strcmp(sign, "!") == 0 && (p->at[1] == '=' || p->at[1] == '~'))) {
        p->at += strlen(sign);
        return true;
    }
    return false;
}

/* 'quoted', "quoted" (doubled to stand for itself) or a word. False with a failure. */
static bool read_text(parser *p, char *text)
{
    skip_blanks(p);
    const char *begin = p->at;
    int used = 0;
    char quote = *p->at == '\'' || *p->at == '"' ? *p->at : '\0';
    p->at += quote != '\0';
    while (quote ? *p->at != '\0' : in_word(*p->at)) {
        if (quote && *p->at == quote) {
            if (p->at[1] != quote)
                break;
            p->at++;
        }
        if (used == VALUE_BYTES - 1)
            return fail(p, begin, "the text is longer than %d bytes", VALUE_BYTES - 1) == 0;
        text[used++] = *p->at++;
    }
    text[used] = '\0';
    if (quote && *p->at != quote)
        return fail(p, begin, "the quote %c is not closed", quote) == 0;
    p->at += quote != '\0';
    if (!quote && used == 0)
        return fail(p, begin, "%s",
                    *p->at ? "expected a value: a number, a word or 'text'"
                           : "the filter ends where a value should stand") == 0;
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static double unit_of(const char *text)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},   {"%", .01},  {"k", 1e3},  {"M", 1e6},   {"G", 1e9},  {"s", 1},
                 {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"ms", .001}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, text) == 0)
            return units[i].factor;
    return NAN;
}

/* "2026-11-20" or "2026-11-20T18:30", local time. */
static bool read_day(const char *text, double *seconds)
{
    struct tm day = {.tm_isdst = -1};
    char rest[2] = "";
    int parts = sscanf(text, "%4d-%2d-%2dT%2d:%2d%1s", &day.tm_year, &day.tm_mon, &day.tm_mday,
                       &day.tm_hour, &day.tm_min, rest);
    if ((parts != 3 && parts != 5) || day.tm_mon < 1 || day.tm_mon > 12 || day.tm_mday < 1 ||
        day.tm_mday > 31 || strlen(text) != (parts == 3 ? 10u : 16u))
        return false;
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    *seconds = (double)mktime(&day);
    return true;
}

static bool read_number(const char *text, double *number)
{
    if (read_day(text, number))
        return true;
    const char *digits = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)digits[*digits == '.']) || digits[1] == 'x' || digits[1] == 'X')
        return false;
    char *end;
    *number = strtod(text, &end) * unit_of(end);
    return !isnan(*number);
}

static const char *nearest_state(const char *word)
{
    for (int s = RUN_RUNNING; s <= RUN_CRASHED; s++)
        if (strncasecmp(run_state_name((run_state)s), word, 3) == 0)
            return run_state_name((run_state)s);
    return "running, paused, finished, stopped, diverged, failed or crashed";
}

static bool is_state(const char *word)
{
    for (int s = RUN_RUNNING; s <= RUN_CRASHED; s++)
        if (strcasecmp(run_state_name((run_state)s), word) == 0)
            return true;
    return false;
}

/* Whether the value can be compared with the field at all. */
static bool check_value(parser *p, const filter_node *n, const char *at)
{
    run_value_kind type = run_field_type(&n->field);
    bool order = n->op >= OP_LESS && n->op <= OP_AT_LEAST;
    if (type == VALUE_NUMBER && !n->is_number && n->op < OP_HOLDS)
        return fail(p, at, "%s is a number; '%.60s' is none", n->field.name, n->text) == 0;
    if (type == VALUE_TAGS && order)
        return fail(p, at, "tags have no order: use =, !=, ~ or !~") == 0;
    bool equal = n->op == OP_EQUAL || n->op == OP_UNEQUAL;
    if (strcmp(n->field.name, "state") == 0 && equal && !is_state(n->text))
        return fail(p, at, "no state is called '%.40s': %s?", n->text, nearest_state(n->text)) == 0;
    return true;
}

/* --- the grammar ------------------------------------------------------------------------------ */

static bool read_op(parser *p, filter_op *op)
{
    static const struct {
        const char *sign;
        filter_op op;
    } signs[] = {{"==", OP_EQUAL},     {"=", OP_EQUAL}, {"!=", OP_UNEQUAL},  {"<>", OP_UNEQUAL},
                 {"<=", OP_AT_MOST},   {"<", OP_LESS},  {">=", OP_AT_LEAST}, {">", OP_MORE},
                 {"!~", OP_HOLDS_NOT}, {"~", OP_HOLDS}};
    skip_blanks(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(p->at, signs[i].sign, strlen(signs[i].sign)) == 0) {
            p->at += strlen(signs[i].sign);
            *op = signs[i].op;
            return true;
        }
    return false;
}

static int parse_compare(parser *p, const char *name, const char *at, filter_op op)
{
    nn_error error = {0};
    int node = add(p, NODE_COMPARE);
    if (node < 0)
        return -1;
    filter_node *n = &p->filter->nodes[node];
    n->op = op;
    if (run_field_parse(name, p->table, &n->field, &error) != NN_OK)
        return fail(p, at, "%s", error.text);
    skip_blanks(p);
    const char *value = p->at;
    if (!read_text(p, n->text))
        return -1;
    n->is_number = read_number(n->text, &n->number);
    return check_value(p, n, value) ? node : -1;
}

static bool is_tag_name(const parser *p, const char *name)
{
    for (int i = 0; p->table && i < p->table->tag_count; i++)
        if (strcasecmp(p->table->tags[i].name, name) == 0)
            return true;
    return false;
}

/* has:NAME, a field or a tag; fields go first. */
static int parse_has(parser *p)
{
    nn_error error = {0};
    const char *at = p->at;
    int node = add(p, NODE_HAS);
    if (node < 0 || !read_text(p, p->filter->nodes[node].text))
        return -1;
    filter_node *n = &p->filter->nodes[node];
    for (int i = 0; run_field_name(i); i++)
        if (strcmp(run_field_name(i), n->text) == 0)
            return run_field_parse(n->text, p->table, &n->field, &error) == NN_OK ? node : -1;
    n->is_tag = is_tag_name(p, n->text);
    if (n->is_tag || run_field_parse(n->text, p->table, &n->field, &error) == NN_OK)
        return node;
    return fail(p, at, "no tag and nothing else of a run is called '%.60s'", n->text);
}

static int parse_word(parser *p)
{
    const char *at = p->at;
    char name[sizeof((run_field *)0)->name];
    size_t length = 0;
    filter_op op;
    while (in_name(p->at[length]))
        length++;
    bool fits = length > 0 && length < sizeof name;
    snprintf(name, sizeof name, "%.*s", (int)(fits ? length : 0), at);
    if (length == 3 && strncasecmp(at, "has", 3) == 0 && at[3] == ':') {
        p->at += 4;
        return parse_has(p);
    }
    if (length > 0) {
        p->at += length;
        if (read_op(p, &op))
            return fits ? parse_compare(p, name, at, op)
                        : fail(p, at, "the name is longer than %zu bytes", sizeof name - 1);
        p->at = at;
    }
    for (int i = 0; run_field_name(i); i++)
        if (fits && strcmp(run_field_name(i), name) == 0 && !in_word(at[length]))
            return fail(p, at + length, "expected a comparison after %s, such as %s = ...", name,
                        name);
    if (keyword(p, "or", "||") || keyword(p, "and", "&&"))
        return fail(p, at, "expected a condition before this");
    int node = add(p, NODE_WORD);
    if (node < 0 || !read_text(p, p->filter->nodes[node].text))
        return -1;
    filter_node *n = &p->filter->nodes[node];
    n->is_number = read_number(n->text, &n->number);
    return node;
}

static int parse_or(parser *p);

static int parse_unary(parser *p)
{
    skip_blanks(p);
    if (p->failed)
        return -1;
    if (++p->depth > DEEPEST)
        return fail(p, p->at, "brackets and NOT are nested deeper than %d", DEEPEST);
    const char *at = p->at;
    int node;
    if (keyword(p, "not", "!")) {
        int inner = parse_unary(p);
        node = inner >= 0 ? add(p, NODE_NOT) : -1;
        if (node >= 0)
            p->filter->nodes[node].left = inner;
    } else if (*p->at == '(') {
        p->at++;
        node = parse_or(p);
        skip_blanks(p);
        if (node >= 0 && *p->at != ')')
            node = fail(p, at, "the bracket is not closed");
        else if (node >= 0)
            p->at++;
    } else if (!*p->at) {
        node = fail(p, p->at, "the filter ends where a condition should stand");
    } else {
        node = parse_word(p);
    }
    p->depth--;
    return node;
}

static int join(parser *p, node_kind kind, int left, int right)
{
    int node = right >= 0 ? add(p, kind) : -1;
    if (node >= 0) {
        p->filter->nodes[node].left = left;
        p->filter->nodes[node].right = right;
    }
    return node;
}

static bool at_or(const parser *p)
{
    parser look = *p;
    return keyword(&look, "or", "||");
}

/* Conditions side by side mean AND too. */
static int parse_and(parser *p)
{
    int left = parse_unary(p);
    while (left >= 0) {
        bool joined = keyword(p, "and", "&&");
        skip_blanks(p);
        if (!joined && (!*p->at || *p->at == ')' || at_or(p)))
            break;
        left = join(p, NODE_AND, left, parse_unary(p));
    }
    return left;
}

static int parse_or(parser *p)
{
    int left = parse_and(p);
    while (left >= 0 && keyword(p, "or", "||"))
        left = join(p, NODE_OR, left, parse_and(p));
    return left;
}

run_filter *run_filter_parse(const char *text, const run_table *table, nn_error *error)
{
    nn_error own = {0};
    parser p = {.text = text, .at = text, .table = table, .error = error ? error : &own};
    p.filter = calloc(1, sizeof *p.filter);
    if (!p.filter) {
        nn_fail(error, NN_E_NOMEM, "out of memory for the filter");
        return NULL;
    }
    skip_blanks(&p);
    if (strlen(text) > LONGEST)
        p.filter->root = fail(&p, text, "the filter is longer than %d bytes", LONGEST);
    else
        p.filter->root = *p.at ? parse_or(&p) : add(&p, NODE_ALL);
    skip_blanks(&p);
    if (p.filter->root >= 0 && *p.at)
        p.filter->root = fail(&p, p.at, "'%c' is not expected here", *p.at);
    if (p.filter->root >= 0)
        return p.filter;
    run_filter_free(p.filter);
    return NULL;
}

void run_filter_free(run_filter *f)
{
    if (f)
        free(f->nodes);
    free(f);
}

/* --- judging ---------------------------------------------------------------------------------- */

static bool holds(const char *text, const char *part)
{
    return text && strcasestr(text, part);
}

static bool compare_tags(const filter_node *n, const run_table *table, const run_entry *e)
{
    bool negated = n->op == OP_UNEQUAL || n->op == OP_HOLDS_NOT;
    bool any = false;
    for (int i = 0; i < e->tag_count; i++) {
        const char *name = table->tags[e->tags[i]].name;
        any = any || (n->op == OP_EQUAL || n->op == OP_UNEQUAL ? strcasecmp(name, n->text) == 0
                                                               : holds(name, n->text));
    }
    return any != negated;
}

static bool by_order(filter_op op, int order)
{
    switch (op) {
    case OP_EQUAL:
        return order == 0;
    case OP_UNEQUAL:
        return order != 0;
    case OP_LESS:
        return order < 0;
    case OP_AT_MOST:
        return order <= 0;
    case OP_MORE:
        return order > 0;
    case OP_AT_LEAST:
        return order >= 0;
    case OP_HOLDS:
    case OP_HOLDS_NOT:
        break;
    }
    return false;
}

static bool compare(const filter_node *n, const run_table *table, const run_entry *e)
{
    if (run_field_type(&n->field) == VALUE_TAGS)
        return compare_tags(n, table, e);
    run_value value = run_field_value(&n->field, table, e);
    bool holding = n->op == OP_HOLDS || n->op == OP_HOLDS_NOT;
    if (value.kind == VALUE_NONE)
        return n->op == OP_UNEQUAL || n->op == OP_HOLDS_NOT;
    if (holding) {
        char digits[32];
        snprintf(digits, sizeof digits, "%.10g", value.number);
        bool found = holds(value.kind == VALUE_NUMBER ? digits : value.text, n->text);
        return found == (n->op == OP_HOLDS);
    }
    if (value.kind == VALUE_NUMBER && n->is_number)
        return by_order(n->op, (value.number > n->number) - (value.number < n->number));
    if (value.kind == VALUE_NUMBER) /* a parameter that is a number here and a word there */
        return n->op == OP_UNEQUAL;
    bool order = n->op >= OP_LESS && n->op <= OP_AT_LEAST;
    if (n->is_number && order && run_field_type(&n->field) == VALUE_NONE)
        return false; /* and the other way round */
    return by_order(n->op, strcasecmp(value.text, n->text));
}

static bool has(const filter_node *n, const run_table *table, const run_entry *e)
{
    if (n->is_tag)
        return run_entry_tagged(table, e, n->text);
    run_value value = run_field_value(&n->field, table, e);
    bool flag = n->field.kind == FIELD_OF_ROW && value.kind == VALUE_NUMBER && value.number == 0;
    return value.kind != VALUE_NONE && !flag;
}

static bool passes(const run_filter *f, int at, const run_table *table, const run_entry *e)
{
    const filter_node *n = &f->nodes[at];
    switch (n->kind) {
    case NODE_ALL:
        return true;
    case NODE_AND:
        return passes(f, n->left, table, e) && passes(f, n->right, table, e);
    case NODE_OR:
        return passes(f, n->left, table, e) || passes(f, n->right, table, e);
    case NODE_NOT:
        return !passes(f, n->left, table, e);
    case NODE_COMPARE:
        return compare(n, table, e);
    case NODE_HAS:
        return has(n, table, e);
    case NODE_WORD:
        return holds(e->row.name, n->text) || holds(e->row.model, n->text) ||
               (n->is_number && n->number == (double)e->row.id);
    }
    return false;
}

bool run_filter_passes(const run_filter *f, const run_table *table, const run_entry *entry)
{
    return passes(f, f->root, table, entry);
}
