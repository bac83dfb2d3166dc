// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <csignal>
#include <span>

#include "app/interruption.h"
#include "base/log.h"
#include "cli/session.h"

namespace {

using cowshed::cli::Session;

extern "C" void on_interrupt(int /*signal*/) { cowshed::app::request_interruption(); }

/// Ctrl-C is looked at between steps, so that what was begun is undone; a closed pipe is seen when printing.
void set_signals() {
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = on_interrupt;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
}

std::string command_line(std::span<char*> arguments) {
  std::string result;
  for (const char* argument : arguments) result += (result.empty() ? "" : " ") + std::string(argument);
  return result;
}

void add_global_options(CLI::App& app, Session& session) {
  auto& options = session.options;
  app.add_option("--state", options.state, "State directory; else $COWSHED_STATE, else /var/lib/cowshed")
      ->type_name("DIR");
  app.add_option("--run", options.run,
                 "Directory of device links; else $COWSHED_RUN, else /run/cowshed or STATE/run")
      ->type_name("DIR");
  auto* socket =
      app.add_option("--socket", options.socket, "The service's socket; else RUN/io.cowshed, where one is up")
          ->type_name("PATH");
  app.add_flag("--embedded", options.embedded, "Work in this process even when the service is up")
      ->excludes(socket);
  app.add_flag("--json", session.console.json, "Print one JSON document");
  auto* quiet = app.add_flag("-q,--quiet", session.console.quiet, "No remarks and warnings");
  app.add_flag("-v,--verbose", options.verbose, "Say what is done")->excludes(quiet);
}

void add_commands(CLI::App& app, Session& session) {
  app.require_subcommand(1);
  cowshed::cli::add_pool_commands(app, session);
  cowshed::cli::add_config_commands(app, session);
  cowshed::cli::add_vm_commands(app, session);
  cowshed::cli::add_volume_commands(app, session);
  cowshed::cli::add_general_commands(app, session);
}

/// CLI11 only misses a command where there is one that it does not know.
std::string reason(const CLI::App& app, const CLI::ParseError& error) {
  const auto unknown = app.remaining(true);
  const bool misses_command = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
  if (misses_command && !unknown.empty()) return "there is no command '" + unknown.front() + "'";
  return error.what();
}

/// Wrong usage is reported as any error is.
int refuse(const Session& session, const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  session.console.print_error(
      {cowshed::ErrorKind::invalid_argument, reason(app, error) + " (--help tells more)"});
  return cowshed::cli::exit_usage;
}

int run(std::span<char*> arguments) {
  Session session;
  session.command_line = command_line(arguments.subspan(1));
  CLI::App app("Gives virtual machines their disks, by device-mapper", "cowshed");
  app.set_version_flag("--version", "cowshed " + std::string(cowshed::cli::version));
  app.fallthrough();
  add_global_options(app, session);
  add_commands(app, session);
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    return refuse(session, app, error);
  }
  if (session.console.quiet) cowshed::set_log_level(cowshed::LogLevel::quiet);
  if (session.options.verbose) cowshed::set_log_level(cowshed::LogLevel::info);
  return session.run_work();
}

}  // namespace

int main(int argc, char** argv) {
  set_signals();
  try {
    return run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& failure) {
    cowshed::log_warning(failure.what());
    return cowshed::cli::exit_failed;
  }
}
