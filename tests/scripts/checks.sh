# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# For tests that are lists of checks: each prints "ok CHECK" or "FAIL CHECK", the latter with what was said. Sourced after
# scripts/lib/common.sh, never run. Sets WORK, a directory that goes with the test, and FAILED.

WORK=$(mktemp -d "${TMPDIR:-/tmp}/cowshed-checks.XXXXXX") || exit
trap 'rm -rf "$WORK"' EXIT
FAILED=0

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$WORK/out" 2>&1; then
        echo "ok $what"
    else
        echo "FAIL $what"
        sed 's/^/    /' "$WORK/out"
        FAILED=1
    fi
}

fails() { ! "$@"; }

# A check that could not be made is told, and counted by scripts/test.
skip() { # NAME WHY
    echo "[  SKIPPED ] $1"
    say "$1: $2"
}

says() { # TEXT COMMAND...
    local text=$1
    shift
    "$@" 2>&1 | grep -F -- "$text"
}

refuses() { # TEXT COMMAND...
    local text=$1 output
    shift
    if output=$("$@" 2>&1); then echo "not refused: $output" && return 1; fi
    grep -F -- "$text" <<<"$output"
}

# Is what a command prints this, neither more nor less?
prints() { # TEXT COMMAND...
    local text=$1 output
    shift
    output=$("$@") && [[ $output == "$text" ]] && return
    printf 'expected: %s\nprinted:  %s\n' "$text" "$output"
    return 1
}
