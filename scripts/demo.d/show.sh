# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the demo prints: steps, commands with their times, checks. Sourced.

WIDTH=100
STEP=0 CHECKS=0
if [[ -n ${DEMO_COLOUR:-} ]]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' CYAN=$'\e[36m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' GREEN='' RED='' CYAN='' PLAIN=''
fi

# Sets NOW to the time in microseconds; a process to ask for it would cost more than much of what is measured.
now() { NOW=${EPOCHREALTIME/[.,]/}; }

begin_show() {
    now
    BEGAN=$NOW
    printf '%scowshed%s: disks for VMs, on the device-mapper of Linux %s\n' "$BOLD" "$PLAIN" "$(uname -r)"
    printf 'The lines with $ are commands that you could type, those with # are run inside a VM'"'"'s disk.\n'
}

end_show() {
    now
    local took=$(((NOW - BEGAN) / 1000))
    printf '\n%sAll %d checks passed%s, in %d.%d s.\n' "$GREEN$BOLD" "$CHECKS" "$PLAIN" $((took / 1000)) $((took % 1000 / 100))
}

step() { # TEXT
    STEP=$((STEP + 1))
    printf '\n%s%2d  %s%s\n' "$BOLD" "$STEP" "$1" "$PLAIN"
}

note() { printf '      %s\n' "$1"; }

# Indents standard input under a command.
details() { sed "s/^/        $DIM/; s/\$/$PLAIN/"; }

fail() { # TEXT...
    printf '    %sFAILED%s  %s\n' "$RED$BOLD" "$PLAIN" "$1"
    shift
    ((!$#)) || printf '            %s\n' "$@"
    exit 1
}

# --- Commands ----------------------------------------------------------------------------------------------------------------

# A line with its time at the right.
timed_line() { # COLOUR TEXT MICROSECONDS
    local room=$((WIDTH - 16)) text=$2
    printf '    %s%-*s%s %s%7d ms%s\n' "$1" "$room" "$text" "$PLAIN" "$DIM" $((($3 + 500) / 1000)) "$PLAIN"
}

# Runs a command and shows it with its time and its output, which is in OUTPUT afterwards. Its failure is the demo's.
measured() { # COLOUR SHOWN COMMAND...
    local colour=$1 shown=$2 began status=0
    shift 2
    now
    began=$NOW
    OUTPUT=$("$@" 2>&1) || status=$?
    now
    timed_line "$colour" "$shown" $((NOW - began))
    [[ -z $OUTPUT || (-n ${WITHOUT_OUTPUT:-} && $status == 0) ]] || details <<<"$OUTPUT"
    ((status == 0)) || fail "that ended with status $status"
}

run() { measured "$CYAN" "\$ $*" "$@"; }

# For output that was seen before.
run_quietly() { WITHOUT_OUTPUT=1 run "$@"; }

# The same in a directory.
run_in() { # DIR COMMAND...
    cd "$1" || exit
    shift
    run "$@"
    cd / || exit
}

# --- Checks ------------------------------------------------------------------------------------------------------------------

passed() {
    CHECKS=$((CHECKS + 1))
    printf '    %sok%s  %s\n' "$GREEN" "$PLAIN" "$1"
}

expect() { # WHAT EXPECTED ACTUAL
    [[ $2 == "$3" ]] || fail "$1" "expected: ${2//$'\n'/ }" "found:    ${3//$'\n'/ }"
    if [[ $2 == *$'\n'* || -z $2 ]]; then passed "$1"; else passed "$1: \"$2\""; fi
}

# The last command's output is these lines, and no others.
expect_output() { # WHAT LINE...
    local what=$1 expected
    shift
    expected=$(printf '%s\n' "$@")
    [[ $expected == "$OUTPUT" ]] || fail "$what" "expected: ${expected//$'\n'/ }"
    passed "$what"
}

expect_same() { # WHAT FILE FILE
    local differs
    differs=$(cmp -- "$2" "$3" 2>&1) || fail "$1" "$differs"
    passed "$1"
}
