#!/usr/bin/env bash
# Kills a sweep with -9 at random moments, again and again, resumes it each time, and compares what
# comes out with a sweep that was left alone: tests/kill_sweep.sh [PROGRAM] [KILLS]
set -eu
program=$(realpath "${1:-build/release/gradus}")
kills=${2:-200}
folder=$(mktemp -d /tmp/gradus-kill-sweep-XXXXXX)
trap 'rm -rf "$folder"' EXIT
export GRADUS_STORE=$folder/store.db
options=(--data digits --model logreg --limit 300 --epochs $((100 + kills * 6)) --trials 24 --sampler random
    --space 'lr=log(1e-3,1) batch=choice(16,32)' --objective dev_loss --jobs 2)

"$program" sweep "${options[@]}" --name whole >/dev/null 2>&1
"$program" sweep "${options[@]}" --name killed >/dev/null 2>&1 &
pid=$!
done_kills=0
while [ "$done_kills" -lt "$kills" ]; do
    sleep "0.$((RANDOM % 30 + 4))"
    kill -9 $pid 2>/dev/null || break # it has come to its end
    wait $pid 2>/dev/null || true
    done_kills=$((done_kills + 1))
    [ "$(sqlite3 "$GRADUS_STORE" 'PRAGMA integrity_check' 2>/dev/null || echo none)" != none ] &&
        [ "$(sqlite3 "$GRADUS_STORE" 'PRAGMA integrity_check')" != ok ] && {
        echo "kill $done_kills: the store is damaged"
        exit 1
    }
    "$program" sweep --resume killed --jobs 2 >/dev/null 2>&1 &
    pid=$!
done
wait $pid
"$program" doctor >/dev/null
values() {
    "$program" sweep show "$1" --json |
        python3 -c 'import json,sys
for t in json.load(sys.stdin)["trials"]:
    print(t["trial"], t["state"], t["parameters"], repr(t["value"]), t["epoch"])'
}
values whole >"$folder/whole"
values killed >"$folder/killed"
cmp "$folder/whole" "$folder/killed"
echo "killed $done_kills times: all $(wc -l <"$folder/whole") trials have the values of a sweep left alone"
