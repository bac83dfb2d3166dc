// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "loop/loop.h"

/// What a disk was told to write, in the order in which it could have lost it (dm-log-writes; the kernel's
/// Documentation/admin-guide/device-mapper/log-writes.rst).
namespace cowshed::test {

/// A disk over a file of zeros whose every write is recorded in another file, as long as this lives.
class RecordedDisk {
 public:
  /// Both files are made, sparse.
  RecordedDisk(const Path& data, Bytes size, const Path& log);
  ~RecordedDisk();
  RecordedDisk(const RecordedDisk&) = delete;
  RecordedDisk& operator=(const RecordedDisk&) = delete;

  static Path node() { return "/dev/mapper/recorded"; }
  /// A place in the log by which it is found again.
  static void mark(const std::string& name);

 private:
  loop::Loop data_, log_;
};

/// The log of a RecordedDisk that is gone.
class WriteLog {
 public:
  struct Entry {
    Bytes at, length;
    bool is_flush = false, is_fua = false, is_discard = false;
    /// Of a mark; else empty.
    std::string mark;
    /// Where in the log its data begins.
    Bytes data;
    /// Whoever asked for it went on only when it was on the disk, together with (flush) or without (FUA) all
    /// before it.
    [[nodiscard]] bool is_waited_for() const { return is_flush || is_fua; }
  };

  explicit WriteLog(const Path& log);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// Its index; throws where there is none.
  [[nodiscard]] std::size_t index_of(const std::string& mark) const;
  void write(const Entry& entry, const Fd& disk) const;

 private:
  void read_entries(std::uint64_t count, Bytes sector);
  void read_at(Bytes at, void* into, std::size_t size) const;

  Path path_;
  Fd log_;
  std::vector<Entry> entries_;
};

}  // namespace cowshed::test
