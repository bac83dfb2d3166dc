// SPDX-License-Identifier: Apache-2.0
#include "io/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <initializer_list>

#include "base/error.h"
#include "io/batch.h"

namespace cowshed::io {

namespace {

/// All buffers together stay small enough for the processor's cache, and each page costs a fault the first
/// time it is touched. With eight times as much, copying 1 GiB into the page cache took twice as long and
/// four times the CPU time; a merge past it twice as long in user-mode Linux, no less on a disk (measured).
constexpr Bytes largest_buffer = kibibytes(256);
constexpr std::size_t most_batches = 8;
constexpr Bytes smallest_buffer = kibibytes(64);
constexpr Bytes largest_zero_block = mebibytes(1);
/// Reading and writing overlap with two.
constexpr std::size_t fewest_batches = 2;
/// Scattered requests of 4 KiB gain up to here; long ones are limited by the buffers.
constexpr unsigned default_depth = 256;
constexpr unsigned largest_depth = 4096;
/// Extents of 4 KiB and longer fill a buffer.
constexpr Bytes usual_piece = kibibytes(4);
constexpr Bytes page = kibibytes(4);
constexpr Bytes smallest_budget = kibibytes(256);

void check(const CopyOptions& options) {
  const auto refuse = [](const std::string& why) { throw Error(ErrorKind::invalid_argument, why); };
  if (options.depth > largest_depth) refuse(fmt::format("more than {} requests at a time", largest_depth));
  if (options.memory < smallest_budget)
    refuse(fmt::format("copying in less than {} of memory", format_size(smallest_budget)));
  if (options.zero_block.count == 0 || options.zero_block.count % page.count != 0)
    refuse(fmt::format("blocks of zeros of {} bytes, which is no multiple of {}", options.zero_block.count,
                       page.count));
  if (options.zero_block > largest_zero_block)
    refuse(fmt::format("blocks of zeros of {} bytes, which is more than {}", options.zero_block.count,
                       largest_zero_block.count));
}

Plan with(Bytes buffer, std::size_t batches, const CopyOptions& options) {
  Plan plan{.depth = options.depth != 0 ? options.depth : default_depth,
            .batches = batches,
            .buffer = buffer,
            .pieces = buffer.count / usual_piece.count,
            .cut = options.zeroes == Zeroes::write ? page : options.zero_block,
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

/// Halves of the largest only.
Bytes buffer_for_zeroes(const CopyOptions& options) {
  return std::max(smallest_buffer, Bytes{std::bit_ceil(options.zero_block.count)});
}

}  // namespace

Plan plan_copy(const CopyOptions& options) {
  check(options);
  std::size_t batches = batches_for(options.depth);
  const Bytes smallest = options.zeroes == Zeroes::write ? smallest_buffer : buffer_for_zeroes(options);
  Bytes buffer = std::max(largest_buffer, smallest);
  const auto is_too_much = [&] { return with(buffer, batches, options).memory > options.memory; };
  while (is_too_much() && buffer > smallest) buffer = {buffer.count / 2};
  while (is_too_much() && batches > fewest_batches) --batches;
  if (is_too_much())
    throw Error(ErrorKind::invalid_argument,
                fmt::format("looking for blocks of zeros of {} bytes in {} of memory",
                            options.zero_block.count, format_size(options.memory)));
  return with(buffer, batches, options);
}

}  // namespace cowshed::io
