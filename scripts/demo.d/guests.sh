# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The demo boots no VMs. What a guest would do with its disks is done here: its block devices are mounted, where nobody else sees
# it, and commands are run in there with the userland of the image. (cowshed itself never looks into a guest's disk.) Sourced.

declare -A DEVICES=()

# The path of a running VM's block device, as `vm start` told.
device_of() { # VM VOLUME
    echo "${DEVICES[$1:$2]:?"no such device"}"
}

start_vms() { # VM...
    local device path mode
    if ((${#DEVICES[@]})); then run_quietly cowshed vm start "$@"; else run cowshed vm start "$@"; fi
    while read -r device path mode; do
        [[ $mode == rw || $mode == ro ]] && DEVICES[$device]=$path
    done <<<"$OUTPUT"
}

make_userland() { # DIR
    mkdir -p "$1"/{bin,dev,etc,home,proc,root,sys,tmp,usr/bin,var}
    cp "$(command -v busybox)" "$1/bin/busybox"
    local applet library
    # None when it is a static one.
    for library in $(ldd "$1/bin/busybox" 2>/dev/null | grep -o '/[^ ]*'); do install -D "$library" "$1$library"; done
    for applet in sh cat echo ls mv; do ln -s busybox "$1/bin/$applet"; done
    echo "release 1" >"$1/etc/motd"
    echo "root:x:0:0:root:/root:/bin/sh" >"$1/etc/passwd"
    echo "echo a tool" >"$1/usr/bin/old-tool"
}

# The first thing a new app VM does with its private volume.
make_private() { # VM
    measured '' "$1# mkfs.ext4 /dev/private" mkfs.ext4 -q "$(device_of "$1" private)"
    HAS_HOME[$1]=1
}
declare -A HAS_HOME=()

# Mounts the VM's disks, runs a command in them and unmounts, in a mount namespace that ends with it. In busybox, whose mount and
# umount are no programs that have to be started.
# shellcheck disable=SC2016
enter() { # VM COMMAND...
    local vm=$1 home=''
    shift
    [[ -z ${HAS_HOME[$vm]:-} ]] || home=$(device_of "$vm" private)
    unshare --mount --propagation private busybox sh -c '
        set -e
        root=$1 home=$2 at=$3
        shift 3
        mount -t ext4 -o "$MODE" "$root" "$at"
        [ -z "$home" ] || mount -t ext4 -o "$MODE" "$home" "$at/home"
        status=0
        chroot "$at" /bin/busybox "$@" || status=$?
        [ -z "$home" ] || umount "$at/home"
        umount "$at"
        exit "$status"' enter "$(device_of "$vm" root)" "$home" "$DIR/mnt" "$@"
}

# Runs a shell line as the guest would, and shows it.
in_guest() { # VM LINE
    mkdir -p "$DIR/mnt"
    MODE=$(mode_for "$2") measured '' "$1# $2" enter "$1" sh -c "$2"
}

# Prints what a command in the guest prints, and changes nothing.
ask_guest() { # VM COMMAND...
    MODE=ro,noload enter "$@"
}

# A line that only reads leaves no trace on the disk, not even in the journal.
mode_for() { if [[ $1 == *">"* ]]; then echo rw; else echo ro,noload; fi; }

# What cowshed itself says of a volume.
expect_state() { # WHAT VOLUME KEY VALUE
    local found
    found=$(cowshed --json volume info "$2" | tr -d ' \n' | sed -n "s/.*\"$3\":\([a-z]*\).*/\1/p")
    expect "$1" "$3 = $4" "$3 = $found"
}
