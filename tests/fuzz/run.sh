#!/bin/sh
# Fuzzes every target, or those that are named, for so many seconds each, and sums up.
#   usage: sh tests/fuzz/run.sh FUZZER FOLDER SECONDS [TARGET]...
# What is found lies in FOLDER/found; inputs that reach new code are kept in FOLDER/corpus. Fails where a target did.
set -u
fuzzer=$1 folder=$2 seconds=$3
shift 3
[ $# -gt 0 ] || set -- values yaml idx cifar array csv archive kernel box checkpoint cells pages http
status=0
# stores are written into memory where there is such a folder
shared=/tmp
[ -w /dev/shm ] && shared=/dev/shm
FUZZ_SCRATCH=$(mktemp -d "$shared/chiton-fuzz-XXXXXX") || exit 1
export FUZZ_SCRATCH
trap 'rm -rf "$FUZZ_SCRATCH"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$folder/found" "$folder/log"
for target in "$@"; do
    mkdir -p "$folder/corpus/$target"
    log=$folder/log/$target
    # libyaml, libarchive and libcurl keep a little memory to the end, which is no leak of ours
    FUZZ_TARGET=$target ASAN_OPTIONS=detect_leaks=${FUZZ_LEAKS:-1} "$fuzzer" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
        -print_final_stats=1 -artifact_prefix="$folder/found/$target-" "$folder/corpus/$target" "tests/fuzz/$target" >"$log" 2>&1 ||
        { status=1; echo "$target: failed, see $log and $folder/found"; }
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "$target: ${executions:-0} executions, ${coverage:-0} places of the code reached"
done
exit $status
