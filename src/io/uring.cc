// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <liburing.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <initializer_list>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "io/backend.h"
#include "io/system_calls.h"

// The kernel's interface: io_uring_setup(2), io_uring_enter(2), io_uring_register(2); everything that knows
// it is in this file.
namespace cowshed::io {

namespace {

/// All that prepare() makes entries of.
constexpr std::array used_opcodes = {IORING_OP_READ,        IORING_OP_READ_FIXED, IORING_OP_WRITE,
                                     IORING_OP_WRITE_FIXED, IORING_OP_FALLOCATE,  IORING_OP_FSYNC};

constexpr int source_index = 0;
constexpr int target_index = 1;

Error not_there(int error_number, std::string_view why) {
  return {ErrorKind::not_supported, fmt::format("the kernel has no io_uring for this process: {}", why),
          error_number};
}

/// Sets up with what saves most work first; an older kernel refuses flags that it does not know with EINVAL.
int set_up(io_uring& ring, unsigned entries) {
  int result = -EINVAL;
  // Linux 6.1, 5.19, any.
  for (const unsigned flags : {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                               static_cast<unsigned>(IORING_SETUP_COOP_TASKRUN), 0U}) {
    result = ::io_uring_queue_init(entries, &ring, flags);
    if (result != -EINVAL) break;
  }
  return result;
}

class Ring {
 public:
  explicit Ring(unsigned entries) {
    const int result = set_up(ring_, entries);
    if (result < 0) throw not_there(-result, Error::from_errno(-result, "io_uring_setup").what());
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    // The kernel takes a closed ring apart in its own time, and until then a registered file counts as open:
    // a device could not be removed.
    ::io_uring_unregister_files(&ring_);
    ::io_uring_queue_exit(&ring_);
  }

  io_uring* get() { return &ring_; }

 private:
  io_uring ring_{};
};

void require_opcodes(Ring& ring) {
  const std::unique_ptr<io_uring_probe, void (*)(io_uring_probe*)> probe(
      ::io_uring_get_probe_ring(ring.get()), ::io_uring_free_probe);
  if (!probe) throw not_there(0, "it is older than Linux 5.6");
  for (const int opcode : used_opcodes)
    if (::io_uring_opcode_supported(probe.get(), opcode) == 0)
      throw not_there(0, fmt::format("operation {} is missing", opcode));
}

/// Pinning memory counts against RLIMIT_MEMLOCK for all but root, so it may be refused.
bool register_buffers(Ring& ring, std::span<std::byte> memory) {
  const iovec whole{.iov_base = memory.data(), .iov_len = memory.size()};
  const int result = ::io_uring_register_buffers(ring.get(), &whole, 1);
  if (result < 0)
    log_debug(Error::from_errno(-result, "copying without registered buffers: io_uring_register").what());
  return result == 0;
}

bool register_files(Ring& ring, const BackendSetup& setup) {
  const std::array<int, 2> files = {setup.source_fd, setup.target_fd};
  return ::io_uring_register_files(ring.get(), files.data(), files.size()) == 0;
}

/// The one place that looks at the sign of what the kernel answers.
Completion to_completion(const io_uring_cqe& entry) {
  const std::uint64_t tag = entry.user_data;
  if (entry.res < 0) return {.tag = tag, .error = -entry.res, .length = {}};
  return {.tag = tag, .error = 0, .length = {static_cast<std::uint64_t>(entry.res)}};
}

/// What has no operation in the ring.
bool is_done_here(const Request& request) { return request.op == Op::clone || request.op == Op::copy_range; }

class UringBackend : public Backend {
 public:
  explicit UringBackend(const BackendSetup& setup) : setup_(setup), ring_(setup.depth) {
    require_opcodes(ring_);
    has_fixed_files_ = register_files(ring_, setup);
  }

  [[nodiscard]] std::string_view name() const override { return "io_uring"; }
  void submit(const Request& request) override;
  void wait(std::vector<Completion>& done) override;

 private:
  void use_fixed_buffers_after(const Request& request);
  void prepare(io_uring_sqe& entry, const Request& request) const;
  void use_fixed_file(io_uring_sqe& entry) const;
  /// Hands over what was prepared and waits for `count` completions; fewer where the kernel refused
  /// something.
  void enter(unsigned count);
  /// False where trying again is of no use.
  bool wait_for_room(int error_number);
  void reap(std::vector<Completion>& done);
  void carry_out_some(std::vector<Completion>& done);

  const BackendSetup setup_;
  Ring ring_;
  bool has_fixed_files_ = false;
  bool has_fixed_buffers_ = false;
  /// Read so far, until the buffers were registered or it was tried.
  std::optional<Bytes> read_{Bytes{}};
  std::deque<Request> done_here_;
  std::size_t in_kernel_ = 0;
  unsigned refusals_ = 0;
};

void UringBackend::use_fixed_file(io_uring_sqe& entry) const {
  if (!has_fixed_files_ || (entry.fd != setup_.source_fd && entry.fd != setup_.target_fd)) return;
  entry.fd = entry.fd == setup_.source_fd ? source_index : target_index;
  entry.flags |= IOSQE_FIXED_FILE;
}

void UringBackend::prepare(io_uring_sqe& entry, const Request& request) const {
  const auto length = static_cast<unsigned>(request.length.count);
  const auto offset = request.offset.count;
  switch (request.op) {
    case Op::read:
      if (has_fixed_buffers_)
        ::io_uring_prep_read_fixed(&entry, request.fd, request.memory, length, offset, 0);
      else
        ::io_uring_prep_read(&entry, request.fd, request.memory, length, offset);
      break;
    case Op::write:
      if (has_fixed_buffers_)
        ::io_uring_prep_write_fixed(&entry, request.fd, request.memory, length, offset, 0);
      else
        ::io_uring_prep_write(&entry, request.fd, request.memory, length, offset);
      break;
    case Op::punch:
      ::io_uring_prep_fallocate(&entry, request.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(offset), static_cast<off_t>(request.length.count));
      break;
    case Op::sync:
      ::io_uring_prep_fsync(&entry, request.fd, IORING_FSYNC_DATASYNC);
      break;
    case Op::clone:
    case Op::copy_range:
      break;
  }
  use_fixed_file(entry);
  ::io_uring_sqe_set_data64(&entry, request.tag);
}

void UringBackend::use_fixed_buffers_after(const Request& request) {
  // Buffered I/O copies from user memory and gains nothing from pages that are pinned.
  if (!setup_.is_direct || !read_ || request.op != Op::read) return;
  read_ = *read_ + request.length;
  // Pinning makes all of the memory be there. A short copy does not even touch it all.
  if (*read_ < Bytes{setup_.memory.size()}) return;
  has_fixed_buffers_ = register_buffers(ring_, setup_.memory);
  read_.reset();
}

void UringBackend::submit(const Request& request) {
  if (is_done_here(request)) return done_here_.push_back(request);
  use_fixed_buffers_after(request);
  // There is room: no more than `depth` are prepared or in the kernel, and the ring has that many.
  prepare(*::io_uring_get_sqe(ring_.get()), request);
}

bool UringBackend::wait_for_room(int error_number) {
  constexpr unsigned most_refusals = 1000;
  if (error_number == EINTR) return true;
  if (error_number != EAGAIN && error_number != EBUSY) return false;
  // Out of memory or of room for completions. What is under way frees some; what was refused stays prepared.
  if (in_kernel_ > 0) {
    io_uring_cqe* first = nullptr;
    const int result = ::io_uring_wait_cqe(ring_.get(), &first);
    return result == 0 || result == -EINTR;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return ++refusals_ < most_refusals;
}

void UringBackend::enter(unsigned count) {
  const int result = ::io_uring_submit_and_wait(ring_.get(), count);
  if (result < 0) {
    if (!wait_for_room(-result)) throw Error::from_errno(-result, "io_uring_enter");
    return;
  }
  in_kernel_ += static_cast<std::size_t>(result);
  refusals_ = 0;
}

void UringBackend::reap(std::vector<Completion>& done) {
  std::array<io_uring_cqe*, 32> entries{};
  while (const unsigned count = ::io_uring_peek_batch_cqe(ring_.get(), entries.data(), entries.size())) {
    for (unsigned i = 0; i < count; ++i) done.push_back(to_completion(*entries[i]));
    ::io_uring_cq_advance(ring_.get(), count);
    in_kernel_ -= count;
  }
}

void UringBackend::carry_out_some(std::vector<Completion>& done) {
  // Not all at once: what follows from their completions, reads above all, is to go on meanwhile.
  constexpr Bytes at_a_time = kibibytes(256);
  for (Bytes sum; !done_here_.empty() && sum < at_a_time; done_here_.pop_front()) {
    done.push_back(carry_out(done_here_.front()));
    sum = sum + done_here_.front().length;
  }
}

void UringBackend::wait(std::vector<Completion>& done) {
  const std::size_t before = done.size();
  do {
    enter(done_here_.empty() ? 1 : 0);
    carry_out_some(done);
    reap(done);
  } while (done.size() == before);
}

}  // namespace

std::unique_ptr<Backend> open_uring(const BackendSetup& setup) {
  return std::make_unique<UringBackend>(setup);
}

}  // namespace cowshed::io
