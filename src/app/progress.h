// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <vector>

#include "pools/volume.h"

namespace cowshed::app {

/// Where the work can still be undone, an interruption that was requested ends it.
pools::ProgressWatch interruptible(pools::ProgressWatch tell);

/// Several pieces of work that go on at the same time, told as one. Thread-safe.
class JointProgress {
 public:
  explicit JointProgress(pools::ProgressWatch tell) : tell_(std::move(tell)) {}
  JointProgress(const JointProgress&) = delete;
  JointProgress& operator=(const JointProgress&) = delete;

  /// For one more piece; must not outlive this object.
  pools::ProgressWatch part();

 private:
  void update(std::size_t index, const pools::Progress& progress);

  pools::ProgressWatch tell_;
  std::mutex mutex_;
  std::vector<pools::Progress> parts_;
};

}  // namespace cowshed::app
