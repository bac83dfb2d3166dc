// SPDX-License-Identifier: Apache-2.0
#include "served.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "api/remote.h"
#include "varlink/socket.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t spawn(std::vector<std::string>& command, std::vector<std::string> environment) {
  for (char** entry = ::environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, command[0].c_str(), &actions, nullptr, pointers(command).data(),
                                   pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), command[0]);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  return status;
}

}  // namespace

std::string cowshed_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cowshed";
}

Child::Child(std::vector<std::string> command, const std::vector<std::string>& environment)
    : name_(command.at(0)), pid_(spawn(command, environment)) {}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

void Child::wait() {
  if (wait_for(std::exchange(pid_, -1)) != 0) throw std::runtime_error(name_ + " failed");
}

void Child::terminate() {
  ::kill(pid_, SIGTERM);
  wait();
}

bool Child::has_ended() {
  if (pid_ >= 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

Served::Served(const cowshed::app::Locations& locations)
    : socket_(locations.socket()),
      child_({cowshed_program(), "--quiet", "--state", locations.state, "serve"},
             {"COWSHED_RUN=" + locations.run.native()}) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!cowshed::varlink::connect_if_there(socket_)) {
    if (child_.has_ended() || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("cowshed serve does not serve");
    std::this_thread::sleep_for(10ms);
  }
}

Served::~Served() {
  try {
    child_.terminate();
  } catch (const std::exception& failure) {
    fmt::print(stderr, "cowshed serve: {}\n", failure.what());
  }
}

std::unique_ptr<cowshed::api::Api> Served::connect() const {
  return std::make_unique<cowshed::api::Remote>(cowshed::varlink::connect_to(socket_));
}

}  // namespace bench
