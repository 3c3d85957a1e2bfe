/* Status codes and error messages of the engine.
 *
 * Every call that can fail returns an nn_status (or NULL) and fills an nn_error. A message names
 * the thing, what was expected and what to do: "conv2d 'c2': 5x5 kernel on a 3x3 input; pad it or
 * use a smaller kernel". Nothing in the engine prints, exits or aborts. */
#ifndef GRADUS_ENGINE_STATUS_H
#define GRADUS_ENGINE_STATUS_H

typedef enum {
    NN_OK,
    NN_E_SHAPE,     /* shapes do not fit together */
    NN_E_ARG,       /* an argument is outside its range */
    NN_E_NOMEM,     /* memory is exhausted */
    NN_E_IO,        /* the operating system refused (text has strerror) */
    NN_E_FORMAT,    /* a file is not what it claims to be */
    NN_E_NONFINITE, /* NaN or infinity appeared in training */
    NN_E_STATE,     /* the call does not fit the object's state */
    NN_E_MISSING    /* a named thing does not exist */
} nn_status;

typedef struct {
    nn_status code;
    char text[320]; /* UTF-8, one line, no trailing newline */
} nn_error;

/* Fill `error` (which may be NULL) and return `code`, so that a caller can write
 * `return nn_fail(error, NN_E_ARG, "learning rate %g: expected a value above 0", lr);`. */
nn_status nn_fail(nn_error *error, nn_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__
/* The analyser sees one file at a time: tell it what everybody knows, that the answer is `code`. */
#define nn_fail(error, code, ...) (nn_fail(error, code, __VA_ARGS__), (code))
#endif

/* "shape", "argument", ...: the word for a code. Never NULL. */
const char *nn_status_name(nn_status code);

#endif
