// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into user-mode Linux (see scripts/vm) on hosts whose CPU has AMX.
//
// The UML kernel of Debian 12 reads and sets the vector registers of its guest processes with a buffer of 2696 bytes, which
// ends after AVX-512 and the protection keys. A host kernel accepts only the whole area of its CPU, 11 KB with AMX tiles, and
// answers EFAULT to anything shorter (x86 xstateregs_set): the guest panics at its first instruction ("ptrace set fp regs
// failed, errno = 14"). Here a shorter area is completed from what the process has. The tiles themselves cannot be in use in a
// guest: a process must ask the host's kernel for them with arch_prctl, and UML does not pass that on.
//
// UML calls ptrace() from one thread only, and on small kernel stacks: hence the static buffer.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef long (*ptrace_function)(int, pid_t, void *, void *);

static char whole_area[64 * 1024] __attribute__((aligned(64)));

static long set_xstate(ptrace_function real, pid_t pid, void *type, const struct iovec *given)
{
    struct iovec whole = {whole_area, sizeof whole_area};
    if (real(PTRACE_GETREGSET, pid, type, &whole) < 0)
        return -1;
    size_t length = given->iov_len < whole.iov_len ? given->iov_len : whole.iov_len;
    memcpy(whole_area, given->iov_base, length);
    return real(PTRACE_SETREGSET, pid, type, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
    static ptrace_function real;
    if (!real)
        real = (ptrace_function)dlsym(RTLD_NEXT, "ptrace");
    va_list arguments;
    va_start(arguments, request);
    pid_t pid = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE)
        return set_xstate(real, pid, address, data);
    return real((int)request, pid, address, data);
}
