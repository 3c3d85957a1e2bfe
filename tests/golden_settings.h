/* The numbers of lessons/settings.def, by name. */
#ifndef GRADUS_TESTS_GOLDEN_SETTINGS_H
#define GRADUS_TESTS_GOLDEN_SETTINGS_H

#define SETTING(name, value, where) static const double name = (value);
#include "lessons/settings.def"
#undef SETTING

#endif
