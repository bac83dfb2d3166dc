// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <CLI/CLI.hpp>

#include "base/log.h"

namespace cowshed::cli {

namespace {

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
  add_pool_commands(app, session);
  add_config_commands(app, session);
  add_vm_commands(app, session);
  add_volume_commands(app, session);
  add_general_commands(app, session);
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
  session.console.print_error({ErrorKind::invalid_argument, reason(app, error) + " (--help tells more)"});
  return exit_usage;
}

}  // namespace

int run(std::span<char*> arguments, Serve serve) {
  Session session;
  session.serve = std::move(serve);
  session.command_line = command_line(arguments.subspan(1));
  CLI::App app("Gives virtual machines their disks, by device-mapper", "cowshed");
  app.set_version_flag("--version", "cowshed " + std::string(version));
  app.fallthrough();
  add_global_options(app, session);
  add_commands(app, session);
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    return refuse(session, app, error);
  }
  if (session.console.quiet) set_log_level(LogLevel::quiet);
  if (session.options.verbose) set_log_level(LogLevel::info);
  return session.run_work();
}

}  // namespace cowshed::cli
