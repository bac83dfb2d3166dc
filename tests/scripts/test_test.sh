#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What scripts/test promises, tried on a project of a few lines. Prints "ok CHECK" or "FAIL CHECK" a line, fails when one did.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
TOP=$(mktemp -d "${TMPDIR:-/tmp}/test-test.XXXXXX") || exit
trap 'rm -rf "$TOP"' EXIT
unset COWSHED_BUILD COWSHED_PRESET

# A project whose tests are shell commands: "NAME LABEL COMMAND" lines on standard input.
make_project() {
    local name label command
    mkdir -p "$TOP/$1/scripts"
    cp -r scripts/lib scripts/test "$TOP/$1/scripts/"
    printf '#!/bin/sh\n' >"$TOP/$1/scripts/install-deps" && chmod 755 "$TOP/$1/scripts/install-deps"
    printf '{"version": 5, "configurePresets": [%s, %s]}\n' "$(preset release)" "$(preset asan)" >"$TOP/$1/CMakePresets.json"
    {
        printf 'cmake_minimum_required(VERSION 3.25)\nproject(tried NONE)\nenable_testing()\n'
        printf 'add_custom_target(unit_tests)\n'
        while read -r name label command; do
            printf 'add_test(NAME %s COMMAND sh -c [[%s]])\n' "$name" "$command"
            printf 'set_tests_properties(%s PROPERTIES LABELS %s SKIP_RETURN_CODE 77)\n' "$name" "$label"
        done
    } >"$TOP/$1/CMakeLists.txt"
}

# shellcheck disable=SC2016
preset() { printf '{"name": "%s", "generator": "Ninja", "binaryDir": "${sourceDir}/build/%s"}' "$1" "$1"; }

wrong() {
    printf '    %s\n' "$*"
    sed 's/^/    | /' "$TOP/out"
    exit 1
}

run() { # PROJECT ARGUMENT...
    "$TOP/$1/scripts/test" "${@:2}" >"$TOP/out" 2>&1
}

expect_last_line() { [[ $(tail -n 1 "$TOP/out") == "$1" ]] || wrong "last line is not '$1'"; }

# --- Checks ------------------------------------------------------------------------------------------------------------------

check_lanes_are_summed_up() {
    make_project good <<<$'a unit true\nb unit true\nc uml true\nd long true'
    run good || wrong "failed"
    # The unit tests count in both of their lanes.
    expect_last_line '5 passed, 0 failed'
    grep -qE '^=== uml: [0-9]+ s to build, [0-9]+ s to run' "$TOP/out" || wrong "no time of a lane"
}

check_failure_shows_its_output_and_fails() {
    make_project bad <<<$'a unit true\nb uml echo what went wrong; false'
    run bad --lane unit --lane uml && wrong "passed"
    expect_last_line '1 passed, 1 failed'
    grep -q '^what went wrong' "$TOP/out" || wrong "the test's output is not shown"
}

check_regex_selects() {
    make_project some <<<$'first unit true\nsecond unit false'
    run some --lane unit -R first || wrong "failed"
    expect_last_line '1 passed, 0 failed'
}

check_no_test_at_all_fails() {
    make_project none <<<$'a unit true'
    run none --lane uml && wrong "passed"
    expect_last_line '0 passed, 0 failed'
}

check_skip_is_no_pass_and_is_told() {
    make_project skip <<<$'a unit true\nb unit exit 77'
    run skip --lane unit || wrong "failed"
    expect_last_line '1 passed, 0 failed'
    grep -q '^1 did not run' "$TOP/out" || wrong "the skip is not told"
}

check_what_does_not_build_fails() {
    make_project broken <<<$'a unit true'
    echo 'add_custom_target(never ALL COMMAND false)' >>"$TOP/broken/CMakeLists.txt"
    run broken --lane unit && wrong "passed"
    expect_last_line '0 passed, 0 failed'
}

check_unknown_lane_is_wrong_usage() {
    make_project lane <<<$'a unit true'
    run lane --lane nosuch
    (($? == 2)) || wrong "status is not 2"
}

# As somebody who may not write there; root may write everywhere.
as_stranger() {
    if [[ $(id -u) == 0 ]]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}

check_a_checkout_that_may_only_be_read_is_built_elsewhere() {
    make_project readonly <<<$'a unit true'
    mkdir -p "$TOP/home"
    chmod 755 "$TOP" && chmod 777 "$TOP/home" && chmod -R a-w,a+rX "$TOP/readonly"
    as_stranger env -u XDG_CACHE_HOME HOME="$TOP/home" TMPDIR="$TOP/home" "$TOP/readonly/scripts/test" --lane unit >"$TOP/out" 2>&1 ||
        wrong "failed"
    chmod -R u+w "$TOP/readonly"
    expect_last_line '1 passed, 0 failed'
    [[ ! -e $TOP/readonly/build ]] || wrong "it was built in the checkout"
    compgen -G "$TOP/home/.cache/cowshed/build-*/release/build.ninja" >/dev/null || wrong "it was not built in the cache"
}

main() {
    local name status=0
    for name in $(declare -F | sed -n 's/^declare -f check_//p'); do
        if ("check_$name") >"$TOP/report" 2>&1; then
            echo "ok $name"
        else
            echo "FAIL $name" && cat "$TOP/report" && status=1
        fi
    done
    return "$status"
}

main
