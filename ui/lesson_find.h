/* Search through titles and texts of all chapters, in both languages. Knows no terminal. */
#ifndef GRADUS_UI_LESSON_FIND_H
#define GRADUS_UI_LESSON_FIND_H

#include "lessons/text.h"

/* A place where the words stand. Strings live during the call alone. */
typedef struct {
    int chapter;
    lesson_language language; /* of the text; of a title the one that fits */
    bool title;               /* of the chapter: then section and block are 0 */
    int section, block;       /* of the page, from 0; the heading is block 0 of its section */
    const char *heading;      /* of the section */
    const char *text, *at;    /* the block, and the words in it */
} lesson_place;

/* Calls `visit` for each place, by chapter, until it answers false. Letters of ASCII in any case.
 */
void lesson_search_all(const char *words, bool (*visit)(void *context, const lesson_place *place),
                       void *context);
/* A line around the words, at most `columns` wide. Returns `out`. */
const char *lesson_excerpt(const lesson_place *place, int columns, char *out, size_t size);

#endif
