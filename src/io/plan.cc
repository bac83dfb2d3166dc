// SPDX-License-Identifier: Apache-2.0
#include "io/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "io/batch.h"

namespace cowshed::io {

namespace {

constexpr Bytes largest_buffer = mebibytes(1);
constexpr Bytes smallest_buffer = kibibytes(64);
constexpr std::size_t most_batches = 16;
/// Reading and writing overlap with two.
constexpr std::size_t fewest_batches = 2;
constexpr unsigned default_depth = 64;
constexpr unsigned largest_depth = 4096;
/// Extents of 4 KiB and longer fill a buffer.
constexpr Bytes usual_piece = kibibytes(4);
constexpr Bytes smallest_zero_block = kibibytes(4);
constexpr Bytes smallest_budget = kibibytes(256);

void check(const CopyOptions& options) {
  const auto refuse = [](const std::string& why) { throw Error(ErrorKind::invalid_argument, why); };
  if (options.depth > largest_depth) refuse(fmt::format("more than {} requests at a time", largest_depth));
  if (options.memory < smallest_budget)
    refuse(fmt::format("copying in less than {} of memory", format_size(smallest_budget)));
  if (options.zero_block.count == 0 || options.zero_block.count % smallest_zero_block.count != 0)
    refuse(fmt::format("blocks of zeros of {} bytes, which is no multiple of {}", options.zero_block.count,
                       smallest_zero_block.count));
}

Plan with(Bytes buffer, std::size_t batches, const CopyOptions& options) {
  Plan plan{.depth = options.depth != 0 ? options.depth : default_depth,
            .batches = batches,
            .buffer = buffer,
            .pieces = buffer.count / usual_piece.count,
            .transfers = 0,
            .memory = {}};
  // Each run can have an unaligned head and tail; each block of zeros begins and ends one.
  plan.transfers = 3 * plan.pieces;
  if (options.zeroes != Zeroes::write) plan.transfers += 2 * (buffer.count / options.zero_block.count);
  plan.memory = (buffer + Batch::bookkeeping(plan)) * batches;
  return plan;
}

std::size_t batches_for(unsigned depth) {
  // No more than one request under way for each batch is needed where all of them are long.
  const std::size_t wanted = depth == 0 ? most_batches : depth + std::size_t{1};
  return std::clamp(wanted, fewest_batches, most_batches);
}

}  // namespace

Plan plan_copy(const CopyOptions& options) {
  check(options);
  std::size_t batches = batches_for(options.depth);
  Bytes buffer = largest_buffer;
  while (with(buffer, batches, options).memory > options.memory && buffer > smallest_buffer)
    buffer = {buffer.count / 2};
  while (with(buffer, batches, options).memory > options.memory && batches > fewest_batches) --batches;
  return with(buffer, batches, options);
}

}  // namespace cowshed::io
