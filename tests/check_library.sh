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
xargs grep -oh '\<[A-Za-z_][A-Za-z0-9_]*' <"$build/public-headers" | sort -u >"$build/words"
comm -23 "$build/exported" "$build/words" | sed 's/.*/the shared library exports &, which no public header declares/' >"$build/undeclared"
if [ -s "$build/undeclared" ]; then
    cat "$build/undeclared"
    failed=1
fi
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
    find "$build/$folder" -name '*.o'
done >"$build/objects"
{
    xargs nm -A -u <"$build/objects" | awk '
        $NF ~ /^(printf|vprintf|puts|putchar|perror|stdout|stderr|__printf_chk|__vprintf_chk)$/ { print $1 " prints: " $NF }
        $NF ~ /^(signal|sigaction|sigset|alarm|setitimer)$/ { print $1 " handles signals: " $NF }
        $NF ~ /^(exit|quick_exit|abort|atexit)$/ { print $1 " ends the program: " $NF }
        $NF ~ /^(rand|srand|setenv|putenv|setlocale|chdir|umask)$/ { print $1 " changes the process: " $NF }'
    xargs size -A <"$build/objects" | awk '
        NF == 2 && $2 == ":" { object = $1 }
        $1 ~ /^\.(data|bss|tdata|tbss)$/ && $2 > 0 { print object ": keeps state: " $2 " bytes in " $1 }'
} >"$build/library.bad"
if [ -s "$build/library.bad" ]; then
    cat "$build/library.bad"
    failed=1
fi
if [ "$failed" -eq 0 ]; then
    echo "library: $(wc -l <"$build/exported") names exported, all of them declared; no printing, signals or state"
fi
exit "$failed"
