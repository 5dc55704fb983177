#!/bin/sh
# A sweep as one MPI job: its processes, on several nodes, share the runs, and one store gets them.
#   sbatch mpi.sh [FILE.yaml]     with its options before it, e.g. sbatch --ntasks=32 --time=12:00:00 mpi.sh FILE.yaml
# Two minutes before the job's time is over the sweep ends, with the finished runs in the store, and the job goes back into
# the queue, to go on from there; so it does when a node has died, ten times at most. CHITON names the program where it is
# not on the PATH; UNTIL is another time to run for.
#SBATCH --job-name=chiton-mpi
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=500
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

file=${1:-../../experiments/demo.yaml}
store=$(basename "$file" .yaml).db

end=$(scontrol show job "$SLURM_JOB_ID" | tr ' ' '\n' | sed -n 's/^EndTime=//p')
until=${UNTIL:-$(($(date -d "$end" +%s) - $(date +%s) - 120))s}

# Unbound, a process takes the processors of its task; Open MPI would bind it to one.
mpirun --bind-to none "${CHITON:-chiton}" sweep "$file" -o "$store" --until "$until"
status=$?
state=$(squeue -h -j "$SLURM_JOB_ID" -o %T)
# Over 130: mpirun has lost a process, or the node of some.
if [ "$status" -eq 130 ] || { [ "$status" -gt 130 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 10 ]; }; then
    [ "$state" != RUNNING ] || scontrol requeue "$SLURM_JOB_ID" # unless somebody has cancelled it
fi
exit "$status"
