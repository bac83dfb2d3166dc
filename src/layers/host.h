// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "base/workers.h"
#include "dm/control.h"

namespace cowshed::layers {

/// What all layers of one process share: the device-mapper control device (opened on first use, so that
/// commands which need no device work without device-mapper), the threads, and one lock for each base image.
/// Thread-safe.
class Host {
 public:
  Host();
  /// With another way to the kernel: tests.
  explicit Host(std::unique_ptr<dm::IoctlPort> port);
  /// Waits for every teardown that is still going on.
  ~Host();

  /// Throws not_supported where the kernel has no device-mapper.
  dm::Control& control();
  /// Without it nothing can run, and questions are answered so.
  bool has_device_mapper();
  Workers& workers() { return workers_; }

  /// Shared: building on a view. Exclusive: making, swapping and removing views.
  std::shared_mutex& lock_of(const std::string& base_key);

 private:
  std::mutex mutex_;
  std::unique_ptr<dm::Control> control_;
  std::map<std::string, std::unique_ptr<std::shared_mutex>> locks_;
  /// Last: its threads use the others to the end.
  Workers workers_;
};

}  // namespace cowshed::layers
