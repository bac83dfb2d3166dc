// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "cli/commands.h"

namespace cowshed::cli {

namespace {

struct ServeRequest {};

void serve(Session& session, const ServeRequest& /*request*/) {
  if (!session.console.quiet) set_log_level(LogLevel::info);
  session.serve(session.app_options(), session.socket());
}

void print_metrics(Session& session, const api::Metrics& request) {
  const auto text = session.api().call(request);
  session.console.print_raw(text);
}

}  // namespace

void add_service_commands(CLI::App& parent, Session& session) {
  add_command<ServeRequest>(parent, session, "serve",
                            "Run as a service: other programs and this command line use it over --socket",
                            serve);
  add_command<api::Metrics>(parent, session, "metrics", "Print what the service has counted, for Prometheus",
                            print_metrics);
}

}  // namespace cowshed::cli
