#include "tests/example_fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

nn_dataset *fixture_digits(double flip)
{
    nn_error error = {0};
    nn_data_args args = {.seed = 1, .flip = flip};
    nn_dataset *data = nn_dataset_open("digits", &args, &error);
    if (!data)
        fail_msg("%s", error.text);
    return data;
}

static run_description describe(const char *name, const nn_dataset *data,
                                const char *class_names[10])
{
    run_description description = plain_description(name);
    for (int i = 0; i < 10; i++)
        class_names[i] = nn_dataset_class_name(data, i);
    description.data = nn_dataset_name(data);
    description.fingerprint = nn_dataset_fingerprint(data);
    description.classes = 10;
    description.class_names = class_names;
    description.dataset = data;
    return description;
}

static void tell_part(recorder *r, run_id run, const nn_dataset *data, nn_part part,
                      const int *predicted)
{
    int64_t count = nn_dataset_count(data, part);
    nn_event event = event_of(NN_EVENT_EVALUATION, 100);
    nn_evaluation *e = plain_evaluation(part, 100, 10, count);
    int64_t wrong = 0;
    memset(e->confusion, 0, 100 * sizeof *e->confusion);
    for (int64_t i = 0; i < count; i++) {
        int truth = nn_dataset_label(data, part, i);
        e->predicted[i] = predicted[i];
        e->probability[i] = .6f + .03f * (float)(i % 10);
        e->truth_probability[i] = truth == predicted[i] ? e->probability[i] : .05f;
        e->confusion[truth * 10 + predicted[i]]++;
        wrong += truth != predicted[i];
    }
    e->error = (double)wrong / (double)count;
    event.evaluation = e;
    tell(r, run, event);
}

static run_id run_with(recorder *r, const char *name, const nn_dataset *data, const int *dev,
                       const int *test)
{
    const char *class_names[10];
    nn_error error = {0};
    run_description description = describe(name, data, class_names);
    run_id run = recorder_begin(r, &description, 0, 0, &error);
    if (run <= 0)
        fail_msg("%s", error.text);
    tell_part(r, run, data, NN_DEV, dev);
    if (test)
        tell_part(r, run, data, NN_TEST, test);
    tell_end(r, run, NN_FINISHED, 100);
    if (recorder_wait(r, run, &error) != NN_OK)
        fail_msg("%s", error.text);
    return run;
}

run_id fixture_answers(recorder *r, const char *name, const nn_dataset *data, int every)
{
    static const nn_part parts[] = {NN_DEV, NN_TEST};
    int *answers[2];
    for (int p = 0; p < 2; p++) {
        int64_t count = nn_dataset_count(data, parts[p]);
        assert_non_null(answers[p] = malloc((size_t)count * sizeof *answers[p]));
        for (int64_t i = 0; i < count; i++)
            answers[p][i] = (nn_dataset_label(data, parts[p], i) + (i % every == 0)) % 10;
    }
    run_id run = run_with(r, name, data, answers[0], answers[1]);
    free(answers[0]);
    free(answers[1]);
    return run;
}

run_id fixture_dev_answers(recorder *r, const char *name, const nn_dataset *data,
                           const int *predicted)
{
    return run_with(r, name, data, predicted, NULL);
}
