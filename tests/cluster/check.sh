#!/bin/sh
# check.sh — the examples of examples/slurm under a real Slurm on this machine: a node dies, a time limit comes, jobs go
# back into the queue, and what they have made together is what one program makes alone.
#   usage: sh tests/cluster/check.sh PROGRAM
# Where Slurm is missing and this is root on Debian or Ubuntu, it is installed. Where it cannot be had or started, a
# sentence says so and the exit status is 0; where a result is wrong, it is 1.
set -u
LC_ALL=C
export LC_ALL
# a job in which this script may run is not the one that it asks about
# shellcheck disable=SC2046 — one word a variable
unset $(env | sed -n 's/^\(\(SLURM\|SBATCH\|SRUN\|OMPI\|PMIX\)_[A-Za-z0-9_]*\)=.*/\1/p') CHITON UNTIL
program=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
examples=$here/../../examples/slurm
started=$(date +%s)
passed=0 failed=0

# Whole seconds that a step may take, and all together.
STEP=90 ALL=240

skip() {
    echo "cluster: skipped: $1"
    exit 0
}

note() {
    echo "cluster: $1 ($(($(date +%s) - started)) s)"
}

#   usage: expect SENTENCE COMMAND...     counts whether the command succeeds
expect() {
    sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        note "$sentence"
    else
        failed=$((failed + 1))
        note "FAILED: $sentence"
    fi
}

# Asks again and again until the command succeeds or so many seconds are over.
#   usage: wait_until SECONDS COMMAND...
wait_until() {
    until_then=$(($(date +%s) + $1))
    shift
    until "$@"; do
        now=$(date +%s)
        [ "$now" -lt "$until_then" ] && [ "$now" -lt $((started + ALL)) ] || return 1
        sleep 0.3
    done
}

# ---- what is needed ----

PATH=$PATH:/usr/sbin:/sbin
export PATH

find_missing() {
    missing=
    for command in munged munge unmunge slurmctld slurmd sbatch srun scontrol scancel sinfo squeue; do
        command -v "$command" >/dev/null || missing="$missing $command"
    done
}

install_slurm() {
    timeout 120 apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -q -y --no-install-recommends slurm-wlm munge
}

[ "$(uname)" = Linux ] || skip "Slurm is tried on Linux alone"
find_missing
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "cluster: installing slurm-wlm and munge"
    install_slurm >/dev/null 2>&1 </dev/null || skip "slurm-wlm and munge cannot be installed"
    find_missing
fi
[ -z "$missing" ] || skip "these programs are missing:$missing; on Debian and Ubuntu they are in slurm-wlm and munge"

folder=$(mktemp -d "${TMPDIR:-/tmp}/chiton-cluster-XXXXXX") || skip "there is no temporary folder"
SLURM_CONF=$folder/slurm.conf
CHITON=$program
TMPDIR=$folder # what Open MPI leaves behind goes with it
export SLURM_CONF CHITON TMPDIR
# shellcheck source=tests/cluster/slurm.sh
. "$here/slurm.sh"

clean_up() {
    trap '' HUP INT TERM
    stop_slurm
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

reason=
started=$(date +%s)
start_slurm || skip "$reason"
note "a Slurm with two nodes runs on ports $port to $((port + 3))"

# ---- jobs ----

# A line of `scontrol show job`, e.g. its JobState.
#   usage: ask JOB NAME
ask() {
    scontrol show job "$1" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

is_in_state() {
    [ "$(ask "$1" JobState)" = "$2" ]
}

has_restarted() {
    [ "$(ask "$1" Restarts)" -ge 1 ]
}

count_runs() {
    [ -f "$1" ] && "$CHITON" export "$1" 2>/dev/null | tail -n +2 | wc -l || echo 0
}

has_runs() {
    [ "$(count_runs "$1")" -ge "$2" ]
}

# What a store has, but for times. Runs are put in the order of their ids.
content() {
    "$CHITON" export "$1" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") column = i }
        { if (column) $column = "-"; print }' | sort
    "$CHITON" export --points "$1" | sort
}

# Whether a store has what the serial sweep has made.
is_serial() {
    content "$1" >"$folder/content" && cmp -s "$folder/content" "$folder/serial.content"
}

# Requires that a log tells of runs that were there already when the job started again.
goes_on() {
    grep -q ' runs, [1-9][0-9]* were there, ' "$1"
}

# What is to be known where something failed.
show_state() {
    squeue
    sinfo
    scontrol show job | grep -E 'JobId|JobState|Restarts|StartTime'
    tail -n 5 "$folder"/slurmctld.log "$folder"/slurmd-n1.log "$folder"/slurmd-n2.log
    for log in "$folder"/work/*.log "$folder"/work/*.out; do
        echo "== $log"
        tail -n 20 "$log"
    done
}

mkdir "$folder/work"
cd "$folder/work" || skip "the temporary folder cannot be entered"
# 40 runs of a fifth of a second each: chi < 0 takes many steps. The node must die before the last of them has ended.
cat >sweep.yaml <<'END'
model: perceptron
dim: 64
chi: -0.9
train: 512
temp: [1, 2]
max_steps: 4000000
record: 2
seed: 0..19
END

. "$here/limits.sh"
. "$here/array.sh"
. "$here/mpi.sh"

[ "$failed" -eq 0 ] || show_state
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
