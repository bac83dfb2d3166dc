#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: examples_guest.sh IMAGE
# Run by examples_test.sh in a VM: the hook for libvirt and the throw-away VM in qemu, with real disks. IMAGE is that of a guest,
# guest.S.
set -u
IMAGE=$1
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
export COWSHED_STATE=/scratch/state COWSHED_RUN=/run/cowshed
SECOND_SECTOR=(bs=512 skip=1 count=1 iflag=direct status=none)

hook() { "$CHECKOUT/examples/libvirt-hook/cowshed" "$@" </dev/null; }

state() { cowshed vm list | awk -v vm="$1" '$1 == vm { print $NF }'; } # VM

make_vms() {
    cowshed vm create debian --root-image "$IMAGE" --format raw --size private=1M --size volatile=1M &&
        cowshed vm create work --template debian --size private=1M --size volatile=1M
}

check_hook() {
    check "the hook starts the disks" hook work prepare begin -
    check "they are there for qemu" test -b /run/cowshed/dev/work/root
    check "the VM runs" prints running state work
    check "the hook refuses to start them twice" fails hook work prepare begin -
    check "the hook stops them" hook work release end -
    check "the VM is stopped" prints stopped state work
    check "and stopping once more is no error" hook work release end -
    check "an unknown domain passes" hook other prepare begin -
}

# Prints what the guest says; the status is the guest's.
throwaway() { # VM [QEMU-ARGUMENT...]
    QEMU_MEMORY=32M timeout 120 "$CHECKOUT/examples/qemu-vm/throwaway" "$@" -display none -serial stdio \
        -device isa-debug-exit,iobase=0xf4,iosize=4 2>"$WORK/stderr" </dev/null
}

run_guest() { # VM
    local status=0
    throwaway "$1" >"$WORK/said" || status=$?
    cat "$WORK/stderr"
    [[ $status == 33 ]]
}

two_lines() { printf 'what was committed\nwhat a guest wrote'; }

nothing_runs() { [[ -z $(dmsetup ls | grep -v 'No devices') && -z $(losetup -l -n -O NAME,BACK-FILE | grep /scratch/state) ]]; }

committed_text() { cowshed volume export debian:root - | dd "${SECOND_SECTOR[@]/iflag=direct/iflag=fullblock}" | tr -d '\0'; }

# The guest does not run (-S), so nothing else ends it.
sigterm_ends_it() {
    local i
    QEMU_MEMORY=32M "$CHECKOUT/examples/qemu-vm/throwaway" debian -display none -S >"$WORK/said" 2>&1 </dev/null &
    for ((i = 0; i < 300; i++)); do
        [[ -z $(pgrep -f serial=volatile) ]] || break
        sleep 0.1
    done
    kill $! && fails wait $! && [[ -z $(pgrep -f serial=volatile) ]] && nothing_runs
}

check_throwaway() {
    local vm
    for vm in debian work; do
        check "a guest runs from $vm and ends as it wants" run_guest "$vm"
        check "it read what was committed, and what it wrote itself" prints "$(two_lines)" tr -d '\r' <"$WORK/said"
        check "its disks are gone" nothing_runs
        check "nothing of what it wrote is committed" prints "what was committed" committed_text
    done
    check "SIGTERM ends qemu and stops the disks" sigterm_ends_it
    check "a VM that is not there is refused" refuses "there is no vm 'nobody'" "$CHECKOUT/examples/qemu-vm/throwaway" nobody
    check "how it is used is told" refuses "Usage: throwaway VM" "$CHECKOUT/examples/qemu-vm/throwaway"
}

check "VMs are created" make_vms
check_hook
check_throwaway
exit "$FAILED"
