#!/bin/sh
# Fails where the shared library exports a name that no public header declares, or where an object of the library could
# print, handle signals, end the program or keep state between calls.
#   usage: sh tests/check_library.sh BUILD SHARED_LIBRARY FOLDER...
set -eu
build=$1 shared=$2
shift 2
[ "$(uname)" = Linux ] || { echo "library: looked at on Linux alone"; exit 0; }
failed=0

nm -D --defined-only "$shared" | awk '{ print $3 }' | sort >"$build/exported"
while read -r name; do
    if ! xargs grep -q "\\<$name\\>" <"$build/public-headers"; then
        echo "the shared library exports $name, which no public header declares"
        failed=1
    fi
done <"$build/exported"
comm -13 "$build/exported" "$build/exports" | sed 's/^/the shared library lacks /' >"$build/lacking"
if [ -s "$build/lacking" ]; then
    cat "$build/lacking"
    failed=1
fi
if grep -v '^ch_' "$build/exported"; then
    echo "the shared library exports these names without ch_"
    failed=1
fi

for folder in "$@"; do
    for object in $(find "$build/$folder" -name '*.o'); do
        nm -u "$object" | awk -v object="$object" '
            $2 ~ /^(printf|vprintf|puts|putchar|perror|stdout|stderr|__printf_chk|__vprintf_chk)$/ { print object " prints: " $2 }
            $2 ~ /^(signal|sigaction|sigset|alarm|setitimer)$/ { print object " handles signals: " $2 }
            $2 ~ /^(exit|quick_exit|abort|atexit)$/ { print object " ends the program: " $2 }
            $2 ~ /^(rand|srand|setenv|putenv|setlocale|chdir|umask)$/ { print object " changes the process: " $2 }'
        size -A "$object" | awk -v object="$object" '
            $1 ~ /^\.(data|bss|tdata|tbss)$/ && $2 > 0 { print object " keeps state: " $2 " bytes in " $1 }'
    done
done >"$build/library.bad"
if [ -s "$build/library.bad" ]; then
    cat "$build/library.bad"
    failed=1
fi
if [ "$failed" -eq 0 ]; then
    echo "library: $(wc -l <"$build/exported") names exported, all of them declared; no printing, signals or state"
fi
exit "$failed"
