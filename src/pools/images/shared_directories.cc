// SPDX-License-Identifier: Apache-2.0
#include "pools/images/shared_directories.h"

#include <utility>

#include "base/undo.h"

namespace cowshed::pools::images {

SharedDirectories::Use::Use(SharedDirectories& all, Path directory)
    : all_(all), directory_(std::move(directory)) {
  const std::lock_guard guard(all_.mutex_);
  ++all_.users_[directory_];
}

SharedDirectories::Use::~Use() {
  const std::lock_guard guard(all_.mutex_);
  if (--all_.users_[directory_] > 0) return;
  all_.users_.erase(directory_);
  // Logs what fails: an empty directory is in nobody's way.
  const Undo undo([this] { remove_empty_directories(directory_, all_.top_); });
}

}  // namespace cowshed::pools::images
