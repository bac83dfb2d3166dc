// SPDX-License-Identifier: Apache-2.0
// Source: elf(5), sections "ELF header", "Program header" and "Notes (Nhdr)".
#include "pools/plugin_note.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace cowshed::pools {

namespace {

constexpr std::size_t most_headers = 256;
constexpr std::size_t most_notes = std::size_t{64} * 1024;

Error refusal(const Path& file, std::string_view why) {
  return {ErrorKind::invalid_argument, fmt::format("'{}' is no plug-in: {}", file.native(), why)};
}

/// Whole, or nothing where the file ends before.
bool read_at(const Fd& fd, const Path& file, std::uint64_t offset, void* into, std::size_t size) {
  // A damaged header may lead to where no file reaches.
  if (offset > std::numeric_limits<off_t>::max()) return false;
  const ssize_t done = ::pread(fd.get(), into, size, static_cast<off_t>(offset));
  if (done < 0) throw Error::from_errno(errno, fmt::format("read '{}'", file.native()));
  return static_cast<std::size_t>(done) == size;
}

/// The machine that this program was built for, from its own header.
std::uint16_t own_machine() {
  const Path self = "/proc/self/exe";
  Elf64_Ehdr header{};
  return read_at(open_file(self, O_RDONLY), self, 0, &header, sizeof header) ? header.e_machine
                                                                             : std::uint16_t{EM_NONE};
}

Elf64_Ehdr read_header(const Fd& fd, const Path& file) {
  Elf64_Ehdr header{};
  if (!read_at(fd, file, 0, &header, sizeof header) || std::memcmp(&header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_type != ET_DYN)
    throw refusal(file, "it is no shared object");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != own_machine())
    throw refusal(file, "it was built for another machine");
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > most_headers)
    throw refusal(file, "its headers are damaged");
  return header;
}

std::size_t padded(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

std::optional<PluginAbi> find_abi(std::span<const char> notes, std::size_t alignment) {
  const PluginNote ours;
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr note{};
    std::memcpy(&note, notes.data(), sizeof note);
    const std::size_t content = sizeof note + padded(note.n_namesz, alignment);
    const std::size_t end = content + padded(note.n_descsz, alignment);
    if (end > notes.size()) return std::nullopt;
    if (note.n_namesz == ours.name_size && note.n_type == ours.type &&
        note.n_descsz >= sizeof(ours.abi.version) &&
        std::memcmp(notes.data() + sizeof note, &ours.name, ours.name_size) == 0) {
      // One of another version may be of another size; its version still comes first.
      PluginAbi abi{.version = 0};
      std::memcpy(&abi, notes.data() + content, std::min<std::size_t>(note.n_descsz, sizeof abi));
      return abi;
    }
    notes = notes.subspan(end);
  }
  return std::nullopt;
}

}  // namespace

PluginAbi read_plugin_abi(const Fd& fd, const Path& file) {
  const Elf64_Ehdr header = read_header(fd, file);
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (!read_at(fd, file, header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr)))
    throw refusal(file, "it is cut off");
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_NOTE || segment.p_filesz > most_notes) continue;
    std::vector<char> notes(segment.p_filesz);
    if (!read_at(fd, file, segment.p_offset, notes.data(), notes.size()))
      throw refusal(file, "it is cut off");
    if (const auto abi = find_abi(notes, segment.p_align == 8 ? 8 : 4)) return *abi;
  }
  throw refusal(file, "it does not end in COWSHED_PLUGIN (docs/drivers.md)");
}

}  // namespace cowshed::pools
