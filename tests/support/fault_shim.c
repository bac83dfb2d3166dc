// SPDX-License-Identifier: Apache-2.0
//
// Library for LD_PRELOAD that counts the system calls a program makes through libc and does something at the
// n-th: lets it fail, kills the program, cuts the power of the machine. By raising n from 1 until nothing
// happens any more, a test visits every point at which a command can be cut off. Built as
// bin/libfault_shim.so; what calls it from C++: support/fault.h.
//
// clang-format off
// Environment, read once when the program starts:
//
//   COWSHED_FAULT_CALLS    which calls count, names separated by commas (default: all)
//       all                every call named below
//       ioctl dm loop      ioctls: all, those of device-mapper, those of loop devices; a single one by its name:
//                          DM_TABLE_LOAD, LOOP_CONFIGURE, ...
//       open               calls that give out a descriptor
//       change             calls that change directories: mkdir, rmdir, rename, unlink, link, symlink
//       write              write, pwrite, truncate, ftruncate, fallocate
//       sync               fsync, fdatasync
//       file               open, change, write and sync together
//       read               read, pread, stat, readlink, opendir, statvfs, SEEK_DATA
//       lock               flock
//       thread             pthread_create
//       close              close
//       key                getrandom, add_key, keyctl: what an encrypted volume's key comes from and goes through
//       O_TMPFILE          open of a file without a name, which not every file system knows
//       anything else      one function: rename, unlink, ...
//   COWSHED_FAULT_AT       n, from 1 (default 0: never)
//   COWSHED_FAULT_REPEAT   how many calls from the n-th on are hit (default 1; 0: all that follow); for an errno
//   COWSHED_FAULT_ACTION   what happens at the n-th
//       count              nothing (the default)
//       ENOMEM, EBUSY, ... the call fails with this errno (a name or a number) without being made; close is made,
//                          then fails
//       kill               the program is killed (SIGKILL) before the call
//       kill-after         the program is killed when the call is done, before it learns the result
//       powercut           the machine is reset (b to /proc/sysrq-trigger) before the call; nothing is synced
//       powercut-after     the same after the call
//       run                a line is given to the shell before the call, and waited for, by all threads that come to a call
//                          that counts; the world may be another then
//   COWSHED_FAULT_COMMAND  that line
//   COWSHED_FAULT_REPORT   a file that gets these lines
//       hit N NAME         the call that was hit
//       count N            how many calls counted, when the program ends (not when it is killed)
//   COWSHED_FAULT_TRACE    if set, the report also gets a line "call N NAME" for each call that counts
//   COWSHED_FAULT_PROGRAM  only in a program of this name (basename); for commands that start others
//
// The program finds no io_uring: its requests would not come through libc. With `run` it does: no call of its own is to fail.
// The program finds two CPUs, whatever there are: what it does in threads then is to be cut off, too.
// clang-format on
//
// Threads are counted together, so with several the n-th call is not the same in every run. What libc calls
// within itself (stdio, malloc) does not count. Under AddressSanitizer, which wants to be the first library:
// ASAN_OPTIONS=verify_asan_link_order=0.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// --- Configuration

enum call_class {
  class_ioctl = 1 << 0,
  class_dm = 1 << 1,
  class_loop = 1 << 2,
  class_open = 1 << 3,
  class_change = 1 << 4,
  class_write = 1 << 5,
  class_sync = 1 << 6,
  class_read = 1 << 7,
  class_lock = 1 << 8,
  class_thread = 1 << 9,
  class_close = 1 << 10,
  class_key = 1 << 11,
};

static const struct {
  const char* name;
  unsigned classes;
} class_names[] = {
    {"all", ~0u},
    {"ioctl", class_ioctl},
    {"dm", class_dm},
    {"loop", class_loop},
    {"open", class_open},
    {"change", class_change},
    {"write", class_write},
    {"sync", class_sync},
    {"file", class_open | class_change | class_write | class_sync},
    {"read", class_read},
    {"lock", class_lock},
    {"thread", class_thread},
    {"close", class_close},
    {"key", class_key},
};

enum action { action_count, action_fail, action_kill, action_powercut, action_run };

static struct {
  unsigned classes;
  // The value of COWSHED_FAULT_CALLS, for names that are no class.
  const char* names;
  const char* command;
  unsigned long at, repeat;
  enum action action;
  bool after;
  int error_number;
  int report;
  bool trace;
} config = {.repeat = 1, .report = -1};

static atomic_bool active;
static atomic_ulong counter;

// Is `name` an element of the comma-separated `list`?
static bool lists(const char* list, const char* name) {
  const size_t length = strlen(name);
  for (const char* at = list; at != NULL && *at != '\0';) {
    const size_t element = strcspn(at, ",");
    if (element == length && memcmp(at, name, length) == 0) return true;
    at += element + (at[element] == ',');
  }
  return false;
}

static void say(const char* format, ...) {
  if (config.report < 0) return;
  char line[128];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  // Not through our own write.
  if (length > 0 && syscall(SYS_write, config.report, line, (size_t)length) < 0) abort();
}

static void refuse(const char* variable, const char* value) {
  fprintf(stderr, "fault_shim: %s=%s is not understood\n", variable, value);
  _exit(125);
}

static unsigned long number_from(const char* variable, unsigned long otherwise) {
  const char* text = getenv(variable);
  if (text == NULL || *text == '\0') return otherwise;
  char* end = NULL;
  const unsigned long number = strtoul(text, &end, 10);
  if (*end != '\0') refuse(variable, text);
  return number;
}

static int errno_from(const char* text) {
  char* end = NULL;
  const long number = strtol(text, &end, 10);
  if (*text != '\0' && *end == '\0') return (int)number;
  for (int candidate = 1; candidate < 134; ++candidate) {
    const char* name = strerrorname_np(candidate);
    if (name != NULL && strcmp(name, text) == 0) return candidate;
  }
  return 0;
}

static void read_action(void) {
  const char* text = getenv("COWSHED_FAULT_ACTION");
  if (text == NULL || strcmp(text, "count") == 0) return;
  config.after = strstr(text, "-after") != NULL;
  if (strncmp(text, "kill", 4) == 0) {
    config.action = action_kill;
  } else if (strncmp(text, "powercut", 8) == 0) {
    config.action = action_powercut;
  } else if (strcmp(text, "run") == 0) {
    config.action = action_run;
    config.command = getenv("COWSHED_FAULT_COMMAND");
    if (config.command == NULL) refuse("COWSHED_FAULT_COMMAND", "");
  } else {
    config.action = action_fail;
    config.error_number = errno_from(text);
    if (config.error_number <= 0) refuse("COWSHED_FAULT_ACTION", text);
  }
}

static void read_calls(void) {
  config.names = getenv("COWSHED_FAULT_CALLS");
  if (config.names == NULL) config.names = "all";
  for (size_t i = 0; i < sizeof class_names / sizeof *class_names; ++i)
    if (lists(config.names, class_names[i].name)) config.classes |= class_names[i].classes;
}

__attribute__((constructor)) static void begin(void) {
  const char* program = getenv("COWSHED_FAULT_PROGRAM");
  if (program != NULL && strcmp(program, program_invocation_short_name) != 0) return;
  const char* report = getenv("COWSHED_FAULT_REPORT");
  if (report != NULL) {
    config.report =
        (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (config.report < 0) refuse("COWSHED_FAULT_REPORT", report);
  }
  read_calls();
  read_action();
  config.at = number_from("COWSHED_FAULT_AT", 0);
  config.repeat = number_from("COWSHED_FAULT_REPEAT", 1);
  config.trace = getenv("COWSHED_FAULT_TRACE") != NULL;
  atomic_store(&active, true);
}

__attribute__((destructor)) static void end(void) {
  if (atomic_exchange(&active, false)) say("count %lu\n", atomic_load(&counter));
}

// --- What happens at a call

static void reset_machine(void) {
  const long trigger = syscall(SYS_openat, AT_FDCWD, "/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC, 0);
  if (trigger < 0 || syscall(SYS_write, trigger, "b", 1) < 0) abort();
}

static void end_here(void) {
  if (config.action == action_powercut) reset_machine();
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

// Without this library in it.
static void run_command(void) {
  char* variables[256];
  size_t count = 0;
  for (char** entry = environ; *entry != NULL && count < 255; ++entry)
    if (strncmp(*entry, "LD_PRELOAD=", 11) != 0) variables[count++] = *entry;
  variables[count] = NULL;
  char* const words[] = {"sh", "-c", (char*)config.command, NULL};
  pid_t child = -1;
  int status = -1;
  if (posix_spawn(&child, "/bin/sh", NULL, NULL, words, variables) == 0)
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0) refuse("COWSHED_FAULT_COMMAND", config.command);
}

// From 1. While a command changes the world, no thread gets past a call that counts.
static unsigned long count_call(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  if (config.action != action_run) return atomic_fetch_add(&counter, 1) + 1;
  pthread_mutex_lock(&mutex);
  const unsigned long number = atomic_fetch_add(&counter, 1) + 1;
  if (number == config.at) run_command();
  pthread_mutex_unlock(&mutex);
  return number;
}

static bool is_hit(unsigned long number) {
  if (config.at == 0 || number < config.at) return false;
  return config.repeat == 0 || number - config.at < (config.action == action_fail ? config.repeat : 1);
}

enum verdict { go_on, fail_now, end_after };

static enum verdict before(const char* name, unsigned classes) {
  if (!atomic_load(&active) || ((config.classes & classes) == 0 && !lists(config.names, name))) return go_on;
  const unsigned long number = count_call();
  if (config.trace) say("call %lu %s\n", number, name);
  if (!is_hit(number)) return go_on;
  say("hit %lu %s\n", number, name);
  switch (config.action) {
    case action_count:
    case action_run:
      return go_on;
    case action_fail:
      errno = config.error_number;
      return fail_now;
    default:
      if (!config.after) end_here();
      return end_after;
  }
}

// --- The calls

// Defines `name` so that it counts, and is then made by the next library's function of that name.
#define WRAP(result, name, classes, parameters, arguments, failure) \
  result name parameters {                                          \
    static result(*next) parameters;                                \
    if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, #name);     \
    const enum verdict verdict = before(#name, classes);            \
    if (verdict == fail_now) return failure;                        \
    result done = next arguments;                                   \
    if (verdict == end_after) end_here();                           \
    return done;                                                    \
  }

#define WRAP_INT(name, classes, parameters, arguments) WRAP(int, name, classes, parameters, arguments, -1)
#define WRAP_SIZE(name, classes, parameters, arguments) \
  WRAP(ssize_t, name, classes, parameters, arguments, -1)

static mode_t mode_among(int flags, va_list arguments) {
  return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

static const char* name_of_open(const char* function, int flags) {
  return (flags & O_TMPFILE) == O_TMPFILE ? "O_TMPFILE" : function;
}

#define WRAP_OPEN(name)                                                           \
  int name(const char* path, int flags, ...) {                                    \
    va_list arguments;                                                            \
    va_start(arguments, flags);                                                   \
    const mode_t mode = mode_among(flags, arguments);                             \
    va_end(arguments);                                                            \
    static int (*next)(const char*, int, ...);                                    \
    if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, #name);                   \
    const enum verdict verdict = before(name_of_open("open", flags), class_open); \
    if (verdict == fail_now) return -1;                                           \
    const int done = next(path, flags, mode);                                     \
    if (verdict == end_after) end_here();                                         \
    return done;                                                                  \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name)                                                           \
  int name(int directory, const char* path, int flags, ...) {                       \
    va_list arguments;                                                              \
    va_start(arguments, flags);                                                     \
    const mode_t mode = mode_among(flags, arguments);                               \
    va_end(arguments);                                                              \
    static int (*next)(int, const char*, int, ...);                                 \
    if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, #name);                     \
    const enum verdict verdict = before(name_of_open("openat", flags), class_open); \
    if (verdict == fail_now) return -1;                                             \
    const int done = next(directory, path, flags, mode);                            \
    if (verdict == end_after) end_here();                                           \
    return done;                                                                    \
  }
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

WRAP_INT(mkostemp, class_open, (char* pattern, int flags), (pattern, flags))
WRAP_INT(mkostemp64, class_open, (char* pattern, int flags), (pattern, flags))
WRAP(DIR*, opendir, class_open, (const char* path), (path), NULL)

WRAP_INT(mkdir, class_change, (const char* path, mode_t mode), (path, mode))
WRAP_INT(mkdirat, class_change, (int directory, const char* path, mode_t mode), (directory, path, mode))
WRAP_INT(rmdir, class_change, (const char* path), (path))
WRAP_INT(rename, class_change, (const char* from, const char* to), (from, to))
WRAP_INT(renameat, class_change, (int a, const char* from, int b, const char* to), (a, from, b, to))
WRAP_INT(renameat2, class_change, (int a, const char* from, int b, const char* to, unsigned flags),
         (a, from, b, to, flags))
WRAP_INT(unlink, class_change, (const char* path), (path))
WRAP_INT(unlinkat, class_change, (int directory, const char* path, int flags), (directory, path, flags))
WRAP_INT(remove, class_change, (const char* path), (path))
WRAP_INT(link, class_change, (const char* from, const char* to), (from, to))
WRAP_INT(linkat, class_change, (int a, const char* from, int b, const char* to, int flags),
         (a, from, b, to, flags))
WRAP_INT(symlink, class_change, (const char* target, const char* path), (target, path))
WRAP_INT(symlinkat, class_change, (const char* target, int directory, const char* path),
         (target, directory, path))

WRAP_SIZE(write, class_write, (int fd, const void* data, size_t size), (fd, data, size))
WRAP_SIZE(pwrite, class_write, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at))
WRAP_SIZE(pwrite64, class_write, (int fd, const void* data, size_t size, off64_t at), (fd, data, size, at))
WRAP_SIZE(writev, class_write, (int fd, const struct iovec* parts, int count), (fd, parts, count))
WRAP_INT(truncate, class_write, (const char* path, off_t size), (path, size))
WRAP_INT(truncate64, class_write, (const char* path, off64_t size), (path, size))
WRAP_INT(ftruncate, class_write, (int fd, off_t size), (fd, size))
WRAP_INT(ftruncate64, class_write, (int fd, off64_t size), (fd, size))
WRAP_INT(fallocate, class_write, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
WRAP_INT(fallocate64, class_write, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size))

WRAP_INT(fsync, class_sync, (int fd), (fd))
WRAP_INT(fdatasync, class_sync, (int fd), (fd))
WRAP_INT(syncfs, class_sync, (int fd), (fd))

WRAP_SIZE(read, class_read, (int fd, void* data, size_t size), (fd, data, size))
WRAP_SIZE(pread, class_read, (int fd, void* data, size_t size, off_t at), (fd, data, size, at))
WRAP_SIZE(pread64, class_read, (int fd, void* data, size_t size, off64_t at), (fd, data, size, at))
WRAP_SIZE(readlink, class_read, (const char* path, char* into, size_t size), (path, into, size))
WRAP_INT(stat, class_read, (const char* path, struct stat* into), (path, into))
WRAP_INT(stat64, class_read, (const char* path, struct stat64* into), (path, into))
WRAP_INT(lstat, class_read, (const char* path, struct stat* into), (path, into))
WRAP_INT(lstat64, class_read, (const char* path, struct stat64* into), (path, into))
WRAP_INT(fstat, class_read, (int fd, struct stat* into), (fd, into))
WRAP_INT(fstat64, class_read, (int fd, struct stat64* into), (fd, into))
WRAP_INT(fstatat, class_read, (int d, const char* path, struct stat* into, int flags), (d, path, into, flags))
WRAP_INT(statvfs, class_read, (const char* path, struct statvfs* into), (path, into))
WRAP_INT(statvfs64, class_read, (const char* path, struct statvfs64* into), (path, into))
WRAP(off_t, lseek, class_read, (int fd, off_t at, int whence), (fd, at, whence), -1)
WRAP(off64_t, lseek64, class_read, (int fd, off64_t at, int whence), (fd, at, whence), -1)

WRAP_INT(flock, class_lock, (int fd, int operation), (fd, operation))

int close(int fd) {
  const enum verdict verdict = before("close", class_close);
  const int done = (int)syscall(SYS_close, fd);
  if (verdict == end_after) end_here();
  if (verdict == go_on) return done;
  errno = config.error_number;
  return -1;
}

WRAP_SIZE(getrandom, class_key, (void* into, size_t size, unsigned flags), (into, size, flags))

// libc has no function for these; all else passes, also what this library asks for.
long syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  long words[6];
  for (size_t i = 0; i < 6; ++i) words[i] = va_arg(arguments, long);
  va_end(arguments);
  static long (*next)(long, ...);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "syscall");
  enum verdict verdict = go_on;
  if (number == SYS_add_key) verdict = before("add_key", class_key);
  if (number == SYS_keyctl) verdict = before("keyctl", class_key);
  if (verdict == fail_now) return -1;
  const long done = next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  if (verdict == end_after) end_here();
  return done;
}

// Reports its error by its result, not by errno.
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) {
  static int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "pthread_create");
  const enum verdict verdict = before("pthread_create", class_thread);
  if (verdict == fail_now) return config.error_number;
  const int done = next(thread, attributes, body, argument);
  if (verdict == end_after) end_here();
  return done;
}

// A ring goes past libc, and nothing of it would count. Refused one, the program makes calls that do.
int io_uring_queue_init(unsigned entries, void* ring, unsigned flags) {
  static int (*next)(unsigned, void*, unsigned);
  if (config.action != action_run) return -EPERM;
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "io_uring_queue_init");
  return next(entries, ring, flags);
}

// --- ioctl

#define REQUEST(name, classes) \
  { name, #name, class_ioctl | (classes) }
static const struct {
  unsigned long number;
  const char* name;
  unsigned classes;
} requests[] = {
    REQUEST(DM_VERSION, class_dm),
    REQUEST(DM_REMOVE_ALL, class_dm),
    REQUEST(DM_LIST_DEVICES, class_dm),
    REQUEST(DM_DEV_CREATE, class_dm),
    REQUEST(DM_DEV_REMOVE, class_dm),
    REQUEST(DM_DEV_RENAME, class_dm),
    REQUEST(DM_DEV_SUSPEND, class_dm),
    REQUEST(DM_DEV_STATUS, class_dm),
    REQUEST(DM_DEV_WAIT, class_dm),
    REQUEST(DM_TABLE_LOAD, class_dm),
    REQUEST(DM_TABLE_CLEAR, class_dm),
    REQUEST(DM_TABLE_DEPS, class_dm),
    REQUEST(DM_TABLE_STATUS, class_dm),
    REQUEST(DM_LIST_VERSIONS, class_dm),
    REQUEST(DM_TARGET_MSG, class_dm),
    REQUEST(DM_DEV_SET_GEOMETRY, class_dm),
    REQUEST(DM_DEV_ARM_POLL, class_dm),
    REQUEST(LOOP_SET_FD, class_loop),
    REQUEST(LOOP_CLR_FD, class_loop),
    REQUEST(LOOP_SET_STATUS64, class_loop),
    REQUEST(LOOP_GET_STATUS64, class_loop),
    REQUEST(LOOP_CHANGE_FD, class_loop),
    REQUEST(LOOP_SET_CAPACITY, class_loop),
    REQUEST(LOOP_SET_DIRECT_IO, class_loop),
    REQUEST(LOOP_SET_BLOCK_SIZE, class_loop),
    REQUEST(LOOP_CONFIGURE, class_loop),
    REQUEST(LOOP_CTL_ADD, class_loop),
    REQUEST(LOOP_CTL_REMOVE, class_loop),
    REQUEST(LOOP_CTL_GET_FREE, class_loop),
};

static enum verdict before_ioctl(unsigned long request) {
  for (size_t i = 0; i < sizeof requests / sizeof *requests; ++i)
    if (requests[i].number == request) return before(requests[i].name, requests[i].classes);
  return before("ioctl", class_ioctl);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  static int (*next)(int, unsigned long, ...);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "ioctl");
  const enum verdict verdict = before_ioctl(request);
  if (verdict == fail_now) return -1;
  const int done = next(fd, request, argument);
  if (verdict == end_after) end_here();
  return done;
}

int get_nprocs(void) { return 2; }
