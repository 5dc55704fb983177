#!/bin/sh
# Draws the figure of docs/finite-size.md: U, g, h and H of boxes, and of the training sets of a store.
#   usage: sh docs/finite-size/figure.sh BUILD STORE OUTPUT.svg      (in the top folder; BUILD: where `make` built)
# The store:
#   chiton sweep perceptron --chi 0,1 --dim 64 --train 2^12,2^14 --temp 1 --batch 2 --seed 0..63 --record 20 -o STORE
set -eu
build=$1 store=$2 output=$3
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
packages="gsl sqlite3 yaml-0.1 jansson nettle zlib libcurl libarchive"

# shellcheck disable=SC2046,SC2086 — pkg-config prints words
${CC:-cc} -std=c11 -O2 -D_GNU_SOURCE -I. $(pkg-config --cflags $packages) "$here/boxes.c" "$build/libchiton.a" -fopenmp \
    $(pkg-config --libs $packages) -lm -o "$folder/boxes"
for chi in 0 1; do
    for train in 4096 16384; do
        "$folder/boxes" "$chi" 64 "$train" 1 2 >"$folder/boxes-$chi-$train.txt"
        "$build/chiton" export "$store" --points --where "chi = $chi AND train = $train" |
            awk -f "$here/runs.awk" -v train="$train" "$folder/boxes-$chi-$train.txt" - >"$folder/runs-$chi-$train.txt"
    done
done
gnuplot -e "folder = '$folder'; output = '$output'" "$here/ratios.gp"
