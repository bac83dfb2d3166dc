// SPDX-License-Identifier: Apache-2.0
#include "support/faulty_disk.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "support/process.h"

namespace cowshed::test {

namespace {

constexpr Bytes block = kibibytes(4);
/// Behind the file system's end, for what concerns the whole disk.
constexpr Bytes tail = kibibytes(4);

std::string output_of(const std::vector<std::string>& program) {
  const Outcome outcome = run_program(program);
  if (!outcome.ok())
    throw Error(ErrorKind::kernel_refused, fmt::format("{}: {}", program.front(), outcome.text()));
  return outcome.out;
}

loop::Loop attach_new(const Path& file, Bytes size) {
  const Fd fd = create_sparse(file, size);
  return loop::Loop::attach(fd, file, {});
}

}  // namespace

Stretches stretches_of(const Path& file) {
  constexpr unsigned most = 256;
  alignas(struct fiemap) std::array<char, sizeof(struct fiemap) + most * sizeof(struct fiemap_extent)> raw{};
  auto* const map = reinterpret_cast<struct fiemap*>(raw.data());
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = most;
  if (::ioctl(open_file(file, O_RDONLY).get(), FS_IOC_FIEMAP, map) < 0)
    throw Error::from_errno(errno, fmt::format("fiemap of '{}'", file.native()));
  Stretches stretches;
  for (unsigned i = 0; i < map->fm_mapped_extents; ++i)
    stretches.push_back({Bytes{map->fm_extents[i].fe_physical}, Bytes{map->fm_extents[i].fe_length}});
  return stretches;
}

Stretches free_stretches(const Path& disk) {
  // "  Free blocks: 1234-5678, 9000", a line for each group.
  std::istringstream lines(output_of({"dumpe2fs", disk.native()}));
  constexpr std::string_view label = "  Free blocks: ";
  Stretches stretches;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(label)) continue;
    std::istringstream ranges(line.substr(label.size()));
    for (std::string range; std::getline(ranges, range, ',');) {
      std::uint64_t first = 0, last = 0;
      const int found = std::sscanf(range.c_str(), "%" SCNu64 "-%" SCNu64, &first, &last);
      if (found >= 1) stretches.push_back({block * first, block * ((found == 2 ? last : first) - first + 1)});
    }
  }
  return stretches;
}

FaultyDisk::FaultyDisk(const Path& file, Bytes size) : size_(size), data_(attach_new(file, size + tail)) {
  output_of({"dmsetup", "create", "faulty", "--table", sound()});
  output_of({"dmsetup", "mknodes", "faulty"});
}

FaultyDisk::~FaultyDisk() { run_program({"dmsetup", "remove", "--retry", "faulty"}); }

std::string FaultyDisk::line(Bytes at, Bytes end) const {
  return fmt::format("{} {} linear {} {}\n", to_sectors(at).count, to_sectors(end - at).count,
                     data_.path().native(), to_sectors(at).count);
}

std::string FaultyDisk::command_to_fail(const Stretches& stretches) const {
  Stretches rising = stretches;
  std::ranges::sort(rising, {}, [](const Stretch& stretch) { return stretch.at; });
  std::string table;
  Bytes at;
  for (const Stretch& bad : rising) {
    if (bad.at < at) throw Error(ErrorKind::invalid_argument, "stretches that overlap");
    if (bad.at > at) table += line(at, bad.at);
    table += fmt::format("{} {} error\n", to_sectors(bad.at).count, to_sectors(bad.length).count);
    at = bad.at + bad.length;
  }
  if (at < size_) table += line(at, size_);
  return command_to_load(table);
}

std::string FaultyDisk::command_to_fail_flushes() const {
  // A flush is sent to all parts of the disk; this one, which nobody writes, fails whatever is no read.
  return command_to_load(sound() + fmt::format("{} {} flakey {} {} 0 1000 1 error_writes\n",
                                               to_sectors(size_).count, to_sectors(tail).count,
                                               data_.path().native(), to_sectors(size_).count));
}

std::string FaultyDisk::command_to_load(const std::string& table) const {
  // Nothing is written out before: that is to fail, too.
  return fmt::format("echo '{}' | dmsetup load faulty && dmsetup resume --nolockfs --noflush faulty", table);
}

void FaultyDisk::heal() const { output_of({"sh", "-c", command_to_load(sound())}); }

}  // namespace cowshed::test
