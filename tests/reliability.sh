#!/usr/bin/env bash
# What the store survives, shown by the real program, each part with its number at the end:
#   tests/reliability.sh [PART...]   parts: writers training migration merge full readonly locked
#                                    deleted newer random clock (default: all)
# KILLS=200 SECONDS_OF_WRITING=60 GRADUS=build/release/gradus. Kills of a sweep: tests/kill_sweep.sh.
# "full" and "readonly" mount a small tmpfs where they may, else limit the size of files.
set -eu
program=$(realpath "${GRADUS:-build/release/gradus}")
tests=$(realpath "$(dirname "$program")/tests")
kills=${KILLS:-200}
here=$(realpath "$(dirname "$0")")
folder=$(mktemp -d /tmp/gradus-reliability-XXXXXX)
trap 'umount "$folder/disk" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
export GRADUS_STORE=$folder/store.db
small=(--data digits --model mlp --headless)

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
ask() { "$program" sql --csv "$1" --store "${2:-$GRADUS_STORE}" 2>/dev/null | tail -n +2; }
sound() { "$program" store check --store "${1:-$GRADUS_STORE}" >"$folder/check" 2>&1 || fail "$(cat "$folder/check")"; }
pause() { sleep "$(awk -v s="$RANDOM" -v a="$1" -v b="$2" 'BEGIN { print a + (b - a) * s / 32768 }')"; }
fresh() { rm -rf "$GRADUS_STORE"*; }
# A command that must end with a status and a sentence; both are shown.
ends() {
    local status=0 expected=$1 words=$2
    shift 2
    "$@" >out 2>err || status=$?
    [ "$status" = "$expected" ] || fail "$* ended with $status: $(tail -n 2 err)"
    grep -q "$words" out err || fail "$* does not say '$words': $(tail -n 2 err)"
}

part_writers() {
    (cd "$here/.." && WRITING_SECONDS=${SECONDS_OF_WRITING:-60} \
        CMOCKA_TEST_FILTER=test_four_writers "$tests/test_store_trouble") >out 2>&1 || fail "$(cat out)"
    echo "writers: $(grep transactions out)"
}

# A training is killed, its file examined, and resumed, again and again. In the end every step of it
# must have the loss of a training that was left alone.
part_training() {
    fresh
    local epochs=$((kills * 30 + 200)) killed=0 before after pid
    "$program" train "${small[@]}" --epochs $epochs --name whole >/dev/null 2>&1
    "$program" train "${small[@]}" --epochs $epochs --name victim >/dev/null 2>&1 &
    pid=$!
    while [ $killed -lt "$kills" ]; do
        pause 0.03 0.2
        before=$(ask "select coalesce(max(last_step), 0) from chunk join run on run.id = run where name = 'victim'")
        kill -9 $pid 2>/dev/null || break
        wait $pid 2>/dev/null || true
        killed=$((killed + 1))
        sound
        after=$(ask "select coalesce(max(last_step), 0) from chunk join run on run.id = run where name = 'victim'")
        [ "${after:-0}" -ge "${before:-0}" ] || fail "kill $killed: step $before was committed, now $after is the last"
        if [ -z "$after" ] || [ "$after" = 0 ] || ! "$program" runs show victim >/dev/null 2>&1; then
            "$program" train "${small[@]}" --epochs $epochs --name victim >/dev/null 2>&1 &
        else
            "$program" train --resume victim --headless >/dev/null 2>err &
        fi
        pid=$!
    done
    wait $pid || { ask "select count(*) from run where name = 'victim' and state = 'finished'" | grep -qx 1 || fail "$(tail -n 1 err)"; }
    sound
    for name in whole victim; do
        "$program" export $name --csv | cut -d, -f3-5,7-12 >$name.csv
    done
    cmp whole.csv victim.csv || fail "the curves differ from a training left alone"
    echo "training: killed $killed times; every check passed, no committed step lost; all $(($(wc -l <whole.csv) - 1)) steps are those of a training left alone"
}

# Opening a file of schema 1 brings it up to date; it is killed on the way.
part_migration() {
    fresh
    local killed=0 halfway=0 version
    sqlite3 old.db <"$here/store/version_1.sql"
    sqlite3 old.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
        INSERT INTO run (name, model, optimizer, schedule, command_line, seed, batch, epochs, shards,
            threads, parameters, multiply_adds, steps_per_epoch, total_steps, state, started_ms,
            heartbeat_ms, host, boot, pid_space, pid, pid_started, segment)
        SELECT 'copy-' || i, model, optimizer, schedule, command_line, seed, batch, epochs, shards,
            threads, parameters, multiply_adds, steps_per_epoch, total_steps, state, started_ms + i,
            heartbeat_ms, host, boot, pid_space, pid, pid_started, segment FROM run, n WHERE id = 1"
    cp old.db clean.db
    local start=$(date +%s%N)
    "$program" sql 'select 1' --store clean.db >/dev/null
    local whole=$((($(date +%s%N) - start) / 1000000))
    local present=$(ask 'pragma user_version' clean.db)
    sqlite3 clean.db .dump | md5sum >clean.sum
    while [ $killed -lt "$kills" ]; do
        rm -f store.db store.db-*
        cp old.db store.db
        "$program" sql 'select 1' >/dev/null 2>&1 &
        pause 0 "$(awk -v m=$whole 'BEGIN { print m * 1.1 / 1000 }')"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        killed=$((killed + 1))
        [ "$(sqlite3 store.db 'PRAGMA integrity_check')" = ok ] || fail "kill $killed: damaged"
        version=$(sqlite3 store.db 'PRAGMA user_version')
        [ "$version" = 1 ] || [ "$version" = "$present" ] || fail "kill $killed: schema $version"
        [ "$version" = 1 ] && halfway=$((halfway + 1))
        "$program" sql 'select 1' >/dev/null || fail "kill $killed: it does not open"
        sqlite3 store.db .dump | md5sum | cmp -s - clean.sum || fail "kill $killed: another content"
    done
    echo "migration ($whole ms, schema 1 to $present): killed $killed times, $halfway of them before its end; every file is sound, and the same as one that was left alone"
}

# Two machines' stores; the merge is killed.
part_merge() {
    fresh
    local killed=0 i whole start
    for i in 1 2 3 4 5 6; do
        "$program" train "${small[@]}" --epochs 200 --seed $i --store other.db >/dev/null 2>&1
    done
    "$program" train "${small[@]}" --epochs 5 >/dev/null 2>&1
    cp store.db base.db
    start=$(date +%s%N)
    "$program" merge other.db >/dev/null
    whole=$((($(date +%s%N) - start) / 1000000))
    while [ $killed -lt $((kills / 4)) ]; do
        rm -f store.db store.db-*
        cp base.db store.db
        "$program" merge other.db >/dev/null 2>&1 &
        pause 0 "$(awk -v m="$whole" 'BEGIN { print m * 1.1 / 1000 }')"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        killed=$((killed + 1))
        sound
        i=$(ask 'select count(*) from run')
        [ "$i" = 1 ] || [ "$i" = 7 ] || fail "kill $killed: $i runs, neither none nor all"
        rm -f store.db.merge-*
    done
    for i in 1 2; do "$program" merge other.db --json >merged; done
    grep -q '"runs_added":0.*"runs_known":6' merged || fail "$(cat merged)"
    sound
    sound other.db
    echo "merge ($whole ms): killed $killed times, all or nothing each time; merging twice adds nothing"
}

part_full() {
    local steps
    mkdir -p disk
    if mount -t tmpfs -o size=1500k none disk 2>/dev/null; then
        ends 1 'disk full' "$program" train "${small[@]}" --epochs 600 --store disk/store.db
        sound disk/store.db
        steps=$(ask 'select max(last_step) from chunk' disk/store.db)
        mount -o remount,size=50m disk
        "$program" train "${small[@]}" --epochs 600 --store disk/store.db >/dev/null 2>&1 &
        local pid=$!
        wait $pid || fail "no recording after there was space"
        sound disk/store.db
        umount disk
        echo "full: a tmpfs of 1.5 MB: training came to its end, $steps steps are in the file, which is sound; with space again it is written on"
    else
        ends 1 'disk full' bash -c "ulimit -f 900; exec '$program' train ${small[*]} --epochs 600 --store limited.db"
        sound limited.db
        echo "full: a limit of 900 KB: training came to its end, $(ask 'select max(last_step) from chunk' limited.db) steps are in the file, which is sound"
    fi
}

part_readonly() {
    fresh
    "$program" train "${small[@]}" --epochs 2 >/dev/null 2>&1
    mkdir -p disk
    mount -t tmpfs -o size=20m none disk 2>/dev/null || { echo "readonly: not shown (mount is not allowed here)"; return; }
    cp store.db disk/
    mount -o remount,ro disk
    ends 0 mlp-digits-1 "$program" runs list --store disk/store.db
    ends 0 'is sound' "$program" store check --store disk/store.db
    ends 1 'read-only' "$program" train "${small[@]}" --epochs 2 --store disk/store.db
    ends 1 'read-only' "$program" runs note 1 x --store disk/store.db
    umount disk
    echo "readonly: a disk that is read-only is read; writing is refused: $(tail -n 1 err | cut -c 1-110)"
}

part_locked() {
    fresh
    "$program" train "${small[@]}" --epochs 1 >/dev/null 2>&1
    python3 - "$GRADUS_STORE" <<'PYTHON' &
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("begin immediate")
open("held", "w").close()
time.sleep(8)
c.execute("commit")
PYTHON
    local holder=$!
    until [ -e held ]; do sleep 0.05; done
    ends 1 'locked by another process' "$program" train "${small[@]}" --epochs 1
    ends 0 mlp-digits-1 "$program" runs list
    wait $holder
    "$program" train "${small[@]}" --epochs 1 >/dev/null 2>&1 || fail "it stays locked"
    sound
    echo "locked for 8 s: readers go on, a writer says so after 5 s, and writes afterwards"
}

part_deleted() {
    fresh
    "$program" train "${small[@]}" --epochs 3000 --name kept >out 2>err &
    local pid=$!
    until grep -q 'epoch 100/' err; do sleep 0.02; done
    rm -f "$GRADUS_STORE" "$GRADUS_STORE-wal" "$GRADUS_STORE-shm"
    wait $pid || fail "$(tail -n 1 err)"
    sound
    [ "$(ask "select state from run where name = 'kept'")" = finished ] || fail "the run is not there"
    echo "deleted while it trains: at the end of the run the file is there again with all $(ask "select max(last_step) from chunk") steps"
}

part_newer() {
    fresh
    "$program" train "${small[@]}" --epochs 1 >/dev/null 2>&1
    sqlite3 store.db 'PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    md5sum store.db >sum
    ends 0 mlp-digits-1 "$program" runs list
    ends 1 'newer Gradus' "$program" train "${small[@]}" --epochs 1
    ends 1 'newer Gradus' "$program" store compact
    "$program" train "${small[@]}" --epochs 1 --store mine.db >/dev/null 2>&1
    ends 1 'newer Gradus' "$program" merge store.db --store mine.db
    md5sum --quiet -c sum || fail "the file was changed"
    echo "newer schema: read, never written, not merged; no byte changed"
}

part_random() {
    head -c "${RANDOM_BYTES:-1000000000}" /dev/urandom >random.db
    md5sum random.db >sum
    local count=0 start=$(date +%s%N)
    for words in 'runs list' "train ${small[*]} --epochs 1" 'store check' 'store compact' 'store backup b.db' \
        'merge random.db --store mine.db' 'sql select+1' 'sweep list' 'export 1'; do
        # shellcheck disable=SC2086
        ends 1 'not a Gradus store' "$program" $words $(case "$words" in merge*) ;; *) echo "--store random.db" ;; esac)
        count=$((count + 1))
    done
    local took=$((($(date +%s%N) - start) / 1000000))
    md5sum --quiet -c sum || fail "the file was changed"
    echo "random: $count commands on $(wc -c <random.db) random bytes: each refuses by name, $took ms in all; no byte changed"
    rm random.db
}

# A clock that jumps: what CLOCK_REALTIME says is moved by the number in a file.
part_clock() {
    fresh
    cat >clock.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time)
{
    long code = syscall(SYS_clock_gettime, clock, time), offset = 0;
    FILE *file = clock == CLOCK_REALTIME ? fopen("offset", "r") : NULL;
    if (file && fscanf(file, "%ld", &offset) == 1)
        time->tv_sec += offset;
    if (file)
        fclose(file);
    return (int)code;
}
C
    gcc -shared -fPIC -o clock.so clock.c
    echo 0 >offset
    LD_PRELOAD=$folder/clock.so "$program" train "${small[@]}" --epochs 6000 --name jumps >out 2>err &
    local pid=$! i
    until grep -q 'epoch 50/' err; do sleep 0.02; done
    for i in -3600 3600 -86400 0; do
        echo $i >offset
        sleep 0.2
    done
    echo -7200 >offset
    wait $pid || fail "$(tail -n 1 err)"
    sound
    [ "$(ask "select state from run where name = 'jumps'")" = finished ] || fail "the run did not finish"
    local bad
    bad=$(ask "select count(*) from run where seconds < 0 or seconds > 3600")
    [ "$bad" = 0 ] || fail "its time is wrong"
    local steps=$(ask "select max(last_step) from chunk")
    [ "$steps" = "$(ask 'select sum(count) from chunk where metric = 1')" ] || fail "steps are missing"
    # One that is killed while its heartbeat lies in the future has crashed all the same.
    echo 7200 >offset
    LD_PRELOAD=$folder/clock.so "$program" train "${small[@]}" --epochs 100000 --name dies >out 2>err &
    pid=$!
    until grep -q 'epoch 50/' err; do sleep 0.02; done
    kill -9 $pid
    wait $pid 2>/dev/null || true
    "$program" runs show dies | grep -q crashed || fail "a killed run of the future is not crashed"
    echo "clock: five jumps by up to a day while it trains: finished, all $steps steps; killed with its heartbeat 2 h ahead: crashed"
}

parts=("$@")
[ $# -gt 0 ] || parts=(writers training migration merge full readonly locked deleted newer random clock)
for part in "${parts[@]}"; do
    "part_$part"
done
