/* Records the trainings of labs as runs of the store: the sink that a lab is given. */
#ifndef GRADUS_UI_LESSON_RECORD_H
#define GRADUS_UI_LESSON_RECORD_H

#include "lessons/lab.h"
#include "store/store.h"

typedef struct lesson_record lesson_record;

/* `path` NULL: the default store. `command_line` is kept with each run. NULL and an error. */
lesson_record *lesson_record_open(const char *path, const char *command_line, nn_error *error);
/* Waits until everything is written. NULL is fine. */
nn_status lesson_record_close(lesson_record *record, nn_error *error);
/* For lab_set_sink; `progress` and its context may be added to it. */
lab_sink lesson_record_sink(lesson_record *record);

#endif
