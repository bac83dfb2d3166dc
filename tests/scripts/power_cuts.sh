#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Cuts the power of a VM in the middle of commands and writes, boots it again with the same disk and lets vm_model compare what
# is there with its model. Usage: power_cuts.sh [uml|qemu] [CUTS]; COWSHED_SEED repeats a run.
set -u
KERNEL=${1:-uml} CUTS=${2:-10} SEED=${COWSHED_SEED:-$RANDOM$RANDOM}
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
COWSHED_BUILD=${COWSHED_BUILD:-$PWD/build/release}
export COWSHED_BUILD
STATUS_POWER_CUT=99
HERE=$(mktemp -d "${TMPDIR:-/tmp}/power-cuts.XXXXXX") || exit
trap 'rm -rf "$HERE"' EXIT
trap 'exit 1' INT TERM

echo "COWSHED_SEED=$SEED"
for ((boot = 0; boot <= 2 * CUTS + 10; boot++)); do
    scripts/vm --kernel "$KERNEL" --disk 1G --disk-image "$HERE/disk.img" --timeout 600 --env "COWSHED_SEED=$((SEED + boot))" -- \
        "$COWSHED_BUILD/bin/vm_model" --power-cuts "$CUTS" >"$HERE/out" 2>"$HERE/err"
    status=$?
    ((status == STATUS_POWER_CUT)) && continue
    cat "$HERE/out"
    cat "$HERE/err" >&2
    echo "boots: $((boot + 1))"
    exit "$status"
done
echo "the game does not come to an end" >&2
exit 1
