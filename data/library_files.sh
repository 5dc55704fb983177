#!/bin/sh
# Prints what a compiler is told of the libraries that are loaded when they are wanted (core/library.h): the file of each
# as the dynamic linker looks for it. For a library that cannot be loaded so, because only an archive of objects is there,
# nothing is printed: the program is then linked with it.
#   usage: CC=… PKG_CONFIG=… sh data/library_files.sh FOLDER PACKAGE...
set -eu
folder=$1
shift
[ "$(uname)" = Linux ] && command -v readelf >/dev/null || exit 0
mkdir -p "$folder"
probe="$folder/wants.$$.so"
trap 'rm -f "$probe"' EXIT
# an object that is linked with the libraries says by which names it wants them
$CC -shared -o "$probe" -Wl,--no-as-needed -x c /dev/null -x none $($PKG_CONFIG --libs "$@") 2>/dev/null || exit 0
for package in "$@"; do
    file=$(LC_ALL=C readelf -d "$probe" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -m 1 "^lib${package#lib}" || true)
    [ -z "$file" ] || printf "'-DCH_FILE_OF_%s=\"%s\"'\n" "$package" "$file"
done
