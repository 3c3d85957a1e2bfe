#include "ui/commands/lesson_list.h"

#include "store/progress.h"
#include "ui/commands/common.h"
#include "ui/commands/json_out.h"
#include "ui/commands/options.h"
#include "ui/lesson_find.h"
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
    lesson_language language; /* of what is said about it */
    json_out *json;           /* NULL: text */
    int found;
} hunt;

static const char *where(const hunt *h, const lesson_place *place)
{
    if (!place->title)
        return place->heading;
    return lesson_find(place->chapter) ? "title"
           : h->language == LESSON_KO  ? "제목 (아직 쓰지 않음)"
                                       : "title (not written yet)";
}

static bool report(void *context, const lesson_place *place)
{
    hunt *h = context;
    char cut[256];
    const char *text = place->title ? place->text : lesson_excerpt(place, 72, cut, sizeof cut);
    h->found++;
    if (!h->json) {
        printf("%2d  %s\n      %s\n", place->chapter, where(h, place), text);
        return true;
    }
    json_open(h->json, NULL, '{');
    json_whole(h->json, "chapter", place->chapter);
    json_text(h->json, "language", lesson_language_name(place->language));
    json_text(h->json, "where", where(h, place));
    json_text(h->json, "text", text);
    json_close(h->json, '}');
    return true;
}

int lesson_search(const char *word, lesson_language language, bool as_json)
{
    json_out json = {.out = stdout};
    hunt h = {.language = language, .json = as_json ? &json : NULL};
    if (as_json) {
        json_open(&json, NULL, '{');
        json_open(&json, "found", '[');
    }
    lesson_search_all(word, report, &h);
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
