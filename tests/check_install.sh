#!/bin/sh
# Installs under a prefix with a space, compiles and runs the examples against that copy, and removes it again.
#   usage: sh tests/check_install.sh MAKE...   (the make that builds, with its variables)
set -eu
[ "$(uname)" = Linux ] || { echo "install: tried on Linux alone"; exit 0; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/chiton install XXXXXX")
trap 'rm -rf "$folder"' EXIT
prefix="$folder/a prefix" stage="$folder/a stage"
compiler=${CC:-cc}

fail() {
    echo "install: $*" >&2
    exit 1
}

"$@" PREFIX="$prefix" install >"$folder/install.log" 2>&1 || { cat "$folder/install.log"; fail "make install"; }
"$@" DESTDIR="$stage" PREFIX=/opt/chiton install >"$folder/stage.log" 2>&1 || { cat "$folder/stage.log"; fail "DESTDIR"; }
(cd "$prefix" && find . | sort) >"$folder/here"
(cd "$stage/opt/chiton" && find . | sort) | cmp - "$folder/here" || fail "DESTDIR gets other files than PREFIX"
[ -f "$prefix/share/chiton/experiments/demo.yaml" ] || fail "no experiments"
if (cd "$prefix/include" && find . -type f | grep -E 'private|\.inc\.h|internal|/cli/'); then
    fail "these headers are not for users"
fi

PKG_CONFIG_PATH="$prefix/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
LD_LIBRARY_PATH="$prefix/lib:${LD_LIBRARY_PATH:-}"
export PKG_CONFIG_PATH LD_LIBRARY_PATH

# Compiles $1 as $2 with the further words; pkg-config quotes spaces as a shell reads them.
compile() {
    source=$1 program=$2 links=$3
    shift 3
    eval "set -- $* $(pkg-config --cflags chiton)"
    eval "$compiler \"\$@\" \"\$source\" -o \"\$program\" $links"
}

shared_links=$(pkg-config --libs chiton)
# where both libraries are in one folder, a linker takes the shared one unless it is given the file
static_links=$(pkg-config --static --libs chiton | sed 's/-lchiton\>/-l:libchiton.a/')
strict="-std=c11 -pedantic -Wall -Wextra -Werror"
for kind in shared static; do
    mkdir "$folder/$kind"
    eval "links=\$${kind}_links"
    for example in "$prefix"/share/chiton/examples/*.c; do
        # shellcheck disable=SC2154 — links is set by eval
        compile "$example" "$folder/$kind/$(basename "$example" .c)" "$links" "$strict" || fail "$example, $kind"
    done
    cd "$folder/$kind"
    ./train_perceptron >train.out || fail "train_perceptron, $kind"
    grep -q '^fitted after [0-9]* steps$' train.out || { cat train.out; fail "train_perceptron does not say that it is fitted"; }
    ./sweep_store runs.db >sweep.out || fail "sweep_store, $kind"
    grep -q '^48 runs: 0 were there, 48 fitted' sweep.out || { cat sweep.out; fail "sweep_store, $kind"; }
    ./sweep_store runs.db | grep -q '^48 runs: 48 were there, 0 fitted' || fail "sweep_store a second time"
    ./fit_store runs.db >fit.out || fail "fit_store, $kind"
    grep -q '^delta = [0-9.]* +- [0-9.]*, theory 1$' fit.out || { cat fit.out; fail "fit_store, $kind"; }
    ./predict 0 4 1024 1 | grep -q '^t\*' || fail "predict, $kind"
    if ./predict 1 32 8 1 2>predict.err; then fail "predict expects something of 8 samples in 32 dimensions"; fi
    grep -q 'train is 8;.*train >= dim = 32' predict.err || { cat predict.err; fail "predict does not say why not"; }
    cd "$OLDPWD"
done
# what is expected of the same training, within a factor of 5 of the one training set's t*
"$folder/static/predict" 1 32 1024 1 >"$folder/predict.out" || fail "predict"
awk '/^fitted after/ { time = 2 * $3 } /^t\*/ { found = 1; ratio = $3 / time } END { exit !(found && ratio > 0.2 && ratio < 5) }' \
    "$folder/static/train.out" "$folder/predict.out" || { cat "$folder/predict.out"; fail "predict does not expect the t* of train_perceptron"; }
if ldd "$folder/static/fit_store" | grep -q libchiton; then
    fail "the static example takes the shared library"
fi

# C++17
printf '#include <chiton.h>\nint main() { ch_settings s; ch_settings_default(&s); ch_stop stop{0}; ch_watch w{}; w.stop = &stop; return ch_watch_is_stopped(&w); }\n' >"$folder/user.cpp"
if command -v c++ >/dev/null; then
    compiler=c++
    compile "$folder/user.cpp" "$folder/user" "$shared_links" "-std=c++17 -pedantic -Wall -Wextra -Werror" || fail "C++17"
    "$folder/user" || fail "a program in C++17"
fi

"$@" PREFIX="$prefix" uninstall >/dev/null
"$@" DESTDIR="$stage" PREFIX=/opt/chiton uninstall >/dev/null
left=$(find "$prefix" "$stage" ! -type d)
[ -z "$left" ] || fail "uninstall leaves $left"
[ "$(find "$prefix" -mindepth 1)" = "" ] || fail "uninstall leaves folders"
echo "install: examples compiled and run, shared and static; nothing is left"
