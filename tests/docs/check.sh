#!/bin/sh
# Runs every command of the program that the documentation shows, page by page, each page in a folder of its own.
#   usage: sh tests/docs/check.sh CHITON PAGE...   (images are those in $CHITON_DATA)
# A command must end with the exit status it is shown with. What takes long is ended by --until. A store that the page did
# not make, or whose sweep was ended, is a small one, in which an exponent may be missing, so that exit status 1 of fit and
# plot passes, or no run may fulfil a condition. A command that needs image data passes where it says that there are none.
set -eu
chiton=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$PWD
shift
scratch=$(mktemp -d "${TMPDIR:-/tmp}/chiton-docs-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# What pages use and do not make themselves. Users make these from their own data.
"$chiton" sweep perceptron --chi 0,1,3 --dim 64 --train 2^7..2^9 --temp 2^-16,2^-12,2^-8,2^-4..2^2 --seed 0..2 -o "$scratch/runs.db" \
    2>/dev/null >/dev/null
: >"$scratch/done"
# what a file is, its bytes say and not its name: tables of 5,200 samples and of their labels 0 to 9
awk 'BEGIN { for (i = 0; i < 5200; i++) { for (k = 0; k < 16; k++) printf "%.6f%s", rand(), k < 15 ? "," : "\n" } }' >"$scratch/x"
awk 'BEGIN { print "label"; for (i = 0; i < 5200; i++) print i % 10 }' >"$scratch/y"

prepare() {
    ln -s "$root/experiments" experiments
    ln -s "${CHITON_DATA:-$root/none}" images
    ln -s "$scratch/x" x.npy
    ln -s "$scratch/y" y.npy
    printf '%s\n' '0,0.2' '1,0.8' '2,0.4' >rho.txt
    printf '%s\n' 'model: perceptron' 'dim: 32' 'chi: [0, 1]' 'zip:' '  train: [512, 1024, 2048]' '  rate: [1, 2, 4]' 'seed: 0..1' >zip.yaml
}

# The command in the time that there is, e.g. with --until.
shortened() {
    case $1 in
    *" --until "* | *" --dry-run"*) echo "$1" ;;
    "chiton run "*) echo "$1 --until 5s" ;;
    "chiton sweep "*) echo "$1 --until 0.1s" ;;
    "chiton selftest"*) echo "$1 --tables 2" ;;
    *) echo "$1" ;;
    esac
}

# Puts the small store wherever the command reads one that is not there.
bring_stores() {
    case $1 in *" sweep "*) return ;; esac
    for word in $1; do
        case $word in *.db) [ -e "$word" ] || [ "$word" = all.db ] || cp "$scratch/runs.db" "$word" ;; esac
    done
}

# Whether the same was done before: the same command but for the name of the store, which is the small one.
was_done() {
    store=$(printf '%s' "$1" | grep -o '[^ ]*\.db' | head -n 1)
    [ -n "$store" ] && cmp -s "$store" "$scratch/runs.db" || return 1
    same=$(printf '%s' "$1" | sed 's/[^ ]*\.db/STORE/g')
    grep -qxF "$same" "$scratch/done" && return
    echo "$same" >>"$scratch/done"
    return 1
}

# Puts the small store in the place of one whose sweep was ended.
replace_store() {
    store=${1##* -o }
    [ "$store" = "$1" ] || { rm -f "${store%% *}"* && cp "$scratch/runs.db" "${store%% *}"; }
}

passes() { # command, expected status, status
    [ "$3" -eq "$2" ] && return
    case $1 in
    *" --until "*) [ "$3" -eq 130 ] && return ;;
    "chiton fit "* | "chiton plot "* | "chiton selftest"*) [ "$3" -eq 1 ] && return ;;
    esac
    grep -qE 'no runs? that fulfil|no run has a trajectory|draw a curve for each by|data_dir|data-dir|images of the classes' err
}

failed=0 count=0
chiton() { "$chiton" "$@"; }
for page in "$@"; do
    mkdir "$scratch/page"
    awk -f "$root/tests/docs/commands.awk" "$root/$page" >"$scratch/commands"
    cd "$scratch/page"
    prepare
    while IFS='	' read -r line expected command; do
        case $command in *"data fetch"*) continue ;; esac # from the network, which is not there
        command=$(shortened "$command")
        bring_stores "$command"
        count=$((count + 1))
        ! was_done "$command" || continue
        status=0
        (eval "$command") >out 2>err </dev/null || status=$?
        [ "$status" -ne 130 ] || replace_store "$command"
        passes "$command" "$expected" "$status" || {
            failed=$((failed + 1))
            echo "$page, line $line: $command"
            echo "  exit status $status, expected $expected: $(tail -n 1 err)"
        }
    done <"$scratch/commands"
    cd "$root"
    rm -rf "$scratch/page"
done
echo "documentation: $count commands, $failed failed"
[ "$failed" -eq 0 ]
