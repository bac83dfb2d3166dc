// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/file.h"

namespace cowshed {

/// A file system as a whole.
struct FileSystem {
  /// Two paths with the same one share its space (st_dev).
  std::uint64_t device = 0;
  /// As `df` has them: `used` is what nobody can have, `available` what all may still take.
  Bytes size, used, available;
};

/// That on which `path` lies. Throws not_found.
FileSystem file_system_of(const Path& path);

}  // namespace cowshed
