// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What a guest has changed in an image, in the forms in which the tools of `bench merge` take it. No cowshed
/// code: the limit stands on this header alone.
namespace bench {

enum class Pattern { sequential, random_4k, random_64k };
std::string to_string(Pattern pattern);

/// How a benchmark's image is changed.
struct Change {
  /// Written by the guest.
  std::uint64_t bytes = 0;
  Pattern pattern = Pattern::sequential;
  /// Of the store, and of the qcow2 (its cluster).
  std::uint64_t chunk = 0;
};

constexpr std::uint64_t image_times_bytes = 4;
inline std::uint64_t image_size(const Change& change) { return change.bytes * image_times_bytes; }

/// The chunks that hold something new, in the order in which the guest came upon them. The same change gives
/// the same.
std::vector<std::uint64_t> changed_chunks(const Change& change);
/// What an image of the benchmark holds there, before and after: told apart by place and by state.
enum class State { old_one, new_one };
std::string content(State state, std::uint64_t offset, std::uint64_t length);

/// A run of changed bytes: from the store to the image.
struct Run {
  std::uint64_t from = 0, to = 0, length = 0;
};
/// By target, neighbours in both joined.
std::vector<Run> runs_of(const std::vector<std::uint64_t>& chunks, std::uint64_t chunk);
/// Where the kernel's format keeps the data of exception `index`.
std::uint64_t store_offset(std::uint64_t index, std::uint64_t chunk);

}  // namespace bench
