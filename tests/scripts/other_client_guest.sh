#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: other_client_guest.sh CLIENT
# Run by other_client_test.sh in a VM: a service with a template and an app VM, for CLIENT to use.
set -u
CLIENT=$1
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
export COWSHED_STATE=/scratch/state COWSHED_RUN=/run/cowshed
IMAGE=/scratch/image

make_vms() {
    head -c 64M /dev/urandom >"$IMAGE" &&
        cowshed vm create debian --root-image "$IMAGE" --format raw --size private=64M --size volatile=1M &&
        cowshed vm create work --template debian --size private=1M --size volatile=1M
}

is_up() {
    local i
    for ((i = 0; i < 100; i++)); do
        [[ ! -S $COWSHED_RUN/io.cowshed ]] || { cowshed vm list && return; }
        sleep 0.1
    done
    return 1
}

ends_well() { kill "$SERVICE" && wait "$SERVICE"; }

check "VMs are created" make_vms
cowshed serve &
SERVICE=$!
check "the service is up" is_up
"$CLIENT" "unix:$COWSHED_RUN/io.cowshed" work debian:private "$IMAGE" || FAILED=1
check "what the client imported is there" cmp "$IMAGE" <(cowshed volume export debian:private -)
check "the service ends well" ends_well
exit "$FAILED"
