# slurm.sh — a Slurm of its own on this machine, for tests/cluster/check.sh: munged, slurmctld and two slurmd, each the
# daemon of one "node", in one temporary folder, on ports of their own. What runs on the machine already is left alone:
# all programs find this Slurm by $SLURM_CONF, and its processes are known by that variable in their environment.

# The second field of /proc/net/tcp is the local address, with the port in hexadecimal digits.
is_free() {
    ! awk '{ print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qi ":$(printf '%04x' "$1")\$"
}

# Four ports in a row that nobody listens on, of those under the range from which systems give out ports themselves.
find_ports() {
    port=$((20000 + $$ % 1000 * 4))
    tries=0
    while ! { is_free "$port" && is_free $((port + 1)) && is_free $((port + 2)) && is_free $((port + 3)); }; do
        port=$((port + 4))
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || return 1
    done
}

write_config() {
    cat >"$SLURM_CONF" <<END
ClusterName=chiton
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
# a job that goes back into the queue starts again only when the credential of its last start has expired
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
MailProg=/bin/true
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdTimeout=30
KillWait=5
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
# the nodes are what is said here, whatever the machine is
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=2 RealMemory=4000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 3)) CPUs=2 RealMemory=4000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
}

# Starts a daemon in the foreground, so that its number is known and it ends with this script.
#   usage: start_daemon NAME COMMAND...     sets pid_NAME
start_daemon() {
    name=$1
    shift
    "$@" >"$folder/$name.out" 2>&1 </dev/null &
    eval "pid_$name=\$!"
}

start_node() {
    start_daemon "$1" slurmd -D -N "$1" -f "$SLURM_CONF"
}

# Power off: ends the daemon of a node and all that runs there, and tells Slurm, which would find out within SlurmdTimeout.
kill_node() {
    # shellcheck disable=SC2046 — one word a process
    kill -KILL $(processes "$1") 2>/dev/null
    scontrol update NodeName="$1" State=DOWN Reason=died
}

# Power on.
revive_node() {
    start_node "$1"
    wait_until 30 is_back "$1"
}

is_back() {
    scontrol update NodeName="$1" State=RESUME 2>/dev/null
    sinfo -h -n "$1" -o %t | grep -qx -e idle -e mix -e alloc
}

# Starts all daemons and waits until both nodes take jobs.  Returns 1 with a sentence in $reason where that fails.
start_slurm() {
    mkdir -p "$folder/munge" "$folder/state"
    chmod 755 "$folder" "$folder/munge" # munged wants a socket that everybody can reach
    head -c 1024 /dev/urandom >"$folder/munge/key"
    chmod 600 "$folder/munge/key"
    find_ports || { reason="no four ports in a row are free"; return 1; }
    write_config
    start_daemon munged munged -F --force --num-threads=2 --key-file="$folder/munge/key" \
        --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" --seed-file="$folder/munge/seed" \
        --log-file="$folder/munge/log"
    wait_until 20 is_munge_up_or_dead
    is_munge_up || { reason="munged does not start: $(tail -n 1 "$folder/munged.out")"; return 1; }
    start_daemon slurmctld slurmctld -D -f "$SLURM_CONF"
    start_node n1
    start_node n2
    wait_until 60 are_nodes_idle_or_dead
    are_nodes_idle ||
        { reason="the daemons of Slurm do not start: $(tail -n 1 "$folder/slurmctld.out")"; return 1; }
    timeout 30 srun -N 2 -t 1 true >"$folder/srun.out" 2>&1 ||
        { reason="Slurm runs no job: $(tail -n 1 "$folder/srun.out")"; return 1; }
}

is_munge_up() {
    munge -S "$folder/munge/socket" -n 2>/dev/null | unmunge -S "$folder/munge/socket" >/dev/null 2>&1
}

is_munge_up_or_dead() {
    is_munge_up || ! kill -0 "$pid_munged" 2>/dev/null
}

are_nodes_idle_or_dead() {
    ! kill -0 "$pid_slurmctld" 2>/dev/null || are_nodes_idle
}

are_nodes_idle() {
    [ "$(timeout 20 sinfo -h -t idle -o %D 2>/dev/null)" = 2 ]
}

# The processes of this Slurm and of its jobs; with an argument, only those of that node: its daemons write its log, and
# what they start has its name in the environment. The programs that look for them do not count: they have not the
# variable.
processes() (
    config=$SLURM_CONF
    unset SLURM_CONF
    for process in /proc/[0-9]*; do
        cat "$process/environ" 2>/dev/null | tr '\0' '\n' | grep -qxF "SLURM_CONF=$config" || continue
        [ $# -eq 0 ] || cat "$process/environ" 2>/dev/null | tr '\0' '\n' | grep -qx "SLURMD_NODENAME=$1" ||
            readlink "$process"/fd/* 2>/dev/null | grep -qxF "$folder/slurmd-$1.log" || continue
        echo "${process#/proc/}"
    done
)

# Ends whatever this Slurm has started. The shells of this script do not have $SLURM_CONF in the environment with which
# they were started, and are not among the processes found.
stop_slurm() {
    timeout 10 scancel --signal=KILL --full --user="$(id -un)" >/dev/null 2>&1
    tries=0
    while [ "$tries" -lt 5 ]; do
        found=$(processes)
        [ -n "$found" ] || return
        # shellcheck disable=SC2086 — one word a process
        kill -KILL $found 2>/dev/null
        sleep 0.2
        tries=$((tries + 1))
    done
}
