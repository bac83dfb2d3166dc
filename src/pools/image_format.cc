// SPDX-License-Identifier: Apache-2.0
#include "pools/image_format.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace cowshed::pools {

namespace {

using Start = std::span<const std::byte>;

constexpr std::array<ImageFormat, 4> formats = {ImageFormat::raw, ImageFormat::qcow2, ImageFormat::vmdk,
                                                ImageFormat::vdi};

bool has_at(Start start, std::size_t offset, std::string_view magic) {
  return start.size() >= offset + magic.size() &&
         std::memcmp(start.data() + offset, magic.data(), magic.size()) == 0;
}

/// 0 behind the end.
std::uint64_t big_endian(Start start, std::size_t offset, std::size_t length) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < length; ++i)
    value = value << 8 | (offset + i < start.size() ? std::to_integer<std::uint64_t>(start[offset + i]) : 0);
  return value;
}

bool is_all_zero(Start start, std::size_t offset, std::size_t length) {
  return big_endian(start, offset, length) == 0;
}

constexpr std::string_view descriptor_magic = "# Disk DescriptorFile";

[[noreturn]] void refuse(std::string_view what) {
  throw Error(ErrorKind::not_supported,
              fmt::format("{}: it would choose which files of this host become content. Make one image of it "
                          "where it comes from (qemu-img convert) and import that",
                          what));
}

void refuse_qcow2(Start start) {
  constexpr std::size_t version_at = 4, backing_file_offset_at = 8, incompatible_features_at = 72;
  constexpr std::uint64_t external_data_file = 1U << 2U;
  if (!is_all_zero(start, backing_file_offset_at, 8)) refuse("it has a backing file");
  if (big_endian(start, version_at, 4) >= 3 &&
      (big_endian(start, incompatible_features_at, 8) & external_data_file) != 0)
    refuse("it has an external data file");
}

/// A sparse extent without a capacity is only the envelope of a descriptor.
void refuse_vmdk(Start start) {
  constexpr std::size_t capacity_at = 12;
  if (has_at(start, 0, descriptor_magic) || (has_at(start, 0, "KDMV") && is_all_zero(start, capacity_at, 8)))
    refuse("it names the files that hold its content");
}

std::size_t read_start(const Path& file, std::span<std::byte> into) {
  const Fd fd = open_file(file, O_RDONLY);
  const ssize_t got = ::pread(fd.get(), into.data(), into.size(), 0);
  if (got < 0) throw Error::from_errno(errno, fmt::format("read '{}'", file.native()));
  return static_cast<std::size_t>(got);
}

ImageFormat detect(const Path& file) {
  struct stat st {};
  if (::stat(file.c_str(), &st) < 0 || !S_ISREG(st.st_mode)) return ImageFormat::raw;
  std::array<std::byte, image_start> start{};
  return detect_format(std::span(start).first(read_start(file, start)));
}

}  // namespace

std::string_view to_string(ImageFormat format) {
  switch (format) {
    case ImageFormat::raw:
      return "raw";
    case ImageFormat::qcow2:
      return "qcow2";
    case ImageFormat::vmdk:
      return "vmdk";
    case ImageFormat::vdi:
      return "vdi";
  }
  return "unknown";
}

ImageFormat parse_image_format(std::string_view text) {
  const auto found = std::find_if(formats.begin(), formats.end(),
                                  [&](ImageFormat known) { return to_string(known) == text; });
  if (found != formats.end()) return *found;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("image format '{}': there are raw, qcow2, vmdk and vdi", text));
}

ImageFormat detect_format(Start start) {
  constexpr std::size_t vdi_magic_at = 64;
  if (has_at(start, 0, "QFI\xfb")) return ImageFormat::qcow2;
  if (has_at(start, 0, "KDMV") || has_at(start, 0, "COWD") || has_at(start, 0, descriptor_magic))
    return ImageFormat::vmdk;
  if (has_at(start, vdi_magic_at, "\x7f\x10\xda\xbe")) return ImageFormat::vdi;
  return ImageFormat::raw;
}

void refuse_other_files(ImageFormat format, Start start) {
  if (format == ImageFormat::qcow2) refuse_qcow2(start);
  if (format == ImageFormat::vmdk) refuse_vmdk(start);
}

ImageFormat format_of(const GivenImage& image) {
  if (image.format == ImageFormat::raw) return ImageFormat::raw;
  const ImageFormat found = detect(image.file);
  if (image.format && *image.format != found)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' is no {} image in a file", image.file.native(), to_string(*image.format)));
  return found;
}

}  // namespace cowshed::pools
