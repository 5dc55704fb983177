#!/bin/sh
# Fails where an import points up or sideways, where files call each other in a ring, or a header does not compile alone.
#   usage: sh tests/check_layout.sh BUILD CC...
set -eu
build=$1
shift
failed=0
sources=$(find chiton.c chiton.h core data perceptron models sim fit plots report mpi cli -name '*.[ch]')

# Folders have heights, from the bottom up. A folder may import its own files and folders of a smaller height, but no
# other folder of the same height. chiton.h names all of the library.
# shellcheck disable=SC2086 — names of sources have no spaces
grep -n '^#include "' $sources | awk -F: '
    BEGIN {
        count = split("core data perceptron:models sim fit plots report mpi cli chiton.c", level, " ")
        for (i = 1; i <= count; i++) { n = split(level[i], folder, ":"); for (k = 1; k <= n; k++) height[folder[k]] = i }
    }
    function top(path) { sub(/\/.*/, "", path); return path }
    {
        file = $1; split($3, part, "\""); used = part[2]
        if (used == "chiton.h") { if (top(file) != "cli" && file != "chiton.c") print file " includes chiton.h"; next }
        if (file == "chiton.h" || index(used, "/") == 0 || top(file) == top(used)) next
        if (height[top(used)] == "") print file " includes " used ", whose folder has no place"
        else if (height[top(used)] >= height[top(file)]) print file " includes " used ", which is not below it"
    }
    # The heights inside a folder. The files of sim/ itself train, and come between settings and store. The files of fit/
    # and models/ themselves join what their folders do, and have no height.
    function inner(path) {
        if (path ~ /^sim\/settings\/|^fit\/table\/|^models\/network\//) return 1
        if (path ~ /^sim\/[^\/]*$|^fit\/laws\/|^models\/tangent\//) return 2
        if (path ~ /^sim\/store\/|^fit\/errors\/|^models\/(learner|twin)\//) return 3
        if (path ~ /^sim\/sweep\/|^fit\/(collapse|phase|spectra|twins)\//) return 4
        return path ~ /^fit\/reports\// ? 5 : 0
    }
    {
        split($3, part, "\"")
        if (top($1) == top(part[2]) && inner($1) > 0 && inner(part[2]) > inner($1)) print $1 " includes " part[2] ", which is not below it"
    }
' >"$build/imports.bad"
if [ -s "$build/imports.bad" ]; then
    cat "$build/imports.bad"
    failed=1
fi

# Rings among .c files. A file calls another where it needs a name that the other defines. Files that no remaining file
# calls are removed, and files that call no remaining file, again and again, until only rings are left.
objects=$(cd "$build" && find chiton.o core data perceptron models sim fit plots report cli -name '*.o')
# shellcheck disable=SC2086
(cd "$build" && nm -g -A $objects) | awk '
    { sub(/:.*/, "", $1) }
    $(NF - 1) == "U" { wants[$1, $NF] = 1; next }
    $(NF - 1) ~ /^[TDBRC]$/ { home[$NF] = $1 }
    END {
        for (pair in wants) {
            split(pair, part, SUBSEP)
            if (part[2] in home && home[part[2]] != part[1]) { call[part[1], home[part[2]]] = part[2]; file[part[1]]; file[home[part[2]]] }
        }
        do {
            gone = 0
            for (one in file) { calls[one] = 0; called[one] = 0 }
            for (pair in call) { split(pair, part, SUBSEP); calls[part[1]]++; called[part[2]]++ }
            for (pair in call) {
                split(pair, part, SUBSEP)
                if (called[part[1]] == 0 || calls[part[2]] == 0) { delete call[pair]; gone = 1 }
            }
        } while (gone)
        for (pair in call) { split(pair, part, SUBSEP); print "in a ring: " part[1] " calls " call[pair] " of " part[2] }
    }' | sed 's/\.o\>/.c/g' | sort >"$build/rings.bad"
if [ -s "$build/rings.bad" ]; then
    cat "$build/rings.bad"
    failed=1
fi

# A header that some file includes before all else has compiled alone there; the others are tried.
# shellcheck disable=SC2086
awk 'FNR == 1 { first = 1 } first && /^#/ { first = 0; if ($1 == "#include") { gsub(/"/, "", $2); print $2 } }' \
    $(printf '%s\n' "$sources" | grep '\.c$') | sort -u >"$build/headers.shown"
for header in $(printf '%s\n' "$sources" | grep '\.h$' | grep -v '\.inc\.h$' | sort | comm -23 - "$build/headers.shown"); do
    "$@" -std=c11 -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=700 -I. -fsyntax-only -x c "$header" || failed=1
done
if [ "$failed" -eq 0 ]; then
    echo "layout: imports point one way, no rings, every header compiles alone"
fi
exit "$failed"
