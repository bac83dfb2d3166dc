// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Where benchmarks put their files.
namespace bench {

/// A directory on a file system that results are told apart by.
struct Place {
  std::string name;
  std::string directory;
  /// Of files there; 0: as anywhere.
  std::uint64_t mebibytes = 0;
};

/// "NAME=DIRECTORY" or "NAME=DIRECTORY,MEBIBYTES", ... Throws std::invalid_argument.
std::vector<Place> places_of(const std::vector<std::string>& arguments);

/// What its file system can.
bool is_in_memory(const Place& place);
bool has_direct_io(const Place& place);
bool shares_extents(const Place& place);

}  // namespace bench
