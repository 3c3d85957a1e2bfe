#include "engine/status.h"

#include <stdarg.h>
#include <stdio.h>

nn_status(nn_fail)(nn_error *error, nn_status code, const char *format, ...)
{
    if (error) {
        va_list list;
        va_start(list, format);
        error->code = code;
        vsnprintf(error->text, sizeof error->text, format, list);
        va_end(list);
        /* One line, whatever a file name or a library's message brought along. */
        for (char *c = error->text; *c; c++)
            if (*c == '\n' || *c == '\r')
                *c = ' ';
    }
    return code;
}

const char *nn_status_name(nn_status code)
{
    switch (code) {
    case NN_OK:
        return "ok";
    case NN_E_SHAPE:
        return "shape";
    case NN_E_ARG:
        return "argument";
    case NN_E_NOMEM:
        return "memory";
    case NN_E_IO:
        return "input/output";
    case NN_E_FORMAT:
        return "format";
    case NN_E_NONFINITE:
        return "not finite";
    case NN_E_STATE:
        return "state";
    case NN_E_MISSING:
        return "missing";
    }
    return "unknown";
}
