# mpi.sh — the MPI job: two processes, one on each node. A node dies; and the time of another job is over again and again
# until its sweep is done. Read by check.sh.

# Open MPI takes the two nodes, which are one machine, for two: their processes must not meet in its shared memory.
OMPI_MCA_btl=self,tcp
OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

if command -v mpirun >/dev/null && [ -f "$(dirname "$CHITON")/chiton-mpi.so" ]; then
    job=$(sbatch --parsable --nodes=2 --ntasks=2 "$examples/mpi.sh" sweep.yaml)
    expect "an MPI job puts runs into its store" wait_until $STEP has_runs sweep.db 2
    kill_node n2
    expect "it goes back into the queue when a node of it has died" wait_until $STEP has_restarted "$job"
    revive_node n2
    expect "it comes to its end" wait_until $STEP is_in_state "$job" COMPLETED
    expect "it has gone on from its runs" goes_on "chiton-mpi-$job.log"
    expect "its store is what one sweep makes alone" is_serial sweep.db
    rm sweep.db

    # Four threads that did everything at once would need a quarter of what one has taken: the time is not enough.
    until=$(sed -n 's/.* done in \([0-9.]*\) s: .*/\1/p' serial.out | awk '{ printf "%.2fs", $1 / 7 }')
    job=$(UNTIL=$until sbatch --parsable --nodes=2 --ntasks=2 "$examples/mpi.sh" sweep.yaml)
    expect "another one whose time of $until is over goes back, too" wait_until $STEP has_restarted "$job"
    expect "it comes to its end" wait_until $((2 * STEP)) is_in_state "$job" COMPLETED
    expect "it has gone on from its runs" goes_on "chiton-mpi-$job.log"
    expect "its store is what one sweep makes alone" is_serial sweep.db
else
    note "the MPI job is skipped: mpirun is missing, or chiton was built without MPI"
fi
