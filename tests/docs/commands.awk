# Prints the commands of the program that a page of the documentation shows, a line each: the line's number, the exit
# status it is shown with, and the command, separated by tabs. A command stands in a block of sh at the start of a line,
# or behind "$ " in a block without a language; an output that begins with "chiton: " is that of a command that fails.
/^```/ {
    is_block = !is_block
    inside = is_block && ($0 == "```sh" || $0 == "```")
    next
}
!inside { next }
joined != "" { $0 = joined $0; joined = "" }
/\\$/ && /^(\$ )?chiton / { joined = substr($0, 1, length($0) - 1); next }
/^chiton: / { expected = 2 }
/^(\$ )?chiton [a-z]/ {
    show()
    number = NR
    command = $0
    sub(/^\$ /, "", command)
    sub(/  +#.*/, "", command)
    expected = 0
}
END { show() }
function show() {
    if (command != "") print number "\t" expected "\t" command
}
