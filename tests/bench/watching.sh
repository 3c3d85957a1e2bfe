#!/bin/bash
# What recording costs a training, and what watching it in the Monitor costs: the same training
# without a store, with one, and in the workbench on a terminal of 120x40, in turn, ROUNDS times.
# Prints a JSON line for each comparison: medians of the seconds of training and of the processor
# seconds of the whole process, and the medians of the rounds' ratios.
# usage: tests/bench/watching.sh PROGRAM     (ROUNDS=N THREADS=N EPOCHS=N MODEL=NAME DATA=NAME)
set -eu
program=$(realpath "$1")
rounds=${ROUNDS:-5}
threads=${THREADS:-2}
training=(train --data "${DATA:-fashion-mnist}" --model "${MODEL:-lenet5}" --epochs "${EPOCHS:-1}"
    --threads "$threads")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TERM=xterm-256color GRADUS_STORE=$folder/store.db
TIMEFORMAT='%U %S'

seconds_of() { sed -n 's/.*"event":"end".*"seconds":\([0-9.e+-]*\).*/\1/p' "$1"; }
ended() { "$program" runs show "$1" --json 2> /dev/null | grep -qE '"state": ?"(finished|failed)"'; }

headless() { # NAME [OPTION...]
    local name=$1
    shift
    { time "$program" "${training[@]}" --json "$@" > "$folder/out" 2> "$folder/err"; } 2> "$folder/time"
    echo "$(seconds_of "$folder/out") $(cat "$folder/time")" >> "$folder/$name"
}

# The keyboard is a pipe that says q when the run has ended.
watched() { # NAME
    mkfifo "$folder/keys"
    { time script -qefc "stty rows 40 cols 120; exec '$program' ${training[*]} --name $1" /dev/null \
        < "$folder/keys" > "$folder/screen" 2> "$folder/err"; } 2> "$folder/time" &
    exec 5> "$folder/keys"
    sleep 1
    until ended "$1"; do sleep 0.5; done
    printf q >&5
    wait $!
    exec 5>&-
    rm "$folder/keys"
    local seconds
    seconds=$("$program" runs show "$1" --json | grep -oE '"seconds": ?[0-9.e+-]+' | head -1 |
        grep -oE '[0-9.e+-]+$')
    echo "$seconds $(cat "$folder/time")" >> "$folder/monitor"
    printf '%s\n' "$(wc -c < "$folder/screen")" >> "$folder/bytes"
}

median() { sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
column() { awk -v cpu="$2" '{ print cpu ? $2 + $3 : $1 }' "$folder/$1"; } # FILE CPU
# The median of WITH / BASE over the rounds: what else the machine did in a round, it did to both.
ratio() { paste -d' ' <(column "$1" "$3") <(column "$2" "$3") | awk '{ print $2 / $1 }' | median; }
report() { # WHAT BASE WITH LIMIT
    printf '{"case":"%s","threads":%d,"rounds":%d,"seconds_without":%s,"seconds_with":%s,' \
        "$1" "$threads" "$rounds" "$(column "$2" 0 | median)" "$(column "$3" 0 | median)"
    printf '"ratio":%.4f,"asked":%s,"cpu_without":%s,"cpu_with":%s,"cpu_ratio":%.4f}\n' \
        "$(ratio "$2" "$3" 0)" "$4" "$(column "$2" 1 | median)" "$(column "$3" 1 | median)" \
        "$(ratio "$2" "$3" 1)"
}

for ((i = 0; i < rounds; i++)); do
    headless alone --no-store
    headless recorded
    watched "watched-$i"
done
report recording alone recorded 1.01
report monitor recorded monitor 1.02
