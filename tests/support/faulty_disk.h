// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "loop/loop.h"

/// A disk that can be made to fail at chosen places, while it is in use.
namespace cowshed::test {

/// A part of a disk; whole sectors.
struct Stretch {
  Bytes at, length;
};
using Stretches = std::vector<Stretch>;

/// What of a disk with an ext4 holds the data of `file`, as the file system tells (FS_IOC_FIEMAP).
Stretches stretches_of(const Path& file);
/// What of it holds nothing: where the next files will be.
Stretches free_stretches(const Path& disk);

class FaultyDisk {
 public:
  /// Over a new sparse file.
  FaultyDisk(const Path& file, Bytes size);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  static Path node() { return "/dev/mapper/faulty"; }

  /// A line for the shell after which reads and writes of `stretches` fail.
  [[nodiscard]] std::string command_to_fail(const Stretches& stretches) const;
  /// The same for each flush of the disk's cache, and nothing else.
  [[nodiscard]] std::string command_to_fail_flushes() const;
  void heal() const;

 private:
  [[nodiscard]] std::string command_to_load(const std::string& table) const;
  [[nodiscard]] std::string line(Bytes at, Bytes end) const;
  [[nodiscard]] std::string sound() const { return line(Bytes{0}, size_); }

  Bytes size_;
  loop::Loop data_;
};

}  // namespace cowshed::test
