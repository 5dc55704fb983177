#!/bin/sh
# Prints what a compiler is told of the libraries that are loaded when they are wanted (core/library.h): the file's name
# of each, as the dynamic linker looks for it. For a library that cannot be loaded so, because it is there as an archive
# of objects alone, nothing is printed: the program is then linked with it.
#   usage: CC=… PKG_CONFIG=… sh data/library_files.sh FOLDER PACKAGE...
set -eu
folder=$1
shift
[ "$(uname)" = Linux ] && command -v readelf >/dev/null || exit 0
mkdir -p "$folder"
for package in "$@"; do
    word=${package#lib}
    # what an object asks for that is linked with the library
    $CC -shared -o "$folder/wants.so" -Wl,--no-as-needed -x c /dev/null -x none $($PKG_CONFIG --libs "$package") 2>/dev/null || continue
    file=$(LC_ALL=C readelf -d "$folder/wants.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -m 1 "^lib$word" || true)
    [ -z "$file" ] || printf "'-DCH_FILE_OF_%s=\"%s\"'\n" "$package" "$file"
done
rm -f "$folder/wants.so"
