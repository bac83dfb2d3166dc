// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include "api/local.h"
#include "app/batch.h"
#include "app/locations.h"

namespace cowshed::cli {

api::Api& Session::api() {
  if (!api_) {
    app::AppOptions app_options;
    app_options.locations = app::Locations::find(options.state, options.run);
    app_options.lock.command = command_line;
    api_ = std::make_unique<api::Local>(std::move(app_options));
  }
  return *api_;
}

int Session::run_work() {
  int status = exit_done;
  try {
    if (options.socket && !options.embedded)
      throw Error(ErrorKind::not_supported, "--socket: there is no service yet; leave it out");
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
