// SPDX-License-Identifier: Apache-2.0
//
// The limit of a merge: the same bytes from the store to the image, sorted by where they go, neighbours
// joined, with nothing but io_uring around them, and one sync. No cowshed code.

#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "merger.h"

namespace bench {
namespace {

constexpr unsigned depth = 32;
constexpr std::uint64_t largest = 1 << 20;

int check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
  return result;
}

/// Past the page cache where the file system can.
int open_direct(const std::string& path, int flags) {
  int fd = ::open(path.c_str(), flags | O_DIRECT | O_CLOEXEC);
  if (fd < 0 && errno == EINVAL) fd = ::open(path.c_str(), flags | O_CLOEXEC);
  return check(fd < 0 ? -errno : fd, path.c_str());
}

class Limit final : public Merger {
 public:
  explicit Limit(const Merge& merge) : Merger("limit", merge) {
    for (const Run& run : runs_of(changed_chunks(merge.change), merge.change.chunk))
      for (std::uint64_t at = 0; at < run.length; at += largest)
        runs_.push_back({run.from + at, run.to + at, std::min(largest, run.length - at)});
  }

  void prepare() override {}

  void run() override {
    const int fds[] = {open_direct(merge().store, O_RDONLY), open_direct(merge().image, O_RDWR)};
    io_uring ring;
    check(::io_uring_queue_init(2 * depth, &ring, 0), "io_uring_queue_init");
    check(::io_uring_register_files(&ring, fds, 2), "io_uring_register_files");
    std::vector<Slot> slots(depth);
    std::vector<iovec> memory;
    for (Slot& slot : slots) {
      if (::posix_memalign(&slot.buffer, 4096, largest) != 0) throw std::bad_alloc();
      memory.push_back({slot.buffer, largest});
    }
    check(::io_uring_register_buffers(&ring, memory.data(), depth), "io_uring_register_buffers");
    copy(ring, slots);
    check(::fdatasync(fds[1]) < 0 ? -errno : 0, "fdatasync");
    ::io_uring_unregister_files(&ring);
    ::io_uring_queue_exit(&ring);
    for (Slot& slot : slots) ::free(slot.buffer);
    for (const int fd : fds) ::close(fd);
  }

 private:
  enum Side { store = 0, image = 1 };
  struct Slot {
    void* buffer = nullptr;
    Run run;
    bool is_writing = false;
  };

  void copy(io_uring& ring, std::vector<Slot>& slots) {
    std::size_t next = 0;
    unsigned busy = 0;
    const auto read = [&](unsigned index) {
      if (next == runs_.size()) return;
      slots[index].run = runs_[next++];
      slots[index].is_writing = false;
      submit(ring, slots[index], index);
      ++busy;
    };
    for (unsigned i = 0; i < depth; ++i) read(i);
    while (busy > 0) {
      check(::io_uring_submit_and_wait(&ring, 1), "io_uring_submit");
      io_uring_cqe* done = nullptr;
      while (::io_uring_peek_cqe(&ring, &done) == 0) {
        const auto index = static_cast<unsigned>(done->user_data);
        Slot& slot = slots[index];
        if (check(done->res, "read or write") != static_cast<int>(slot.run.length))
          throw std::runtime_error("a short transfer");
        ::io_uring_cqe_seen(&ring, done);
        if (!slot.is_writing) {
          slot.is_writing = true;
          submit(ring, slot, index);
        } else {
          --busy;
          read(index);
        }
      }
    }
  }

  static void submit(io_uring& ring, const Slot& slot, unsigned index) {
    io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
    const auto length = static_cast<unsigned>(slot.run.length);
    if (slot.is_writing)
      ::io_uring_prep_write_fixed(entry, image, slot.buffer, length, slot.run.to, static_cast<int>(index));
    else
      ::io_uring_prep_read_fixed(entry, store, slot.buffer, length, slot.run.from, static_cast<int>(index));
    ::io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
    ::io_uring_sqe_set_data64(entry, index);
  }

  std::vector<Run> runs_;
};

}  // namespace

std::unique_ptr<Merger> make_limit_merger(const Merge& merge) { return std::make_unique<Limit>(merge); }

}  // namespace bench
