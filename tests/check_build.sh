#!/bin/sh
# Objects are made again when a flag changes, and only then; MARCH stays what it was until another one is given.
#   usage: sh tests/check_build.sh MAKE FOLDER    FOLDER is made, and removed
set -eu
make=$1 folder=$2
object=$folder/core/clock.o

# Requires that an object is made, or kept as it is, with a variable of make.
expect() {
    touch "$folder/before"
    "$make" --no-print-directory BUILD="$folder" "$2" "$object" >/dev/null
    if [ "$object" -nt "$folder/before" ]; then found=made; else found=kept; fi
    [ "$found" = "$1" ] || { echo "with $2 $object was $found; it should be $1"; exit 1; }
}

rm -rf "$folder"
mkdir -p "$folder"
expect made CFLAGS=-DFIRST
expect kept CFLAGS=-DFIRST
expect made CFLAGS=-DSECOND
expect kept CFLAGS=-DSECOND
if [ "$(uname -m)" = x86_64 ]; then
    unset MAKEFLAGS MARCH # of a make that calls this
    expect made MARCH=x86-64
    expect kept WERROR=
    expect made MARCH=native
fi
rm -rf "$folder"
