# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What only user-mode Linux needs. Sourced by guest-init.

OUT=/dev/ttyS0 ERR=/dev/ttyS1 CONTROL=/dev/ttyS2 SCRATCH=/dev/ubda RAW=/dev/ubdb

# A process of busybox-static starts in a third of the time.
for applet in mkdir ln stty mkfifo cat mount umount sync; do
    eval "$applet() { busybox $applet \"\$@\"; }"
done

prepare() {
    local line
    # The lines to the host carry bytes, not text of a terminal.
    for line in "$OUT" "$ERR" "$CONTROL"; do stty raw -echo <"$line"; done
    # Nobody makes /dev/mapper/NAME here but libdevmapper itself.
    export DM_DISABLE_UDEV=1
    echo /run/vm/bin/modprobe >/proc/sys/kernel/modprobe
    watch_for_hung_tasks &
}

finish_job() { :; }

# This kernel has no detector of hung tasks. Like the one of the kernel, it tells a task that waits uninterruptedly and has not
# been switched to since the last look. It runs no process: it would disturb what is measured.
watch_for_hung_tasks() {
    local file line id switches wait=$((job_hung > 8 ? job_hung / 4 : 2))
    declare -A seen=() waited=()
    while :; do
        pause "$wait"
        for file in /proc/[0-9]*/task/[0-9]*/stat; do
            { read -r line <"$file"; } 2>/dev/null || continue
            id=${file%/stat}
            [[ ${line##*) } == D* ]] || { unset "seen[$id]"; continue; }
            switches=$(task_switches "$id")
            if [[ ${seen[$id]:-} != "$switches" ]]; then
                seen[$id]=$switches waited[$id]=0
            elif (((waited[$id] += wait) >= job_hung)); then
                tell_hung_task "$id" "${line%%)*})"
                waited[$id]=-100000
            fi
        done
    done
}

task_switches() { sed -n '/ctxt_switches/s/.*\t//p' "$1/status" 2>/dev/null | tr '\n' ' '; }

tell_hung_task() { # /proc/PID/task/TID NAME
    echo "<3>INFO: task $2 blocked for more than $job_hung seconds" >/dev/kmsg
    while IFS= read -r line; do echo "<3>  $line" >/dev/kmsg; done <"$1/stack"
}
