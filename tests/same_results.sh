#!/bin/sh
# same_results.sh — Two programs do the same work, and this script compares all that they print and store.
#
#   usage: tests/same_results.sh OLD_PROGRAM NEW_PROGRAM [FOLDER]
#
# It is for changes of the source that must change no result. Everything is compared byte for byte; only wall-clock
# seconds, the lines that show progress, and how much memory the machine has free are taken out before. Both programs
# should come from the same compiler with the same options, since the bits of networks hold for one build: the compiler
# chooses where their passes fuse a multiplication and an addition. With gcc tuned for AMD's processors the choice
# depends on the code around it; --param=avoid-fma-max-bits=0 takes it away.
#
# FOLDER keeps the work of OLD_PROGRAM, so that it is done once and each further comparison runs NEW_PROGRAM alone. It
# is kept under a number that stands for OLD_PROGRAM, this script, the machine and the tools, and done again where one
# of these is another. So FOLDER may hold the work of several old programs, and several comparisons may use it at the
# same time. Without FOLDER the two programs run side by side in a temporary folder.
#
# A line is printed for every comparison, then the number of runs compared. What differs stays in a folder that is
# named at the end. The exit status is 0 when all is the same, 1 when something differs, and 2 when OLD_PROGRAM could
# not do the work, so that there is nothing to compare with.
#
# The script needs a POSIX shell with awk, sed, cmp and diff. It also uses sqlite3 or python3, jq, gnuplot and gzip;
# where one of these is missing, a sentence says what is not compared. No image data are needed: the script makes its
# own small files in the formats of MNIST and CIFAR-10.
set -u

LC_ALL=C
export LC_ALL
OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} # no result depends on it
OMP_WAIT_POLICY=passive               # two programs may share the processor
export OMP_NUM_THREADS OMP_WAIT_POLICY
unset CHITON_DATA

fail() {
    printf '%s\n' "same_results.sh: $1" >&2
    exit 2
}

# The absolute path of a program.
locate() {
    if ! [ -f "$1" ] || ! [ -x "$1" ]; then
        fail "$1 is no program."
    fi
    printf '%s/%s\n' "$(cd "$(dirname "$1")" && pwd)" "$(basename "$1")"
}

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    fail "The script takes two programs and perhaps a folder: same_results.sh OLD_PROGRAM NEW_PROGRAM [FOLDER]."
fi
old_program=$(locate "$1") || exit 2
new_program=$(locate "$2") || exit 2
script=$(locate "$0") || exit 2
keep=${3:-}
experiments=$(dirname "$script")/../experiments

has() {
    command -v "$1" >/dev/null 2>&1
}

# ---- what the programs work on ----

# Bytes, of which standard input has the octal escapes.
bytes() {
    while read -r escapes; do
        # shellcheck disable=SC2059 # the escapes are the format
        printf "$escapes"
    done
}

# A number of 32 bits, the highest byte first.
big_endian() {
    printf '\\%03o\\%03o\\%03o\\%03o\n' $(($1 / 16777216 % 256)) $(($1 / 65536 % 256)) $(($1 / 256 % 256)) \
        $(($1 % 256)) | bytes
}

# Square images FIRST, FIRST + 1, …: stripes that depend on the class, and noise. The class of image i is i mod 10, and
# it precedes the image where WITH_CLASS is 1. All numbers stay under 2^53, so that every awk makes the same images.
#   usage: images FIRST COUNT CHANNELS SIZE WITH_CLASS
images() {
    awk -v first="$1" -v count="$2" -v channels="$3" -v size="$4" -v with_class="$5" 'BEGIN {
        for (i = first; i < first + count; i++) {
            line = with_class ? sprintf("\\%03o", i % 10) : ""
            noise = (i + 1) * 16807 * 16807 % 2147483647
            for (c = 0; c < channels; c++)
                for (row = 0; row < size; row++)
                    for (column = 0; column < size; column++) {
                        noise = noise * 16807 % 2147483647
                        stripe = (row + 3 * (i % 10) + c) % 7 < 3 ? 100 : 0
                        line = line sprintf("\\%03o", noise % 128 + stripe)
                    }
            print line
        }
    }' | bytes
}

classes() {
    awk -v first="$1" -v count="$2" 'BEGIN { for (i = first; i < first + count; i++) printf "\\%03o\n", i % 10 }' |
        bytes
}

#   usage: mnist_files FIRST COUNT NAME
mnist_files() {
    { big_endian 2051 && big_endian "$2" && big_endian 28 && big_endian 28 && images "$1" "$2" 1 28 0; } \
        >"images/mnist/$3-images-idx3-ubyte"
    { big_endian 2049 && big_endian "$2" && classes "$1" "$2"; } >"images/mnist/$3-labels-idx1-ubyte"
}

# Image files, the sweeps of the project, and sweep files of this script's own, in the current folder. The programs
# see them under the same relative names.
make_inputs() {
    mkdir -p images/mnist images/cifar10 packed/cifar10 broken/mnist sweeps
    mnist_files 0 300 train
    mnist_files 300 60 t10k
    images 0 200 3 32 1 >images/cifar10/data_batch_1.bin
    images 200 60 3 32 1 >images/cifar10/test_batch.bin
    if has gzip; then
        gzip -n <images/cifar10/test_batch.bin >packed/cifar10/test_batch.bin.gz
    fi
    head -c 1000 images/mnist/t10k-images-idx3-ubyte >broken/mnist/t10k-images-idx3-ubyte
    cp images/mnist/t10k-labels-idx1-ubyte broken/mnist/
    cp "$experiments"/*.yaml sweeps/

    cat >zip.yaml <<'END'
# Two groups of settings vary together, and lists hold ranges.
model: perceptron
chi: [0, 1]
dim: 32
zip:
  - train: [64, 128, 256]
    temp: [0.5, 0.25, 0.125]
  - seed_data: 0..3
    seed_batch: [7, 7, 8, 8]
batch: 2
END
    cat >geometric.yaml <<'END'
model: mlp
linear: [no, yes]
width: 6
depth: 1
data: stripe
dim: 5
train: "16..64 x 3"
temp: "1e-3..1 x 4"
alpha: 2^10
batch: [1, full]
seed: [0..2, 9]
test: 25
max_updates: 2000
END
    printf 'model: perceptron\ntemp: [1, 2\n' >bad-list.yaml
    printf 'model: perceptron\ntmep: 1\n' >bad-name.yaml
    printf 'model: perceptron\ntemp: [1, nan]\n' >bad-value.yaml
    printf 'model: perceptron\nzip: {temp: [1, 2], seed: [1, 2, 3]}\n' >bad-zip.yaml
    printf 'model: perceptron\ntemp: 1\ntemp: 2\n' >bad-twice.yaml
    printf -- '- 1\n' >bad-kind.yaml
    : >empty.yaml
    printf 'This is a text that is no store, however long one looks at it and whatever one takes it for.\n' >text.db
}

# ---- running a program: what it prints goes to a file of the folder results ----

# Takes out of standard output what a clock says: columns, keys and lines named seconds, and the time of a sweep.
without_seconds() {
    awk 'BEGIN { FS = OFS = "," }
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") column = i; if (column) { print; next } }
        column { $column = "-"; print; next }
        {
            gsub(/"seconds": *[-+.0-9e]+/, "\"seconds\": -")
            gsub(/ done in [.0-9]+ s:/, " done in - s:")
            sub(/^seconds +[-+.0-9e]+/, "seconds -")
            sub(/^  seconds +[-+.0-9e]+ */, "  seconds - ")
            print
        }' "$1"
}

# Takes out of standard error the lines that show progress, how much memory the machine has free, and expected times.
without_progress() {
    sed -e '/^[0-9]*\/[0-9]* .* left$/d' -e '/^memory: .* and waits: /d' \
        -e '/^expected time: /d' -e '/^ likely between /d' -e '/^ which took /d' \
        -e 's/; in the .* there are, .*/; …/' "$1"
}

# Runs a program and adds to results/NAME what it prints on standard output, then the command with its exit status,
# then what it prints on standard error.
#   usage: say NAME ARGUMENT...
say() {
    answers=results/$1
    shift
    "$program" "$@" >printed.out 2>printed.err </dev/null
    status=$?
    {
        without_seconds printed.out
        printf '%s' '-- chiton'
        [ $# -eq 0 ] || printf ' %s' "$@"
        printf '\n-- The exit status is %d.\n' "$status"
        without_progress printed.err
    } >>"$answers"
}

# One sweep into STORE.db. As the sweeps are done twice, the second time finds all runs in the store.
#   usage: sweep STORE ARGUMENT...
sweep() {
    store=$1
    shift
    say "$store.$pass" sweep "$@" -o "$store.db"
}

perceptron_sweeps() {
    sweep perceptron perceptron --data depleted,sign,random_sign --dim 9 --train 64 --temp 2^-6,1 \
        --engine plain,fast --batch 1,4,full --seed 0,1 --record 3
    sweep perceptron perceptron --chi -0.5,0.5,2 --teacher axis,random --dim 32 --train 32,200 --temp 0.5,2^-17 \
        --engine plain,fast --dynamics sgd,gd --batch full --max-updates 2000 --test 50
    sweep perceptron perceptron --chi 0,1 --dim 2,17,40 --train 64 --alpha 8 --temp 0.25 --batch 4 \
        --loss hinge,softhinge,quadhinge,mse --dynamics sgd,unfitted,sde --max-steps 60 --record 2
    sweep perceptron perceptron --chi 1 --dim 17 --train 50 --alpha 8 --temp 0.01 --batch full --seed 0,1 \
        --loss hinge,softhinge,quadhinge,mse --dynamics gd,flow --max-steps 40
    sweep perceptron perceptron --chi 0,1 --train inf --dim 3,20 --batch 1,8 --temp 0.5 --max-steps 500 \
        --record 2 --seed 0,1
    sweep perceptron perceptron --chi 0,1 --train inf --dim 20 --batch 4 --temp 0.5 --max-updates 50 --test 20
    sweep perceptron perceptron --chi 1 --dim 32 --train 1024,3000 --temp 2^-4,1 --batch 2,16,64,full --seed 3 \
        --engine auto --record 1
    sweep perceptron perceptron --chi 1 --dim 130 --train 2048 --temp 1 --batch 2,32 --engine plain,fast
    sweep perceptron perceptron --chi 0,1 --dim 16 --train 40,100 --temp 2^-3..2^0 --batch full --test 30 \
        --linear yes --dynamics sgd,gd,unfitted
    # every run diverges
    sweep perceptron perceptron --chi 0 --dim 16 --train 64 --rate 1e6 --loss mse --batch 4 --seed 0..7 \
        --max-steps 10000
    sweep perceptron perceptron --chi 1 --dim 16 --train 64 --rate 1 --batch 3 --seed_data 0..1 --seed_init 5,6 \
        --seed_batch 7,8 --max-steps 300 --record 5
    sweep perceptron zip.yaml
    sweep perceptron zip.yaml --chi 1,3

    # large P: the fast engine's copies of samples, order of the samples and Gram rows
    sweep large perceptron --chi 1,3 --dim 32 --train 2^15 --temp 2^-10,1 --batch 2,64,4096 --max-updates 200000
    sweep large perceptron --chi 0 --dim 100 --train 2^13 --temp 1 --batch 1,256 --teacher random --test 500 \
        --max-updates 20000

    # tables that can be fitted: all regimes, budgets that end runs, repeats under other budgets
    sweep grid perceptron --chi 1 --dim 32 --train 2^6..2^10 --temp 2^-18..2^1 --seed 0..4 --record 1
    sweep grid perceptron --chi 0 --dim 16 --train 2^6..2^9 --temp 2^-18..2^1 --seed 0..4 --max-steps 3000
    sweep grid perceptron --chi 0 --dim 16 --train 2^6..2^9 --temp 2^-18..2^1 --seed 0..4 --max-steps 5000
    sweep grid perceptron --chi 2 --dim 16 --train 2^6..2^9 --temp 2^-18..2^1 --seed 0..2 --test 200
    sweep grid perceptron --chi 1 --dim 32 --train 64,inf --temp 0.5 --seed 0,1 --max-steps 1000
}

mlp_sweeps() {
    small="--dim 12 --test 40 --depth 2"
    # shellcheck disable=SC2086 # the options are words of their own
    {
        sweep mlp mlp $small --data depleted,sign,random_sign,stripe,sphere --width 7,16 --train 48 --batch 4 \
            --temp 2^-8 --activation relu,gelu,silu --max-updates 300
        sweep mlp mlp_bias $small --data depleted,sign,random_sign,stripe,sphere --width 7,16 --train 48 --batch 4 \
            --temp 2^-8 --activation relu,gelu,silu --max-updates 300 --record 2 --kernel 8
        sweep mlp mlp $small --chi 0,2 --width 8 --train 32 --batch 8 --temp 2^-8 --alpha 16 \
            --loss hinge,softhinge,quadhinge,mse --dynamics sgd,unfitted,sde --max-steps 40 --record 2 --kernel 6
        sweep mlp mlp_bias $small --teacher random --chi 1 --width 8 --train 32 --temp 2^-9 --alpha 16 --batch full \
            --loss hinge,softhinge,quadhinge,mse --dynamics gd,flow --max-steps 25 --activation silu,relu
        sweep mlp mlp $small --data stripe --width 9 --train 48,100 --batch 1,8 --temp 2^-10,2^-6 --alpha 4 \
            --engine plain,fast --loss hinge,quadhinge --max-steps 200
        sweep mlp mlp,mlp_bias $small --linear yes --width 16 --train 32,100 --temp 2^-12,2^-6 --batch full \
            --dynamics sgd,unfitted,gd --data depleted,sphere --max-updates 5000
        sweep mlp mlp,mlp_bias $small --linear yes --width 16 --train 32,100 --temp 2^-12,2^-6 --batch 1,8 \
            --dynamics sgd,unfitted --data depleted,stripe --activation relu,gelu,silu --max-updates 5000 --record 1
    }
    sweep mlp mlp --depth 3 --dim 30 --width 33 --train 512,1500 --batch 16 --temp 2^-12,2^-7 --test 20 \
        --engine plain,fast --max-steps 1000
    sweep mlp mlp --depth 1,5 --dim 64 --width 128 --train 256 --batch 16,64 --temp 2^-10 --test 64 --kernel 20 \
        --record 1 --max-steps 200
    # steps so large that runs diverge
    sweep mlp mlp --depth 2 --dim 12 --width 16 --train 64 --temp 2^4 --seed 0..3 --engine plain,fast
    sweep mlp mlp --depth 2 --dim 30 --width 64 --train 4096 --test 50 --batch 4,16 --temp 2^-9 --engine fast \
        --max-steps 20000
    sweep mlp mlp --depth 1 --dim 3 --width 1 --train 5 --temp 0.1 --max-steps 50 --seed 0..4
    sweep geometric geometric.yaml

    # a phase diagram, and networks beside their twins
    sweep phase mlp --depth 2 --dim 8 --width 16 --train 128 --test 200 --batch 8 --activation gelu \
        --alpha 4^-4..4^2 --temp 2^-11..2^1 --seed 0..2 --kernel 8 --max-updates 600 --record 1
    sweep twin mlp --linear no,yes --depth 2 --dim 10 --width 64 --train 32,64,128 --test 100 --batch 4 \
        --temp 4^-9..4^0 --seed 0..3 --max-updates 5000
    sweep twin mlp_bias --linear no,yes --depth 1 --dim 6 --width 20 --train 16,32 --test 50 --batch 2 \
        --temp 4^-6..4^0 --seed 0..2 --max-updates 2000 --record 1
}

image_sweeps() {
    set -- --data-dir images --data mnist_parity,cifar_animal
    sweep images mlp,mlp_bias "$@" --depth 2 --width 8 --train 64 --test 32 --batch 4 --temp 2^-8 --max-steps 200 \
        --activation relu,gelu,silu --engine plain,fast --record 1 --kernel 8
    sweep images mlp,mlp_bias "$@" --linear yes --width 20 --depth 3 --train 16,150 --test 16 --batch 4 --seed 0,1 \
        --temp 2^-9,2^-4 --activation relu,gelu --dynamics sgd,unfitted --max-updates 5000
    for model in simple_cnn mnas vgg11; do
        sweep images $model "$@" --width 1,3 --train 32 --test 16 --batch 4 --temp 2^-8 --max-steps 12 \
            --activation relu,gelu,silu --engine plain,fast --record 1 --kernel 4
        sweep images $model "$@" --width 2 --train 24 --batch 4 --temp 2^-9 --alpha 16 --max-steps 6 \
            --loss hinge,softhinge,quadhinge,mse --dynamics sgd,unfitted,sde
        sweep images $model "$@" --width 2 --train 24 --batch full --temp 2^-9 --alpha 16 --max-steps 3 \
            --loss hinge,softhinge,quadhinge,mse --dynamics gd,flow
        sweep images $model "$@" --linear yes --width 2 --train 16,40 --test 16 --temp 2^-9,2^-4 --batch 4 \
            --activation relu,gelu --dynamics sgd,unfitted --seed 0,1 --max-updates 5000
        sweep images $model --data-dir images --data cifar_animal --width 8 --train 64 --test 16 --temp 2^-9 \
            --batch 16 --max-steps 10 --kernel 6
    done
    set -- --data-dir images --data mnist_parity --depth 5 --width 128 --train 300 --test 50 --batch 16
    sweep images mlp "$@" --temp 2^-12,2^-7 --max-steps 100
    sweep images mlp "$@" --linear yes --temp 2^-12,2^-7
    if has gzip; then
        sweep images mlp --data-dir packed --data cifar_animal --depth 1 --width 4 --train 30 --temp 2^-8 \
            --max-steps 50
    fi
}

all_sweeps() {
    sweep demo sweeps/demo.yaml
    perceptron_sweeps
    mlp_sweeps
    image_sweeps
}

stores="demo perceptron large grid mlp geometric phase twin images"

# What is read from a store.
read_stores() {
    for store in $stores; do
        say "$store.export-csv" export "$store.db" --csv
        say "$store.export-json" export "$store.db" --json
        say "$store.export-points" export "$store.db" --points
        say "$store.list" list "$store.db"
        say "$store.list-json" list "$store.db" --json
        say "$store.fit" fit "$store.db"
        say "$store.fit-json" fit "$store.db" --json
    done
    say grid.export-where export grid.db --where "chi = 1 AND train >= 256"
    say images.export-where export images.db --json --where "model = 'mnas' AND loss = 'mse'"
}

# More of the fits, of the stores for which they have something to say.
fit_stores() {
    for store in demo twin; do
        say "$store.fit-csv" fit "$store.db" --csv
        say "$store.fit-latex" fit "$store.db" --latex
        for quantity in weight_change time; do
            say "$store.collapse-$quantity" fit "$store.db" --collapse $quantity
            say "$store.collapse-$quantity-json" fit "$store.db" --collapse $quantity --json
        done
    done
    for definition in onset escape error; do
        say demo.tc-$definition fit demo.db --tc $definition
        say demo.tc-$definition-json fit demo.db --tc $definition --json
    done
    say grid.collapse fit grid.db --collapse weight_change --where "chi = 1"
    say grid.fit-csv fit grid.db --csv
    say demo.fit-held fit demo.db --where "chi = 3" --fix delta=1,time_delta=1 --tie b=1+2*gamma
    say demo.fit-held fit demo.db --where "chi = 1" --bound gamma=0:0.4,sharpness=:8 --fix a=0 --json
    say demo.fit-held fit demo.db --where "chi = 1" --tie sharpness=joint,time_delta=delta
    say demo.fit-options fit demo.db --where "chi = 1" --threshold 0.5 --sigmas 2
    say phase.fit-threshold fit phase.db --threshold 0.25 --json
}

plot_stores() {
    say demo.plot plot demo.db -o results/demo.figures --format svg
    say twin.plot plot twin.db -o results/twin.figures --format svg
    say phase.plot plot phase.db -o results/phase.figures --format svg --threshold 0.5 --where "alpha != 1"
    say grid.plot plot grid.db -o results/grid.figures --format svg
}

# ---- stores as SQLite sees them ----

sql_tool=none
if has sqlite3; then
    sql_tool=sqlite3
elif has python3 && python3 -c 'import sqlite3' 2>/dev/null; then
    sql_tool=python3
fi

# Runs SQL on a file; a query's rows have one column each.
sql() {
    if [ $sql_tool = sqlite3 ]; then
        sqlite3 -batch "$1" "$2"
    else
        python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for statement in sys.argv[2].split(";"):
    for row in db.execute(statement):
        print(row[0])
db.commit()' "$1" "$2"
    fi
}

inspect_stores() {
    [ $sql_tool != none ] || return 0
    for store in $stores; do
        sql "$store.db" "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name;
            SELECT application_id FROM pragma_application_id; SELECT user_version FROM pragma_user_version" \
            >"results/$store.schema"
        sql "$store.db" "SELECT id FROM runs ORDER BY id" >"results/$store.ids"
        sql "$store.db" "SELECT run || ' ' || step || ' ' || layer || ' ' || quote(weight_change) FROM layers
            ORDER BY run, step, layer" >"results/$store.layers"
    done
}

# A copy of the phase diagram's store in which results are planted, so that the fit has an optimal temperature, borders
# and k to report. T_opt grows as alpha^(1/2), and the relative changes grow with T.
plant_phase() {
    [ $sql_tool != none ] || return 0
    cp phase.db planted.db
    sql planted.db "CREATE TEMP TABLE places AS SELECT id,
            (SELECT count(DISTINCT temp) FROM runs AS other WHERE other.temp < runs.temp) AS t,
            (SELECT count(DISTINCT alpha) FROM runs AS other WHERE other.alpha < runs.alpha) AS a FROM runs;
        UPDATE runs SET status = 'fitted',
            test_error = (SELECT 0.05 * (1 + 0.1 * (t - a - 3) * (t - a - 3)) * (1 + 0.01 * ((7 * seed + 3 * t) % 5))
                FROM places WHERE places.id = runs.id),
            weight_change_rel = (SELECT 0.01 * (1 << t) / (1 + a) * (1 + 0.02 * ((5 * seed + t) % 3))
                FROM places WHERE places.id = runs.id),
            kernel_change = (SELECT 0.004 * (1 << t) / (1 + a) * (1 + 0.02 * ((3 * seed + t) % 4))
                FROM places WHERE places.id = runs.id)"
    say planted.fit fit planted.db
    say planted.fit-json fit planted.db --json
    say planted.plot plot planted.db -o results/planted.figures --format svg
}

# ---- single runs, and the program's front door ----

single_runs() {
    common="--temp 2^-8 --batch 4 --max-steps 30 --record 2"
    # shellcheck disable=SC2086 # the options are words of their own
    for linear in no yes; do
        say run.json run perceptron $common --linear $linear --train 64 --dim 16 --json
        for model in mlp mlp_bias; do
            say run.json run $model $common --linear $linear --train 64 --dim 16 --width 8 --json
        done
        for model in simple_cnn mnas vgg11; do
            say run.json run $model $common --linear $linear --train 32 --test 8 --width 2 --data-dir images \
                --data cifar_animal --json
        done
    done
    say run.table run perceptron --chi 1 --train 1024 --temp 1 --record 1
    say run.table run perceptron --chi 1 --train inf --temp 1 --record 2 --max-steps 1e4
    say run.table run mlp --dim 10 --width 20 --train 100 --temp 2^-8 --kernel 10 --record 1 -j 1
    say run.table run mlp --dim 10 --width 20 --train 100 --temp 2^-8 --linear yes -j 2
    say run.table run mnas --data mnist_parity --data-dir images --width 1 --train 20 --temp 2^-8 --max-steps 5
    say run.json run perceptron --chi 1 --dim 64 --train 2^16 --batch 2^12 --temp 1 --max-updates 200 -j 2 --json
    # kernels that are kept in files are made, found, found too small, and made of images
    for train in 40 40 90; do
        say run.kernels run mlp --linear yes --dim 10 --width 12 --depth 2 --temp 2^-6 --train $train --test 10 \
            --kernel-cache kernels --json
    done
    say run.kernels run mnas --linear yes --width 1 --temp 2^-6 --train 30 --test 10 --data mnist_parity \
        --data-dir images --kernel-cache kernels --json
    use_kernels
}

# Kernels are found in the files that are there already, and the files stay as they are.
use_kernels() {
    for train in 90 20; do
        say run.kernels-found run mlp --linear yes --dim 10 --width 12 --depth 2 --temp 2^-6 --train $train --test 10 \
            --kernel-cache kernels --json
    done
    mkdir results/kernels
    cp kernels/* results/kernels/
}

front_door() {
    say help
    for flag in --help -h help --version; do
        say help $flag
    done
    for command in run sweep list fit plot theory export data selftest; do
        say help $command --help
    done
    for chi in -0.5 0 0.5 1 3 1000; do
        say theory theory --chi $chi
        say theory theory --chi $chi --json
    done
    say theory theory --chi 1 --dim 128 --temp 1 --batch 2 --train 4096 --until 1e6 --record 1
    say theory theory --chi 0 --dim 64 --rate 0.5 --batch 8 --train 1024 --csv
    say theory theory --chi 2 --dim 64 --temp 0.1 --train 2^14 --alpha 100 --json --record 2
    say theory theory --chi 1 --temp 1 --train inf --until 1e4 --csv
    say selftest selftest --tables 5
    say selftest selftest --tables 3 --seed 7 --json
    for name in mnist cifar10; do
        for directory in images packed broken nowhere; do
            say data data check $name --data-dir $directory
            say data data check $name --data-dir $directory --json
        done
        say data data check $name
    done
    say data data fetch mnist --data-dir nowhere/deep --from file:///nonexistent
    say data data fetch mnist --data-dir fetched --from file:///nonexistent
    say data data fetch cifar10 --data-dir images --from ftp:
    # sweeps of images are refused without a folder, and for want of images unless they take few; others need neither
    for file in sweeps/*.yaml; do
        say dry-run sweep "$file" --dry-run
        say dry-run sweep "$file" --data-dir images --dry-run
        say dry-run sweep "$file" --data-dir images --train 64,128 --test 16 --dry-run
    done
    say dry-run sweep zip.yaml --dry-run -j 2
    say dry-run sweep zip.yaml --chi 0..9 -o perceptron.db --dry-run
    say dry-run sweep mlp --linear yes --dim 30 --width 50 --train 64,128 --temp 1,2 --dry-run
    say dry-run sweep mnas --data cifar_animal --data-dir images --width 4 --train 100 --temp 1 --seed 0..9 --dry-run
}

# Bad input, a command a line as a shell splits it.
# shellcheck disable=SC2120 # the arguments are set here
refusals() {
    while IFS= read -r line; do
        eval "set -- $line"
        say refusals "$@"
    done <<'END'
rnu
transform perceptron
run
run --temp 1
run perceptron
run perceptrn --temp 1
run perceptron perceptron --temp 1
run perceptron --tmep 1
run perceptron --temp 1 --widht 3
run perceptron --temp 1 --nothing-like-it 3
run perceptron --temp
run perceptron --temp 1 --rate 1
run perceptron --temp 1 --temp 2
run perceptron --temp hot
run perceptron --temp ''
run perceptron --temp 0
run perceptron --temp nan
run perceptron --temp 1e999
run perceptron --temp 1e308 --batch 1024
run perceptron --temp 1 --chi -1
run perceptron --temp 1 --chi 1001
run perceptron --temp 1 --alpha 1e-320
run perceptron --temp 1 --batch 0
run perceptron --temp 1 --train 16 --batch 17
run perceptron --temp 1 --train 0
run perceptron --temp 1 --train 1.5
run perceptron --temp 1 --train 4294967296
run perceptron --temp 1 --train inf
run perceptron --temp 1 --train inf --max-steps 9 --batch full
run perceptron --temp 1 --train inf --max-steps 9 --engine fast
run perceptron --temp 1 --train inf --max-steps 9 --dynamics gd
run perceptron --temp 1 --train inf --max-steps 9 --loss mse
run perceptron --temp 1 --train inf --max-steps 9 --linear yes
run perceptron --temp 1 --dim 1
run perceptron --temp 1 --max-steps 9223372036854775808
run perceptron --temp 1 --loss squared
run perceptron --temp 1 --loss mse
run perceptron --temp 1 --teacher axes
run perceptron --temp 1 --data sign --chi 1
run perceptron --temp 1 --data sign --teacher random
run perceptron --temp 1 --data stripe
run perceptron --temp 1 --data mnist_parity
run perceptron --temp 1 --dynamics gd --batch 2
run perceptron --temp 1 --dynamics sde --engine fast
run perceptron --temp 1 --width 3
run perceptron --temp 1 --kernel 3
run perceptron --temp 1 --record 1001
run perceptron --temp 1 -j 0
run perceptron --temp 1 -j two
run perceptron --temp 1 -q
run perceptron --temp 1 --jsno
run perceptron --temp 1 --kernel-cache kernels
run mlp --temp 1 --train 16 --kernel 17
run mlp --temp 1 --train inf --max-steps 9
run mlp --temp 1 --linear yes --engine plain
run mlp --temp 1 --linear yes --dynamics sde
run mlp --temp 1 --linear yes --dynamics flow
run mlp --temp 1 --linear yes --loss mse --max-steps 9
run mlp --temp 1 --linear yes --kernel 4
run mlp --temp 1 --data mnist_parity
run mlp --temp 1 --data mnist_parity --data-dir nowhere
run mlp --temp 1 --data mnist_parity --data-dir broken
run mlp --temp 1 --data mnist_parity --data-dir images --train 300 --test 100
run mlp --temp 1 --data mnist_parity --data-dir images --chi 1
run mlp --temp 1 --data mnist_parity --data-dir images --dim 30
run mlp --temp 1 --data-dir images
run mnas --temp 1
run mnas --temp 1 --depth 3 --data mnist_parity --data-dir images
run vgg11 --temp 1 --width 1048577
run simple_cnn --temp 1 --data stripe
sweep
sweep perceptron --temp 1
sweep perceptron --temp 1 -o ''
sweep perceptron --temp 1 -o nowhere/runs.db
sweep perceptron --temp 1 -o text.db
sweep perceptron --temp 1 -o images
sweep perceptron --temp 2..1 -o none.db
sweep perceptron --temp 1, -o none.db
sweep perceptron --temp 0.1..0.9 -o none.db
sweep perceptron --temp '1e-3..1 x 1' -o none.db
sweep perceptron --temp 1 --seed 1..100000000 -o none.db
sweep perceptron --temp 1 --seed 1..4000 --seed_batch 1..4000 -o none.db
sweep perceptron --temp 1 --train 64,4,32 --batch 2,8 -o none.db
sweep perceptron --temp 1 -o none.db -j -3
sweep bad-list.yaml -o none.db
sweep bad-name.yaml -o none.db
sweep bad-value.yaml -o none.db
sweep bad-zip.yaml -o none.db
sweep bad-twice.yaml -o none.db
sweep bad-kind.yaml -o none.db
sweep empty.yaml -o none.db
sweep none.yaml -o none.db
list
list grid.db grid.db
list none.db
list text.db
export none.db
export grid.db --csv --json
export grid.db --json --points
export grid.db --where 'chy = 1'
fit
fit none.db
fit grid.db --tc somehow
fit grid.db --collapse signal
fit grid.db --threshold -1
fit grid.db --sigmas 0.5
fit grid.db --csv --latex
fit grid.db --csv --collapse time
fit grid.db --fix beta=1
fit grid.db --bound gamma=2:0
fit grid.db --tie gamma=delta
fit grid.db --fix a=0 --tc escape
fit grid.db --where 'chi ='
fit grid.db --where 'chi = 77'
fit large.db --collapse time
plot grid.db
plot -o figures
plot grid.db -o figures --format gif
plot none.db -o figures
plot grid.db -o figures --where 'chi = 77'
theory
theory --temp 1
theory --chi -1
theory --chi nan
theory --chi 1 --dim 64
theory --chi 1 --csv
theory --chi 1 --temp 1 --until 1
theory --chi 1 --temp 1 --until never
theory --chi 1 --temp 1 --train inf
theory --chi 1 --temp 1 --csv --json
theory perceptron --chi 1
data
data check
data check imagenet
data look mnist
data check mnist cifar10
data fetch imagenet --data-dir images
selftest --tables 0
selftest grid.db
END
    # nothing that was refused has left a file
    ls >>results/refusals
}

# ---- all the work of a program ----

# In a folder that has inputs.
#   usage: work PROGRAM FOLDER
work() (
    program=$1
    cd "$2" || exit 2
    mkdir results
    pass=sweep
    all_sweeps
    pass=again
    all_sweeps
    read_stores
    fit_stores
    inspect_stores
    plant_phase
    plot_stores
    single_runs
    front_door
    # shellcheck disable=SC2119
    refusals
)

# A program reads the stores and kernels of another, whose work lies in FROM. Its answers must be those of the other.
#   usage: work_on_old PROGRAM FROM FOLDER
work_on_old() (
    program=$1
    mkdir "$3" && cp -R "$2/../inputs/." "$3/" && cp "$2"/*.db "$3/" && cp -R "$2/kernels" "$3/" || exit 2
    cd "$3" || exit 2
    mkdir results
    pass=again
    all_sweeps
    read_stores
    fit_stores
    use_kernels
)

# ---- comparing ----

compared=0
differing=0

# The cells of two tables that differ: the first field of the row, which is a run, the column, and both values.
differing_cells() {
    awk 'BEGIN { FS = "," }
        NR == FNR { old[FNR] = $0; next }
        FNR == 1 { for (i = 1; i <= NF; i++) name[i] = $i }
        {
            split(old[FNR], field)
            for (i = 1; i <= NF; i++) if ($i != field[i] "") print $1, name[i] ":", field[i], "is now", $i
        }' "$1" "$2"
}

# How two files differ. Other than tables are split into lines at commas, to be legible.
differing_lines() {
    case $1 in
    *.export-csv | *.export-points) differing_cells "$1" "$2" ;;
    *)
        tr ',' '\n' <"$1" >"$scratch/old.lines"
        tr ',' '\n' <"$2" >"$scratch/new.lines"
        diff "$scratch/old.lines" "$scratch/new.lines" | grep '^[<>]'
        ;;
    esac
}

# Says whether two files are the same, and shows how they begin to differ.
#   usage: compare LABEL OLD_FILE NEW_FILE
compare() {
    compared=$((compared + 1))
    if [ ! -f "$3" ]; then
        differing=$((differing + 1))
        echo "differs  $1: only the old program has it."
    elif [ ! -f "$2" ]; then
        differing=$((differing + 1))
        echo "differs  $1: only the new program has it."
    elif cmp -s "$2" "$3"; then
        echo "same     $1"
    else
        differing=$((differing + 1))
        echo "differs  $1 begins to differ so, old (<) and new (>):"
        differing_lines "$2" "$3" | head -n 6 | cut -c 1-150 | sed 's/^/         /'
    fi
}

# All files of two folders; labels begin with TITLE.
#   usage: compare_folders TITLE OLD_FOLDER NEW_FOLDER
compare_folders() {
    { (cd "$2" && find . -type f) && (cd "$3" && find . -type f); } | sed 's/^\.\///' | sort -u >"$scratch/names"
    while IFS= read -r name; do
        compare "$1$name" "$2/$name" "$3/$name"
    done <"$scratch/names"
}

# Those files of the old program for which the new one has an answer from the old one's stores.
compare_on_old() {
    (cd "$2" && find . -type f) | sed 's/^\.\///' | sort >"$scratch/names"
    while IFS= read -r name; do
        compare "old stores: $name" "$1/$name" "$2/$name"
    done <"$scratch/names"
}

# ---- whether there is something to compare with ----

# Numbers of runs by the values of a column of the exports, or by those of two.
#   usage: count_by FILES COLUMN [COLUMN]
count_by() {
    awk -v first="$2" -v second="${3:-}" 'BEGIN { FS = "," }
        FNR == 1 { for (i = 1; i <= NF; i++) place[$i] = i; inside = 1; next }
        /^-- / { inside = 0 }
        inside { count[$place[first] (second == "" ? "" : ":" $place[second])]++ }
        END { for (value in count) if (value != "") print value, count[value] }' "$1"/*.export-csv | sort
}

complain() {
    echo "same_results.sh: $1" >&2
    bad=1
}

# Whether a fit of the old program has a report, as a condition of jq says.
#   usage: expect FOLDER FIT CONDITION WHAT
expect() {
    sed '/^-- chiton/,$d' "$1/$2" | jq -e "$3" >/dev/null 2>&1 || complain "The old program's $2 has no $4."
}

# The old program's work must be all that the script is for; else one failure would be compared with another.
#   usage: check_work RESULTS
check_work() {
    bad=0
    for file in "$1"/*.sweep "$1"/*.again "$1"/*.list "$1"/*.export-csv; do
        if grep '^-- The exit status is' "$file" | grep -qv 'is 0\.$'; then
            complain "The old program has failed in $(basename "$file")."
        fi
    done
    if grep -rh '^-- The exit status is' "$1" | grep -qv 'is [012]\.$'; then
        complain "The old program has been killed, or has ended with a status that it does not have."
    fi
    echo "The runs cover:"
    : >"$scratch/values"
    for column in model:linear data teacher loss dynamics activation engine status; do
        # shellcheck disable=SC2046 # one column or two
        count_by "$1" $(echo $column | tr : ' ') >"$scratch/counts"
        awk -v column=$column 'BEGIN { printf "  %-13s", column }
            { printf "%s%s %d", NR == 1 ? "" : ", ", $1, $2 } END { print "" }' "$scratch/counts"
        cat "$scratch/counts" >>"$scratch/values"
    done
    for value in perceptron: perceptron:yes mlp:no mlp:yes mlp_bias:no mlp_bias:yes simple_cnn:no simple_cnn:yes \
        mnas:no mnas:yes vgg11:no vgg11:yes depleted sign random_sign stripe sphere mnist_parity cifar_animal axis \
        random hinge softhinge quadhinge mse sgd gd flow unfitted sde relu gelu silu plain fast fitted budget \
        diverged; do
        grep -q "^$value " "$scratch/values" || complain "No run of the old program has $value."
    done
    if has jq; then
        expect "$1" demo.fit-json '[.exponents[] | select(.name == "a") | .value] | any' "exponent a"
        expect "$1" demo.fit-json '[.tc[] | select(.definition == "onset") | .stderr] | any' "T_c by onset"
        expect "$1" demo.fit-json '[.groups[].shapes.weight_change.best] | any' "shape over P"
        expect "$1" demo.collapse-time-json '[.collapse[].x.value] | any' "collapse"
        expect "$1" grid.fit-json '[.groups[].notes[] | select(test("budget"))] | any' "runs that a budget ended"
        expect "$1" phase.fit-json '.phase | length > 0' "phase diagram"
        expect "$1" twin.fit-json '[.lazy[].trains[].weight_change.ratio.value] | any' "networks beside their twins"
        if [ $sql_tool != none ]; then
            expect "$1" planted.fit-json '[.phase[].k.value] | any' "exponent k of a phase diagram"
        fi
    else
        echo "jq is not here: nobody looks whether the old program's fits have the reports that they should have."
    fi
    if has gnuplot && [ ! -d "$1/demo.figures" ]; then
        complain "The old program has drawn no figures."
    fi
    return $bad
}

count_runs() {
    stored=$(awk 'FNR == 1 { inside = 1; next } /^-- / { inside = 0 } inside { count++ } END { print count + 0 }' \
        "$1"/*.export-csv)
    single=$(cat "$1"/run.* | grep -c '^-- chiton run ')
    echo $((stored + single))
}

# ---- the script ----

# What the old program's work depends on.
describe() {
    cksum <"$old_program"
    cksum <"$script"
    cat "$experiments"/*.yaml | cksum
    uname -srm
    sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1
    "${sql_tool}" --version 2>/dev/null
    gnuplot --version 2>/dev/null
    has gzip && echo gzip
}

# What a caller interrupts or what fails leaves nothing behind but the old program's finished work.
job=
clean_up() {
    [ -z "$job" ] || kill "$job" 2>/dev/null
    rm -rf "$scratch"
    [ -n "$keep" ] || rm -rf "$base"
}

# The shell reads all of this before it begins, so that the script may change while it runs.
main() {
    started=$(date +%s)
    if [ -n "$keep" ]; then
        mkdir -p "$keep" || fail "The folder $keep cannot be made."
        base=$(cd "$keep" && pwd)
    else
        base=$(mktemp -d "${TMPDIR:-/tmp}/same_results.XXXXXX") || fail "A temporary folder cannot be made."
    fi
    scratch=$(mktemp -d "$base/new.XXXXXX") || fail "The folder $base cannot be written."
    new=$scratch/new

    trap 'clean_up; exit 2' HUP INT TERM

    # Copies of the programs are what is run, so that a build that goes on meanwhile changes nothing.
    cp "$old_program" "$scratch/old_chiton" || fail "The old program cannot be copied to $scratch."
    cp "$new_program" "$scratch/new_chiton" || fail "The new program cannot be copied to $scratch."
    old_program=$scratch/old_chiton
    new_program=$scratch/new_chiton

    describe >"$scratch/description"
    old=$base/old-$(cksum <"$scratch/description" | cut -d ' ' -f 1)
    if [ -f "$old/complete" ]; then
        echo "The old program's work is there already, in $old."
        cp -R "$old/inputs" "$new" || fail "The folder $scratch cannot be written."
        if ! check_work "$old/work/results"; then
            clean_up
            fail "There is nothing to compare with."
        fi
        work "$new_program" "$new"
    else
        mkdir -p "$scratch/old/inputs"
        (cd "$scratch/old/inputs" && make_inputs) || fail "The inputs cannot be written to $scratch."
        cp -R "$scratch/old/inputs" "$scratch/old/work" || fail "The folder $scratch cannot be written."
        cp -R "$scratch/old/inputs" "$new" || fail "The folder $scratch cannot be written."
        work "$old_program" "$scratch/old/work" &
        job=$!
        work "$new_program" "$new"
        wait "$job"
        job=
        if ! check_work "$scratch/old/work/results"; then
            clean_up
            fail "There is nothing to compare with."
        fi
        cp "$scratch/description" "$scratch/old/complete"
        # another comparison may have finished the same work meanwhile, which serves as well
        [ -e "$old" ] || mv "$scratch/old" "$old" || fail "The folder $old cannot be made."
    fi

    work_on_old "$new_program" "$old/work" "$scratch/on_old" || fail "The folder $scratch cannot be written."
    compare_folders "" "$old/work/results" "$new/results"
    compare_on_old "$old/work/results" "$scratch/on_old/results"

    [ $sql_tool != none ] || echo "Neither sqlite3 nor python3 is here: schemas, ids and layers are not compared in SQL."
    has gnuplot || echo "gnuplot is not here: there are no figures to compare."
    has gzip || echo "gzip is not here: no packed image file is read."
    runs=$(count_runs "$old/work/results")
    echo "$runs runs were compared, in $compared comparisons and $(($(date +%s) - started)) seconds."
    if [ "$runs" -lt 1000 ]; then
        clean_up
        fail "Fewer than 1000 runs are too few."
    fi
    if [ $differing -gt 0 ]; then
        echo "$differing of $compared comparisons differ: the new program's work stays in $scratch, the old one's in $old."
        exit 1
    fi
    echo "All results are the same."
    clean_up
}

main; exit
