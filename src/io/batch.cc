// SPDX-License-Identifier: Apache-2.0
#include "io/batch.h"

#include <algorithm>

#include "io/zero.h"

namespace cowshed::io {

namespace {

/// Places in the buffer have the same offset within a page as in the target, so that what is aligned there is
/// aligned in memory.
constexpr std::size_t page = 4096;
/// Scattered extents in one batch wait for each other between reading and writing, so not too many.
constexpr std::size_t most_scattered = 64;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

std::uint64_t address_of(const std::byte* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

}  // namespace

void Transfer::advance(Bytes done, const End& end) {
  if (end.is_direct() && !is_unaligned && memory != nullptr && done < length) {
    // Cut short elsewhere than direct I/O can go on: what is over is done again, or all of the rest buffered.
    const Bytes over{done.count % end.alignment().count};
    if (over < done)
      done = done - over;
    else
      is_unaligned = true;
  }
  offset = offset + done;
  source_offset = source_offset + done;
  length = length - done;
  if (memory != nullptr) memory += done.count;
}

Batch::Batch(const Plan& plan, std::span<std::byte> memory)
    : memory_(memory), most_pieces_(plan.pieces), cut_(plan.cut) {
  pieces_.reserve(plan.pieces);
  transfers_.reserve(plan.transfers);
}

Bytes Batch::bookkeeping(const Plan& plan) {
  // The engine has a pointer to each transfer in one of its queues.
  return {plan.pieces * sizeof(Piece) + plan.transfers * (sizeof(Transfer) + sizeof(void*))};
}

void Batch::clear() {
  pieces_.clear();
  transfers_.clear();
  used_ = 0;
  scattered_ = 0;
  size_ = {};
  zeroes_ = {};
}

bool Batch::follows_last(const Extent& extent) const {
  if (pieces_.empty()) return false;
  const Extent& last = pieces_.back().extent;
  return last.target + last.length == extent.target;
}

std::size_t Batch::place_of(const Extent& extent) const {
  return follows_last(extent) ? used_ : round_up(used_, page) + extent.target.count % page;
}

Bytes Batch::room_for(const Extent& extent, std::size_t at, Bytes portion) const {
  if (at >= memory_.size() || size_ >= portion) return {};
  const Bytes room = std::min(Bytes{memory_.size() - at}, portion - size_);
  if (extent.length <= room) return extent.length;
  // Rather whole in the next batch than in pieces, unless this one would stay half empty.
  if (!follows_last(extent) && used_ > memory_.size() / 2) return {};
  const Bytes beyond{(extent.target + room).count % cut_.count};
  return room > beyond ? room - beyond : Bytes{};
}

Bytes Batch::add(const Extent& extent, Bytes portion) {
  if (pieces_.size() == most_pieces_) return {};
  const bool is_scattered = !follows_last(extent);
  if (is_scattered && scattered_ == most_scattered) return {};
  const std::size_t at = place_of(extent);
  const Bytes length = room_for(extent, at, portion);
  if (length.count == 0) return {};
  pieces_.push_back({{extent.source, extent.target, length}, at});
  used_ = at + length.count;
  scattered_ += is_scattered ? 1 : 0;
  size_ = size_ + length;
  return length;
}

void Batch::plan_sharing(const Extent& extent, Op op) {
  size_ = extent.length;
  transfers_.clear();
  transfers_.push_back({.batch = this,
                        .op = op,
                        .offset = extent.target,
                        .length = extent.length,
                        .source_offset = extent.source});
  unfinished_ = 1;
}

void Batch::plan_hole(const Extent& extent, Zeroes zeroes) {
  size_ = zeroes_ = extent.length;
  transfers_.clear();
  if (zeroes == Zeroes::punch)
    transfers_.push_back({.batch = this,
                          .op = Op::punch,
                          .offset = extent.target,
                          .length = extent.length,
                          .source_offset = extent.source});
  unfinished_ = transfers_.size();
}

void Batch::add_transfer(Op op, const Run& run, bool is_unaligned) {
  transfers_.push_back({.batch = this,
                        .op = op,
                        .offset = run.offset,
                        .length = run.length,
                        .memory = memory_.data() + run.at,
                        .is_unaligned = is_unaligned});
}

void Batch::add_aligned(const End& end, Op op, const Run& run) {
  if (!end.is_direct()) return add_transfer(op, run, false);
  const std::uint64_t unit = end.alignment().count;
  const Bytes head{round_up(run.offset.count, unit) - run.offset.count};
  const bool is_aligned_in_memory = address_of(memory_.data() + run.at) % unit == run.offset.count % unit;
  if (!is_aligned_in_memory || head + Bytes{unit} > run.length) return add_transfer(op, run, true);
  const Bytes tail{(run.length - head).count % unit};
  const Bytes middle = run.length - head - tail;
  if (head.count != 0) add_transfer(op, run.part({}, head), true);
  add_transfer(op, run.part(head, middle), false);
  if (tail.count != 0) add_transfer(op, run.part(head + middle, tail), true);
}

template <typename Use>
void Batch::for_each_run(Bytes Extent::*side, Use use) const {
  std::optional<Run> run;
  for (const Piece& piece : pieces_) {
    const Bytes offset = piece.extent.*side;
    const bool follows =
        run && run->offset + run->length == offset && run->at + run->length.count == piece.at;
    if (follows) {
      run->length = run->length + piece.extent.length;
      continue;
    }
    if (run) use(*run);
    run = Run{offset, piece.extent.length, piece.at};
  }
  if (run) use(*run);
}

void Batch::plan_reads(const End& source) {
  transfers_.clear();
  for_each_run(&Extent::source, [&](const Run& run) { add_aligned(source, Op::read, run); });
  unfinished_ = transfers_.size();
}

void Batch::plan_writes(const End& target, Zeroes zeroes, Bytes zero_block) {
  transfers_.clear();
  for_each_run(&Extent::target, [&](const Run& run) {
    if (zeroes == Zeroes::write)
      add_aligned(target, Op::write, run);
    else
      write_around_zeroes(target, zeroes, zero_block, run);
  });
  unfinished_ = transfers_.size();
}

void Batch::plan_writes_around_holes(const End& target, Holes& holes, Bytes zero_block) {
  transfers_.clear();
  for_each_run(&Extent::target, [&](const Run& run) {
    for (Bytes done; done < run.length;) {
      const Run rest = run.part(done, run.length - done);
      const Bytes hole = std::min(holes.hole_at(rest.offset), rest.length);
      const Bytes data = std::min(holes.data_at(rest.offset), rest.length);
      if (hole.count != 0) write_around_zeroes(target, Zeroes::skip, zero_block, rest.part({}, hole));
      if (data.count != 0) add_aligned(target, Op::write, rest.part({}, data));
      done = done + hole + data;
    }
  });
  unfinished_ = transfers_.size();
}

/// The part of `rest` that is one block, or less at its ends.
Batch::Run Batch::first_block(const Run& rest, Bytes block) {
  const Bytes to_boundary{block.count - rest.offset.count % block.count};
  return rest.part({}, std::min(to_boundary, rest.length));
}

bool Batch::is_zero_block(const Run& run, Bytes block) const {
  return run.length == block && is_zero(memory_.subspan(run.at, run.length.count));
}

void Batch::write_around_zeroes(const End& target, Zeroes zeroes, Bytes zero_block, const Run& run) {
  const auto use = [&](const Run& part, bool is_zeroes) {
    if (part.length.count == 0) return;
    if (!is_zeroes) return add_aligned(target, Op::write, part);
    zeroes_ = zeroes_ + part.length;
    if (zeroes == Zeroes::punch) add_transfer(Op::punch, part, false);
  };
  Run same = run.part({}, {});
  bool are_zeroes = false;
  for (Bytes done; done < run.length;) {
    const Run block = first_block(run.part(done, run.length - done), zero_block);
    const bool is_zeroes = is_zero_block(block, zero_block);
    if (is_zeroes != are_zeroes) {
      use(same, are_zeroes);
      same = run.part(done, {});
      are_zeroes = is_zeroes;
    }
    same.length = same.length + block.length;
    done = done + block.length;
  }
  use(same, are_zeroes);
}

}  // namespace cowshed::io
