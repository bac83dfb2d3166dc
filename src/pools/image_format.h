// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/file.h"

/// In what a disk image that somebody gives is written.
namespace cowshed::pools {

enum class ImageFormat { raw, qcow2, vmdk, vdi };
std::string_view to_string(ImageFormat format);
/// Throws invalid_argument listing those there are.
ImageFormat parse_image_format(std::string_view text);

/// As much of a file's beginning as is looked at.
constexpr std::size_t image_start = 512;
/// By its magic number; raw is whatever has none.
///
///   qcow2   "QFI\xfb" at 0                     QEMU, docs/interop/qcow2.txt
///   vmdk    "KDMV" or "COWD" at 0, or a descriptor: "# Disk DescriptorFile"
///                                              VMware, Virtual Disk Format 5.0
///   vdi     0xbeda107f, little endian, at 64   VirtualBox, include/VBox/vd-ifs.h and Storage/VDICore.h
ImageFormat detect_format(std::span<const std::byte> start);

/// Throws not_supported where the header says that content lies in other files (a backing file, an external
/// data file, extents of their own): whoever made the image would choose which files of this host become
/// content. What only a program that knows the format can tell is not seen here.
void refuse_other_files(ImageFormat format, std::span<const std::byte> start);

/// An image file, and in what it is written. Not set: as its first bytes say.
struct GivenImage {
  // NOLINTNEXTLINE(google-explicit-constructor): a path is one.
  GivenImage(Path path) : file(std::move(path)) {}
  GivenImage(Path path, std::optional<ImageFormat> written_in) : file(std::move(path)), format(written_in) {}
  Path file;
  std::optional<ImageFormat> format = std::nullopt;
};

/// What it is to be read as. What is no regular file (a device, a pipe, "-") is raw. Throws invalid_argument
/// where a format other than raw was asked for and the file is not written in it.
ImageFormat format_of(const GivenImage& image);

}  // namespace cowshed::pools
