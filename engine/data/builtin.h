/* Data sets that are part of the program. Private to engine/data. */
#ifndef GRADUS_ENGINE_DATA_BUILTIN_H
#define GRADUS_ENGINE_DATA_BUILTIN_H

enum { NN_DIGITS_COUNT = 1797, NN_DIGITS_ROW = 65, NN_IRIS_LINES = 151 };

extern const char nn_digits_data[NN_DIGITS_COUNT][NN_DIGITS_ROW + 1];
extern const char *const nn_iris_data[NN_IRIS_LINES]; /* lines of a CSV file */

#endif
