#!/bin/sh
# Runs test programs one after another and prints one closing line for all of them.
# usage: tests/run.sh BUILD_DIR PROGRAM...
set -u
RUNNER=${RUNNER-}
build=$1
shift
log=$build/test.log
: > "$log"
: > "$log.failed"
passed=0 failed=0 skipped=0
for program in "$@"; do
    name=${program#"$build"/tests/}
    started=$(date +%s)
    GRADUS_PROGRAM=$build/gradus GRADUS_BUILD=$build $RUNNER "$program" > "$log.one" 2>&1
    status=$?
    cat "$log.one" >> "$log"
    ok=$(grep -c '^\[       OK \]' "$log.one")
    skip=$(grep -c '^\[  SKIPPED \] [^0-9]' "$log.one")
    bad=$(grep -c '^\[  FAILED  \] [^0-9]' "$log.one")
    bad=$((bad / 2 + bad % 2)) # cmocka names a failed test twice
    if [ $status -ne 0 ] && [ $bad -eq 0 ]; then bad=1; fi
    if [ $status -eq 0 ] && [ $((ok + skip)) -eq 0 ]; then bad=1; fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-34s %4d passed' "$name" "$ok"
    [ $skip -gt 0 ] && printf ', %d skipped' "$skip"
    [ $bad -gt 0 ] && printf ', %d FAILED (status %d)' "$bad" "$status"
    printf '  %ds\n' $(($(date +%s) - started))
    [ $skip -gt 0 ] && grep '^\[  SKIPPED \] [^0-9]' "$log.one" | sort -u
    if [ $bad -gt 0 ]; then
        {
            echo "--- $name, status $status:"
            grep -v '^\[ *\(RUN\|OK\) *\]' "$log.one" | tail -n 60
        } | tee -a "$log.failed"
    fi
done
if [ $failed -gt 0 ]; then # again, for whoever sees only the end of a long log
    echo '=== what failed ==='
    tail -n 200 "$log.failed"
fi
rm -f "$log.one" "$log.failed"
[ "$skipped" -gt 0 ] && skips=", $skipped skipped" || skips=""
printf '%d passed, %d failed%s\n' $passed $failed "$skips"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
