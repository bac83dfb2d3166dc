// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "io/batch.h"
#include "io/buffers.h"
#include "io/copy.h"
#include "io/holes.h"
#include "io/joined_extents.h"
#include "io/pace.h"
#include "io/plan.h"
#include "io/sharing.h"

namespace cowshed::io {

/// One run of copy_extents().
class Copier {
 public:
  Copier(const ExtentStream& extents, const End& source, const End& target, const CopyOptions& options);
  CopyReport run();

 private:
  /// Goes on until something is complete; false when all is done.
  bool advance();
  void throw_if_stopped() const;
  /// Nothing is under way and the pace does not allow more.
  void pause();
  /// Waits for what is under way after a failure.
  void drain() noexcept;
  void sync();
  int try_to_sync();

  void start_batches();
  bool fill(Batch& batch);
  bool fill_shared(Batch& batch);
  bool fill_hole(Batch& batch);
  [[nodiscard]] Bytes sharable(const Extent& extent) const;
  /// How much of the beginning of `extent` is dealt with as a hole, or as data; one of the two is 0.
  [[nodiscard]] Bytes hole_in(const Extent& extent);
  [[nodiscard]] Bytes data_in(const Extent& extent);
  [[nodiscard]] bool goes_by_holes() const;

  [[nodiscard]] const End& end_of(Op op) const { return op == Op::read ? source_ : target_; }
  [[nodiscard]] Request request_for(const Transfer& transfer) const;
  [[nodiscard]] std::uint64_t tag_of(const Transfer& transfer) const;
  Transfer& transfer_of(std::uint64_t tag);
  void queue(Transfer& transfer);
  void queue_all(Batch& batch);
  void submit_ready();
  void submit(Transfer& transfer);

  void collect();
  void finish(Transfer& transfer, const Completion& completion);
  void finish_transfer(Transfer& transfer);
  void write(Batch& batch);
  void retire(Batch& batch, Bytes CopyReport::*kind);

  void refused(Transfer& transfer, int error_number);
  void try_again(Transfer& transfer);
  void copy_instead(Transfer& transfer);
  void write_instead(Transfer& transfer);
  /// Something was refused for the time being: after the round in which that was.
  void back_off();
  /// Tries half as much at a time, until what fails is small enough to be named.
  void narrow_down(Transfer& transfer, int error_number);
  void came_to_nothing(Transfer& transfer);
  [[noreturn]] void fail(Op op, int error_number, Bytes offset, Bytes length) const;

  const End& source_;
  const End& target_;
  const CopyOptions& options_;
  const Plan plan_;
  JoinedExtents extents_;
  Pace pace_;
  Sharer sharer_;
  /// Whether sharing is possible at all is not known before the first answer.
  bool awaits_first_share_ = false;
  bool can_punch_ = true;
  bool has_punched_ = false;
  Holes holes_, target_holes_;

  Buffers buffers_;
  std::vector<Batch> batches_;
  std::vector<Batch*> free_;
  std::deque<Transfer*> writes_, reads_, alone_;
  std::vector<Completion> completions_;
  std::size_t under_way_ = 0;
  bool one_is_alone_ = false;
  bool was_refused_ = false;
  CopyReport report_;
  Bytes done_;
  /// Last: its end comes before that of the buffers.
  std::unique_ptr<Backend> backend_;
};

}  // namespace cowshed::io
