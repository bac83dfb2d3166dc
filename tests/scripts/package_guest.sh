#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: package_guest.sh ROOT.tar PACKAGE NEWER-PACKAGE CHECKOUT
# Run by package_test.sh in a VM: unpacks a Debian system, installs and removes the package there without systemd, as in a container,
# boots the system with systemd as the first process of a PID namespace, and has it run package_booted.sh.
set -u
ARCHIVE=$1 PACKAGE=$2 NEWER=$3 CHECKOUT=$4
ROOT=/scratch/root

say() { printf '%s\n' "$*" >&2; }
# shellcheck source=checks.sh
. "$CHECKOUT/tests/scripts/checks.sh"

unpack() {
    mkdir -p "$ROOT" && tar -x -C "$ROOT" -f "$ARCHIVE" &&
        cp "$PACKAGE" "$ROOT/cowshed.deb" && cp "$NEWER" "$ROOT/newer.deb" &&
        cp "$CHECKOUT"/tests/scripts/{checks,package_booted,package_sandboxed,package_stand_in}.sh "$ROOT/"
}

# What the checks need and the small system has no tools for.
make_files() {
    mkfs.ext4 -q "$RAW_DEV" && truncate -s 8M "$ROOT/root/root.img" && mkfs.ext4 -q -F "$ROOT/root/root.img"
}

# What systemd itself would load: the system has no modules of this kernel.
load_modules() { modprobe -a ecb xts encrypted-keys dm-crypt; }

in_root() { chroot "$ROOT" "$@"; }

run_without_systemd() {
    check "without systemd it installs" in_root dpkg -i /cowshed.deb
    check "the program runs" in_root cowshed --version
    check "it helps" says "vm start" in_root sh -c 'cowshed --help; cowshed vm --help | sed "s/^ */vm /"'
    check "the manual is there" in_root zgrep -q 'gives virtual machines their disks' /usr/share/man/man1/cowshed.1.gz
    check "the socket will be enabled at boot" test -L "$ROOT/etc/systemd/system/sockets.target.wants/cowshed.socket"
    check "it is removed" in_root dpkg -r cowshed
    check "nothing of it is left but what dpkg knows" fails grep -r cowshed "$ROOT"/usr/bin "$ROOT"/usr/lib/systemd -l
    mkdir -p "$ROOT/var/lib/cowshed"
    check "it is purged" in_root dpkg -P cowshed
    check "an empty directory of disks is not left" test ! -e "$ROOT/var/lib/cowshed"
    check "the socket is no longer enabled" fails find_links_to_units
}

find_links_to_units() { find "$ROOT/etc/systemd" "$ROOT/var/lib/systemd" -name '*cowshed*' | grep .; }

# It boots into basic.target and what is to be checked.
write_units() {
    local generator
    mkdir -p "$ROOT/etc/systemd/system/basic.target.wants"
    cat >"$ROOT/etc/systemd/system/checks.service" <<TEXT
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /package_booted.sh $RAW_DEV
StandardOutput=file:/results
StandardError=file:/results
ExecStopPost=systemctl --no-block --force poweroff
TEXT
    ln -s /etc/systemd/system/checks.service "$ROOT/etc/systemd/system/basic.target.wants/"
    ln -sf /lib/systemd/system/basic.target "$ROOT/etc/systemd/system/default.target"
    # What generates units has nothing to generate here, and takes its time at each reload.
    mkdir -p "$ROOT/etc/systemd/system-generators"
    for generator in "$ROOT"/lib/systemd/system-generators/*; do
        ln -s /dev/null "$ROOT/etc/systemd/system-generators/${generator##*/}"
    done
    # udev has no need to look at all devices there are; it does at those that come.
    ln -s /dev/null "$ROOT/etc/systemd/system/systemd-udev-trigger.service"
}

# The first process of the namespace: gives systemd a root with what it expects to find there.
boot_script() {
    cat <<'TEXT'
mount --make-rprivate / && mount --bind "$0" "$0" && cd "$0" || exit
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
pivot_root . mnt && umount -l /mnt
exec env -i container=vm PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console </dev/null >/console 2>&1
TEXT
}

boot() { unshare --mount --pid --fork --kill-child bash -c "$(boot_script)" "$ROOT"; }

check "the system is unpacked" unpack
run_without_systemd
check "images are made" make_files
load_modules
write_units
# It is switched off, so it does not end with a status of its own.
boot
if grep -q '^end of checks$' "$ROOT/results"; then
    grep -v '^end of checks$' "$ROOT/results"
    ! grep -q ^FAIL "$ROOT/results" || FAILED=1
else
    echo "FAIL systemd boots and the checks come to their end"
    cat "$ROOT/console" "$ROOT/results"
    FAILED=1
fi
exit "$FAILED"
