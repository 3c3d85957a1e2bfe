#!/bin/sh
# Makes C of the chapters: `embed.sh list FOLDER...` the table lesson_sources, `embed.sh text FOLDER`
# the two texts and the source of one chapter as bytes (string literals of C may not be that long).
set -e
bytes() { # NAME FILE
    printf 'extern const char %s[];\nconst char %s[] = {' "$1" "$1"
    od -An -v -tu1 "$2" | sed 's/[0-9][0-9]*/&,/g' | sed 's/2[0-9][0-9],/(char)&/g; s/1[3-9][0-9],/(char)&/g; s/12[89],/(char)&/g'
    printf '0};\n'
}
case $1 in
text)
    name=$(basename "$2")
    bytes "lesson_${name}_en" "$2/text.en.md"
    bytes "lesson_${name}_ko" "$2/text.ko.md"
    bytes "lesson_${name}_code" "$2/lesson.c"
    ;;
list)
    shift
    echo '#include "lessons/lesson.h"'
    for folder; do
        name=$(basename "$folder")
        echo "extern const lesson lesson_${name%%_*};"
        echo "extern const char lesson_${name}_en[], lesson_${name}_ko[], lesson_${name}_code[];"
    done
    echo 'const lesson_source lesson_sources[] = {'
    for folder; do
        name=$(basename "$folder")
        echo "    {\"$name\", &lesson_${name%%_*}, {lesson_${name}_en, lesson_${name}_ko}, lesson_${name}_code},"
    done
    echo '    {NULL, NULL, {NULL, NULL}, NULL},'
    echo '};'
    ;;
esac
