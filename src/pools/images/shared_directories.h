// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>

#include "base/file.h"

namespace cowshed::pools::images {

/// The directories of VMs, which their volumes share: several are created and removed at the same time, and
/// none may take away the directory that another has just made. Thread-safe; between processes the caller's
/// state lock decides.
class SharedDirectories {
 public:
  /// Directories below `top`, which itself is never removed.
  explicit SharedDirectories(Path top) : top_(std::move(top)) {}

  /// While one lives the directory stays. The last one removes it, and its parents, where they are empty.
  class Use {
   public:
    Use(SharedDirectories& all, Path directory);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();

   private:
    SharedDirectories& all_;
    const Path directory_;
  };

 private:
  const Path top_;
  std::mutex mutex_;
  std::map<Path, int> users_;
};

}  // namespace cowshed::pools::images
