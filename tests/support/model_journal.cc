// SPDX-License-Identifier: Apache-2.0
#include "support/model_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/error.h"

namespace cowshed::test::model {

namespace {

constexpr Bytes journal_size = mebibytes(64);
/// A sector: what every disk of a test VM can write by itself.
constexpr std::size_t block = 512;
constexpr std::size_t alignment = 4096;

struct Header {
  char magic[8];
  std::uint64_t sequence;
  std::uint64_t event_length;
  std::uint64_t data_length;
};
constexpr char magic[8] = {'m', 'o', 'd', 'e', 'l', 'l', 'o', 'g'};

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char[], Free>;
Memory aligned(std::size_t size) {
  return Memory(
      static_cast<char*>(std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)));
}

std::size_t rounded(const Header& header) {
  return (sizeof header + header.event_length + header.data_length + block - 1) / block * block;
}

[[noreturn]] void fail(const char* what, const Path& file) {
  throw Error::from_errno(errno, what + (" '" + file.native() + "'"));
}

/// Blocks that were never written would have to be converted in the file system's own journal at their first.
void fill(const Path& file) {
  const Fd fd = open_file(file, O_RDWR | O_CREAT | O_EXCL);
  const std::string zeros(mebibytes(1).count, '\0');
  for (Bytes at; at < journal_size; at = at + mebibytes(1)) write_all(fd, zeros, file);
  sync_file(fd, file);
  sync_directory(file.parent_path());
}

}  // namespace

Journal::Journal(const Path& file) : file_(file) {
  if (!path_exists(file)) fill(file);
  fd_ = open_file(file, O_RDWR | O_DIRECT);
}

void Journal::replay(const std::function<void(const std::string&, const std::string&)>& visit) {
  Header header{};
  for (auto first = aligned(block);;) {
    if (::pread(fd_.get(), first.get(), block, static_cast<off_t>(next_)) != static_cast<ssize_t>(block))
      return;
    std::memcpy(&header, first.get(), sizeof header);
    if (std::memcmp(header.magic, magic, sizeof magic) != 0 || header.sequence != sequence_) return;
    const std::size_t length = rounded(header);
    const auto whole = aligned(length);
    if (::pread(fd_.get(), whole.get(), length, static_cast<off_t>(next_)) != static_cast<ssize_t>(length))
      return;
    const char* const text = whole.get() + sizeof header;
    visit({text, header.event_length}, {text + header.event_length, header.data_length});
    next_ += length;
    ++sequence_;
  }
}

void Journal::append(const std::string& event, const std::string& data) {
  Header header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.sequence = sequence_;
  header.event_length = event.size();
  header.data_length = data.size();
  const std::size_t length = rounded(header);
  const auto whole = aligned(length);
  std::memset(whole.get(), 0, length);
  std::memcpy(whole.get(), &header, sizeof header);
  event.copy(whole.get() + sizeof header, event.size());
  data.copy(whole.get() + sizeof header + event.size(), data.size());
  if (next_ + length > journal_size.count) throw Error(ErrorKind::no_space, "the model's journal is full");
  if (::pwrite(fd_.get(), whole.get(), length, static_cast<off_t>(next_)) != static_cast<ssize_t>(length))
    fail("write", file_);
  next_ += length;
  ++sequence_;
}

}  // namespace cowshed::test::model
