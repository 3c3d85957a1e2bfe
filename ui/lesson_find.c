#include "ui/lesson_find.h"

#include "ui/terminal/text.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *words;
    bool (*visit)(void *context, const lesson_place *place);
    void *context;
} hunt;

static bool hunt_text(const hunt *h, const lesson_source *source, lesson_language language)
{
    const char *at = source->text[language];
    char heading[256] = "", text[8192];
    lesson_block block;
    int line = 1, section = -1, number = 0;
    while (lesson_block_next(&at, &line, &block)) {
        snprintf(text, sizeof text, "%.*s", (int)block.length, block.text);
        number++;
        if (block.kind == BLOCK_HEADING) {
            snprintf(heading, sizeof heading, "%.250s", text);
            section++;
            number = 0;
        }
        const char *found = strcasestr(text, h->words);
        lesson_place place = {.chapter = source->lesson->chapter,
                              .language = language,
                              .section = section < 0 ? 0 : section,
                              .block = number,
                              .heading = heading,
                              .text = text,
                              .at = found};
        if (found && !h->visit(h->context, &place))
            return false;
    }
    return true;
}

static bool hunt_title(const hunt *h, int chapter)
{
    for (int i = 0; i < LESSON_LANGUAGES; i++) {
        const char *title = lesson_say(lesson_title(chapter), (lesson_language)i);
        const char *found = strcasestr(title, h->words);
        if (found)
            return h->visit(h->context, &(lesson_place){.chapter = chapter,
                                                        .language = (lesson_language)i,
                                                        .title = true,
                                                        .heading = "",
                                                        .text = title,
                                                        .at = found});
    }
    return true;
}

void lesson_search_all(const char *words, bool (*visit)(void *context, const lesson_place *place),
                       void *context)
{
    const hunt h = {words, visit, context};
    for (int chapter = 1; chapter <= LESSON_CHAPTERS; chapter++) {
        const lesson_source *source = lesson_find(chapter);
        if (!hunt_title(&h, chapter))
            return;
        for (int i = 0; source && i < LESSON_LANGUAGES; i++)
            if (!hunt_text(&h, source, (lesson_language)i))
                return;
    }
}

const char *lesson_excerpt(const lesson_place *place, int columns, char *out, size_t size)
{
    const char *text = place->text, *at = place->at, *start = at;
    for (int back = 0; start > text && back < 90; back++)
        start--;
    while (start > text && ((unsigned char)*start & 0xC0) == 0x80)
        start--;
    while (start > text && start < at && start[-1] != ' ' && start[-1] != '\n')
        start++;
    char plain[512];
    size_t used = 0;
    for (; *start && used + 1 < sizeof plain; start++) /* marks of terms are not shown */
        if (strncmp(start, "**", 2) == 0)
            start++;
        else
            plain[used++] = (char)(*start == '\n' ? ' ' : *start);
    plain[used] = '\0';
    (void)text_truncate(out, size, plain, columns, false);
    return out;
}
