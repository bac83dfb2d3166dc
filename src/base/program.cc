// SPDX-License-Identifier: Apache-2.0
#include "base/program.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/error.h"

namespace cowshed {

namespace {

constexpr std::size_t kept_output = std::size_t{1} << 20;
constexpr int tick_ms = 100;
/// As shells have it.
constexpr int cannot_be_run = 127;

struct Pipe {
  Fd read, write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw Error::from_errno(errno, "create a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Killed and waited for unless it has ended.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_;
};

/// Everything is made ready before the fork: afterwards, with other threads, only what signal-safety(7) lists
/// may be called.
class Start {
 public:
  Start(const std::vector<std::string>& command, const std::vector<int>& inherited, const Fd& out,
        const Fd& err)
      : input_(open_file("/dev/null", O_RDONLY)), inherited_(inherited), out_(out.get()), err_(err.get()) {
    for (const auto& word : command) words_.push_back(const_cast<char*>(word.c_str()));
    words_.push_back(nullptr);
  }

  pid_t fork() const {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw Error::from_errno(errno, fmt::format("start '{}'", words_[0]));
    if (pid == 0) become(parent);
    return pid;
  }

 private:
  [[noreturn]] void become(pid_t parent) const {
    // Away from the terminal's process group, and not to outlive who wants the result.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(cannot_be_run);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_DFL);
    ::dup2(input_.get(), STDIN_FILENO);
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(err_, STDERR_FILENO);
    for (const int fd : inherited_) ::fcntl(fd, F_SETFD, 0);
    ::execv(words_[0], words_.data());
    ::_exit(cannot_be_run);
  }

  Fd input_;
  const std::vector<int>& inherited_;
  int out_, err_;
  std::vector<char*> words_;
};

/// Closes `fd` at its end.
void take(Fd& fd, std::string& into) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) return fd.reset();
  const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  into += text.substr(0, kept_output - std::min(kept_output, into.size()));
}

/// Until the program has closed both.
void listen(Fd out, Fd err, ProgramEnd& end, const ProgramWatch& watch) {
  while (out.is_open() || err.is_open()) {
    // poll(2) passes over what is closed: -1.
    std::array<pollfd, 2> ready{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), tick_ms) < 0 && errno != EINTR)
      throw Error::from_errno(errno, "wait for a program");
    if (ready[0].revents != 0) take(out, end.out);
    if (ready[1].revents != 0) take(err, end.err);
    if (watch) watch(end.out);
  }
}

}  // namespace

std::optional<Path> find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/bin:/bin";
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    const Path candidate = Path(rest.substr(0, colon)) / name;
    if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return std::nullopt;
}

ProgramEnd run_program(const std::vector<std::string>& command, const std::vector<int>& inherited,
                       const ProgramWatch& watch) {
  Pipe out = make_pipe(), err = make_pipe();
  Child child(Start(command, inherited, out.write, err.write).fork());
  out.write.reset();
  err.write.reset();
  ProgramEnd end;
  listen(std::move(out.read), std::move(err.read), end, watch);
  end.status = child.wait();
  return end;
}

}  // namespace cowshed
