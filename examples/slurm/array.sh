#!/bin/sh
# A sweep as an array job: every task does one part of it, into a store of its own.
#   sbatch array.sh [FILE.yaml]     with its options before it, e.g. sbatch --array=1-16 --time=12:00:00 array.sh FILE.yaml
# Two minutes before a task's time is over its sweep ends, with the finished runs in the store, and the task goes back into
# the queue, to go on from there. CHITON names the program where it is not on the PATH.
#SBATCH --job-name=chiton
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=500
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log

file=${1:-../../experiments/demo.yaml}
part=$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT
store=$(basename "$file" .yaml)-$SLURM_ARRAY_TASK_ID-of-$SLURM_ARRAY_TASK_COUNT.db

"${CHITON:-chiton}" sweep "$file" --part "$part" -o "$store" &
sweep=$!
signalled=
trap 'signalled=yes; kill -USR1 "$sweep"' USR1 # Slurm signals this shell alone
wait "$sweep"
status=$?
if [ -n "$signalled" ]; then # that ended the wait, and not yet the sweep
    wait "$sweep"
    status=$?
fi
if [ -n "$signalled" ] && [ "$status" -eq 130 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" # the job's number alone may stand for the whole array
fi
exit "$status"
