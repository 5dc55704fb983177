#!/bin/sh
# Runs one test program and keeps what it printed and how long it took; or sums up what was run.
#   usage: sh tests/run.sh BUILD KIND TEST       runs BUILD/tests/TEST, under $TEST_RUNNER if that is set
#          sh tests/run.sh summary BUILD...      of all results under these builds; fails where a test did
# A result is a line "KIND TEST STATUS SECONDS PASSED FAILED SKIPPED" in BUILD/results/TEST; seconds are processor time.
set -u

summary() {
    files=
    for build in "$@"; do
        [ -d "$build/results" ] && files="$files $(find "$build/results" -type f ! -name '*.log')"
    done
    [ -n "$files" ] || { echo "no test was run"; exit 1; }
    # shellcheck disable=SC2086 — names of results have no spaces
    sort -k 4,4nr $files | awk '
        NR <= 8 { slowest = slowest sprintf("  %7.1f s  %s (%s)\n", $4, $2, $1) }
        { seconds[$1] += $4; programs[$1]++; passed += $5; failed += $6; skipped += $7 }
        $3 != 0 { broken = broken "  " $2 " (" $1 ")\n" }
        END {
            for (kind in programs) printf "%s: %d programs, %.0f s of processor time\n", kind, programs[kind], seconds[kind]
            printf "slowest:\n%s", slowest
            if (broken != "") printf "failed:\n%s", broken
            printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
            exit broken != ""
        }'
}

if [ "$1" = summary ]; then
    shift
    summary "$@"
    exit
fi

build=$1 kind=$2 test=$3
results=$build/results
log=$results/$test.log
mkdir -p "$results"
# Tables that commands keep are made once for all builds.
case $build in
*/address | */thread | */valgrind) cache=${build%/*}/cache ;;
*) cache=$build/cache ;;
esac
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
# A test that hangs fails after half an hour, so that all others are still summed up.
limit=
command -v timeout >/dev/null && limit='timeout --foreground -k 10 1800'
# A process that was killed while clang's OpenMP began has left an empty file there, and a later process of the same
# number would end by SIGBUS.
find /dev/shm -maxdepth 1 -user "$(id -u)" -name '__KMP_REGISTERED_LIB_*' -size 0 -mmin +1 -exec rm -f {} + 2>/dev/null
# threads that wait must sleep, because other programs need the core
# shellcheck disable=SC2086 — the runner is a command with its options
CHITON=$build/chiton CHITON_CACHE=$cache OMP_WAIT_POLICY=passive $limit ${TEST_RUNNER:-} "$build/tests/$test" >"$log" 2>&1
status=$?
# a file and no pipe: the times of a pipe's shell are not those of the test
times >"$log.times"
seconds=$(awk 'NR == 2 { split($0, part, /[ms ]+/); print part[1] * 60 + part[2] + part[3] * 60 + part[4] }' "$log.times")
rm "$log.times"
# the last lines of cmocka are "[  PASSED  ] N test(s)." and, where some failed, "[  FAILED  ] N test(s), listed below:"
passed=$(sed -n 's/.*\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
failed=$(sed -n 's/.*\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
skipped=$(sed -n 's/.*\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
passed=${passed:-0} skipped=${skipped:-0}
[ "$status" -eq 0 ] || [ "${failed:-0}" -gt 0 ] || failed=1
echo "$kind $test $status $seconds $passed ${failed:-0} $skipped" >"$results/$test"
if [ "$status" -eq 0 ]; then
    [ "$skipped" -eq 0 ] && skipped= || skipped=", $skipped skipped"
    printf '%7.1f s  %s (%s): %s passed%s\n' "$seconds" "$test" "$kind" "$passed" "$skipped"
else
    printf -- '---- %s (%s) failed, exit status %s\n%s\n----\n' "$test" "$kind" "$status" "$(cat "$log")"
fi
exit "$status"
