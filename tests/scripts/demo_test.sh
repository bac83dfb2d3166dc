#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# scripts/demo, as a newcomer runs it. Usage: demo_test.sh
# Prints "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
TOP=$(mktemp -d "${TMPDIR:-/tmp}/demo-test.XXXXXX") || exit
trap 'rm -rf "$TOP"' EXIT
trap 'exit 1' INT TERM
FAILED=0

# What lies in the checkout, and whose it is; the build is the only thing that may change there.
checkout_files() { find . -path ./build -prune -o -path ./.git -prune -o -printf '%p %u %g %m\n' | sort; }

build_dir_files_of_root() { # DIR
    [[ $(id -u) != 0 || $(stat -c %u .) == 0 ]] || find "${COWSHED_BUILD:-build}" -uid 0 2>/dev/null
}

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$TOP/report" 2>&1; then
        echo "ok $name"
    else
        echo "FAIL $name"
        sed 's/^/    /' "$TOP/report"
        FAILED=1
    fi
}

says() { # REGEX...
    local regex
    for regex; do grep -qE -- "$regex" "$TOP/out" || { echo "it does not say '$regex'" && return 1; }; done
}

same() { diff "$1" "$2"; }

# A check that fails must fail the demo: here a `cowshed` that lies about the state of volumes.
fails_when_a_check_fails() {
    mkdir -p "$TOP/bin"
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nreal=%q\ncase "$*" in *--json*) echo "{\\"is_outdated\\": false}" ;; *) exec "$real" "$@" ;; esac\n' \
        "$PROGRAM" >"$TOP/bin/cowshed"
    chmod +x "$TOP/bin/cowshed"
    # shellcheck disable=SC2016
    scripts/vm --timeout 300 -- sh -c 'PATH=$1:$PATH exec scripts/demo.d/guest /scratch/demo' - "$TOP/bin" >"$TOP/liar" 2>&1 &&
        { echo "it passed" && return 1; }
    grep -q FAILED "$TOP/liar" && ! grep -q 'checks passed' "$TOP/liar"
}

main() {
    checkout_files >"$TOP/before"
    build_dir_files_of_root >"$TOP/root-before"
    if scripts/demo </dev/null >"$TOP/out" 2>"$TOP/err"; then
        echo "ok exit_status"
    else
        echo "FAIL exit_status"
        cat "$TOP/out" "$TOP/err"
        exit 1
    fi
    checkout_files >"$TOP/after"
    build_dir_files_of_root >"$TOP/root-after"

    check shows_commands_with_their_times says '\$ cowshed vm create debian --root-image root.img +[0-9]+ ms' \
        '\$ cowshed vm start work mail +[0-9]+ ms' '\$ cowshed vm stop debian +[0-9]+ ms' '\$ cowshed tree +[0-9]+ ms'
    check shows_what_guests_see says 'ok  mail.s root is still the old image, byte for byte' 'ok  work.s root is the committed state' 'dear diary'
    check looks_for_what_is_left says 'ok  no device-mapper device' 'ok  no loop device' 'ok  no file of any volume'
    check says_that_all_passed says '^All [0-9]+ checks passed, in [0-9.]+ s\.$'
    check has_no_colour_in_a_file test -z "$(grep $'\e' "$TOP/out")"
    check complains_about_nothing test ! -s <(grep -v 'building cowshed' "$TOP/err")
    check leaves_the_checkout_as_it_was same "$TOP/before" "$TOP/after"
    check leaves_nothing_of_roots_in_a_users_build same "$TOP/root-before" "$TOP/root-after"
    PROGRAM=$(find_program) || exit 1
    check fails_when_a_check_fails fails_when_a_check_fails
    exit "$FAILED"
}

find_program() {
    local dir
    for dir in ${COWSHED_BUILD:+"$COWSHED_BUILD"} "$PWD"/build/release "$PWD"/build/demo; do
        [[ ! -x $dir/bin/cowshed ]] || { echo "$dir/bin/cowshed" && return; }
    done
    echo "FAIL there is no built cowshed" && return 1
}

main
