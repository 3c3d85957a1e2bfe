/* `gradus lesson` over all chapters: the list with progress, the glossary, the search. */
#ifndef GRADUS_UI_LESSON_LIST_H
#define GRADUS_UI_LESSON_LIST_H

#include "lessons/lesson.h"

/* Each returns the exit status. `path` NULL: the default store; `no_store`: without progress. */
int lesson_list(lesson_language language, const char *path, bool no_store, bool as_json);
int lesson_glossary(lesson_language language, bool as_json);
/* Through titles, terms and texts in both languages, without regard to case. 1 when nothing is
 * found. */
int lesson_search(const char *word, lesson_language language, bool as_json);

#endif
