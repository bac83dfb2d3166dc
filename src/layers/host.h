// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/fair_mutex.h"
#include "base/workers.h"
#include "dm/control.h"
#include "layers/holds.h"
#include "layers/warm_stock.h"

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
  /// For a process that only asks, while the state directory's lock keeps others from changing anything: the
  /// kernel is asked once for its devices, not for each volume. Before the first call of control().
  void only_look() { only_looks_ = true; }
  Workers& workers() { return workers_; }
  Holds& holds() { return holds_; }
  /// Somebody in this process looks after the space that sessions take (layers/space_guard.h), again and
  /// again.
  [[nodiscard]] bool is_guarded() const { return is_guarded_; }
  void set_guarded(bool value) { is_guarded_ = value; }
  /// Removing a device waits for grace periods, milliseconds each. With a single CPU there are none.
  [[nodiscard]] static bool removal_waits();

  /// A layer whose stop was answered could not be taken down.
  void leave_to_recovery(std::string why);
  /// Waits until every layer whose stop was answered is gone. Throws kernel_refused where one was left to
  /// recovery since the last call.
  void finish_teardowns();

  /// Shared: building on a view. Exclusive: making, swapping and removing views.
  FairMutex& lock_of(const std::string& base_key);

  /// The warm layers that this process keeps on views of that base.
  WarmStock& warm_of(const std::string& base_key);
  bool keeps_warm(std::string_view name);
  /// warm_of() was ever called.
  bool keeps_warm();

 private:
  std::mutex mutex_;
  std::unique_ptr<dm::Control> control_;
  bool only_looks_ = false;
  std::map<std::string, std::unique_ptr<FairMutex>> locks_;
  std::map<std::string, std::unique_ptr<WarmStock>> warm_;
  std::optional<std::string> left_to_recovery_;
  Holds holds_;
  std::atomic<bool> is_guarded_ = false;
  /// Last: its threads use the others to the end.
  Workers workers_;
};

}  // namespace cowshed::layers
