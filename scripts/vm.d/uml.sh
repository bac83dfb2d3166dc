# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Starting user-mode Linux. Sourced by scripts/vm.

check_uml() {
    command -v linux.uml >/dev/null || broken "user-mode Linux is missing: run scripts/install-deps demo"
    [[ -d /usr/lib/uml/modules ]] || broken "the modules of user-mode Linux are missing: run scripts/install-deps demo"
}

# Prints the library to preload on CPUs whose register area UML does not know: see uml-xstate.c.
uml_preload() {
    grep -q -m1 -w amx_tile /proc/cpuinfo || return 0
    local library compiler
    library=$(cache_dir)/uml-xstate-$(sha256sum <"$VM_D/uml-xstate.c" | cut -c1-16).so || return
    if [[ ! -e $library ]]; then
        compiler=$(command -v cc || command -v gcc) || broken "user-mode Linux needs a C compiler on CPUs with AMX (uml-xstate.c)"
        "$compiler" -O2 -fPIC -shared -o "$WORK/uml-xstate.so" "$VM_D/uml-xstate.c" || broken "cannot compile uml-xstate.c"
        # Several may do so side by side: renaming is atomic, copying is not.
        cp "$WORK/uml-xstate.so" "$library.$$" && mv "$library.$$" "$library" || broken "cannot write $library"
    fi
    echo "$library"
}

start_uml() {
    local memory preload
    memory=$(memory_dir $((MEM_MIB + 64))) || exit "$STATUS_BROKEN"
    preload=$(uml_preload) || exit "$STATUS_BROKEN"
    # shellcheck disable=SC2054
    local arguments=(
        "mem=${MEM_MIB}M" "uml_dir=$WORK" rootfstype=hostfs rootflags=/ ro "init=$WORK/guest-uml-root" "VM_WORK=$WORK"
        "ubd0=$SCRATCH_DISK" "ubd1${DURABLE:+s}=$RAW_DISK" noreboot loglevel=5 log_buf_len=4M printk.devkmsg=on
        # The console takes the kernel log and nothing else; the serial lines are output, errors and what init has to say.
        con=null con0=null,fd:1 ssl=null ssl0=null,fd:3 ssl1=null,fd:4 ssl2=null,fd:5
    )
    start_group env "TMPDIR=$memory" ${preload:+"LD_PRELOAD=$preload"} linux.uml "${arguments[@]}" \
        </dev/null >>"$WORK/console" 2>&1 3>"$WORK/stdout" 4>"$WORK/stderr" 5>>"$WORK/control"
}
