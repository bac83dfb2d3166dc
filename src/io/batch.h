// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "base/units.h"
#include "io/copy.h"
#include "io/end.h"
#include "io/extent.h"
#include "io/holes.h"
#include "io/plan.h"
#include "io/request.h"

namespace cowshed::io {

class Batch;

/// Something that the kernel is asked for until it has done all of it.
struct Transfer {
  Batch* batch = nullptr;
  Op op = Op::read;
  /// What is left to do.
  Bytes offset{}, length{};
  std::byte* memory = nullptr;
  /// clone and copy_range.
  Bytes source_offset{};
  /// Not aligned for direct I/O: goes through the side's buffered descriptor.
  bool is_unaligned = false;
  /// No more than this in one request, and what is under way of it.
  Bytes limit{std::numeric_limits<std::uint64_t>::max()};
  Bytes asked{};
  /// Refusals in a row.
  unsigned refusals = 0;
  /// Where it failed as a whole, while the place is searched for in smaller requests.
  struct Failure {
    int error_number;
    Bytes offset, length;
  };
  std::optional<Failure> failure = std::nullopt;

  /// Page cache and direct writes of one page must not overlap in time: the page cache would write back what
  /// was there before.
  [[nodiscard]] bool must_be_alone() const { return is_unaligned && op == Op::write; }
  /// `done` bytes are done, of those asked of `end`.
  void advance(Bytes done, const End& end);
};

/// A buffer on its way from the source to the target, with the extents whose data it holds. First its reads
/// are under way, then its writes, never both; or one extent is shared, or made a hole of, which needs no
/// buffer.
class Batch {
 public:
  /// `memory` is page-aligned.
  Batch(const Plan& plan, std::span<std::byte> memory);
  Batch(Batch&&) = default;
  Batch& operator=(Batch&&) = delete;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() = default;

  void clear();
  /// Adds an extent, or as much of its beginning as fits, so that the batch has `portion` bytes at most; how
  /// much that is. 0: full.
  Bytes add(const Extent& extent, Bytes portion);
  /// Instead of all others: an extent to be shared.
  void plan_sharing(const Extent& extent, Op op);
  /// Instead of all others: an extent of zeros that need not be read.
  void plan_hole(const Extent& extent, Zeroes zeroes);
  void plan_reads(const End& source);
  /// After the reads.
  void plan_writes(const End& target, Zeroes zeroes, Bytes zero_block);
  /// After the reads, too: zeros are looked for only where the target is a hole, and left out.
  void plan_writes_around_holes(const End& target, Holes& holes, Bytes zero_block);

  [[nodiscard]] bool is_empty() const { return pieces_.empty(); }
  /// Bytes of all its extents.
  [[nodiscard]] Bytes size() const { return size_; }
  /// Those of them that are zeros and not written.
  [[nodiscard]] Bytes zeroes() const { return zeroes_; }
  /// Of zeros that are written all the same.
  void count_as_data(Bytes length) { zeroes_ = zeroes_ - length; }
  /// `length` bytes of it are not done here.
  void shrink(Bytes length) { size_ = size_ - length; }
  /// Of the phase that was planned last. They stay where they are until the next is planned.
  [[nodiscard]] std::vector<Transfer>& transfers() { return transfers_; }
  /// One of them is done; true when it was the last.
  bool finish_one() { return --unfinished_ == 0; }
  /// What a batch has beside its buffer, and the engine's queues for it.
  [[nodiscard]] static Bytes bookkeeping(const Plan& plan);

 private:
  /// An extent whose data lies at `at` of the buffer.
  struct Piece {
    Extent extent;
    std::size_t at;
  };
  /// Bytes of the buffer that belong together on one side.
  struct Run {
    Bytes offset, length;
    std::size_t at;
    [[nodiscard]] Run part(Bytes skipped, Bytes taken) const {
      return {offset + skipped, taken, at + skipped.count};
    }
  };

  [[nodiscard]] bool follows_last(const Extent& extent) const;
  [[nodiscard]] std::size_t place_of(const Extent& extent) const;
  [[nodiscard]] Bytes room_for(const Extent& extent, std::size_t at, Bytes portion) const;
  template <typename Use>
  void for_each_run(Bytes Extent::*side, Use use) const;
  void add_transfer(Op op, const Run& run, bool is_unaligned);
  /// In up to three parts where the side is direct: what stands over its alignment, and the rest.
  void add_aligned(const End& end, Op op, const Run& run);
  [[nodiscard]] static Run first_block(const Run& rest, Bytes block);
  [[nodiscard]] bool is_zero_block(const Run& run, Bytes block) const;
  void write_around_zeroes(const End& target, Zeroes zeroes, Bytes zero_block, const Run& run);

  std::span<std::byte> memory_;
  const std::size_t most_pieces_;
  const Bytes cut_;
  std::size_t used_ = 0;
  std::size_t scattered_ = 0;
  Bytes size_, zeroes_;
  std::vector<Piece> pieces_;
  std::vector<Transfer> transfers_;
  std::size_t unfinished_ = 0;
};

}  // namespace cowshed::io
