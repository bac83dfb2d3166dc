// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "app/app.h"
#include "service/events.h"

namespace cowshed::service {

/// Looks after the space of all pools (docs/space.md), and tells what it did.
class SpaceWatch {
 public:
  SpaceWatch(app::App& app, Events& events) : app_(app), events_(events) {}

  /// One look; when to look again.
  std::chrono::milliseconds look();
  /// In Prometheus' text format, as of the last look. Any thread.
  std::string metrics_text();

 private:
  void tell(const app::SpaceReport::Event& event);

  app::App& app_;
  Events& events_;
  std::mutex mutex_;
  app::SpaceReport last_;
};

}  // namespace cowshed::service
