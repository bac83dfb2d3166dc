// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/lease.h"
#include "pools/image_format.h"
#include "pools/volume.h"

/// Images of other programs, which qemu-img reads: the one program that cowshed runs, and only to import.
namespace cowshed::pools {

/// An image in a format other than raw. It may come from a guest, so it is opened once, is given to qemu-img
/// as that descriptor with its format named (nothing is probed, no name is looked at), and whatever refers to
/// another file is refused before qemu-img could open it. What is converted is what was looked at: nobody has
/// the image open for writing meanwhile (base/lease.h), or else it is a copy that nobody else can open. For
/// qemu-img can be told to follow no backing file, but not to leave other files alone of which an image says
/// that its content lies there (qcow2's data file, extents of VMDK; tried with 7.2).
class ForeignImage {
 public:
  /// Looks at the header and asks qemu-img. Throws not_found for the file, not_supported where qemu-img is
  /// not installed (saying which package has it) or the image refers to other files, corrupt_image where
  /// qemu-img does not take it.
  ForeignImage(const Path& file, ImageFormat format);

  /// Of the disk that the guest is to see, in whole sectors.
  [[nodiscard]] Bytes size() const { return size_; }
  /// Makes `image`, which must not exist yet, sparse, `size` bytes long (not less than the disk), not synced.
  /// Blocks; what `progress` throws ends the program, and the file may be there in part. An image that
  /// somebody has open for writing is copied beside `image` first, and looked at again. Throws in_use where
  /// somebody begins to write the image.
  void convert_into(const Path& image, Bytes size, const ProgressWatch& progress) const;

 private:
  /// `file`: its name, for messages.
  ForeignImage(Fd fd, Path file, ImageFormat format);

  [[nodiscard]] Path given_path() const;
  [[nodiscard]] std::string source() const;
  void look();
  void ask();
  void refuse_written() const;
  [[nodiscard]] Fd copy_beside(const Path& image, const ProgressWatch& progress) const;
  void convert(const Path& image, Bytes size, const ProgressWatch& progress) const;
  [[noreturn]] void fail(std::string_view what, int status, const std::string& errors) const;

  Path file_;
  ImageFormat format_;
  Path program_;
  Fd fd_;
  /// Nothing where it could not be had, and of a copy.
  std::optional<ReadLease> lease_;
  Bytes size_;
};

}  // namespace cowshed::pools
