#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: package_booted.sh DEVICE
# Run as a service of the system that package_guest.sh boots: installs the package there and looks what systemd makes of it. DEVICE
# holds an ext4 file system, /root/root.img is the image of one.
set -u
DEVICE=$1

say() { printf '%s\n' "$*" >&2; }
# shellcheck source=checks.sh
. /checks.sh
export HOME=/root

is_socket_listening() {
    systemctl is-active cowshed.socket && systemctl is-enabled cowshed.socket &&
        [[ $(stat -c '%a %U:%G' /run/cowshed/io.cowshed) == "666 root:root" && $(stat -c %a /run/cowshed) == 755 ]]
}

check_installation() {
    check "with systemd it installs" dpkg -i /cowshed.deb
    check "the socket is enabled and listens, for everybody" is_socket_listening
    check "the service waits until it is asked" prints inactive systemctl_state cowshed.service
    check "no unit has failed" fails grep cowshed <(systemctl list-units --failed --plain --no-legend)
}

systemctl_state() { systemctl is-active "$1" || true; }

# --- What the service is allowed to do ---------------------------------------------------------------------------------------

# Runs package_sandboxed.sh with all that cowshed.service says of its processes.
run_sandboxed() { # PHASE
    local status=0
    {
        echo "[Service]"
        sed -n '/^\[Service\]/,/^\[Install\]/p' /usr/lib/systemd/system/cowshed.service |
            grep -vE '^(\[|#|Type=|NotifyAccess=|ExecStart=|Restart)'
        echo "Type=oneshot"
        echo "ExecStart=/bin/bash /package_sandboxed.sh $1"
        echo "StandardOutput=file:/run/sandboxed-$1"
        echo "StandardError=file:/run/sandboxed-$1"
    } >"/run/systemd/system/sandboxed-$1.service"
    systemctl start "sandboxed-$1.service" || status=$?
    cat "/run/sandboxed-$1"
    ((status == 0)) || { echo "FAIL the service's work is done to its end" && systemctl status "sandboxed-$1.service"; }
}

make_pool() { mkdir -p /srv/pool && mount "$DEVICE" /srv/pool; }

# What the guest does.
write_to_guest() { # VM/VOLUME
    head -c 1048576 /dev/urandom >/run/written
    dd if=/run/written of="/run/cowshed/dev/$1" bs=64K oflag=direct status=none
}

# What the service must not, a line each. Root may do it otherwise: so it is refused for no other reason.
write_attempts() {
    sysctl -q kernel.dmesg_restrict=0
    cat >/attempts <<TEXT
unshare --net true
exec 3</dev/kmsg
date -s @$EPOCHSECONDS
mknod /tmp/memory c 1 1 && rm /tmp/memory
TEXT
    sh -ex /attempts
}

is_encrypted_by_keyring() { dmsetup table | grep ' crypt ' | grep -F ':64:logon:'; }

check_sandbox() {
    check "a file system for a pool is mounted" make_pool
    check "root may do what the service must not" write_attempts
    run_sandboxed start
    check "the service has no mount namespace of its own" prints "$(readlink /proc/self/ns/mnt)" cat /run/sandboxed-namespace
    check "an encrypted volume can be written" write_to_guest work/volatile
    check "its key was given by a keyring" is_encrypted_by_keyring
    check "a pool stays busy for as long as VMs run" refuses busy umount /srv/pool
    check "a guest writes" write_to_guest debian/root
    run_sandboxed stop
}

# --- The service -------------------------------------------------------------------------------------------------------------

main_pid() { systemctl show -p MainPID --value cowshed.service; }

# A program that has no service yet gets a stand-in, which is enough to see what systemd makes of the unit.
provide_service() {
    cowshed serve --help | grep -q 'not supported yet' || return 0
    skip package.service "this cowshed has no service; a stand-in is used"
    mkdir -p /etc/systemd/system/cowshed.service.d
    printf '[Service]\nExecStart=\nExecStart=/bin/bash /package_stand_in.sh\n' >/etc/systemd/system/cowshed.service.d/stand-in.conf
    systemctl daemon-reload
}

# As a user who is nobody.
asks() {
    setpriv --reuid=65534 --regid=65534 --clear-groups perl -MSocket -e \
        'socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, pack_sockaddr_un("/run/cowshed/io.cowshed")) or die "$!\n"'
}

question_starts_service() {
    local i
    asks || return
    for ((i = 0; i < 300; i++)); do
        [[ $(systemctl_state cowshed.service) != active ]] || return 0
        sleep 0.1
    done
    systemctl status cowshed.service
    return 1
}

# A command that replaces the service's process by another, and no device.
renews_service_only() { # COMMAND...
    local pid
    pid=$(main_pid)
    devices >"$WORK/before"
    "$@" && devices | diff "$WORK/before" - && [[ $(main_pid) != 0 && $(main_pid) != "$pid" ]]
}

helper_runs() { [[ ! -e /run/helper ]] || kill -0 "$(cat /run/helper)"; }

check_service() {
    check "whoever asks first starts the service" question_starts_service
    check "a restart of the service touches no device" renews_service_only systemctl restart cowshed.service
    check "what it has started goes on" helper_runs
}

# --- Upgrade, removal, purge -------------------------------------------------------------------------------------------------

is_running() { [[ $(cowshed vm list | awk -v vm="$1" '$1 == vm { print $NF }') == running ]]; } # VM
devices() { ls -l /run/cowshed/dev/work/ && dmsetup table; }

removal_changes_no_device() {
    devices >"$WORK/before"
    SERVICE=$(main_pid)
    dpkg -r cowshed >"$WORK/removed" 2>&1 && devices | diff "$WORK/before" -
}

check_going() {
    check "a VM runs" is_running work
    check "an upgrade leaves it alone and renews the service" renews_service_only dpkg -i /newer.deb
    check "and the socket listening" is_socket_listening
    check "its encrypted volume still works" write_to_guest work/volatile
    check "a removal leaves it alone" removal_changes_no_device
    check "and tells about it" grep -q "VMs run and go on running" "$WORK/removed"
    check "the service has ended" fails kill -0 "$SERVICE"
    check "what it had started goes on" helper_runs
    check "the socket is gone" test ! -e /run/cowshed/io.cowshed
    check "systemd knows no unit of it" refuses "could not be found" systemctl status cowshed.socket
    check "installed again, it listens again" installed_again
    check "and stops the VM" cowshed --embedded vm stop work
    check "the pool is free then" umount /srv/pool
    check "it is purged" dpkg -P cowshed
    check "disks and definitions are left" test -s /var/lib/cowshed/vms/work.json
}

installed_again() { dpkg -i /newer.deb && is_socket_listening; }

check_installation
check_sandbox
provide_service
check_service
check_going
echo "end of checks"
