/* What lessons/settings.def and lessons/works.def say, by name. */
#ifndef GRADUS_TESTS_GOLDEN_SETTINGS_H
#define GRADUS_TESTS_GOLDEN_SETTINGS_H

#define SETTING(name, value, where) __attribute__((unused)) static const double name = (value);
#include "lessons/settings.def"
#undef SETTING

enum {
#define WORK(name, year, authors, title, where) YEAR_OF_##name = (year),
#include "lessons/works.def"
#undef WORK
};

#endif
