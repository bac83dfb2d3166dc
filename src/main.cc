// SPDX-License-Identifier: Apache-2.0
// The roof: the command line, and the service that one of its commands runs.
#include <csignal>
#include <span>

#include "app/interruption.h"
#include "base/log.h"
#include "cli/program.h"
#include "service/service.h"
#include "service/signals.h"

namespace {

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

void serve(const cowshed::app::AppOptions& app, const cowshed::Path& socket) {
  cowshed::service::Signals::block();
  cowshed::service::Service service(
      {.app = app, .socket = socket, .version = std::string(cowshed::cli::version)});
  service.run();
}

}  // namespace

int main(int argc, char** argv) {
  set_signals();
  try {
    return cowshed::cli::run({argv, static_cast<std::size_t>(argc)}, serve);
  } catch (const std::exception& failure) {
    cowshed::log_warning(failure.what());
    return cowshed::cli::exit_failed;
  }
}
