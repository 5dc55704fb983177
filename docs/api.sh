#!/bin/sh
# Prints the list of the library's functions and types from its headers: each with the first paragraph of its comment,
# and what a type is made of with the comments of its members.
#   usage: sh docs/api.sh HEADER...      (make api writes docs/api.md)
set -eu

cat <<'PAGE'
# The library

`#include <chiton.h>` and compile with the flags of `pkg-config --cflags --libs chiton`; `pkg-config --static` for the static library. Examples are in [examples](../examples) and, once installed, in PREFIX/share/chiton/examples. Call `gsl_set_error_handler_off()` first.

A function that can fail returns a `ch_code`, CH_OK where it did not, and fills a `ch_error` with a sentence. What an `_init` function made, the `_free` function of the same name releases, also after a failure. This page is made from the headers by `make api`; parameters, ownership and errors of functions are said in full there. In comments of members, numbers in brackets are the shape of an array, in row-major order.
PAGE
for header in "$@"; do
    [ "$header" != chiton.h ] || continue
    awk -v header="$header" '
        function clean(line) { gsub(/^[ \t]*\/?\*+\/? ?/, "", line); sub(/[ \t]*\*\/[ \t]*$/, "", line); gsub(/^[ \t]+|[ \t]+$/, "", line); return line }
        function finish(    name) {
            gsub(/[ \t]+/, " ", text); sub(/ CH_MUST_CHECK;/, ";", text); sub(/ __attribute__.*/, ";", text)
            gsub(/^ | $/, "", text); gsub(/\|/, "\\|", text); gsub(/[ \t]+/, " ", said)
            if (text ~ /^typedef (struct|enum|union).*\{/ && match(text, /[a-z0-9_]+;$/)) {
                name = substr(text, RSTART, RLENGTH - 1); split(text, word, " "); text = word[2] " " name
            } else if (text ~ /^struct ch_[a-z0-9_]+ \{/) {
                split(text, word, " "); text = "struct " word[2]
            } else {
                members = ""
            }
            if (text ~ /\(|^(struct|enum|union) ch_|^extern|^typedef/ && text ~ /ch_/ && text !~ /^struct ch_[a-z0-9_]+;$/) {
                if (!printed++) printf "\n## %s\n\n%s\n\n", header, head
                print "- `" text "`" (said != "" ? "<br>" said : "")
                if (members != "") printf "\n  ```c\n%s  ```\n\n", members
            }
            text = ""; said = ""; body = 0; members = ""
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
            # the lines between the braces are shown as they are, with their comments
            if (depth > 0 && depth + opens - closes > 0) members = members "  " substr($0, 5) "\n"
            else if (depth == 0 && opens == 1 && closes == 1 && text ~ /^ *typedef/) { line = $0; gsub(/.*\{ *| *\}.*/, "", line); members = "  " line "\n" }
            depth += opens - closes
            if (depth == 0 && (line ~ /;[ \t]*$/ || body)) { if (inline) { sub(/^ *static inline /, "", text); text = text ";"; sub(/ *;$/, ";", text) } finish(); inline = 0 }
        }' "$header"
done | cat -s
