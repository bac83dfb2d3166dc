#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a test that cuts the power of its VM, boots the VM again with the same disk, and so on until the test has come to its end.
# Usage: power_cuts.sh [--kernel uml|qemu] PROGRAM [ARGUMENT]...; PROGRAM is one of the build's. COWSHED_SEED repeats a run.
set -u
KERNEL=uml SEED=${COWSHED_SEED:-$RANDOM$RANDOM}
[[ ${1:-} == --kernel ]] && KERNEL=$2 && shift 2
PROGRAM=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
COWSHED_BUILD=${COWSHED_BUILD:-$PWD/build/release}
export COWSHED_BUILD
STATUS_POWER_CUT=99
# More than any of them needs.
MOST_BOOTS=5000
HERE=$(mktemp -d "${TMPDIR:-/tmp}/power-cuts.XXXXXX") || exit
trap 'rm -rf "$HERE"' EXIT
trap 'exit 1' INT TERM

echo "COWSHED_SEED=$SEED"
for ((boot = 0; boot < MOST_BOOTS; boot++)); do
    scripts/vm --kernel "$KERNEL" --disk 1G --disk-image "$HERE/disk.img" --timeout 600 --env "COWSHED_SEED=$((SEED + boot))" \
        --env "COWSHED_LONG=${COWSHED_LONG:-}" -- "$COWSHED_BUILD/bin/$PROGRAM" "$@" >"$HERE/out" 2>"$HERE/err"
    status=$?
    ((status == STATUS_POWER_CUT)) && continue
    cat "$HERE/out"
    cat "$HERE/err" >&2
    echo "boots: $((boot + 1))"
    exit "$status"
done
echo "the test does not come to an end" >&2
exit 1
