// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/api.h"
#include "app/app.h"
#include "base/file.h"
#include "cli/console.h"

namespace CLI {
class App;
}

namespace cowshed::cli {

/// What the options before the command say.
struct GlobalOptions {
  std::optional<std::string> state, run, socket;
  bool embedded = false;
  bool verbose = false;
};

/// Runs the service until it is told to end. Given by the program's main(): the service stands beside the
/// command line, not under it.
using Serve = std::function<void(const app::AppOptions& app, const Path& socket)>;

/// One run of the program: the options are parsed first, which picks the work of one command; then it is
/// done.
class Session {
 public:
  /// Returns whether everything that was asked for was done; throws Error.
  using Work = std::function<bool(Session&)>;

  GlobalOptions options;
  Console console;
  Serve serve;

  /// Called by the command that was chosen.
  void set_work(Work work) { work_ = std::move(work); }
  /// Made on first use, when all options are known: the service where it is up, else this process.
  api::Api& api();

  /// Of work in this process.
  [[nodiscard]] app::AppOptions app_options() const;
  /// The service's.
  [[nodiscard]] Path socket() const;

  /// The command as typed, for those who wait for its lock.
  std::string command_line;

  /// The exit status.
  int run_work();

 private:
  std::unique_ptr<api::Api> make_api() const;

  Work work_;
  std::unique_ptr<api::Api> api_;
};

/// Registers the commands of one object.
void add_pool_commands(CLI::App& parent, Session& session);
void add_config_commands(CLI::App& parent, Session& session);
void add_vm_commands(CLI::App& parent, Session& session);
/// `vm adopt`
void add_adopt_command(CLI::App& group, Session& session);
void add_volume_commands(CLI::App& parent, Session& session);
void add_general_commands(CLI::App& parent, Session& session);
void add_top_command(CLI::App& parent, Session& session);
/// serve, metrics
void add_service_commands(CLI::App& parent, Session& session);
/// doctor
void add_doctor_command(CLI::App& parent, Session& session);
/// tree, status
void add_view_commands(CLI::App& parent, Session& session);

constexpr std::string_view version = "0.1.0";

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
/// Ctrl-C, as shells report it.
constexpr int exit_interrupted = 130;

}  // namespace cowshed::cli
