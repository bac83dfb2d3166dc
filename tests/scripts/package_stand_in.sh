#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Stands for `cowshed serve` where package_booted.sh finds none in the program: takes the socket, says that it is ready, and starts a
# process that is to outlive it.
[[ ${LISTEN_FDS:-} == 1 && ${LISTEN_PID:-} == "$$" && -S /proc/self/fd/3 ]] || exit 1
trap 'systemd-notify --pid=$$ --stopping; exit 0' TERM
[[ -e /run/helper ]] || { sleep 10000 & echo $! >/run/helper; }
systemd-notify --pid=$$ --ready
while :; do
    sleep 1 &
    wait $!
done
