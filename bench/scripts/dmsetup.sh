#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Both layers by losetup and dmsetup, built at each start and torn down at each stop, with persistent stores of 128 KiB chunks:
# the layers that Qubes' scripts build, without what they do besides (looking for loop devices in use, locks, retries).
# shellcheck source-path=SCRIPTDIR source=serve.sh
. "${0%/*}/serve.sh"

set_up() {
    size=$(stat --format=%s "$IMAGE") && sectors=$((size / 512)) && start holder
}

tear_down() { stop holder; }

# A loop device for a new cow file, large enough for a wholly rewritten volume: its chunks, and a chunk of metadata for every
# 8,192 of them.
new_cow() { # FILE
    truncate --size=$((size + size / 8192 + 3 * 131072)) "$1" && losetup --find --show "$1"
}

start() { # SLOT
    gives "/dev/mapper/both-$1"
    image_loop=$(losetup --find --show "$IMAGE") &&
        base_loop=$(new_cow "$DIRECTORY/base-cow-$1") &&
        dmsetup create "both-$1-view" --table "0 $sectors snapshot $image_loop $base_loop P 256" &&
        upper_loop=$(new_cow "$DIRECTORY/cow-$1") &&
        dmsetup create "both-$1" --table "0 $sectors snapshot /dev/mapper/both-$1-view $upper_loop P 256" &&
        eval "loops_$1='$image_loop $base_loop $upper_loop'"
}

stop() { # SLOT
    eval "loops=\$loops_$1"
    # shellcheck disable=SC2086,SC2154
    dmsetup remove --retry "both-$1" &&
        dmsetup remove --retry "both-$1-view" &&
        losetup --detach $loops &&
        rm "$DIRECTORY/base-cow-$1" "$DIRECTORY/cow-$1"
}

serve
