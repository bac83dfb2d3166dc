#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures everything that docs/benchmarks.md shows of start-stop, and draws it. See usage() below.
set -eu
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"

usage() {
    cat <<'TEXT'
Usage: bench/report.sh [--quick] [--kernel uml|qemu]... [--note TEXT]

Runs every part of scripts/bench start-stop in a VM of its own (both kernels without --kernel) and writes what came out to
docs/benchmarks/start-stop-KERNEL.json, and as plots to docs/benchmarks/start-stop-KERNEL/*.svg. TEXT is printed below each plot: the
machine, and what else it had to do. A part that fails is said and left out.
TEXT
}

PARTS=(one batch scale write read startup service)
DOCS=$CHECKOUT/docs/benchmarks

parse_options() {
    KERNELS=() QUICK='' NOTE=''
    while (($#)); do
        case $1 in
        -h | --help) usage && exit 0 ;;
        --quick) QUICK=yes ;;
        --kernel) KERNELS+=("${2:?--kernel needs a value}") && shift ;;
        --note) NOTE=${2?--note needs a value} && shift ;;
        *) die "unknown option '$1'; try: bench/report.sh --help" ;;
        esac
        shift
    done
    ((${#KERNELS[@]})) || KERNELS=(uml qemu)
}

processor() { sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1; }

measure() { # KERNEL
    local part
    for part in "${PARTS[@]}"; do
        say "$1: $part"
        "$CHECKOUT/scripts/bench" start-stop --part "$part" --kernel "$1" ${QUICK:+--quick} --json "$WORK/$1-$part.json" ||
            say "$1: part $part failed; it is missing in the report"
    done
}

# The parts' files as one.
join() { # FILE...
    python3 -c 'import json, sys
results = [json.load(open(file)) for file in sys.argv[1:]]
rows = [row for result in results for row in result["rows"]]
print(json.dumps({**results[0], "rows": rows}, ensure_ascii=False, indent=1))' "$@"
}

draw() { # KERNEL
    local files=() part result=$DOCS/start-stop-$1
    for part in "${PARTS[@]}"; do [[ ! -s $WORK/$1-$part.json ]] || files+=("$WORK/$1-$part.json"); done
    ((${#files[@]})) || die "$1: nothing was measured"
    mkdir -p "$DOCS"
    join "${files[@]}" >"$result.json"
    rm -rf "$result"
    "$CHECKOUT/bench/plot.py" "$result.json" "$result" --note "${NOTE:-$(processor)}${QUICK:+; --quick}"
}

main() {
    parse_options "$@"
    local parent kernel
    parent=$(temp_dir 16)
    WORK=$(mktemp -d "$parent/cowshed-report.XXXXXX")
    trap 'rm -rf "$WORK"' EXIT
    for kernel in "${KERNELS[@]}"; do
        measure "$kernel"
        draw "$kernel"
    done
}

main "$@"
