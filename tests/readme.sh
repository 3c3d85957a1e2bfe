#!/bin/sh
# Puts what the program says between README's marks.
# usage: tests/readme.sh PROGRAM keys|monitor [OPTIONS OF --print...]
set -eu
program=$1 part=$2
shift 2
if [ "$part" = keys ]; then text=$("$program" help keys); else text=$("$program" --print monitor "$@"); fi
printf '%s\n' "$text" | awk -v part="$part" '
    FILENAME == "-" { said[++lines] = $0; next }
    inside && /^<!-- end -->/ { inside = 0 }
    !inside { print }
    $0 ~ "^<!-- " part ":" {
        inside = 1
        print "```text"
        for (i = 1; i <= lines; i++) print said[i]
        print "```"
    }' - README.md > README.md.new
mv README.md.new README.md
