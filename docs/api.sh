#!/bin/sh
# Prints the list of the library's functions from its headers: each with the first paragraph of its comment.
#   usage: sh docs/api.sh HEADER...      (make api writes docs/api.md)
set -eu

cat <<'PAGE'
# The library

`#include <chiton.h>` and compile with the flags of `pkg-config --cflags --libs chiton`; `pkg-config --static` for the static library. Examples are in [examples](../examples) and, once installed, in PREFIX/share/chiton/examples. Call `gsl_set_error_handler_off()` first.

A function that can fail returns a `ch_code`, CH_OK where it did not, and fills a `ch_error` with a sentence. What an `_init` function made, the `_free` function of the same name releases, also after a failure. This page is made from the headers by `make api`; parameters, units, ownership and errors are said in full there.
PAGE
for header in "$@"; do
    [ "$header" != chiton.h ] || continue
    awk -v header="$header" '
        function clean(line) { gsub(/^[ \t]*\/?\*+\/? ?/, "", line); sub(/[ \t]*\*\/[ \t]*$/, "", line); gsub(/^[ \t]+|[ \t]+$/, "", line); return line }
        function finish(    name) {
            gsub(/[ \t]+/, " ", text); sub(/ CH_MUST_CHECK;/, ";", text); sub(/ __attribute__.*/, ";", text)
            gsub(/^ | $/, "", text); gsub(/\|/, "\\|", text); gsub(/[ \t]+/, " ", said)
            if (text ~ /^typedef struct/ && match(text, /[a-z0-9_]+;$/)) text = "struct " substr(text, RSTART, RLENGTH - 1)
            else if (text ~ /^typedef enum/ && match(text, /[a-z0-9_]+;$/)) text = "enum " substr(text, RSTART, RLENGTH - 1)
            if (text ~ /\(|^struct ch_|^enum ch_|^extern|^typedef/ && text ~ /ch_/) {
                if (!printed++) printf "\n## %s\n\n%s\n\n", header, head
                print "- `" text "`" (said != "" ? "<br>" said : "")
            }
            text = ""; said = ""; body = 0
        }
        NR == 1 { line = $0; sub(/^\/\* [^ ]* — /, "", line); in_head = line !~ /\*\//; head = clean(line); next }
        in_head { line = clean($0); if (line == "") head_done = 1; if (!head_done) head = head " " line; if ($0 ~ /\*\//) in_head = 0; next }
        /^#/ || /^extern "C"/ || continued { continued = /\\$/; next }
        depth == 0 && text == "" && /^[ \t]*\/\*\*/ { said = ""; in_doc = 1; stop = 0 }
        in_doc {
            end = /\*\//; line = clean($0)
            if (line == "" && said != "" || line ~ /^@/) stop = 1
            sub(/ *@return.*/, "", line)
            if (!stop) said = said (said != "" ? " " : "") line
            if (end) in_doc = 0
            next
        }
        /^\/\*/ { in_note = !/\*\//; next }
        in_note { if (/\*\//) in_note = 0; next }
        /^$/ && depth == 0 { if (text == "") said = ""; next }
        {
            line = $0; sub(/\/\*.*/, "", line)
            opens = gsub(/\{/, "{", line); closes = gsub(/\}/, "}", line)
            inline = inline || (text == "" && line ~ /^static inline/)
            if (depth == 0 && line ~ /^\{/ && inline) { body = 1 }
            if (!body) text = text " " line
            depth += opens - closes
            if (depth == 0 && (line ~ /;[ \t]*$/ || body)) { if (inline) { sub(/^ *static inline /, "", text); text = text ";"; sub(/ *;$/, ";", text) } finish(); inline = 0 }
        }' "$header"
done
