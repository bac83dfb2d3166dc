// SPDX-License-Identifier: Apache-2.0
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "base/error.h"
#include "base/fd.h"

namespace cowshed::test {

namespace {

struct Pipe {
  Fd read_end, write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw Error::from_errno(errno, "pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> merged(const Environment& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

/// posix_spawn: a fork of a program as large as a test is slow in user-mode Linux.
pid_t spawn(std::vector<std::string> program, const Environment& environment, int out, int err) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  auto variables = merged(environment);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, program.front().c_str(), &actions, nullptr,
                                   pointers_to(program).data(), pointers_to(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw Error::from_errno(error, "start " + program.front());
  return pid;
}

/// False at the end.
bool read_some(const Fd& from, std::string& into) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

void read_both(Fd& out, std::string& out_text, Fd& err, std::string& err_text) {
  while (out.is_open() || err.is_open()) {
    std::array<pollfd, 2> waiting{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents != 0 && !read_some(out, out_text)) out.reset();
    if (waiting[1].revents != 0 && !read_some(err, err_text)) err.reset();
  }
}

}  // namespace

std::string Outcome::text() const {
  std::ostringstream text;
  if (signal != 0)
    text << "ended by signal " << signal;
  else
    text << "status " << status;
  if (!out.empty()) text << "\nstdout: " << out;
  if (!err.empty()) text << "\nstderr: " << err;
  return text.str();
}

Outcome run_program(const std::vector<std::string>& program, const Environment& environment) {
  Pipe out = make_pipe(), err = make_pipe();
  const pid_t pid = spawn(program, environment, out.write_end.get(), err.write_end.get());
  out.write_end.reset();
  err.write_end.reset();
  Outcome outcome;
  read_both(out.read_end, outcome.out, err.read_end, outcome.err);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status))
    outcome.status = WEXITSTATUS(status);
  else
    outcome.signal = WTERMSIG(status);
  return outcome;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace cowshed::test
