/* Each training of a lab becomes an ordinary run: described, followed by the recorder, and closed
 * before its trainer goes. */
#include "ui/lesson_record.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAG = 65536, CLASSES = 64, PARAMS = LESSON_CONTROLS + 8 };

struct lesson_record {
    recorder *recorder;
    char path[PATH_MAX], command_line[256];
};

lesson_record *lesson_record_open(const char *path, const char *command_line, nn_error *error)
{
    lesson_record *record = calloc(1, sizeof *record);
    if (!record) {
        nn_fail(error, NN_E_NOMEM, "no memory to record the lab");
        return NULL;
    }
    snprintf(record->command_line, sizeof record->command_line, "%s", command_line);
    nn_status status = NN_OK;
    if (!path)
        status = store_default_path(record->path, sizeof record->path, error);
    else
        snprintf(record->path, sizeof record->path, "%s", path);
    record->recorder = status == NN_OK ? recorder_open(record->path, error) : NULL;
    if (!record->recorder) {
        free(record);
        return NULL;
    }
    return record;
}

nn_status lesson_record_close(lesson_record *record, nn_error *error)
{
    nn_status status = record ? recorder_close(record->recorder, error) : NN_OK;
    free(record);
    return status;
}

static void put_number(store_param *param, const char *key, double number)
{
    *param = (store_param){.is_number = true, .number = number};
    snprintf(param->key, sizeof param->key, "%s", key);
}

static void put_text(store_param *param, const char *key, const char *text)
{
    *param = (store_param){.is_number = false};
    snprintf(param->key, sizeof param->key, "%s", key);
    snprintf(param->text, sizeof param->text, "%s", text);
}

/* The lesson, its lab and what the learner set. */
static int describe(const lab *l, const char *name, const nn_train_args *args, store_param *params)
{
    int count = 0;
    const lesson_lab *what = lab_of(l);
    put_number(&params[count++], "lesson", lab_lesson(l)->chapter);
    put_text(&params[count++], "lab", what->id);
    put_text(&params[count++], "lab_run", name);
    put_number(&params[count++], "lr", args->optimizer.lr);
    put_text(&params[count++], "optimizer", nn_optimizer_name(args->optimizer.kind));
    for (int i = 0; i < lab_control_count(what); i++) {
        const lab_control *control = &what->controls[i];
        char key[32], text[32];
        snprintf(key, sizeof key, "lab.%s", control->name);
        if (control->kind == LAB_REAL || control->kind == LAB_WHOLE)
            put_number(&params[count++], key, lab_value(l, control->name));
        else
            put_text(&params[count++], key, lab_get(l, control->name, text));
    }
    return count;
}

static run_id begin_run(lesson_record *record, const char *name, nn_trainer *trainer,
                        const nn_train_args *args, const lab *l, nn_error *error)
{
    const char *class_name[CLASSES];
    int classes = nn_dataset_classes(args->data);
    classes = classes < CLASSES ? classes : CLASSES;
    for (int i = 0; i < classes; i++)
        class_name[i] = nn_dataset_class_name(args->data, i);
    store_param params[PARAMS];
    run_description description = {.data = nn_dataset_name(args->data),
                                   .fingerprint = nn_dataset_fingerprint(args->data),
                                   .model = args->model,
                                   .command_line = record->command_line,
                                   .classes = classes,
                                   .class_names = class_name,
                                   .facts = nn_trainer_facts(trainer),
                                   .dataset = args->data,
                                   .seed = args->seed,
                                   .params = params,
                                   .param_count = describe(l, name, args, params)};
    return recorder_begin(record->recorder, &description, 0, 0, error);
}

static int64_t begin(void *context, const char *name, nn_trainer *trainer,
                     const nn_train_args *args, const lab *l, nn_error *error)
{
    lesson_record *record = context;
    nn_listener *listener = nn_trainer_listen(trainer, LAG, error);
    if (!listener)
        return 0;
    run_id run = begin_run(record, name, trainer, args, l, error);
    if (run <= 0 || recorder_follow(record->recorder, run, listener, error) != NN_OK)
        return 0;
    return run;
}

static nn_status end(void *context, int64_t run, nn_trainer *trainer, nn_error *error)
{
    lesson_record *record = context;
    (void)trainer; /* its listener goes with it: the recorder must have done with it before */
    nn_status status = recorder_wait(record->recorder, run, error);
    recorder_release(record->recorder, run);
    return status;
}

lab_sink lesson_record_sink(lesson_record *record)
{
    return (lab_sink){.begin = begin, .end = end, .context = record};
}
