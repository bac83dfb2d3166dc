// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pools/image_format.h"
#include "pools/volume.h"

/// Images of other programs, which qemu-img reads: the one program that cowshed runs, and only to import.
namespace cowshed::pools {

/// An image in a format other than raw. It may come from a guest, so it is opened once, is given to qemu-img
/// as that descriptor with its format named (nothing is probed, no name is looked at), and whatever refers to
/// another file is refused before qemu-img could open it.
class ForeignImage {
 public:
  /// Looks at the header and asks qemu-img. Throws not_found for the file, not_supported where qemu-img is
  /// not installed (saying which package has it) or the image refers to other files, corrupt_image where
  /// qemu-img does not take it.
  ForeignImage(const Path& file, ImageFormat format);

  /// Of the disk that the guest is to see, in whole sectors.
  [[nodiscard]] Bytes size() const { return size_; }
  /// Makes `image`, which must not exist yet, sparse, `size` bytes long (not less than the disk), not synced.
  /// Blocks; what `progress` throws ends the program, and the file may be there in part.
  void convert_into(const Path& image, Bytes size, const ProgressWatch& progress) const;

 private:
  [[nodiscard]] Path given_path() const;
  void ask();
  [[noreturn]] void fail(std::string_view what, int status, const std::string& errors) const;

  Path file_;
  ImageFormat format_;
  Path program_;
  Fd fd_;
  Bytes size_;
};

}  // namespace cowshed::pools
