// SPDX-License-Identifier: Apache-2.0
//
// A tool that is a shell script: one shell for the whole run, which serves requests (bench/scripts/serve.sh).

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "tool.h"

namespace bench {
namespace {

using cowshed::Fd;

struct Pipe {
  Fd out, in;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw std::system_error(errno, std::generic_category(), "pipe");
  return {.out = Fd(ends[0]), .in = Fd(ends[1])};
}

/// A child that reads lines and writes lines.
class Conversation {
 public:
  explicit Conversation(std::vector<std::string> command, const std::vector<std::string>& variables) {
    Pipe questions = make_pipe();
    Pipe answers = make_pipe();
    std::vector<std::string> environment = variables;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    spawn(command, environment, questions.out.get(), answers.in.get());
    to_child_ = std::move(questions.in);
    from_child_ = std::move(answers.out);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    to_child_.reset();
    ::waitpid(child_, nullptr, 0);
  }

  std::string ask(const std::string& question) {
    const std::string line = question + "\n";
    if (::write(to_child_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::system_error(errno, std::generic_category(), question);
    return read_line(question);
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (std::string& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  }

  void spawn(std::vector<std::string>& command, std::vector<std::string>& environment, int in, int out) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    const int error = ::posix_spawn(&child_, command[0].c_str(), &actions, nullptr, pointers(command).data(),
                                    pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error(error, std::generic_category(), command[0]);
  }

  /// The child writes a line only when asked, so there is never more than one.
  std::string read_line(const std::string& question) {
    std::string line;
    std::array<char, 256> piece;
    while (!line.ends_with('\n')) {
      const ssize_t size = ::read(from_child_.get(), piece.data(), piece.size());
      if (size <= 0) throw std::runtime_error(question + ": the script ended");
      line.append(piece.data(), static_cast<std::size_t>(size));
    }
    line.pop_back();
    return line;
  }

  pid_t child_ = -1;
  Fd to_child_, from_child_;
};

class ScriptTool : public Tool {
 public:
  ScriptTool(std::string name, const std::string& script, const Place& place)
      : Tool(std::move(name)),
        shell_({"/bin/sh", script},
               {"DIRECTORY=" + place.directory, "IMAGE=" + place.image, "RAW_DEVICE=" + place.raw_device}) {}

  void set_up() override { request("set_up"); }
  void tear_down() override { request("tear_down"); }
  std::string start(int slot) override { return request(fmt::format("start {}", slot)); }
  void stop(int slot) override { request(fmt::format("stop {}", slot)); }

 private:
  static constexpr std::string_view ok = "ok", missing = "missing ";

  std::string request(const std::string& text) {
    const std::string answer = shell_.ask(text);
    if (answer.starts_with(missing)) throw Missing(answer.substr(missing.size()));
    if (!answer.starts_with(ok)) throw std::runtime_error(fmt::format("{}: {} failed", name(), text));
    return answer.size() > ok.size() + 1 ? answer.substr(ok.size() + 1) : std::string();
  }

  Conversation shell_;
};

}  // namespace

std::unique_ptr<Tool> make_script_tool(std::string name, const std::string& script, const Place& place) {
  return std::make_unique<ScriptTool>(std::move(name), script, place);
}

}  // namespace bench
