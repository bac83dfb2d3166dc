# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Starting the qemu VM. Sourced by scripts/vm.

check_qemu() {
    command -v qemu-system-x86_64 >/dev/null || broken "qemu is missing: run scripts/install-deps test"
}

# Prints the files of the checkout that git knows or would take, NUL-separated; without git, everything but the build.
list_checkout() {
    if command -v git >/dev/null; then
        git -c safe.directory="$CHECKOUT" -C "$CHECKOUT" ls-files -z --cached --others --exclude-standard && return
    fi
    (cd "$CHECKOUT" && find . \( -path ./.git -o -path ./build \) -prune -o \( -type f -o -type l \) -print0)
}

copy_checkout() { # TREE
    mkdir -p "$1$CHECKOUT" "$1$COWSHED_BUILD"
    list_checkout | tar -c -C "$CHECKOUT" --null --no-recursion --ignore-failed-read -T - 2>/dev/null | tar -x -C "$1$CHECKOUT"
    [[ ! -d $COWSHED_BUILD/bin ]] || cp -a "$COWSHED_BUILD/bin" "$1$COWSHED_BUILD/"
}

# The files that the command names, wherever they are, except programs of the system: the VM has its own.
copy_command_files() { # TREE
    local path
    while IFS= read -r path; do
        [[ -f $path && $path != "$CHECKOUT"/* ]] || continue
        case $path in
        /usr/* | /bin/* | /sbin/* | /lib* | /etc/* | /proc/* | /sys/* | /dev/*) continue ;;
        esac
        mkdir -p "$1${path%/*}" && cp -L "$path" "$1$path"
    done < <(command_paths)
}

# The second disk: the job, the scripts of the guest and, under tree, what it shall see of the host.
make_job_disk() {
    local content=$WORK/content tree=$WORK/content/tree size
    mkdir -p "$content/vm" "$tree$PWD"
    cp "$WORK/job" "$WORK/visible" "$WORK/writable" "$WORK"/guest-* "$content/vm/"
    copy_checkout "$tree"
    copy_command_files "$tree"
    [[ -z $WRITE_DIR ]] || { mkdir -p "$tree$WRITE_DIR" && cp -a "$WRITE_DIR/." "$tree$WRITE_DIR/"; }
    size=$(du -sm "$content" | cut -f1)
    mke2fs -q -t ext4 -O '^has_journal' -m 0 -d "$content" "$WORK/job.img" "$((size * 5 / 4 + 32))M" \
        >/dev/null || broken "cannot make the disk with the checkout"
    rm -rf "$content"
}

# One NVMe controller with the disks as its namespaces: separate ones would be numbered in the order of probing.
add_disk() { # NUMBER FILE [OPTIONS]
    QEMU+=(-drive "if=none,id=disk$1,file=$2,format=raw,cache=${4:-unsafe},discard=unmap${3:-}" -device "nvme-ns,drive=disk$1,nsid=$1")
}

# A line from the VM to a file or FIFO.
add_line() { # NAME FILE
    QEMU+=(-chardev "file,id=$1,path=$2" -device "virtserialport,chardev=$1,name=$1")
}

qemu_arguments() { # IMAGE
    # shellcheck disable=SC2054
    QEMU=(
        -accel tcg,thread=multi -cpu max -smp 2 -m "${MEM_MIB}M" -nodefaults -display none -no-reboot -nic none
        -kernel "$1/vmlinuz" -append "$(kernel_arguments)" -serial "file:$WORK/console"
        -device nvme,id=nvme,serial=cowshed -device virtio-serial-pci
    )
    add_disk 1 "$1/root.img" ,snapshot=on
    add_disk 2 "$WORK/job.img"
    add_disk 3 "$SCRATCH_DISK"
    add_disk 4 "$RAW_DISK" "" ${DURABLE:+writethrough}
    add_line out "$WORK/stdout"
    add_line err "$WORK/stderr"
    add_line control "$WORK/control"
    add_line written "$WORK/written"
}

# Two virtual processors on a busy host may not run for long: the watchdogs wait longer than they do on real ones.
kernel_arguments() {
    echo "console=ttyS0 loglevel=5 root=/dev/nvme0n1 rw init=/sbin/first-init panic=-1 mitigations=off printk.devkmsg=on" \
        "log_buf_len=4M watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=60 nvme_core.io_timeout=600"
}

start_qemu() {
    local image
    image=$("$VM_D/qemu-image") || exit "$STATUS_BROKEN"
    make_job_disk
    qemu_arguments "$image"
    start_group env "TMPDIR=$WORK" qemu-system-x86_64 "${QEMU[@]}" </dev/null >"$WORK/qemu.log" 2>&1
}
