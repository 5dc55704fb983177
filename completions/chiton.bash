# Completion of chiton's command line for bash: commands, options, settings and their words. All are asked of the
# program itself. `make install` puts this file where bash-completion finds it; or read it by `. completions/chiton.bash`.
_chiton() {
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD-1]} current=${COMP_WORDS[COMP_CWORD]}
    local words= IFS=$'\n'
    if [[ $current == = ]]; then # --loss= is three words
        current=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if ((COMP_CWORD == 1)) || [[ $command == help ]]; then
        words=$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
    elif [[ $current == -* ]]; then
        words=$("$program" "$command" --complete 2>/dev/null | cut -f 1)
    elif [[ $before == --* ]]; then
        words=$("$program" "$command" --complete "$before" 2>/dev/null)
    elif ((COMP_CWORD == 2)) && [[ $command == run || $command == sweep ]]; then
        words=$("$program" "$command" --complete model 2>/dev/null)
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _chiton chiton # names of files where nothing else fits
