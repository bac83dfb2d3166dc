// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "base/log.h"
#include "cli/commands.h"
#include "service/service.h"
#include "service/signals.h"

namespace cowshed::cli {

namespace {

struct ServeRequest {};

void serve(Session& session, const ServeRequest& /*request*/) {
  service::Signals::block();
  if (!session.console.quiet) set_log_level(LogLevel::info);
  service::Service service(
      {.app = session.app_options(), .socket = session.socket(), .version = std::string(version)});
  service.run();
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
