#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: package_sandboxed.sh start|stop
# Run by package_booted.sh as a service with all that cowshed.service says of its processes: does what the service will do, and tries
# what it must not.
set -u
say() { printf '%s\n' "$*" >&2; }
# shellcheck source=checks.sh
. /checks.sh

cowshed() { command cowshed --embedded "$@"; }

may_start() {
    check "the service may add a pool" cowshed pool add fast --driver file -o dir_path=/srv/pool
    check "it may create VMs, from an image in a home directory" cowshed vm create debian -P fast --root-image /root/root.img \
        --size private=8M --size volatile=8M
    check "it may create an app VM" cowshed vm create work --template debian -P fast --size private=8M --size volatile=8M
    check "it may encrypt" cowshed volume set work:volatile ephemeral true
    check "it may start VMs, with nodes for others" cowshed vm start --node-owner nobody debian work
    check "it may open loop-control" opens /dev/loop-control
    check "it may use io_uring" sets_up_ring
    check "it may lock buffers in memory" prints unlimited bash -c 'ulimit -l'
    # Compared by package_booted.sh.
    readlink /proc/self/ns/mnt >/run/sandboxed-namespace
}

opens() { : <>"$1"; }

# Without it copies would go on more slowly, and nobody would know. 425 is io_uring_setup(2) on all architectures.
sets_up_ring() { perl -e '$parameters = "\0" x 120; exit(syscall(425, 4, $parameters) < 0)'; }

# package_booted.sh has shown that root may do it otherwise.
must_not() {
    local attempt
    while IFS= read -r attempt; do
        check "the service may not: $attempt" fails bash -c "$attempt"
    done </attempts
}

may_stop() {
    check "it may commit" cowshed vm stop debian
    check "it may export, to a home directory" cowshed volume export debian:root /root/exported.img
    check "what was exported is what the guest wrote" cmp -n 1048576 /run/written /root/exported.img
    check "it may import" cowshed volume import debian:root /root/root.img
    check "it may clone" cowshed vm clone debian other
}

case $1 in
start) may_start && must_not ;;
stop) may_stop ;;
esac
