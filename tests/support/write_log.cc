// SPDX-License-Identifier: Apache-2.0
#include "support/write_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "support/process.h"

namespace cowshed::test {

namespace {

constexpr const char* device_name = "recorded";
constexpr Bytes log_size = gibibytes(1);

loop::Loop attach_new(const Path& file, Bytes size) {
  const Fd fd = create_sparse(file, size);
  return loop::Loop::attach(fd, file, {});
}

void run(const std::vector<std::string>& program) {
  const Outcome outcome = run_program(program);
  if (!outcome.ok())
    throw Error(ErrorKind::kernel_refused, fmt::format("{}: {}", program.front(), outcome.text()));
}

// As the kernel's drivers/md/dm-log-writes.c lays them out, little-endian.
constexpr std::uint64_t log_magic = 0x6a736677736872ULL;
struct Super {
  std::uint64_t magic, version, entries;
  std::uint32_t sector_size;
};
struct RawEntry {
  std::uint64_t sector, sectors, flags, data_length;
};
enum : std::uint64_t { flag_flush = 1, flag_fua = 2, flag_discard = 4, flag_mark = 8 };

}  // namespace

RecordedDisk::RecordedDisk(const Path& data, Bytes size, const Path& log)
    : data_(attach_new(data, size)), log_(attach_new(log, log_size)) {
  run({"dmsetup", "create", device_name, "--table",
       fmt::format("0 {} log-writes {} {}", size.count / 512, data_.path().native(), log_.path().native())});
  run({"dmsetup", "mknodes", device_name});
}

RecordedDisk::~RecordedDisk() { run_program({"dmsetup", "remove", "--retry", device_name}); }

void RecordedDisk::mark(const std::string& name) {
  run({"dmsetup", "message", device_name, "0", "mark", name});
}

WriteLog::WriteLog(const Path& log) : path_(log), log_(open_file(log, O_RDONLY)) {
  Super super{};
  read_at(Bytes{0}, &super, sizeof super);
  if (super.magic != log_magic) throw Error(ErrorKind::corrupt_image, "this is no log of dm-log-writes");
  read_entries(super.entries, Bytes{super.sector_size});
}

void WriteLog::read_entries(std::uint64_t count, Bytes sector) {
  // An entry takes a sector and its data the next ones; what a mark says stands behind its entry.
  Bytes at = sector;
  for (std::uint64_t i = 0; i < count; ++i) {
    RawEntry raw{};
    read_at(at, &raw, sizeof raw);
    Entry entry{.at = Bytes{raw.sector * sector.count},
                .length = Bytes{raw.sectors * sector.count},
                .is_flush = (raw.flags & flag_flush) != 0,
                .is_fua = (raw.flags & flag_fua) != 0,
                .is_discard = (raw.flags & flag_discard) != 0,
                .mark = {},
                .data = at + sector};
    if ((raw.flags & flag_mark) != 0) {
      entry.mark.resize(raw.data_length);
      read_at(at + Bytes{sizeof raw}, entry.mark.data(), entry.mark.size());
      // The kernel counts the final zero with it.
      entry.mark.resize(::strnlen(entry.mark.data(), entry.mark.size()));
    }
    at = entry.data;
    if (!entry.is_discard) at = at + entry.length;
    entries_.push_back(std::move(entry));
  }
}

std::size_t WriteLog::index_of(const std::string& mark) const {
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].mark == mark) return i;
  throw Error(ErrorKind::not_found, fmt::format("the log has no mark '{}'", mark));
}

void WriteLog::write(const Entry& entry, const Fd& disk) const {
  if (entry.is_discard || entry.length == Bytes{0}) return;
  std::string data(entry.length.count, '\0');
  read_at(entry.data, data.data(), data.size());
  if (::pwrite(disk.get(), data.data(), data.size(), static_cast<off_t>(entry.at.count)) !=
      static_cast<ssize_t>(data.size()))
    throw Error::from_errno(errno, "replay a write");
}

void WriteLog::read_at(Bytes at, void* into, std::size_t size) const {
  if (::pread(log_.get(), into, size, static_cast<off_t>(at.count)) != static_cast<ssize_t>(size))
    throw Error(ErrorKind::corrupt_image, fmt::format("'{}' ends too early", path_.native()));
}

}  // namespace cowshed::test
