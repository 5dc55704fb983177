# limits.sh — threads and memory are those of the job; a time and signals end a sweep. Read by check.sh.

# Two tasks on a node with two processors and 1000 MB: one thread and half of the memory each. Nothing enforces it here.
within_limits() {
    sbatch --wait -n 2 -N 1 -t 1 --mem=1000 -o limits.out --wrap "srun '$CHITON' sweep sweep.yaml --dry-run" >/dev/null
    [ "$(grep -c '; in the 4[0-9]* MB there are, 1 such run at once, on 1 thread;' limits.out)" -eq 2 ]
}
expect "each of two tasks takes one thread and half of the memory" within_limits

ends_by_until() {
    srun -n 1 -t 1 -c 2 "$CHITON" sweep sweep.yaml --chi -0.95 --max_steps none -o until.db --until 1.5s >until.out 2>&1
    [ $? -eq 130 ] && grep -q 'repeat the command to go on' until.out
}
expect "--until ends a sweep with exit status 130" ends_by_until
