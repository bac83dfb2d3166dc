// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include "api/local.h"
#include "api/remote.h"
#include "app/batch.h"
#include "app/locations.h"
#include "varlink/socket.h"

namespace cowshed::cli {

app::AppOptions Session::app_options() const {
  app::AppOptions result;
  result.locations = app::Locations::find(options.state, options.run);
  result.lock.command = command_line;
  return result;
}

Path Session::socket() const {
  if (options.socket) return std::filesystem::absolute(*options.socket);
  return app::Locations::find(options.state, options.run).socket();
}

std::unique_ptr<api::Api> Session::make_api() const {
  if (!options.embedded) {
    auto service =
        options.socket ? std::optional(varlink::connect_to(socket())) : varlink::connect_if_there(socket());
    if (service) return std::make_unique<api::Remote>(*std::move(service));
  }
  return std::make_unique<api::Local>(app_options());
}

api::Api& Session::api() {
  if (!api_) api_ = make_api();
  return *api_;
}

int Session::run_work() {
  int status = exit_done;
  try {
    if (!work_(*this)) status = exit_failed;
  } catch (...) {
    const Error error = app::to_error(std::current_exception());
    console.print_error(error);
    status = error.kind() == ErrorKind::interrupted ? exit_interrupted : exit_failed;
  }
  // The answer is out before the rest of the tear-down is waited for.
  if (!flush_output()) status = exit_failed;
  api_.reset();
  return status;
}

}  // namespace cowshed::cli
