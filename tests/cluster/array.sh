# array.sh — the array job: one of its two tasks has its time over, the node of the other dies. Read by check.sh.

tasks=$(sbatch --parsable --array=1-2 "$examples/array.sh" sweep.yaml)
has_begun() {
    has_runs sweep-1-of-2.db 2 && has_runs sweep-2-of-2.db 2
}
expect "an array job puts runs into one store a part" wait_until $STEP has_begun
first=$(ask "${tasks}_1" JobId)
second=$(ask "${tasks}_2" JobId)
node=$(ask "${tasks}_2" NodeList)

# the signal of #SBATCH --signal=B:USR1@120, two minutes before the time limit
scancel --signal=USR1 --batch "$first"
kill_node "$node"
expect "a task whose time is nearly over goes back into the queue" wait_until $STEP has_restarted "$first"
kept=$(count_runs sweep-2-of-2.db)
expect "so does a task whose node has died" wait_until $STEP has_restarted "$second"
revive_node "$node"
"$CHITON" sweep sweep.yaml -o serial.db -j 1 >serial.out 2>&1 # meanwhile
content serial.db >"$folder/serial.content"
expect "the first task comes to its end" wait_until $STEP is_in_state "$first" COMPLETED
expect "the second task comes to its end" wait_until $STEP is_in_state "$second" COMPLETED
expect "the first has gone on from its runs" goes_on "chiton-${tasks}_1.log"
expect "the second has gone on from its $kept runs" goes_on "chiton-${tasks}_2.log"

"$CHITON" merge all.db sweep-*-of-2.db >merge.out 2>&1
expect "the parts make what one sweep makes alone" is_serial all.db
