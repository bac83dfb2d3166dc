// SPDX-License-Identifier: Apache-2.0
//
// The limit of copying a file: its data from the one to the other, in order, with nothing but io_uring around
// it, and one sync. No cowshed code.

#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "copy_ways.h"

namespace bench {

namespace {

/// More was no faster, neither through the page cache nor past it.
constexpr unsigned depth = 16;
constexpr std::uint64_t largest = 1 << 20;

int must(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
  return result;
}

int open_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  return must(fd < 0 ? -errno : fd, path.c_str());
}

struct Piece {
  std::uint64_t offset = 0, length = 0;
};

/// The data of a file, in pieces.
class Pieces {
 public:
  explicit Pieces(int fd) : fd_(fd) {}

  std::optional<Piece> next() {
    if (at_ == end_ && !find_more()) return std::nullopt;
    const Piece piece{at_, std::min(largest, end_ - at_)};
    at_ += piece.length;
    return piece;
  }

 private:
  bool find_more() {
    const off_t data = ::lseek(fd_, static_cast<off_t>(end_), SEEK_DATA);
    if (data < 0) return false;
    at_ = static_cast<std::uint64_t>(data);
    end_ = static_cast<std::uint64_t>(::lseek(fd_, data, SEEK_HOLE));
    return true;
  }

  int fd_;
  std::uint64_t at_ = 0, end_ = 0;
};

/// A ring with the two files and the buffers in it.
class Ring {
 public:
  explicit Ring(const std::array<int, 2>& fds) {
    must(::io_uring_queue_init(2 * depth, &ring_, 0), "io_uring_queue_init");
    must(::io_uring_register_files(&ring_, fds.data(), 2), "io_uring_register_files");
    for (iovec& buffer : buffers_) {
      if (::posix_memalign(&buffer.iov_base, 4096, largest) != 0) throw std::bad_alloc();
      buffer.iov_len = largest;
    }
    must(::io_uring_register_buffers(&ring_, buffers_.data(), depth), "io_uring_register_buffers");
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    ::io_uring_queue_exit(&ring_);
    for (const iovec& buffer : buffers_) ::free(buffer.iov_base);
  }

  io_uring* get() { return &ring_; }
  void read(unsigned slot, const Piece& piece) {
    io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_read_fixed(entry, 0, buffers_[slot].iov_base, static_cast<unsigned>(piece.length),
                               piece.offset, static_cast<int>(slot));
    finish(entry, slot);
  }
  void write(unsigned slot, const Piece& piece) {
    io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_write_fixed(entry, 1, buffers_[slot].iov_base, static_cast<unsigned>(piece.length),
                                piece.offset, static_cast<int>(slot));
    finish(entry, slot);
  }

 private:
  static void finish(io_uring_sqe* entry, unsigned slot) {
    ::io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
    ::io_uring_sqe_set_data64(entry, slot);
  }

  io_uring ring_{};
  std::array<iovec, depth> buffers_{};
};

class Limit final : public CopyWay {
 public:
  explicit Limit(const Copy& copy) : CopyWay("limit", copy) {}

  void run() override {
    const int direct = copy().has_direct_io ? O_DIRECT : 0;
    const int from = open_file(copy().source, O_RDONLY | (copy().is_warm ? 0 : direct));
    const int to = open_file(copy().target, O_RDWR | O_CREAT | O_EXCL | direct);
    must(::ftruncate(to, ::lseek(from, 0, SEEK_END)) < 0 ? -errno : 0, "ftruncate");
    {
      Ring ring({from, to});
      copy_all(ring, Pieces(from));
    }
    must(::fsync(to) < 0 ? -errno : 0, "fsync");
    ::close(from);
    ::close(to);
  }

 private:
  struct Slot {
    Piece piece;
    bool is_writing = false;
  };

  static void copy_all(Ring& ring, Pieces pieces) {
    std::array<Slot, depth> slots;
    unsigned busy = 0;
    const auto begin = [&](unsigned slot) {
      const auto piece = pieces.next();
      if (!piece) return;
      slots[slot] = {*piece, false};
      ring.read(slot, *piece);
      ++busy;
    };
    for (unsigned slot = 0; slot < depth; ++slot) begin(slot);
    while (busy > 0) {
      must(::io_uring_submit_and_wait(ring.get(), 1), "io_uring_submit");
      io_uring_cqe* done = nullptr;
      while (::io_uring_peek_cqe(ring.get(), &done) == 0) {
        const auto slot = static_cast<unsigned>(done->user_data);
        if (must(done->res, "read or write") != static_cast<int>(slots[slot].piece.length))
          throw std::runtime_error("a short transfer");
        ::io_uring_cqe_seen(ring.get(), done);
        if (!slots[slot].is_writing) {
          slots[slot].is_writing = true;
          ring.write(slot, slots[slot].piece);
        } else {
          --busy;
          begin(slot);
        }
      }
    }
  }
};

}  // namespace

std::unique_ptr<Way> make_limit(const Copy& copy) { return std::make_unique<Limit>(copy); }

}  // namespace bench
