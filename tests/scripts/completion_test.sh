#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The completion of bash, asked as bash would ask it, with the real program and an installation of its own.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
# shellcheck source=../../packaging/bash-completion/cowshed
. "$CHECKOUT/packaging/bash-completion/cowshed"

PATH=$COWSHED_BUILD/bin:$PATH
export COWSHED_STATE=$WORK/state

# Prints the answers in one line, in alphabetical order. Words are as bash parts them: work:root is three.
completions() { # WORD...
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _cowshed
    printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd ' '
}

# The other checks are of no use where nothing is asked for.
completes() { # WHAT EXPECTED WORD...
    check "$1" prints "$2" completions "${@:3}"
}

make_installation() {
    cowshed vm create debian --size root=1M --size private=1M &&
        cowshed vm create work --template debian --size private=1M &&
        cowshed vm create mail --standalone --size root=1M --size private=1M &&
        cowshed pool add fast --driver file -o dir_path="$WORK/fast" &&
        mkdir -p "$COWSHED_STATE/vm-kernels/6.1.0"
}

check_commands_and_options() {
    completes "commands that begin so" "vm volume" cowshed v
    completes "commands of a group" "start stop" cowshed vm st
    completes "commands behind global options" "stop" cowshed --json --state "$COWSHED_STATE" vm sto
    completes "nothing behind a command that is not there" "" cowshed nothing ""
    completes "long options" "--template" cowshed vm create --te
    completes "options of the whole behind a command" "--socket" cowshed vm create --so
    completes "options of a group of which one must be given" "--from" cowshed volume import work : private --fr
    completes "no option behind --" "" cowshed vm start -- --
    # Whatever the program says that it has, of every command.
    check "every command of the help" every_command_is_offered
}

every_command_is_offered() {
    local command
    for command in '' pool config vm volume; do
        # shellcheck disable=SC2086
        prints "$(cowshed $command --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | LC_ALL=C sort | paste -sd ' ')" \
            completions cowshed $command "" || return
    done
}

check_names() {
    completes "VMs" "debian mail work" cowshed vm info ""
    completes "VMs, one after the other" "mail" cowshed vm start work m
    completes "no VM for the name of a new one" "" cowshed vm create ""
    completes "templates" "debian" cowshed vm create new --template d
    completes "behind = as well" "debian" cowshed vm create new --template = d
    completes "volumes" "work:private work:root work:volatile" cowshed volume info w
    completes "volumes behind the colon" "private root volatile" cowshed volume info work :
    completes "volumes that begin so behind the colon" "private" cowshed volume info work : p
    completes "the VM of a new volume" "work:" cowshed volume create w
    completes "volumes of others as a source" "mail:private mail:root mail:volatile" cowshed volume clone work : new m
    completes "pools" "fast linux-kernel varlib" cowshed pool info ""
    completes "pools of volumes" "fast" cowshed vm create new -p root = f
    completes "names of volumes that get one" "private= root= volatile=" cowshed vm create new -p ""
    completes "kernels" "6.1.0" cowshed vm create new --kernel ""
    completes "drivers" "file file-reflink linux-kernel" cowshed pool add new --driver ""
    completes "parameters of drivers" "dir_path= setup_check=" cowshed pool add new -o ""
}

check_keys_and_values() {
    completes "keys of defaults" "default_pool default_pool_kernel default_pool_private default_pool_root default_pool_volatile" \
        cowshed config set ""
    completes "pools for them" "varlib" cowshed config set default_pool v
    completes "keys of VMs" "kernel template" cowshed vm set work ""
    completes "templates as a value" "debian" cowshed vm set work template d
    completes "kernels as a value" "6.1.0" cowshed vm set work kernel ""
    completes "keys of volumes" "revisions_to_keep rw" cowshed volume set work : private r
    completes "their values" "default in-place overlay" cowshed volume set work : private write_policy ""
    completes "files" "$WORK/state/cowshed.json" cowshed volume import work : private "$WORK/state/c"
}

check_what_cannot_be_asked() {
    completes "names of another installation" "" cowshed --state "$WORK/elsewhere" vm info ""
    check "asking made none" test ! -e "$WORK/elsewhere"
    echo '{' >"$COWSHED_STATE/cowshed.json"
    completes "silence where nothing can be read" "" cowshed vm info ""
    check "no word on standard error" says_nothing completions cowshed vm info ""
}

says_nothing() { [[ -z $("$@" 2>&1) ]]; }

check "an installation is made" make_installation
check_commands_and_options
check_names
check_keys_and_values
check_what_cannot_be_asked
exit "$FAILED"
