# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What in a kernel log is a failure of the run. Sourced by scripts/vm.

KERNEL_TROUBLE='BUG:|BUG at|Oops|WARNING:|Kernel panic|general protection|blocked for more than|hung_task|soft lockup|'
KERNEL_TROUBLE+='hard LOCKUP|rcu.*(stall|starved)|Unable to handle kernel|kernel stack overflow|stack-overflow|'
KERNEL_TROUBLE+='possible circular locking|possible recursive locking|Call Trace|UBSAN:|KASAN:|segfault in kernel|'
KERNEL_TROUBLE+='Bad page state|double free|refcount_t:|Out of memory:|invoked oom-killer|ptrace set (fp )?regs failed'

# Prints the lines of a kernel log that no good run has.
kernel_trouble() { # LOG
    local harmless
    harmless=$(grep -vE '^(#|$)' "$VM_D/harmless-kernel-lines" | paste -sd '|')
    tr -d '\r' <"$1" | grep -aE "$KERNEL_TROUBLE" | grep -avE "${harmless:-^\$}"
}
