// SPDX-License-Identifier: Apache-2.0
#include "support/traced_process.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <stdexcept>

#include "base/error.h"
#include "base/fd.h"

namespace cowshed::test {

namespace {

[[noreturn]] void fail(const char* what) { throw Error::from_errno(errno, what); }

// --- Starting

struct Child {
  pid_t pid;
  Fd output;
};

[[noreturn]] void become(const std::vector<std::string>& command, int output, bool traced) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::dup2(output, STDOUT_FILENO);
  if (traced) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
  }
  ::execv(words[0], words.data());
  ::_exit(127);
}

Child start(const std::vector<std::string>& command, bool traced) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) fail("pipe");
  const Fd write_end(ends[1]);
  Child child{-1, Fd(ends[0])};
  std::fflush(nullptr);
  child.pid = ::fork();
  if (child.pid < 0) fail("fork");
  if (child.pid == 0) become(command, write_end.get(), traced);
  return child;
}

std::string read_rest(const Fd& fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

int shell_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int await(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0)
    if (errno != EINTR) fail("waitpid");
  return status;
}

// --- What counts as a call that changes something

std::string dm_point(unsigned number) {
  switch (number) {
    case DM_DEV_CREATE_CMD:
      return "dm create";
    case DM_TABLE_LOAD_CMD:
      return "dm load";
    case DM_DEV_SUSPEND_CMD:
      return "dm resume";
    case DM_DEV_REMOVE_CMD:
      return "dm remove";
    case DM_DEV_RENAME_CMD:
      return "dm rename";
    case DM_TABLE_CLEAR_CMD:
      return "dm clear";
    default:
      return {};
  }
}

std::string ioctl_point(unsigned long request) {
  if (_IOC_TYPE(request) == DM_IOCTL) return dm_point(_IOC_NR(request));
  switch (request) {
    case LOOP_CTL_GET_FREE:
      return "loop get-free";
    case LOOP_CONFIGURE:
      return "loop configure";
    case LOOP_CLR_FD:
      return "loop detach";
    default:
      return {};
  }
}

/// Empty for a call that only looks.
std::string point_of(const user_regs_struct& regs) {
  switch (regs.orig_rax) {
    case SYS_ioctl:
      return ioctl_point(regs.rsi);
    case SYS_openat:
      return (regs.rdx & O_CREAT) != 0 || (regs.rdx & O_TMPFILE) == O_TMPFILE ? "create file" : "";
    case SYS_write:
      return regs.rdi > STDERR_FILENO ? "write" : "";
    case SYS_pwrite64:
      return "write";
    case SYS_ftruncate:
    case SYS_fallocate:
      return "truncate";
    case SYS_fsync:
    case SYS_fdatasync:
      return "fsync";
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
      return "rename";
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
      return "unlink";
    case SYS_symlink:
    case SYS_symlinkat:
      return "symlink";
    case SYS_mkdir:
    case SYS_mkdirat:
      return "mkdir";
    case SYS_flock:
      return "lock";
    default:
      return {};
  }
}

/// Follows one process with all its threads.
class Tracer {
 public:
  Tracer(pid_t pid, const std::optional<KillPlan>& plan, Ended& ended) : pid_(pid), plan_(plan), ended_(ended) {}

  void run() {
    if (!WIFSTOPPED(await(pid_))) throw std::runtime_error("the traced process did not stop at its start");
    constexpr long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC;
    if (::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, options) < 0) fail("PTRACE_SETOPTIONS");
    go_on(pid_, 0);
    while (!is_over_) next_stop();
  }

 private:
  void next_stop() {
    int status = 0;
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0) {
      if (errno == EINTR) return;
      fail("waitpid");
    }
    if (!WIFSTOPPED(status)) return thread_ended(thread, status);
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) return syscall_stop(thread);
    // A new thread's first stop, and the stops that tell of exec and clone, are no signals of its own.
    const bool is_ours = signal == SIGTRAP || (signal == SIGSTOP && known_.insert(thread).second);
    go_on(thread, is_ours ? 0 : signal);
  }

  void thread_ended(pid_t thread, int status) {
    inside_.erase(thread);
    if (thread != pid_) return;
    ended_.status = shell_status(status);
    is_over_ = true;
  }

  void syscall_stop(pid_t thread) {
    known_.insert(thread);
    if (const auto call = inside_.find(thread); call != inside_.end()) {
      const bool is_the_one = call->second;
      inside_.erase(call);
      if (is_the_one) return kill(thread);
      return go_on(thread, 0);
    }
    const bool is_the_one = is_planned(thread);
    if (is_the_one && plan_->moment == Moment::before) return kill(thread);
    inside_[thread] = is_the_one;
    go_on(thread, 0);
    if (!is_the_one || plan_->moment != Moment::during) return;
    inside_[thread] = false;
    kill(thread);
  }

  bool is_planned(pid_t thread) {
    user_regs_struct regs{};
    if (::ptrace(PTRACE_GETREGS, thread, nullptr, &regs) < 0) return false;
    const std::string point = point_of(regs);
    if (point.empty()) return false;
    ++ended_.calls[point];
    if (!plan_ || ended_.killed_at || (!plan_->point.empty() && plan_->point != point)) return false;
    if (++counted_ != plan_->nth) return false;
    at_ = point;
    return true;
  }

  void kill(pid_t thread) {
    if (plan_->instead) plan_->instead(at_);
    ended_.killed_at = at_;
    ::kill(pid_, SIGKILL);
    go_on(thread, 0);
  }

  static void go_on(pid_t thread, int signal) { ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal); }

  pid_t pid_;
  const std::optional<KillPlan>& plan_;
  Ended& ended_;
  bool is_over_ = false;
  std::set<pid_t> known_;
  /// Threads in a call; true for the planned one.
  std::map<pid_t, bool> inside_;
  unsigned counted_ = 0;
  std::string at_;
};

}  // namespace

std::string to_string(Moment moment) {
  return moment == Moment::before ? "before" : moment == Moment::during ? "during" : "after";
}

Ended run(const std::vector<std::string>& command) {
  const Child child = start(command, false);
  Ended ended;
  ended.output = read_rest(child.output);
  ended.status = shell_status(await(child.pid));
  return ended;
}

Ended run_traced(const std::vector<std::string>& command, const std::optional<KillPlan>& plan) {
  const Child child = start(command, true);
  Ended ended;
  Tracer(child.pid, plan, ended).run();
  ended.output = read_rest(child.output);
  return ended;
}

Ended run_until(const std::vector<std::string>& command, const std::string& line,
                const std::function<void()>& instead) {
  const Child child = start(command, false);
  Ended ended;
  char byte = 0;
  while (ended.output.find(line + "\n") == std::string::npos && ::read(child.output.get(), &byte, 1) == 1)
    ended.output += byte;
  if (instead) instead();
  ::kill(child.pid, SIGKILL);
  ended.status = shell_status(await(child.pid));
  return ended;
}

}  // namespace cowshed::test
