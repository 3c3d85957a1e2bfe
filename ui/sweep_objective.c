/* What a sweep may look for: numbers of every epoch. */
#include "ui/sweep.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t field; /* of nn_event */
    bool highest;
} objectives[] = {
    {"dev_error", offsetof(nn_event, dev_error), false},
    {"dev_loss", offsetof(nn_event, dev_loss), false},
    {"train_error", offsetof(nn_event, train_error), false},
    {"train_loss", offsetof(nn_event, train_loss), false},
    {"examples_per_s", offsetof(nn_event, examples_per_s), true},
};
enum { OBJECTIVES = sizeof objectives / sizeof *objectives };

bool sweep_objective(const char *name, bool *highest)
{
    for (int i = 0; i < OBJECTIVES; i++)
        if (strcmp(objectives[i].name, name) == 0) {
            *highest = objectives[i].highest;
            return true;
        }
    return false;
}

const char *sweep_objectives(void)
{
    return "dev_error, dev_loss, train_error, train_loss, examples_per_s";
}

double sweep_objective_of(const char *name, const nn_event *event)
{
    for (int i = 0; i < OBJECTIVES; i++)
        if (strcmp(objectives[i].name, name) == 0)
            return *(const double *)(const void *)((const char *)event + objectives[i].field);
    return (double)NAN;
}
