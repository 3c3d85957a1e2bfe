#include "ui/commands/lesson_list.h"

#include "lessons/text.h"
#include "store/progress.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"
#include "ui/commands/options.h"
#include "ui/terminal/text.h"

#include <stdlib.h>
#include <string.h>

/* --- the list -----------------------------------------------------------------------------------
 */

typedef struct {
    bool opened, done;
    int passed; /* checks */
} progress;

/* Progress of every chapter; all zero without a store. */
static bool read_progress(const char *path, progress of[LESSON_CHAPTERS + 1])
{
    progress_place *places = NULL;
    progress_item *items = NULL;
    int place_count = 0, item_count = 0;
    nn_error error = {NN_OK, ""};
    store *s = require_store(path);
    if (!s)
        return false;
    nn_status status = store_places(s, &places, &place_count, &error);
    if (status == NN_OK)
        status = store_items(s, 0, &items, &item_count, &error);
    for (int i = 0; status == NN_OK && i < place_count; i++)
        if (places[i].chapter <= LESSON_CHAPTERS) {
            of[places[i].chapter].opened = true;
            of[places[i].chapter].done = places[i].done;
        }
    for (int i = 0; status == NN_OK && i < item_count; i++)
        if (items[i].chapter <= LESSON_CHAPTERS && strcmp(items[i].kind, "check") == 0)
            of[items[i].chapter].passed += items[i].passed;
    free(places);
    free(items);
    store_close(s);
    if (status != NN_OK)
        complain("%s", error.text);
    return status == NN_OK;
}

static const char *stand(int chapter, const progress *p, lesson_language language, char text[48])
{
    const lesson_source *source = lesson_find(chapter);
    bool korean = language == LESSON_KO;
    int checks = source ? lesson_check_count(source->lesson) : 0;
    if (!source)
        return korean ? "아직 쓰지 않음" : "not written yet";
    if (p->done)
        snprintf(text, 48, korean ? "마침, 문제 %d/%d" : "done, checks %d/%d", p->passed, checks);
    else if (p->opened || p->passed > 0)
        snprintf(text, 48, korean ? "진행 중, 문제 %d/%d" : "begun, checks %d/%d", p->passed,
                 checks);
    else
        snprintf(text, 48, "%s", korean ? "새 단원" : "new");
    return text;
}

static int list_json(const progress *of)
{
    json_out json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_open(&json, "chapters", '[');
    for (int i = 1; i <= LESSON_CHAPTERS; i++) {
        const lesson_source *source = lesson_find(i);
        json_open(&json, NULL, '{');
        json_whole(&json, "chapter", i);
        json_whole(&json, "part", lesson_part(i));
        json_text(&json, "title", lesson_title(i).en);
        json_text(&json, "title_ko", lesson_title(i).ko);
        json_flag(&json, "written", source != NULL);
        json_flag(&json, "opened", of[i].opened);
        json_flag(&json, "done", of[i].done);
        json_whole(&json, "checks_passed", of[i].passed);
        json_whole(&json, "checks", source ? lesson_check_count(source->lesson) : 0);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    return json_line(&json) ? EXIT_OK : EXIT_FAILED;
}

int lesson_list(lesson_language language, const char *path, bool no_store, bool as_json)
{
    progress of[LESSON_CHAPTERS + 1] = {{0}};
    if (!no_store && !read_progress(path, of))
        return EXIT_FAILED;
    if (as_json)
        return list_json(of);
    int part = 0;
    for (int i = 1; i <= LESSON_CHAPTERS; i++) {
        char text[48];
        if (lesson_part(i) != part) {
            part = lesson_part(i);
            printf("%s%d  %s\n", part > 1 ? "\n" : "", part,
                   lesson_say(lesson_part_title(part), language));
        }
        printf("  %2d  ", i);
        print_cell(lesson_say(lesson_title(i), language), 42);
        printf("  %s\n", stand(i, &of[i], language, text));
    }
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- glossary -----------------------------------------------------------------------------------
 */

typedef struct {
    const lesson_term *term;
    int chapter;
} entry;

static int by_english(const void *a, const void *b)
{
    return strcasecmp(((const entry *)a)->term->term.en, ((const entry *)b)->term->term.en);
}

static int collect(entry *entries)
{
    int count = 0;
    for (const lesson_source *s = lesson_sources; s->folder; s++)
        for (int i = 0; i < lesson_term_count(s->lesson); i++)
            entries[count++] = (entry){&s->lesson->terms[i], s->lesson->chapter};
    qsort(entries, (size_t)count, sizeof *entries, by_english);
    return count;
}

int lesson_glossary(lesson_language language, bool as_json)
{
    entry entries[LESSON_CHAPTERS * LESSON_TERMS];
    int count = collect(entries);
    json_out json = {.out = stdout};
    if (as_json) {
        json_open(&json, NULL, '{');
        json_open(&json, "terms", '[');
    }
    for (int i = 0; i < count; i++) {
        const lesson_term *term = entries[i].term;
        if (!as_json) {
            printf("%s (%s), %d\n    %s\n", lesson_say(term->term, language),
                   lesson_say(term->term, language == LESSON_EN ? LESSON_KO : LESSON_EN),
                   entries[i].chapter, lesson_say(term->meaning, language));
            continue;
        }
        json_open(&json, NULL, '{');
        json_text(&json, "en", term->term.en);
        json_text(&json, "ko", term->term.ko);
        json_text(&json, "meaning", term->meaning.en);
        json_text(&json, "meaning_ko", term->meaning.ko);
        json_whole(&json, "chapter", entries[i].chapter);
        json_close(&json, '}');
    }
    if (as_json) {
        json_close(&json, ']');
        json_close(&json, '}');
        return json_line(&json) ? EXIT_OK : EXIT_FAILED;
    }
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- search -------------------------------------------------------------------------------------
 */

typedef struct {
    const char *word;
    json_out *json; /* NULL: text */
    int found;
} hunt;

static void report(hunt *h, int chapter, lesson_language language, const char *where,
                   const char *text)
{
    h->found++;
    if (!h->json) {
        printf("%2d  %s\n      %s\n", chapter, where, text);
        return;
    }
    json_open(h->json, NULL, '{');
    json_whole(h->json, "chapter", chapter);
    json_text(h->json, "language", lesson_language_name(language));
    json_text(h->json, "where", where);
    json_text(h->json, "text", text);
    json_close(h->json, '}');
}

/* The line of the block that holds the word, cut to a screen's width around it. */
static void report_block(hunt *h, int chapter, lesson_language language, const char *heading,
                         const char *text, const char *at)
{
    char cut[256];
    const char *start = at;
    for (int back = 0; start > text && back < 90; back++)
        start--;
    while (start > text && ((unsigned char)*start & 0xC0) == 0x80)
        start--;
    while (start > text && start < at && start[-1] != ' ' && start[-1] != '\n')
        start++;
    (void)text_truncate(cut, sizeof cut, start, 72, false);
    for (char *c = cut; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    report(h, chapter, language, heading, cut);
}

static void hunt_text(hunt *h, const lesson_source *source, lesson_language language)
{
    const char *at = source->text[language];
    char heading[256] = "", text[8192];
    lesson_block block;
    int line = 1;
    while (lesson_block_next(&at, &line, &block)) {
        snprintf(text, sizeof text, "%.*s", (int)block.length, block.text);
        if (block.kind == BLOCK_HEADING)
            snprintf(heading, sizeof heading, "%.250s", text);
        const char *found = strcasestr(text, h->word);
        if (found)
            report_block(h, source->lesson->chapter, language, heading, text, found);
    }
}

static void hunt_titles(hunt *h, int chapter, lesson_language language)
{
    for (int i = 0; i < LESSON_LANGUAGES; i++)
        if (strcasestr(lesson_say(lesson_title(chapter), (lesson_language)i), h->word)) {
            report(h, chapter, (lesson_language)i,
                   lesson_find(chapter)    ? "title"
                   : language == LESSON_KO ? "제목 (아직 쓰지 않음)"
                                           : "title (not written yet)",
                   lesson_say(lesson_title(chapter), (lesson_language)i));
            return;
        }
}

int lesson_search(const char *word, lesson_language language, bool as_json)
{
    json_out json = {.out = stdout};
    hunt h = {.word = word, .json = as_json ? &json : NULL};
    if (as_json) {
        json_open(&json, NULL, '{');
        json_open(&json, "found", '[');
    }
    for (int chapter = 1; chapter <= LESSON_CHAPTERS; chapter++) {
        const lesson_source *source = lesson_find(chapter);
        hunt_titles(&h, chapter, language);
        for (int i = 0; source && i < LESSON_LANGUAGES; i++)
            hunt_text(&h, source, (lesson_language)i);
    }
    if (as_json) {
        json_close(&json, ']');
        json_close(&json, '}');
        if (!json_line(&json))
            return EXIT_FAILED;
    } else if (h.found == 0) {
        complain("nothing holds '%.60s'", word);
    }
    return h.found > 0 && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
