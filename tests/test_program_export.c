/* `gradus export` by the real program: tables and pictures say what the store holds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/program_runs.h"
#include "tests/store_fixture.h"
#include "ui/figures/strokes.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[256];

static const char *file(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", program_folder(), name);
    return path;
}

static int make_runs(void **state)
{
    (void)state;
    json_decref(train("train --data digits --model logreg --limit 900 --epochs 3 --schedule cosine "
                      "--name 'first<&>' --json"));
    json_decref(train("train --data digits --model mlp --limit 900 --epochs 2 --name second "
                      "--json"));
    program_result result =
        program_run("sweep --data digits --model logreg --limit 300 --epochs 2 --trials 3 --space "
                    "'lr=log(1e-3,1) batch=choice(16,32)' --name study --sampler random --json");
    int status = result.status;
    program_free(&result);
    return status;
}

/* What a command writes into FOLDER/name. */
static char *exported(const char *words, const char *name)
{
    char line[512];
    size_t size;
    snprintf(line, sizeof line, "export %s -o %s", words, file(name));
    program_result result = program_run(line);
    if (result.status != 0)
        fail_msg("%s: %s", line, result.err);
    assert_string_equal(result.out, "");
    program_free(&result);
    char *text = read_whole_file(file(name), &size);
    text[size] = '\0';
    return text;
}

static void has(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("'%s' is not in: %.600s", words, text);
}

static int lines_of(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void refused(const char *line, int status, const char *words)
{
    program_result result = program_run(line);
    assert_int_equal(result.status, status);
    assert_string_equal(result.out, "");
    has(result.err, words);
    program_free(&result);
}

/* --- tables ------------------------------------------------------------------------------------
 */

static void test_curves_agree(void **state)
{
    (void)state;
    json_t *answer = program_json("export 1 --json");
    const json_t *run = json_array_get(json_object_get(answer, "runs"), 0);
    const json_t *curves = json_object_get(run, "curves");
    const json_t *loss = json_object_get(json_object_get(curves, "loss"), "value");
    const json_t *dev = json_object_get(json_object_get(curves, "dev_error"), "value");
    char *csv = exported("1", "curves.csv");
    size_t steps = json_array_size(loss);
    assert_int_equal(steps, whole_of(run, "total_steps"));
    assert_int_equal(json_array_size(dev), 3);
    assert_int_equal(lines_of(csv), steps + 1);
    has(csv, "run,name,step,epoch,loss,");
    char *save = NULL, *line = strtok_r(csv, "\n", &save);
    for (size_t i = 0; i < steps; i++) {
        line = strtok_r(NULL, "\n", &save);
        char *at = strstr(line, "first<&>,");
        assert_non_null(at);
        double step = strtod(at + 9, &at), epoch = strtod(at + 1, &at);
        assert_true(step > (double)i && step < (double)i + 2);
        assert_true(fabs(epoch - step * 3 / (double)steps) < 1e-9);
        assert_true(!(fabs(strtod(at + 1, NULL) - json_real_value(json_array_get(loss, i))) > 0));
    }
    free(csv);
    json_decref(answer);
}

static void test_confusion_and_schedule(void **state)
{
    (void)state;
    json_t *answer = program_json("export first --json --part dev");
    const json_t *run = json_array_get(json_object_get(answer, "runs"), 0);
    long long count = whole_of(json_object_get(run, "confusion_matrix"), "count");
    char *csv = exported("first --what confusion --part dev", "confusion.csv");
    assert_int_equal(lines_of(csv), 101);
    long long sum = 0;
    for (const char *at = strchr(csv, '\n'); at[1]; at = strchr(at + 1, '\n')) {
        const char *end = strchr(at + 1, '\n');
        while (end[-1] != ',')
            end--;
        sum += strtoll(end, NULL, 10);
    }
    assert_int_equal(sum, count);
    free(csv);
    csv = exported("first --what schedule", "schedule.csv");
    assert_int_equal(lines_of(csv), whole_of(run, "total_steps") + 1);
    has(csv, "run,name,step,epoch,lr,planned");
    free(csv);
    json_decref(answer);
}

static void test_study(void **state)
{
    (void)state;
    char *csv = exported("study", "study.csv");
    assert_int_equal(lines_of(csv), 4);
    has(csv, "trial,state,run,origin,source,param.lr,param.batch,dev_error,epochs,");
    has(csv, "\n3,finished,");
    free(csv);
    char *svg = exported("study", "study.svg");
    has(svg, "best so far");
    free(svg);
    json_t *answer = program_json("export study --json");
    assert_int_equal(json_array_size(json_object_get(answer, "trials")), 3);
    json_decref(answer);
}

/* --- pictures ----------------------------------------------------------------------------------
 */

static void test_svg(void **state)
{
    (void)state;
    char *svg = exported("1 2 --log-y", "two.svg");
    has(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    has(svg, "<title>2 runs on digits</title>");
    has(svg, ">Loss</text>");
    has(svg, ">epoch</text>");
    has(svg, ">wrong answers, %</text>");
    has(svg, ">Learning rate</text>");
    has(svg, "A first&lt;&amp;&gt;: dev</text>");
    has(svg, "B second: dev</text>");
    has(svg, "stroke=\"#0072b2\"");
    has(svg, "stroke=\"#d55e00\"");
    has(svg, "predicted class");
    has(svg, "</svg>\n");
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    free(svg);
    svg = exported("1 --what schedule --title Rate", "rate.svg");
    has(svg, ">Rate</text>");
    assert_null(strstr(svg, "predicted class"));
    assert_null(strstr(svg, ">Loss</text>"));
    free(svg);
}

static void test_png(void **state)
{
    (void)state;
    free(exported("1 2", "two.png"));
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    assert_true(png_image_begin_read_from_file(&image, file("two.png")));
    image.format = PNG_FORMAT_RGB;
    assert_int_equal(image.width, 2400);
    size_t size = PNG_IMAGE_SIZE(image);
    uint8_t *pixels = malloc(size);
    assert_non_null(pixels);
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    size_t white = 0, first = 0, second = 0;
    for (size_t i = 0; i + 2 < size; i += 3) {
        white += pixels[i] == 255 && pixels[i + 1] == 255 && pixels[i + 2] == 255;
        first += pixels[i] == 0x00 && pixels[i + 1] == 0x72 && pixels[i + 2] == 0xb2;
        second += pixels[i] == 0xd5 && pixels[i + 1] == 0x5e && pixels[i + 2] == 0x00;
    }
    assert_true(white > size / 3 * 6 / 10 && white < size / 3);
    assert_true(first > 2000 && second > 2000);
    free(pixels);
}

typedef struct {
    int strokes;
    double left, right, low, high;
} extent;

static void measure(void *context, const drawing_point *points, int count)
{
    extent *e = context;
    assert_true(count >= 2);
    e->strokes++;
    for (int i = 0; i < count; i++) {
        e->left = fmin(e->left, points[i].x), e->right = fmax(e->right, points[i].x);
        e->low = fmin(e->low, points[i].y), e->high = fmax(e->high, points[i].y);
    }
}

/* Every letter stands between its neighbours and inside its line. */
static void test_letters(void **state)
{
    (void)state;
    for (int letter = ' '; letter < 0x7f; letter++) {
        const char text[] = {(char)letter, '\0'};
        extent e = {0, 9, -9, 9, -9};
        strokes_of(text, measure, &e);
        assert_int_equal(e.strokes > 0, letter != ' ');
        assert_true(letter == ' ' || (e.left > 0 && e.right < strokes_width(text)));
        assert_true(letter == ' ' || (e.low > -0.3 && e.high < 0.85));
    }
    assert_true(fabs(strokes_width("\xea\xb0\x80") - strokes_width("0")) < 0.01);
}

/* --- files and mistakes ------------------------------------------------------------------------
 */

static void test_whole_or_not_at_all(void **state)
{
    (void)state;
    write_whole_file(file("kept.csv"), "before\n", 7);
    refused("export 1 nobody -o kept.csv", 1, "nobody");
    char line[300];
    snprintf(line, sizeof line, "export 99 -o %s", file("kept.csv"));
    refused(line, 1, "99");
    size_t size;
    char *kept = read_whole_file(file("kept.csv"), &size);
    assert_memory_equal(kept, "before\n", 7);
    free(kept);
    refused("export 1 -o /nowhere/at/all.csv", 1, "/nowhere/at/all.csv");
    refused("export 1 --csv -o /dev/full", 1, "No space left");
    snprintf(line, sizeof line, "export 1 --csv -o %s", program_folder());
    refused(line, 1, "is a folder");
}

static void test_mistakes(void **state)
{
    (void)state;
    refused("export", 2, "needs RUN");
    refused("export 1 --csv --json", 2, "one format at a time");
    refused("export 1 -o picture", 2, "does not say its format");
    refused("export 1 -o", 2, "--output needs a value");
    refused("export 1 --what loss", 2, "expected curves");
    refused("export 1 --csv --what curves,schedule", 2, "one part");
    refused("export 1 --x year", 2, "expected epoch, step or time");
    refused("export 1 --part train", 2, "expected dev or test");
    refused("export 1 first -o x.svg", 1, "are the same run");
    refused("export nothing -o x.svg", 1, "nothing");
    refused("export nothing --study --csv", 1, "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curves_agree),
        cmocka_unit_test(test_confusion_and_schedule),
        cmocka_unit_test(test_study),
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_whole_or_not_at_all),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, make_runs, leave);
}
