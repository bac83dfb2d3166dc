#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What scripts/vm promises, a check each. Usage: vm_test.sh [uml|qemu] [CHECK...]
# Prints "ok CHECK" or "FAIL CHECK" a line, and fails when one did.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
KERNEL=${1:-uml}
[[ $KERNEL == uml ]] && LIMIT=60 || LIMIT=240
TOP=$(mktemp -d "${TMPDIR:-/tmp}/vm-test.XXXXXX") || exit
trap 'rm -rf "$TOP"' EXIT
trap 'exit 1' INT TERM

# Each check has a temporary directory of its own, HERE: what a VM leaves on the host is in there, and so is its name in the
# arguments of the VM's processes.
vm() { TMPDIR=$HERE/tmp scripts/vm --kernel "$KERNEL" --timeout "$LIMIT" "$@" 2>"$HERE/stderr"; }

# For checks that send signals: PID is that of scripts/vm itself, and SIGINT is not ignored as in other background jobs.
vm_in_background() {
    set -m
    TMPDIR=$HERE/tmp scripts/vm --kernel "$KERNEL" --timeout "$LIMIT" "$@" >"$HERE/stdout" 2>"$HERE/stderr" &
    PID=$!
    set +m
}

# --- Assertions --------------------------------------------------------------------------------------------------------------

wrong() {
    printf '    %s\n' "$*"
    sed 's/^/    | /' "$HERE/stderr" 2>/dev/null | tail -n 30
    exit 1
}

expect_equal() { [[ $2 == "$3" ]] || wrong "$1: expected '$2', got '$3'"; }

expect_stderr() { grep -qE -- "$1" "$HERE/stderr" || wrong "standard error does not say '$1'"; }

processes_of_check() {
    local file
    for file in /proc/[0-9]*/cmdline; do
        if { tr '\0' ' ' <"$file" | grep -qF "$HERE/tmp"; } 2>/dev/null; then echo "$file"; fi
    done
}

# Reports of a killed process's end take their time.
expect_nothing_left_on_host() {
    local i
    for ((i = 0; i < 100; i++)); do
        [[ -z $(ls -A "$HERE/tmp") && -z $(processes_of_check) ]] && return
        sleep 0.1
    done
    wrong "left on the host: $(ls -A "$HERE/tmp") $(processes_of_check)"
}

await() { # COMMAND...
    local i
    for ((i = 0; i < LIMIT * 10; i++)); do
        "$@" && return
        sleep 0.1
    done
    wrong "in vain: $*"
}

await_command_in_vm() { await grep -qs running "$HERE/stdout"; }

# --- Checks ------------------------------------------------------------------------------------------------------------------

check_passes_exit_status_back() {
    vm -- sh -c 'exit 37'
    expect_equal status 37 $?
    expect_nothing_left_on_host
}

check_status_of_a_command_that_does_not_exist_is_127() {
    vm -- no-such-command
    expect_equal status 127 $?
}

check_standard_output_is_pure_and_whole() {
    vm -- bash -c 'printf "a\r\n\tb\0c\n\n"; echo "<1>noise" >/dev/kmsg; seq 200000; printf "no newline"' >"$HERE/out"
    expect_equal status 0 $?
    { printf 'a\r\n\tb\0c\n\n'; seq 200000; printf 'no newline'; } >"$HERE/expected"
    cmp "$HERE/expected" "$HERE/out" || wrong "standard output differs"
    expect_equal 'standard error' '' "$(<"$HERE/stderr")"
}

check_standard_error_comes_out_apart() {
    expect_equal output out "$(vm -- bash -c 'echo out; echo err >&2')"
    expect_equal errors err "$(<"$HERE/stderr")"
}

check_reader_that_goes_away_does_not_hang_it() {
    vm -- seq 300000 | head -n 1 >"$HERE/out"
    expect_equal output 1 "$(<"$HERE/out")"
    expect_nothing_left_on_host
}

check_standard_input_is_empty() { expect_equal output '' "$(echo text | vm -- cat)"; }

check_is_root_with_device_mapper_and_loop_devices() {
    vm -- bash -c '
        set -e
        [[ $(id -u) == 0 && -c /dev/mapper/control && -c /dev/loop-control && -e /dev/fd/0 && -e /dev/stdin ]]
        dmsetup create one --table "0 8 zero"
        dmsetup remove one
        for i in {1..20}; do truncate -s 1M /scratch/$i; losetup -f /scratch/$i; done
        losetup -D
        dmesg | grep -q device-mapper'
    expect_equal status 0 $?
}

check_modules_load_by_name() {
    local modules='dm-thin-pool dm-crypt dm-flakey dm-log-writes dm-delay brd btrfs xfs'
    [[ $KERNEL == qemu ]] || modules+=' dm-dust dm-clone'
    vm -- bash -c "for module in $modules; do modprobe \$module || exit; done
        echo \"0 2048 crypt aes-xts-plain64 $(printf '0%.0s' {1..64}) 0 \$RAW_DEV 0\" | dmsetup create crypt && dmsetup remove crypt"
    expect_equal status 0 $?
}

check_environment_is_what_was_promised() {
    expect_equal output "$KERNEL $PWD yes /tmp it's 2" "$(FOREIGN=1 vm --env "ONE=it's" --env TWO=2 -- \
        bash -c 'echo "$COWSHED_VM $PWD ${FOREIGN-yes} $TMPDIR $ONE $TWO"; [[ $PATH == "$COWSHED_BUILD"/bin:* && $HOME ]]')"
}

check_checkout_is_visible_and_read_only() {
    vm -- bash -c '[[ -x scripts/vm && -s "$1" ]] && ! touch "$1/../x" && ! touch scripts/x' - "$PWD/scripts/vm"
    expect_equal status 0 $?
    [[ ! -e scripts/x ]] || wrong "the VM wrote in the checkout"
}

check_runs_a_script_from_anywhere() {
    mkdir -p "$HERE/some where"
    echo 'echo "I am $1"' >"$HERE/some where/script"
    expect_equal 'absolute path' 'I am here' "$(vm -- bash "$HERE/some where/script" here)"
    expect_equal 'relative path' 'I am here' \
        "$(checkout=$PWD && cd "$HERE/some where" && vm() { "$checkout/scripts/vm" --kernel "$KERNEL" "$@"; } && vm -- bash script here)"
}

check_scratch_is_ext4_on_a_disk_as_large_as_asked() {
    local fields
    read -r -a fields < <(vm --disk 6G -- bash -c 'blockdev --getsize64 "$SCRATCH_DEV" "$RAW_DEV" | tr "\n" " "
        findmnt -n -o FSTYPE,SOURCE /scratch | tr "\n" " "; stat -f -c %T /tmp /run | tr "\n" " "')
    expect_equal sizes '6442450944 6442450944' "${fields[*]:0:2}"
    expect_equal 'file systems' 'ext4 tmpfs tmpfs' "${fields[2]} ${fields[*]:4:2}"
}

check_memory_is_as_asked() {
    local mib
    mib=$(vm --mem 512M -- awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
    ((mib > 400 && mib <= 512)) || wrong "memory is $mib MiB"
}

check_bug_in_the_kernel_log_fails() {
    vm -- bash -c 'echo "<3>BUG: made up" >/dev/kmsg'
    expect_equal status 70 $?
    expect_stderr 'BUG: made up'
}

check_warning_in_the_kernel_log_fails_but_the_status_of_the_command_wins() {
    vm -- bash -c 'echo "<4>WARNING: CPU: 0 PID: 1 at made/up.c:1" >/dev/kmsg; exit 3'
    expect_equal status 3 $?
    expect_stderr 'WARNING: CPU: 0 PID: 1 at made/up'
}

check_kernel_panic_fails() {
    vm -- bash -c 'echo c >/proc/sysrq-trigger; sleep 100'
    expect_equal status 125 $?
    expect_stderr 'Kernel panic'
    expect_nothing_left_on_host
}

# A task is told after three looks of the kernel at the latest.
check_hung_task_fails() {
    vm --hung-after 4 -- bash -c 'dmsetup create d --table "0 8 zero" && dmsetup suspend d
        dd if=/dev/zero of=/dev/mapper/d count=8 conv=fsync 2>/dev/null & sleep 18; dmsetup resume d; wait; dmsetup remove d'
    expect_equal status 70 $?
    expect_stderr 'task .*dd.* blocked for more than'
}

check_dm_device_loop_device_and_mount_left_over_fail() {
    vm -- bash -c 'truncate -s 1M /scratch/file; losetup -f /scratch/file; dmsetup create forgotten --table "0 8 zero"
        mkdir /tmp/m; mount -t tmpfs none /tmp/m'
    expect_equal status 70 $?
    expect_stderr 'dm device forgotten'
    expect_stderr 'loop device loop[0-9]+ of /scratch/file'
    expect_stderr 'mount /tmp/m'
}

check_left_over_is_told_when_the_command_failed_too() {
    vm -- bash -c 'dmsetup create forgotten --table "0 8 zero"; exit 5'
    expect_equal status 5 $?
    expect_stderr 'dm device forgotten'
}

check_suspended_left_over_does_not_hang_it() {
    vm -- bash -c 'truncate -s 64M /scratch/f && loop=$(losetup -f --show /scratch/f) && mkfs.ext4 -q "$loop" && mkdir /tmp/m
        echo "0 131072 linear $loop 0" | dmsetup create d && mount /dev/mapper/d /tmp/m && echo text >/tmp/m/file
        dmsetup suspend --nolockfs d; sync & sleep 1'
    expect_equal status 70 $?
}

check_paths_may_contain_blanks_and_commas() {
    local odd="$HERE/a b,c:d"
    mkdir -p "$odd"
    (cp -r scripts "$odd/" && cd "$odd" && TMPDIR=$odd vm --disk-image "$odd/disk" --write "$odd" -- bash -c 'echo in >file') ||
        wrong "status $?"
    expect_equal content in "$(<"$odd/file")"
}

check_missing_program_is_told() {
    mkdir "$HERE/bin"
    ln -s /bin/bash /usr/bin/{dirname,id,env,stat} "$HERE/bin/"
    (PATH=$HERE/bin vm -- true)
    expect_equal status 125 $?
    expect_stderr 'is missing: run scripts/install-deps'
}

check_timeout_ends_it_tells_what_stood_and_leaves_nothing() {
    LIMIT=$([[ $KERNEL == uml ]] && echo 10 || echo 60)
    vm -- bash -c 'sleep 1000 & sleep 1000'
    expect_equal status 124 $?
    expect_stderr 'timeout'
    expect_stderr '[0-9]+/task/[0-9]+ sleep S: .*nanosleep'
    expect_nothing_left_on_host
}

check_vm_that_does_not_go_down_is_ended_with_the_status_of_the_command() {
    LIMIT=200
    local begun=$SECONDS
    vm -- bash -c 'mount --bind /dev/null /proc/sysrq-trigger; exit 3'
    expect_equal status 3 $?
    expect_stderr 'left over'
    expect_nothing_left_on_host
    ((SECONDS - begun < 100)) || wrong "it took $((SECONDS - begun)) s"
}

check_signals_end_it_and_leave_nothing() {
    local signal status
    for signal in INT TERM; do
        vm_in_background -- bash -c 'echo running; sleep 1000 & sleep 1000'
        await_command_in_vm
        kill "-$signal" "$PID"
        wait "$PID"
        status=$?
        expect_equal "status after SIG$signal" "$([[ $signal == INT ]] && echo 130 || echo 143)" "$status"
        expect_nothing_left_on_host
        : >"$HERE/stdout"
    done
}

check_sigkill_leaves_nothing() {
    LIMIT=4711
    vm_in_background -- bash -c 'echo running; sleep 1000 & sleep 1000'
    await_command_in_vm
    kill -KILL "$PID"
    wait "$PID" 2>/dev/null
    expect_nothing_left_on_host
    ! grep -qsxaz 4711 /proc/[0-9]*/cmdline || wrong "its timer still runs"
}

check_two_run_side_by_side() {
    local first second
    vm -- bash -c 'dmsetup create one --table "0 8 zero"; sleep 3; dmsetup ls; dmsetup remove one' >"$HERE/one" &
    first=$!
    vm -- bash -c 'dmsetup create two --table "0 8 zero"; sleep 3; dmsetup ls; dmsetup remove two' >"$HERE/two" &
    second=$!
    wait "$first" && wait "$second" || wrong "one failed"
    expect_equal 'devices of the first' one "$(cut -f1 "$HERE/one")"
    expect_equal 'devices of the second' two "$(cut -f1 "$HERE/two")"
}

check_power_cut_is_told_and_synced_files_are_still_there() {
    vm --disk-image "$HERE/disk" -- bash -c 'echo durable >/scratch/a; sync /scratch/a; echo b >/proc/sysrq-trigger; sleep 100'
    expect_equal 'status of b' 99 $?
    expect_stderr 'power cut'
    vm --disk-image "$HERE/disk" -- bash -c 'cat /scratch/a; echo lost >/scratch/b; echo o >/proc/sysrq-trigger; sleep 100' >"$HERE/out"
    expect_equal 'status of o' 99 $?
    expect_equal 'synced file' durable "$(<"$HERE/out")"
    expect_equal 'files, and one written at the end' 'a kept' \
        "$(vm --disk-image "$HERE/disk" -- bash -c 'echo kept >/scratch/c; [[ ! -s /scratch/b ]] && echo a kept')"
    expect_equal 'file of a run that ended well' kept "$(vm --disk-image "$HERE/disk" -- cat /scratch/c)"
    expect_nothing_left_on_host
}

check_writes_in_a_directory_of_the_host() {
    mkdir "$HERE/written"
    echo before >"$HERE/written/old"
    vm --write "$HERE/written" -- bash -c 'cd "$1" && cat old >new && mkdir sub && echo deep >sub/file' - "$HERE/written"
    expect_equal status 0 $?
    expect_equal 'what was written' 'before deep' "$(<"$HERE/written/new") $(<"$HERE/written/sub/file")"
}

check_wrong_usage_is_status_2() {
    vm --kernel none -- true
    expect_equal status 2 $?
    vm -- 2>/dev/null
    expect_equal status 2 $?
    vm --mem lots -- true
    expect_equal status 2 $?
}

check_small_shared_memory_is_not_used() {
    [[ $KERNEL == uml && $(id -u) == 0 ]] || return 0
    TMPDIR=$HERE/tmp unshare -m bash -c 'mount -t tmpfs -o size=64M none /dev/shm && scripts/vm --mem 512M -- \
        bash -c "head -c 200M /dev/zero >/tmp/f && echo done"' >"$HERE/out" 2>"$HERE/stderr"
    expect_equal output 'done' "$(<"$HERE/out")"
}

check_no_room_for_the_memory_is_told_and_nothing_is_left() {
    [[ $KERNEL == uml ]] || return 0
    # The command, which is never run, is how its processes are known.
    vm --mem 999999G -- "$HERE/tmp"
    expect_equal status 125 $?
    expect_stderr 'MiB free'
    grep -q 'could not remove' "$HERE/stderr" && wrong "its files stay"
    expect_nothing_left_on_host
}

# --- Only with systemd-udevd -------------------------------------------------------------------------------------------------

check_qemu_has_two_processors() { expect_equal processors 2 "$(vm -- nproc)"; }

check_qemu_udev_makes_links_and_follows_new_rules() {
    vm -- bash -c '
        mkfs.ext4 -q -U 11111111-2222-3333-4444-555555555555 "$RAW_DEV" && udevadm settle
        [[ -e /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 ]] || exit 10
        dmsetup create one --table "0 2048 linear $RAW_DEV 0"; [[ -L /dev/mapper/one && -e /run/udev/data ]] || exit 11
        dmsetup remove one
        echo "KERNEL==\"loop7\", SYMLINK+=\"my-loop\"" >/etc/udev/rules.d/99-mine.rules && udevadm control --reload
        truncate -s 1M /scratch/f; losetup /dev/loop7 /scratch/f; udevadm settle; [[ -e /dev/my-loop ]] || exit 12
        losetup -d /dev/loop7
        vgcreate -qq vg "$RAW_DEV" -ff -y >&2 && lvcreate -qq -y -L 8M -n lv vg >&2 && [[ -e /dev/vg/lv ]] || exit 13
        vgremove -qq -f vg >&2'
    expect_equal status 0 $?
}

# --- Running them ------------------------------------------------------------------------------------------------------------

run_check() { # NAME
    HERE=$TOP/$1
    mkdir -p "$HERE/tmp"
    if ("check_$1") >"$HERE/report" 2>&1; then
        echo "ok $1"
    else
        echo "FAIL $1"
        cat "$HERE/report"
    fi
}

checks() {
    local name
    while read -r name; do
        [[ $KERNEL == qemu || $name != qemu_* ]] && echo "$name"
    done < <(declare -F | sed -n 's/^declare -f check_//p')
}

main() {
    local names=("${@:2}") name result=$TOP/result
    ((${#names[@]})) || mapfile -t names < <(checks)
    for name in "${names[@]}"; do
        while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n; done
        run_check "$name" >"$TOP/$name.out" &
    done
    wait
    for name in "${names[@]}"; do cat "$TOP/$name.out"; done | tee "$result"
    ! grep -q '^FAIL' "$result"
}

main "$@"
