#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# With either filter of docs/install.md LVM does not see what a guest has made on its disk, and still sees what is the host's. Without,
# it does see it: else this would show nothing. Runs itself in a VM.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
[[ -n ${COWSHED_VM:-} ]] || exec "$CHECKOUT/scripts/vm" --timeout 200 -- bash "$CHECKOUT/tests/scripts/lvm_test.sh"
export COWSHED_STATE=/scratch/state COWSHED_RUN=/run/cowshed
GUEST=/run/cowshed/dev/work/root

# The N-th filter of the page, with the disk of this VM for the one that it names.
filter() { # N
    sed -n 's/^ *global_filter = //p' "$CHECKOUT/docs/install.md" | sed -n "$1p" | sed "s|/dev/nvme0n1|$RAW_DEV|"
}

lvm_with() { # FILTER COMMAND...
    local filter=$1
    shift
    lvm "$@" --config "devices { use_devicesfile=0 dir=\"/dev\" scan=[\"/dev\"] ${filter:+global_filter=$filter} } global { locking_dir=\"/run/lock/lvm\" }"
}

volumes_seen() { lvm_with "$1" pvs --noheadings -o pv_name 2>/dev/null | tr -d ' ' | paste -sd ' '; } # FILTER

# Both with a label of LVM's: the guest's disk and the host's.
make_physical_volumes() {
    mkdir -p /run/lvm /run/lock/lvm
    cowshed vm create work --standalone --size root=64M --size private=1M --size volatile=1M &&
        cowshed vm start work && lvm_with '' pvcreate -q "$(readlink -f "$GUEST")" && lvm_with '' pvcreate -q "$RAW_DEV"
}

sees_guest() { [[ $(volumes_seen "") == *\ * ]]; }

# As LUKS would have it: the host's volume on a device of device-mapper with a name.
put_on_named_device() {
    lvm_with '' pvremove -q -ff -y "$RAW_DEV" && dmsetup create luks-home --table "0 131072 linear $RAW_DEV 0" && dmsetup mknodes luks-home &&
        lvm_with "$(filter 2)" pvcreate -q /dev/mapper/luks-home
}

check "a guest makes a physical volume" make_physical_volumes
check "the page has two filters" test -n "$(filter 2)"
check "without a filter LVM sees it" sees_guest
check "with the list of disks it sees the host's alone" prints "$RAW_DEV" volumes_seen "$(filter 1)"
check "so it does with what is refused" prints "$RAW_DEV" volumes_seen "$(filter 2)"
check "the host's is put on a device with a name" put_on_named_device
check "with what is refused it sees the host's under its name, too" prints "/dev/mapper/luks-home" volumes_seen "$(filter 2)"
dmsetup remove luks-home
rm -f /dev/mapper/luks-home
check "the VM stops" cowshed vm stop work
exit "$FAILED"
