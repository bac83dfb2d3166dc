#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The VM's own layer by losetup and dmsetup, on a view of the template that stays: what a careful script does.
# shellcheck source-path=SCRIPTDIR source=serve.sh
. "${0%/*}/serve.sh"

set_up() {
    image_loop=$(losetup --find --show "$IMAGE") &&
        sectors=$(blockdev --getsz "$image_loop") &&
        dmsetup create upper-view --table "0 $sectors linear $image_loop 0" &&
        start holder
}

tear_down() {
    stop holder && dmsetup remove --retry upper-view && losetup --detach "$image_loop"
}

start() { # SLOT
    gives "/dev/mapper/upper-$1"
    truncate --size=$((sectors * 512)) "$DIRECTORY/cow-$1" &&
        loop=$(losetup --find --show --direct-io=on "$DIRECTORY/cow-$1") &&
        eval "loop_$1=$loop" &&
        rm "$DIRECTORY/cow-$1" &&
        dmsetup create "upper-$1" --table "0 $sectors snapshot /dev/mapper/upper-view $loop N 64 1 discard_zeroes_cow"
}

stop() { # SLOT
    eval "loop=\$loop_$1"
    dmsetup remove --retry "upper-$1" && losetup --detach "$loop"
}

serve
