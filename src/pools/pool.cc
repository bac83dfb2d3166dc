// SPDX-License-Identifier: Apache-2.0
#include "pools/pool.h"

#include "base/file_system.h"

namespace cowshed::pools {

std::optional<Path> Pool::location() const {
  const auto directory = parameters_.find("dir_path");
  if (directory == parameters_.end()) return std::nullopt;
  return directory->second;
}

std::optional<Bytes> Pool::size() const {
  const auto directory = location();
  return directory ? std::optional(file_system_of(*directory).size) : std::nullopt;
}

std::optional<Bytes> Pool::usage() const {
  const auto directory = location();
  return directory ? std::optional(file_system_of(*directory).used) : std::nullopt;
}

SpaceSettings Pool::space() const {
  const std::lock_guard guard(space_mutex_);
  return space_;
}

void Pool::set_space(const SpaceSettings& settings) {
  const std::lock_guard guard(space_mutex_);
  space_ = settings;
}

}  // namespace cowshed::pools
