#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# LVM thin snapshots: one lvcreate, one lvremove.
# shellcheck source-path=SCRIPTDIR source=serve.sh
. "${0%/*}/serve.sh"

GROUP=bench_thin

# Without backups of its metadata, scans of other devices and dmeventd, LVM is at its fastest.
configure() {
    export LVM_SYSTEM_DIR="$LVM_HOME"
    # udev makes the nodes where it runs.
    if [ -e /run/udev/control ]; then udev=1; else udev=0; fi
    cat >"$LVM_HOME/lvm.conf" <<TEXT
devices { use_devicesfile = 0 global_filter = [ "a|^$RAW_DEVICE\$|", "r|.*|" ] }
activation { monitoring = 0 udev_sync = $udev udev_rules = $udev }
backup { backup = 0 archive = 0 }
TEXT
}

make_pool() {
    modprobe dm-thin-pool &&
        vgcreate --quiet "$GROUP" "$RAW_DEVICE" &&
        lvcreate --quiet --type thin-pool --size 2G --name pool "$GROUP" &&
        lvcreate --quiet --type thin --virtualsize "$(stat --format=%s "$IMAGE")b" --thinpool pool --name root "$GROUP"
}

# What the image holds is in its second MiB.
copy_image() { dd if="$IMAGE" of="/dev/$GROUP/root" bs=1M skip=1 seek=1 count=1 conv=fsync status=none; }

set_up() {
    if ! command -v lvcreate >/dev/null || ! command -v thin_check >/dev/null; then
        misses 'lvm2 or thin-provisioning-tools is not installed'
        return
    fi
    LVM_HOME=$(mktemp -d) && configure && make_pool && copy_image && start holder
}

tear_down() {
    stop holder && vgremove --quiet --force --force "$GROUP" && pvremove --quiet "$RAW_DEVICE" && rm -r "$LVM_HOME"
}

start() { # SLOT
    gives "/dev/$GROUP/vm-$1"
    lvcreate --quiet --snapshot --setactivationskip n --name "vm-$1" "$GROUP/root"
}

stop() { lvremove --quiet --force "$GROUP/vm-$1"; }

serve
