// SPDX-License-Identifier: Apache-2.0
#include "io/copier.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/stages.h"

namespace cowshed::io {

namespace {

/// Batch and place in it of what a request is for.
constexpr unsigned tag_shift = 32;
/// Extents are joined up to this length.
constexpr Bytes longest_extent = mebibytes(256);
/// The longest that a wish to stop goes unheard while the pace allows nothing.
constexpr Clock::Duration longest_pause = std::chrono::milliseconds(100);

/// An unreadable place is searched for down to this.
constexpr Bytes narrowest = kibibytes(4);
/// In a row, with a pause between: about a second.
constexpr unsigned most_refusals = 1000;
constexpr Clock::Duration refusal_pause = std::chrono::milliseconds(1);

/// The kernel may do it when it is asked again.
bool is_passing(int error_number) { return error_number == EAGAIN || error_number == EINTR; }

bool is_sharing(Op op) { return op == Op::clone || op == Op::copy_range; }

bool cannot_punch(int error_number) {
  return error_number == EOPNOTSUPP || error_number == ENOSYS || error_number == ENODEV;
}

std::string_view verb(Op op) {
  switch (op) {
    case Op::read:
      return "read";
    case Op::write:
      return "write";
    case Op::punch:
      return "make a hole of";
    case Op::clone:
    case Op::copy_range:
      return "share";
    case Op::sync:
      return "sync";
  }
  return "";
}

Transfer* take_first(std::deque<Transfer*>& queue) {
  Transfer* const first = queue.front();
  queue.pop_front();
  return first;
}

std::unique_ptr<Backend> open(const CopyOptions& options, const End& source, const End& target,
                              std::span<std::byte> memory, unsigned depth) {
  return options.backend({.source_fd = source.fd(),
                          .target_fd = target.fd(),
                          .is_direct = source.is_direct() || target.is_direct(),
                          .memory = memory,
                          .depth = depth});
}

}  // namespace

Copier::Copier(const ExtentStream& extents, const End& source, const End& target, const CopyOptions& options)
    : source_(source),
      target_(target),
      options_(options),
      plan_(plan_copy(options)),
      extents_(extents, longest_extent),
      pace_(options.bytes_per_second, *options.clock),
      sharer_(source, target, options),
      holes_(source),
      target_holes_(target),
      buffers_(plan_.buffer * plan_.batches),
      backend_(open(options, source, target, buffers_.all(), plan_.depth)) {
  batches_.reserve(plan_.batches);
  for (std::size_t i = 0; i < plan_.batches; ++i)
    free_.push_back(
        &batches_.emplace_back(plan_, buffers_.all().subspan(i * plan_.buffer.count, plan_.buffer.count)));
  report_.memory = plan_.memory;
  report_.backend = backend_->name();
}

CopyReport Copier::run() {
  try {
    while (advance()) {
    }
    if (options_.sync) sync();
  } catch (...) {
    drain();
    throw;
  }
  return report_;
}

bool Copier::advance() {
  throw_if_stopped();
  start_batches();
  submit_ready();
  if (under_way_ > 0) {
    collect();
    return true;
  }
  if (extents_.front() == nullptr) return false;
  pause();
  return true;
}

void Copier::throw_if_stopped() const {
  if (options_.stop.stop_requested())
    throw Error(ErrorKind::interrupted, fmt::format("copying '{}' to '{}' was stopped",
                                                    source_.name().native(), target_.name().native()));
}

void Copier::pause() { options_.clock->sleep(std::min(pace_.delay(), longest_pause)); }

void Copier::drain() noexcept {
  // What is under way uses the buffers.
  try {
    while (under_way_ > 0) {
      completions_.clear();
      backend_->wait(completions_);
      under_way_ -= completions_.size();
    }
  } catch (const std::exception& failure) {
    log_warning(fmt::format("waiting for the end of a copy that failed: {}", failure.what()));
  }
}

// --- Filling ---

void Copier::start_batches() {
  while (!free_.empty() && !awaits_first_share_ && pace_.delay() == Clock::Duration{0}) {
    throw_if_stopped();
    Batch& batch = *free_.back();
    if (!fill(batch)) return;
    free_.pop_back();
    // Nothing is to be done for a hole that is left out.
    if (batch.transfers().empty())
      retire(batch, &CopyReport::copied);
    else
      queue_all(batch);
    submit_ready();
  }
}

bool Copier::fill(Batch& batch) {
  batch.clear();
  if (fill_shared(batch) || fill_hole(batch)) return true;
  // In less than two blocks there might not be a whole one.
  const Bytes portion = std::min(plan_.buffer, std::max(pace_.portion(plan_.buffer), plan_.cut * 2));
  while (const Extent* extent = extents_.front()) {
    const Bytes data = sharable(*extent).count != 0 ? Bytes{} : data_in(*extent);
    if (data.count == 0) break;
    const Bytes added = batch.add({extent->source, extent->target, data}, portion);
    if (added.count == 0) break;
    extents_.take(added);
  }
  if (batch.is_empty()) return false;
  pace_.begin(batch.size());
  batch.plan_reads(source_);
  return true;
}

Bytes Copier::sharable(const Extent& extent) const {
  return extents_.is_returned() ? Bytes{} : sharer_.sharable(extent);
}

bool Copier::fill_shared(Batch& batch) {
  const Extent* extent = extents_.front();
  if (extent == nullptr) return false;
  const Bytes length = sharable(*extent);
  if (length.count == 0) return false;
  batch.plan_sharing({extent->source, extent->target, length}, sharer_.op());
  extents_.take(length);
  awaits_first_share_ = !sharer_.has_shared();
  return true;
}

bool Copier::goes_by_holes() const {
  return options_.zeroes != Zeroes::write && options_.zero_search == ZeroSearch::holes && can_punch_;
}

Bytes Copier::hole_in(const Extent& extent) {
  const Bytes block = options_.zero_block;
  if (!goes_by_holes() || extent.target.count % block.count != 0) return {};
  const Bytes length = std::min(extent.length, holes_.hole_at(extent.source));
  return length - Bytes{length.count % block.count};
}

Bytes Copier::data_in(const Extent& extent) {
  if (!goes_by_holes()) return extent.length;
  if (hole_in(extent).count != 0) return {};
  const Bytes block = options_.zero_block;
  const Bytes data = holes_.data_at(extent.source);
  // In a hole, but no whole block of it.
  const Bytes length = data.count != 0 ? data : block - Bytes{extent.target.count % block.count};
  return std::min(extent.length, length);
}

bool Copier::fill_hole(Batch& batch) {
  const Extent* extent = extents_.front();
  if (extent == nullptr) return false;
  Extent hole{extent->source, extent->target, hole_in(*extent)};
  if (hole.length.count == 0) return false;
  extents_.take(hole.length);
  // Where holes cannot be made, what is put back has to be one extent.
  const bool may_join = options_.zeroes == Zeroes::skip || has_punched_;
  while (may_join && hole.length < longest_extent) {
    extent = extents_.front();
    if (extent == nullptr || extent->target != hole.target + hole.length) break;
    const Bytes more = hole_in(*extent);
    if (more.count == 0) break;
    extents_.take(more);
    hole.length = hole.length + more;
  }
  batch.plan_hole(hole, options_.zeroes);
  return true;
}

// --- Requests ---

void Copier::queue(Transfer& transfer) {
  if (transfer.must_be_alone())
    alone_.push_back(&transfer);
  else
    (transfer.op == Op::read ? reads_ : writes_).push_back(&transfer);
}

void Copier::queue_all(Batch& batch) {
  for (Transfer& transfer : batch.transfers()) queue(transfer);
}

void Copier::submit_ready() {
  if (one_is_alone_) return;
  if (!alone_.empty()) {
    if (under_way_ > 0) return;
    one_is_alone_ = true;
    submit(*take_first(alone_));
    return;
  }
  // Writes first: they make buffers free.
  while (under_way_ < plan_.depth && !writes_.empty()) submit(*take_first(writes_));
  while (under_way_ < plan_.depth && !reads_.empty()) submit(*take_first(reads_));
}

Request Copier::request_for(const Transfer& transfer) const {
  const End& end = end_of(transfer.op);
  return {.op = transfer.op,
          .fd = transfer.is_unaligned ? end.buffered_fd() : end.fd(),
          .is_direct = end.is_direct() && !transfer.is_unaligned,
          .offset = transfer.offset,
          .length = transfer.asked,
          .memory = transfer.memory,
          .source_fd = source_.fd(),
          .source_offset = transfer.source_offset,
          .tag = tag_of(transfer)};
}

std::uint64_t Copier::tag_of(const Transfer& transfer) const {
  const auto batch = static_cast<std::uint64_t>(transfer.batch - batches_.data());
  const auto index = static_cast<std::uint64_t>(&transfer - transfer.batch->transfers().data());
  return batch << tag_shift | index;
}

Transfer& Copier::transfer_of(std::uint64_t tag) {
  return batches_[tag >> tag_shift].transfers()[tag & ((std::uint64_t{1} << tag_shift) - 1)];
}

void Copier::submit(Transfer& transfer) {
  transfer.asked = std::min(transfer.length, transfer.limit);
  if (transfer.op == Op::read) ++report_.reads;
  if (transfer.op == Op::write) ++report_.writes;
  backend_->submit(request_for(transfer));
  ++under_way_;
}

int Copier::try_to_sync() {
  backend_->submit({.op = Op::sync, .fd = target_.fd()});
  ++under_way_;
  completions_.clear();
  backend_->wait(completions_);
  under_way_ -= completions_.size();
  return completions_.front().error;
}

void Copier::sync() {
  int error = try_to_sync();
  for (unsigned refusals = 1; is_passing(error) && refusals < most_refusals; ++refusals) {
    options_.clock->sleep(refusal_pause);
    error = try_to_sync();
  }
  if (error != 0) throw Error::from_errno(error, fmt::format("sync '{}'", target_.name().native()));
}

// --- Completions ---

void Copier::collect() {
  completions_.clear();
  backend_->wait(completions_);
  under_way_ -= completions_.size();
  one_is_alone_ = false;
  for (const Completion& completion : completions_) finish(transfer_of(completion.tag), completion);
  back_off();
}

void Copier::finish(Transfer& transfer, const Completion& completion) {
  if (is_sharing(transfer.op)) awaits_first_share_ = false;
  if (completion.error != 0) return refused(transfer, completion.error);
  transfer.refusals = 0;
  if (is_all_or_nothing(transfer.op)) return finish_transfer(transfer);
  if (completion.length.count == 0) return came_to_nothing(transfer);
  transfer.advance(completion.length, end_of(transfer.op));
  if (transfer.length.count != 0) return queue(transfer);
  finish_transfer(transfer);
}

void Copier::finish_transfer(Transfer& transfer) {
  // Smaller requests went through, but what the kernel said is not to be hidden.
  if (const auto& failure = transfer.failure)
    fail(transfer.op, failure->error_number, failure->offset, failure->length);
  if (transfer.op == Op::punch) has_punched_ = true;
  Batch& batch = *transfer.batch;
  if (!batch.finish_one()) return;
  if (transfer.op == Op::read) return write(batch);
  if (!is_sharing(transfer.op)) return retire(batch, &CopyReport::copied);
  sharer_.shared();
  retire(batch, &CopyReport::shared);
}

void Copier::write(Batch& batch) {
  if (goes_by_holes() && options_.zeroes == Zeroes::punch) {
    batch.plan_writes_around_holes(target_, target_holes_, options_.zero_block);
  } else {
    const bool are_sought = options_.zero_search == ZeroSearch::content && can_punch_;
    batch.plan_writes(target_, are_sought ? options_.zeroes : Zeroes::write, options_.zero_block);
  }
  queue_all(batch);
  if (batch.transfers().empty()) retire(batch, &CopyReport::copied);
}

void Copier::retire(Batch& batch, Bytes CopyReport::*kind) {
  done_ = done_ + batch.size();
  report_.zeroes = report_.zeroes + batch.zeroes();
  report_.*kind = report_.*kind + batch.size() - batch.zeroes();
  free_.push_back(&batch);
  if (options_.progress) options_.progress(done_);
}

// --- Refusals ---

void Copier::refused(Transfer& transfer, int error_number) {
  if (is_passing(error_number) && ++transfer.refusals < most_refusals) {
    was_refused_ = was_refused_ || transfer.refusals > 1;
    return queue(transfer);
  }
  if (is_sharing(transfer.op) && sharer_.may_copy_after(transfer.op, error_number))
    return copy_instead(transfer);
  if (transfer.op == Op::punch && cannot_punch(error_number) && !has_punched_) return write_instead(transfer);
  if (error_number == EIO && transfer.asked > narrowest && !is_all_or_nothing(transfer.op))
    return narrow_down(transfer, error_number);
  fail(transfer.op, error_number, transfer.offset, transfer.asked);
}

void Copier::back_off() {
  if (std::exchange(was_refused_, false)) options_.clock->sleep(refusal_pause);
}

void Copier::copy_instead(Transfer& transfer) {
  extents_.put_back({transfer.source_offset, transfer.offset, transfer.length});
  Batch& batch = *transfer.batch;
  batch.shrink(transfer.length);
  retire(batch, &CopyReport::shared);
}

void Copier::write_instead(Transfer& transfer) {
  can_punch_ = false;
  transfer.batch->count_as_data(transfer.length);
  const bool was_read = transfer.memory != nullptr;
  if (!was_read) return copy_instead(transfer);
  transfer.op = Op::write;
  queue(transfer);
}

void Copier::narrow_down(Transfer& transfer, int error_number) {
  if (!transfer.failure) transfer.failure = {error_number, transfer.offset, transfer.asked};
  const std::uint64_t half = transfer.asked.count / 2;
  transfer.limit = std::max(Bytes{half - half % narrowest.count}, narrowest);
  queue(transfer);
}

void Copier::came_to_nothing(Transfer& transfer) {
  if (transfer.op == Op::copy_range) return refused(transfer, ENOSYS);
  if (transfer.op == Op::write) fail(transfer.op, EIO, transfer.offset, transfer.asked);
  throw Error(ErrorKind::corrupt_image, fmt::format("'{}' ends at offset {}, within what is to be copied",
                                                    source_.name().native(), transfer.offset.count));
}

void Copier::fail(Op op, int error_number, Bytes offset, Bytes length) const {
  throw Error::from_errno(error_number, fmt::format("{} {} bytes at offset {} of '{}'", verb(op),
                                                    length.count, offset.count, end_of(op).name().native()));
}

CopyReport copy_extents(const ExtentStream& extents, const End& source, const End& target,
                        const CopyOptions& options) {
  const StageTimer timer(Stage::copy);
  const PriorityScope priority(options.priority);
  return Copier(extents, source, target, options).run();
}

}  // namespace cowshed::io
