/* What every lesson has in common: languages, titles, looking one up, counting. */
#include "lessons/lesson.h"

#include <string.h>

const char *lesson_language_name(lesson_language language)
{
    return language == LESSON_KO ? "ko" : "en";
}

const char *lesson_say(lesson_text text, lesson_language language)
{
    const char *wanted = language == LESSON_KO ? text.ko : text.en;
    const char *other = language == LESSON_KO ? text.en : text.ko;
    return wanted ? wanted : other ? other : "";
}

bool lesson_said(lesson_text text)
{
    return text.en && *text.en && text.ko && *text.ko;
}

/* --- titles -------------------------------------------------------------------------------------
 */

static const struct {
    int part;
    lesson_text title;
} chapters[] = {
#define CHAPTER(number, part, en, ko) [number] = {part, {en, ko}},
#include "lessons/chapters.def"
#undef CHAPTER
};

lesson_text lesson_title(int chapter)
{
    return chapter >= 1 && chapter <= LESSON_CHAPTERS ? chapters[chapter].title
                                                      : (lesson_text){"", ""};
}

int lesson_part(int chapter)
{
    return chapter >= 1 && chapter <= LESSON_CHAPTERS ? chapters[chapter].part : 0;
}

lesson_text lesson_part_title(int part)
{
    static const lesson_text title[] = {
        {"", ""},
        {"Foundations", "기초"},
        {"Making it work", "잘 학습시키기"},
        {"Strategy", "전략"},
        {"Vision", "컴퓨터 비전"},
        {"Sequences", "시퀀스"},
    };
    return title[part >= 1 && part <= 5 ? part : 0];
}

const lesson_source *lesson_find(int chapter)
{
    for (const lesson_source *source = lesson_sources; source->folder; source++)
        if (source->lesson->chapter == chapter)
            return source;
    return NULL;
}

/* --- counting -----------------------------------------------------------------------------------
 */

int lesson_check_count(const lesson *l)
{
    int count = 0;
    while (count < LESSON_CHECKS && l->checks[count].id)
        count++;
    return count;
}

int lesson_claim_count(const lesson *l)
{
    int count = 0;
    while (count < LESSON_CLAIMS && l->claims[count].id)
        count++;
    return count;
}

int lesson_lab_count(const lesson *l)
{
    int count = 0;
    while (count < LESSON_LABS && l->labs[count].id)
        count++;
    return count;
}

int lesson_term_count(const lesson *l)
{
    int count = 0;
    while (count < LESSON_TERMS && l->terms[count].term.en)
        count++;
    return count;
}

int lab_control_count(const lesson_lab *l)
{
    int count = 0;
    while (count < LESSON_CONTROLS && l->controls[count].name)
        count++;
    return count;
}
