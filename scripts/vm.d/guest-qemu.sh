# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What only the qemu VM needs. Sourced by guest-init.

SCRATCH=/dev/nvme0n3 RAW=/dev/nvme0n4

# Prints the device of a line to the host.
port() { # NAME
    local sys name
    for sys in /sys/class/virtio-ports/*; do
        { read -r name <"$sys/name"; } 2>/dev/null && [[ $name == "$1" ]] && echo "/dev/${sys##*/}" && return
    done
    return 1
}

open_ports() {
    local i
    modprobe -a virtio_pci virtio_console
    for ((i = 0; i < 100; i++)); do
        OUT=$(port out) && ERR=$(port err) && CONTROL=$(port control) && WRITTEN=$(port written) && return
        sleep 0.1
    done
    echo "no virtio ports" >&2
}

# As at the boot of a Debian system.
start_udev() {
    /lib/systemd/systemd-udevd --daemon
    udevadm trigger --type=subsystems --action=add
    udevadm trigger --type=devices --action=add
    udevadm settle
}

prepare() {
    open_ports
    start_udev
    echo "$job_hung" >/proc/sys/kernel/hung_task_timeout_secs
    mkdir -p /run/lvm /run/lock/lvm
}

finish_job() {
    local path
    while IFS= read -r path; do tar -c -C "$path" . >"$WRITTEN"; done </run/vm/disk/vm/writable
}
