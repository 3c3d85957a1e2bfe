/* What a chapter looks like on the smallest screen. */
#ifndef GRADUS_UI_COURSE_LINT_H
#define GRADUS_UI_COURSE_LINT_H

#include "ui/lesson_lint.h"

/* Draws every page, step, lab and question of the chapter at 80x24 in both languages; complains of
 * each where something is cut off. */
void lint_screens(lesson_linter *lint);

#endif
