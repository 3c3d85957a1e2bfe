/* The Lab of a chapter: live experiments with its controls. Its state is course_screen.lab, which
 * course_lab.c alone looks into. Belongs to the UI thread.
 *
 * Space and 0 alone must lead through: what they do here is course_lab_do's, except that 0
 * (COURSE_SHOW) goes on to the checks when course_lab_do does not use it. */
#ifndef GRADUS_UI_COURSE_LAB_H
#define GRADUS_UI_COURSE_LAB_H

#include "ui/screens/course.h"

/* The chapter's labs; keeps what is there when the same chapter is opened again. */
void course_lab_open(app *a);
void course_lab_draw(app *a, canvas *c);
/* Keys before the table of commands sees them, for text that is typed; false: not used. */
bool course_lab_key(app *a, const key_event *key);
bool course_lab_do(app *a, command_id what, const char *argument);
/* NULL: it can run. Of commands in IN_LAB. */
const char *course_lab_why_not(const app *a, command_id what);
/* About ten times a second while something arrives, and every second; true: draw again. */
bool course_lab_refresh(app *a, bool force);
/* For the message line when nobody said anything. */
void course_lab_standing(const app *a, char *text, size_t size);
/* Stops what runs, waits for it, and closes the recorder. */
void course_lab_free(app *a);

#endif
