/* Principal components: directions that were put in come out, and the definition holds. */
#include "engine/rng.h"
#include "engine/text/map.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 40, SIZE = 5 };

static void what_was_put_in_comes_out(void **state)
{
    (void)state;
    nn_real table[ROWS * 2];
    double places[ROWS * 2], directions[4], variances[2];
    nn_error error;
    for (int r = 0; r < ROWS; r++) { /* along (-0.6, 0.8) alone, around (5, 7) */
        table[2 * r] = (nn_real)(5 - 0.6 * (r - 19.5));
        table[2 * r + 1] = (nn_real)(7 + 0.8 * (r - 19.5));
    }
    assert_int_equal(nn_map(table, ROWS, 2, 2, places, directions, variances, &error), NN_OK);
    assert_true(fabs(directions[0] + 0.6) < 1e-6 && fabs(directions[1] - 0.8) < 1e-6);
    assert_true(fabs(variances[0] - 133.25) < 1e-3 && variances[1] < 1e-9);
    for (int r = 0; r < ROWS; r++)
        assert_true(fabs(places[2 * r] - (r - 19.5)) < 1e-4 && fabs(places[2 * r + 1]) < 1e-4);
}

/* Places along different axes do not vary together, variances fall, and no spread is lost. */
static void places_are_uncorrelated_and_keep_the_spread(void **state)
{
    (void)state;
    nn_real table[ROWS * SIZE];
    double places[ROWS * SIZE], again[ROWS * SIZE], variances[SIZE], total = 0, kept = 0;
    nn_error error;
    for (uint32_t i = 0; i < ROWS * SIZE; i++)
        table[i] = (nn_real)(nn_normal_at(1, 2, 3, i) * (1 + i % SIZE));
    assert_int_equal(nn_map(table, ROWS, SIZE, SIZE, places, NULL, variances, &error), NN_OK);
    assert_int_equal(nn_map(table, ROWS, SIZE, SIZE, again, NULL, NULL, &error), NN_OK);
    assert_memory_equal(places, again, sizeof places);
    for (int a = 0; a < SIZE; a++) {
        for (int b = 0; b < SIZE; b++) {
            double product = 0;
            for (int r = 0; r < ROWS; r++)
                product += places[r * SIZE + a] * places[r * SIZE + b] / ROWS;
            assert_true(fabs(product - (a == b ? variances[a] : 0)) < 1e-9);
        }
        assert_true(a == 0 || variances[a] <= variances[a - 1]);
        double mean = 0, square = 0;
        for (int r = 0; r < ROWS; r++) {
            mean += (double)table[r * SIZE + a] / ROWS;
            square += (double)table[r * SIZE + a] * (double)table[r * SIZE + a] / ROWS;
        }
        total += square - mean * mean;
        kept += variances[a];
    }
    assert_true(fabs(total - kept) < 1e-9 * total);
}

static void maps_refuse_what_they_cannot_draw(void **state)
{
    (void)state;
    const nn_real same[4] = {1, 2, 1, 2}, bad[4] = {1, 2, (nn_real)NAN, 2};
    double places[4];
    nn_error error;
    assert_int_equal(nn_map(same, 2, 2, 2, places, NULL, NULL, &error), NN_OK);
    for (int i = 0; i < 4; i++)
        assert_true(places[i] == 0);
    assert_int_equal(nn_map(bad, 2, 2, 1, places, NULL, NULL, &error), NN_E_NONFINITE);
    assert_int_equal(nn_map(same, 2, 2, 3, places, NULL, NULL, &error), NN_E_ARG);
    assert_int_equal(nn_map(same, 0, 2, 1, places, NULL, NULL, &error), NN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_comes_out),
        cmocka_unit_test(places_are_uncorrelated_and_keep_the_spread),
        cmocka_unit_test(maps_refuse_what_they_cannot_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
