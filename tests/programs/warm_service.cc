// SPDX-License-Identifier: Apache-2.0
// What a service does with warm layers, in small: fills the stock, starts the VMs it is given, fills it
// again, and ends in good order. For tests that let a call of it fail, or kill it at one.
//
//   warm_service VM...         state directory and run directory from the environment, as cowshed has them
#include <fmt/core.h>

#include <cstdlib>

#include "app/app.h"
#include "app/batch.h"

namespace {

using namespace cowshed;

void serve(int count, char** names) {
  app::AppOptions options;
  options.locations = app::Locations::find(std::nullopt, std::nullopt);
  options.lock = {.access = app::Access::write, .command = "warm_service"};
  app::App app(std::move(options));
  app.all_vms("what to keep warm");
  app.keep_warm();
  std::vector<app::Vm*> vms;
  for (int i = 0; i < count; ++i) vms.push_back(&app.vm(VmName(names[i])));
  for (const auto& outcome : app.start(vms))
    if (outcome.error) throw *outcome.error;
  app.keep_warm();
  for (const auto& [volume, counts] : app.warm_volumes())
    fmt::print("{}: {} of {} ready, {} hits, {} misses\n", volume, counts.ready, counts.wanted, counts.hits,
               counts.misses);
}

}  // namespace

int main(int count, char** words) {
  try {
    serve(count - 1, words + 1);
  } catch (...) {
    fmt::print(stderr, "cowshed: {}\n", app::to_error(std::current_exception()).message());
    return EXIT_FAILURE;
  }
}
