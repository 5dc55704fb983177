#!/bin/sh
# Prints the manual page. Commands, options and settings are taken from the program's own help.
#   usage: sh docs/manual.sh build/chiton > build/chiton.1
set -eu

program=$1
version=$("$program" --version)
commands=$("$program" --help)

# What roff would take for its own: backslashes, hyphens that are minus signs, carets, tildes.
escape='{ gsub(/\\/, "\\e"); gsub(/-/, "\\-"); gsub(/\^/, "\\(ha"); gsub(/~/, "\\(ti"); gsub(/`/, "\\(ga") }'

# One line of `chiton --help`: what a command does.
summary() {
    printf '%s\n' "$commands" | awk -v name="$1" '$1 == name { $1 = ""; sub(/^ +/, ""); print }' | awk "$escape 1"
}

# A command: its usage, what it does, its options with their wrapped lines joined.
command_section() {
    help=$("$program" "$1" --help)
    printf '.SS "chiton %s"\n' "$1"
    printf '%s\n' "$help" | awk "$escape"' NR == 1 { sub(/^Usage: /, ""); print ".B " $0 }'
    echo .PP
    summary "$1" | awk '{ print toupper(substr($0, 1, 1)) substr($0, 2) "." }'
    printf '%s\n' "$help" | awk "$escape"'
        function flush() { if (flag != "") print ".TP\n.B " flag "\n" text; flag = "" }
        NR == 1 { next }
        /^$/ { exit }
        /^ +\\-/ { flush(); sub(/^ +/, ""); end = match($0, /   */)
                   flag = substr($0, 1, end - 1); text = substr($0, end + RLENGTH); next }
        { sub(/^ +/, ""); text = text " " $0 }
        END { flush() }'
}

# The settings, as `chiton run --help` lists them: a line with name and meaning, a line with what is accepted.
settings_section() {
    "$program" run --help | awk "$escape"'
        /^Settings/ { inside = 1; next }
        !inside { next }
        /^  [a-z]/ { name = $1; $1 = ""; sub(/^ +/, ""); print ".TP\n.B " name "\n" $0 "."; next }
        { sub(/^ +/, ""); print "Accepted: " $0 "." }'
}

cat <<PAGE
.TH CHITON 1 "" "$version" "User Commands"
.SH NAME
chiton \- a laboratory for SGD noise
.SH SYNOPSIS
.B chiton
.I COMMAND
.RI [ OPTION ]...
.br
.B chiton
.I COMMAND
.B \-\-help
.br
.B chiton \-\-version
.SH DESCRIPTION
.B chiton
trains a hinge-loss perceptron by stochastic gradient descent and measures how training time, signal, noise and weight
change depend on the temperature T = rate/batch, on the number P of training samples and on the exponent chi of the
data's density at the decision boundary.
Sweeps over settings fill a store, an SQLite file; from a store come exponents with errors, figures and tables.
Results go to standard output, progress and messages to standard error.
.SH COMMANDS
PAGE
for name in run sweep list fit plot theory export merge delete data; do
    command_section "$name"
done
cat <<'PAGE'
.SH SETTINGS
The names are options of
.BR run ,
.B sweep
and
.BR theory ,
keys of sweep files, keys of JSON and columns of stores.
As an option, a name may have hyphens for its underscores.
A number is a decimal such as 0.5 or 1e\-3, or a power such as 2\(ha\-15.
PAGE
settings_section
cat <<'PAGE'
.SH VALUES IN A SWEEP
In a sweep every setting takes a value, a list or a range; all combinations are run.
.TP
.B 0,1,3
A list, in a file also
.BR "[0, 1, 3]" .
.TP
.B 0..4
Every integer, both ends included.
.TP
.B 2\(ha\-15..2\(ha2
Every power of one base.
.TP
.B 1e\-3..1 x 7
Seven points, geometric; with the spaces, and so between quotes in a shell.
.PP
A sweep file is a YAML mapping from settings to values.
Its key
.B zip
takes a mapping, or a list of mappings, of settings that vary together instead of being combined.
Options beside a file replace what the file says.
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Something failed under way; what was done before is kept.
.TP
.B 2
Bad usage or input; no run was begun.
.TP
.B 130
Interrupted; a sweep keeps its finished runs, and the same command goes on from there.
.SH EXAMPLES
.EX
chiton run perceptron \-\-chi 1 \-\-train 1024 \-\-temp 1
chiton sweep perceptron \-\-chi 0,1,3 \-\-train 2\(ha7..2\(ha11 \-\-temp 2\(ha\-18..2\(ha1 \-\-seed 0..7 \-o runs.db
chiton fit runs.db \-\-where "chi = 1"
chiton plot runs.db \-o figures \-\-format svg
chiton export runs.db > runs.csv
.EE
.SH ENVIRONMENT
.TP
.B CHITON_DATA
Where image data lie, unless
.B \-\-data\-dir
says so.
.TP
.B CHITON_CACHE
Folder of files that are kept to save time and can be made anew: tables of what
.B theory
and
.B fit
expect of finite training sets. Without it the folder is
.I $XDG_CACHE_HOME/chiton
or
.IR $HOME/.cache/chiton .
.TP
.B OMP_NUM_THREADS
Threads of
.BR fit ,
.B plot
and, without
.BR \-j ,
.B run
and
.BR sweep .
Results do not depend on it.
.SH SEE ALSO
.BR gnuplot (1),
.BR sqlite3 (1)
.PP
The folder docs of the source has a guide, the theory with its derivations, and the schema of the store.
PAGE
