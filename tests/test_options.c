/* Option tables: parsing, refusals that name what was meant, help made from the table. */
#include "ui/commands/commands.h"
#include "ui/commands/json_out.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    bool flag;
    const char *text;
    int whole;
    int64_t big;
    uint64_t seed;
    double real, share;
    int size[2];
} sample;

#define FIELD(name) offsetof(sample, name)
static const option table[] = {
    {"flag", OPTION_FLAG, NULL, FIELD(flag), 0, "a flag", NULL},
    {"text", OPTION_TEXT, "WORD", FIELD(text), 0, "some text", NULL},
    {"epochs", OPTION_INTEGER, "N", FIELD(whole), 1, "a whole number", NULL},
    {"limit", OPTION_BIG, "N", FIELD(big), 1, "a big number", NULL},
    {"seed", OPTION_SEED, "N", FIELD(seed), 0, "a seed", NULL},
    {"lr", OPTION_REAL, "RATE", FIELD(real), 0, "a rate", NULL},
    {"dropout", OPTION_SHARE, "P", FIELD(share), 0, "a share", NULL},
    {"size", OPTION_SIZE, "CxR", FIELD(size), 1, "a size", NULL},
    {NULL, OPTION_FLAG, NULL, 0, 0, NULL, NULL},
};
static const program_command command = {.name = "sample",
                                        .arguments = "",
                                        .summary = "A sample.",
                                        .details = "Details.",
                                        .options = table};

enum { WORDS_MAX = 24 };

/* Splits `line` at blanks (into `room`) and parses it. */
static nn_status parse(const char *line, char *room, sample *settings, arguments *found,
                       nn_error *error)
{
    char *argv[WORDS_MAX + 1] = {"sample"};
    int argc = 1;
    strcpy(room, line);
    for (char *rest = room, *word; argc < WORDS_MAX && (word = strtok_r(rest, " ", &rest));)
        argv[argc++] = word;
    *settings = (sample){0};
    return options_parse(&command, argc, argv, settings, found, error);
}

static void values_are_read(void **state)
{
    (void)state;
    char room[256];
    sample s;
    arguments found;
    nn_error error;
    assert_int_equal(parse("--flag one --text=a=b --epochs 12 --limit 5000000000 --seed "
                           "18446744073709551615 --lr 1e-3",
                           room, &s, &found, &error),
                     NN_OK);
    assert_true(s.flag);
    assert_string_equal(s.text, "a=b");
    assert_int_equal(s.whole, 12);
    assert_true(s.big == 5000000000);
    assert_true(s.seed == UINT64_MAX);
    assert_true(s.real == 1e-3);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.word[0], "one");
    assert_true(option_given(&command, &found, "epochs"));
    assert_false(option_given(&command, &found, "dropout"));

    assert_int_equal(parse("--size 120x40 --dropout 0.5 -- --flag", room, &s, &found, &error),
                     NN_OK);
    assert_int_equal(s.size[0], 120);
    assert_int_equal(s.size[1], 40);
    assert_true(s.share == 0.5);
    assert_false(s.flag);
    assert_string_equal(found.word[0], "--flag");

    assert_int_equal(parse("--epochs banana --help", room, &s, &found, &error), NN_E_ARG);
    assert_int_equal(parse("--help --epochs banana", room, &s, &found, &error), NN_OK);
    assert_true(found.help);
}

/* Each line is refused, and the message holds these words. */
static const char *const refusals[][3] = {
    {"--epoch 3", "unknown option '--epoch'", "did you mean '--epochs'?"},
    {"--epocsh=3", "unknown option '--epocsh=3'", "'--epochs'"},
    {"--zzzzzz 3", "unknown option '--zzzzzz'", ""},
    {"-x", "unknown option '-x'", ""},
    {"--augment flip", "unknown option '--augment'", ""},
    {"--epochs", "--epochs needs a value", "--epochs N"},
    {"--epochs 0", "--epochs '0'", "a whole number, at least 1"},
    {"--epochs 3.5", "--epochs '3.5'", "a whole number"},
    {"--epochs 99999999999", "--epochs", "a whole number"},
    {"--epochs 3x", "--epochs '3x'", "a whole number"},
    {"--lr fast", "--lr 'fast'", "a number, at least 0"},
    {"--lr -1", "--lr '-1'", "at least 0"},
    {"--lr nan", "--lr 'nan'", "a number"},
    {"--lr inf", "--lr 'inf'", "a number"},
    {"--dropout 1", "--dropout '1'", "from 0 to below 1"},
    {"--dropout -0.1", "--dropout", "from 0 to below 1"},
    {"--seed -1", "--seed '-1'", "2^64-1"},
    {"--seed 18446744073709551616", "--seed", "2^64-1"},
    {"--limit 99999999999999999999", "--limit", "a whole number"},
    {"--size 80", "--size '80'", "80x24"},
    {"--size 80x24x3", "--size", "80x24"},
    {"--size 0x24", "--size", "80x24"},
    {"--flag=yes", "--flag takes no value", ""},
    {"--text=", "--text is empty", "WORD"},
    {"a b c d e f g h i j k l m n o p q", "'q': too many words", ""},
};

static void mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char room[256];
        sample s;
        arguments found;
        nn_error error = {0};
        assert_int_equal(parse(refusals[i][0], room, &s, &found, &error), NN_E_ARG);
        for (int k = 1; k < 3; k++)
            if (!strstr(error.text, refusals[i][k]))
                fail_msg("'%s' was answered with '%s', without '%s'", refusals[i][0], error.text,
                         refusals[i][k]);
    }
}

static void nearest_is_near(void **state)
{
    (void)state;
    const char *const words[] = {"train", "runs", NULL, "watch", "doctor"};
    assert_string_equal(nearest_word("trian", words, 5), "train");
    assert_string_equal(nearest_word("run", words, 5), "runs");
    assert_string_equal(nearest_word("docter", words, 5), "doctor");
    assert_null(nearest_word("xyz", words, 5));
    assert_null(nearest_word("", words, 5));
}

static char *help_text(const program_command *of)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    options_help(of, out);
    fclose(out);
    return text;
}

static const program_command *command_at(int i)
{
    return i == 0 ? &command_workbench : program_commands[i - 1];
}

/* Every command's table is sound and its help names every option within 80 columns. */
static void tables_are_sound(void **state)
{
    (void)state;
    for (int i = 0; command_at(i); i++) {
        const program_command *c = command_at(i);
        char *text = help_text(c);
        int count = 0;
        bool json = false;
        for (const option *o = c->options; o->name; o++, count++) {
            char name[64];
            snprintf(name, sizeof name, "--%s", o->name);
            assert_non_null(strstr(text, name));
            assert_true((o->kind == OPTION_FLAG) == (o->value == NULL));
            assert_true(strlen(o->help) > 3);
            json = json || strcmp(o->name, "json") == 0;
            for (const option *other = c->options; other < o; other++)
                assert_string_not_equal(other->name, o->name);
        }
        assert_true(json);
        assert_true(count < OPTIONS_MAX);
        for (char *line = text, *rest = text; (line = strtok_r(rest, "\n", &rest));)
            if (strlen(line) > 80)
                fail_msg("help of '%s' is wider than 80 columns: %s", c->name, line);
        free(text);
    }
}

static char *json_of(void (*write)(json_out *json))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    json_out json = {.out = out};
    write(&json);
    assert_true(json_line(&json));
    fclose(out);
    return text;
}

static void write_sample(json_out *json)
{
    json_open(json, NULL, '{');
    json_text(json, "text", "a \"quote\" \\ line\n\x01 \xec\x95\x88 \xff");
    json_number(json, "tenth", 0.1);
    json_number(json, "third", 1.0 / 3);
    json_number(json, "nan", NAN);
    json_number(json, "infinity", -INFINITY);
    json_whole(json, "least", INT64_MIN);
    json_seed(json, "most", UINT64_MAX);
    json_flag(json, "yes", true);
    json_text(json, "nothing", NULL);
    json_open(json, "list", '[');
    json_open(json, NULL, '[');
    json_close(json, ']');
    json_whole(json, NULL, 1);
    json_whole(json, NULL, 2);
    json_close(json, ']');
    json_close(json, '}');
}

static void json_is_exact(void **state)
{
    (void)state;
    char *text = json_of(write_sample);
    assert_string_equal(text,
                        "{\"text\":\"a \\\"quote\\\" \\\\ line\\n\\u0001 \xec\x95\x88 \\ufffd\","
                        "\"tenth\":0.1,\"third\":0.3333333333333333,\"nan\":null,"
                        "\"infinity\":null,\"least\":-9223372036854775808,"
                        "\"most\":18446744073709551615,\"yes\":true,\"nothing\":null,"
                        "\"list\":[[],1,2]}\n");
    free(text);
}

static void json_text_is_ascii_safe(json_out *json)
{
    json_text(json, NULL, "\x7f\t");
}

static void json_escapes_control_characters(void **state)
{
    (void)state;
    char *text = json_of(json_text_is_ascii_safe);
    assert_string_equal(text, "\"\\u007f\\u0009\"\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read), cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(nearest_is_near), cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(json_is_exact),   cmocka_unit_test(json_escapes_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
