#!/bin/sh
# Objects are made again when a flag changes, and only then.
#   usage: sh tests/check_build.sh MAKE FOLDER    FOLDER is made, and removed
set -eu
make=$1 folder=$2
object=$folder/core/clock.o
rm -rf "$folder"
for step in "made CFLAGS=-DFIRST" "kept CFLAGS=-DFIRST" "made CFLAGS=-DSECOND" "kept CFLAGS=-DSECOND"; do
    expected=${step%% *} flags=${step#* }
    mkdir -p "$folder"
    touch "$folder/before"
    "$make" --no-print-directory BUILD="$folder" "$flags" "$object" >/dev/null
    if [ "$object" -nt "$folder/before" ]; then found=made; else found=kept; fi
    [ "$found" = "$expected" ] || { echo "with $flags $object was $found; it should be $expected"; exit 1; }
done
rm -rf "$folder"
