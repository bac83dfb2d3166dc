#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# containerd's devmapper snapshotter, by its command line: `ctr snapshots prepare` and `rm`. The daemon stays.
# shellcheck source-path=SCRIPTDIR source=serve.sh
. "${0%/*}/serve.sh"

POOL=bench-containerd

# The thin-pool lies in files of its own: the empty device is LVM's.
make_pool() {
    truncate --size=8G "$DIRECTORY/data" && truncate --size=256M "$DIRECTORY/metadata" &&
        data=$(losetup --find --show --direct-io=on "$DIRECTORY/data") &&
        metadata=$(losetup --find --show --direct-io=on "$DIRECTORY/metadata") &&
        dmsetup create "$POOL" --table "0 $(blockdev --getsz "$data") thin-pool $metadata $data 128 32768 1 skip_block_zeroing"
}

configure() {
    cat >"$CTR_HOME/config.toml" <<TEXT
version = 2
root = "$CTR_HOME/root"
state = "$CTR_HOME/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$CTR_HOME/socket"
[plugins."io.containerd.snapshotter.v1.devmapper"]
  pool_name = "$POOL"
  root_path = "$CTR_HOME/devmapper"
  base_image_size = "$(stat --format=%s "$IMAGE")B"
  fs_type = "ext4"
  async_remove = false
TEXT
}

snapshots() { ctr --address "$CTR_HOME/socket" --namespace bench snapshots --snapshotter devmapper "$@"; }

start_daemon() {
    containerd --config "$CTR_HOME/config.toml" >"$CTR_HOME/log" 2>&1 &
    daemon=$!
    for _ in $(seq 200); do
        snapshots list >/dev/null 2>&1 && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    cat "$CTR_HOME/log"
    return 1
}

# The device's node, as the mount that containerd would have a runtime make names it.
prepare() { # NAME [PARENT]
    snapshots prepare --mounts "$@" >"$CTR_HOME/mounts" &&
        sed -n 's|.*"\(/dev/mapper/[^"]*\)".*|\1|p' "$CTR_HOME/mounts"
}

# What the image holds is in its second MiB.
make_base() {
    device=$(prepare base-active '') &&
        dd if="$IMAGE" of="$device" bs=1M skip=1 seek=1 count=1 conv=fsync status=none &&
        snapshots commit base base-active
}

set_up() {
    if ! command -v containerd >/dev/null || ! command -v ctr >/dev/null; then
        misses 'containerd is not installed'
        return
    fi
    CTR_HOME=$(mktemp -d) && modprobe dm-thin-pool && make_pool && configure && start_daemon && make_base && start holder
}

# Where there is udev, a device was seen to stay that containerd had said to be removed.
remove_left_devices() {
    for left in $(dmsetup ls | sed -n "s/^\($POOL-snap-[0-9]*\)[[:space:]].*/\1/p"); do
        dmsetup remove --retry "$left" || return
    done
}

tear_down() {
    stop holder && snapshots rm base && kill "$daemon" && { wait "$daemon" || :; } && remove_left_devices &&
        dmsetup remove --retry "$POOL" && losetup --detach "$data" && losetup --detach "$metadata" && rm -r "$CTR_HOME"
}

start() { # SLOT
    device=$(prepare "vm-$1" base) && [ -n "$device" ] && gives "$device"
}

stop() { snapshots rm "vm-$1"; }

serve
