/* Dates as people write them. */
#include "engine/text/dates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void many_ways_to_write_one_date(void **state)
{
    (void)state;
    static const char *const same[] = {
        "2022-12-25",       "25th Dec 2022", "December 25, 2022", "12/25/22",
        "12/25/2022",       "25.12.2022",    "25. December 2022", "Dec 25th, 22",
        "2022 December 25", "25-dec-2022",   "SUNDAY 25 DEC 22",  " Sun., 25 Dec. 2022 ",
        "dec 25 2022",      "2022/12/25",    "25.12.22",          "2022, 25th December"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        nn_error error = {NN_OK, ""};
        nn_date date;
        char text[NN_DATE_TEXT];
        if (nn_date_read(same[i], &date, &error) != NN_OK)
            fail_msg("%s", error.text);
        assert_string_equal(nn_date_text(date, text), "2022-12-25");
    }
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "hello",
                                        "25 Dec",
                                        "25 Dec 2022 1",
                                        "13/25/22",
                                        "2022-02-29",
                                        "1900-02-29",
                                        "31 Apr 2022",
                                        "0 Jan 2022",
                                        "Jan Feb 2022",
                                        "25 De 2022",
                                        "25 Decem2022x",
                                        "25 Dec 022",
                                        "25 Dec 20222",
                                        "100 Dec 2022",
                                        "1st 2nd 3rd",
                                        "Dec 2022 2023",
                                        "25 Dec 2022nd",
                                        "12th/25/22",
                                        "Sunday 2022",
                                        "25 Dec 0000",
                                        "Decemberrrrrrrrrrrrrrrrrrrrrrrrrr 25 2022",
                                        "25 \xc3\xa9 2022"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        nn_error error = {NN_OK, ""};
        nn_date date = {1, 2, 3};
        if (nn_date_read(wrong[i], &date, &error) == NN_OK)
            fail_msg("'%s' was read as a date", wrong[i]);
        assert_int_equal(error.code, NN_E_FORMAT);
        assert_non_null(strstr(error.text, "date '"));
        assert_int_equal(date.day, 3);
    }
}

static void leap_years_and_centuries(void **state)
{
    (void)state;
    nn_date date;
    assert_int_equal(nn_date_read("29 Feb 2000", &date, NULL), NN_OK);
    assert_int_equal(nn_date_read("Feb 29, 2024", &date, NULL), NN_OK);
    assert_int_equal(nn_date_read("1 May 69", &date, NULL), NN_OK);
    assert_int_equal(date.year, 2069);
    assert_int_equal(nn_date_read("1 May 70", &date, NULL), NN_OK);
    assert_int_equal(date.year, 1970);
    assert_false(nn_date_exists((nn_date){2023, 2, 29}));
    assert_false(nn_date_exists((nn_date){2023, 13, 1}));
    assert_false(nn_date_exists((nn_date){0, 1, 1}));
}

/* Every day of some years goes to text and back. */
static void every_day_is_read_back(void **state)
{
    (void)state;
    char text[NN_DATE_TEXT];
    int days = 0;
    for (int year = 1999; year <= 2004; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= 31; day++) {
                nn_date date = {year, month, day}, read;
                if (!nn_date_exists(date))
                    continue;
                days++;
                assert_int_equal(nn_date_read(nn_date_text(date, text), &read, NULL), NN_OK);
                assert_true(read.year == year && read.month == month && read.day == day);
            }
    assert_int_equal(days, 6 * 365 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_ways_to_write_one_date),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(leap_years_and_centuries),
        cmocka_unit_test(every_day_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
