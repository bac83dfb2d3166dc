// SPDX-License-Identifier: Apache-2.0
#include "layers/image_file.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.h"
#include "base/undo.h"
#include "io/cached.h"
#include "io/copy_file.h"
#include "layers/base_files.h"

namespace cowshed::layers {

namespace {

void fill(const Path& image, Bytes size, const Path& content, const io::CopyProgress& progress) {
  const Fd from = io::open_to_read_once(content);
  const Bytes length = stat_fd(from, content).size;
  if (length > size)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' is {} bytes long, which is more than the volume's {}", content.native(),
                            length.count, size.count));
  const Fd to = io::open_direct_if_possible(image, O_RDWR);
  io::CopyOptions options;
  options.progress = progress;
  // The image is new, and synced as a whole when it is complete.
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  io::copy_file(io::End(from, content), io::End(to, image), options);
}

}  // namespace

Bytes image_size(const Path& image) {
  const auto found = stat_if_exists(image);
  if (!found) throw Error(ErrorKind::not_found, fmt::format("image '{}' is missing", image.native()));
  if (found->size.count == 0 || found->size.count % Sectors::bytes_each != 0)
    throw Error(ErrorKind::corrupt_image,
                fmt::format("image '{}' is {} bytes long, which is no whole number of {}-byte sectors",
                            image.native(), found->size.count, Sectors::bytes_each));
  return found->size;
}

void create_image_by(const Path& image, const std::function<void(const Path& file)>& make) {
  if (path_exists(image))
    throw Error(ErrorKind::exists, fmt::format("image '{}' exists already", image.native()));
  const Path temporary = half_made(image);
  unlink_if_exists(temporary);
  Undo undo([&] { unlink_if_exists(temporary); });
  make(temporary);
  sync_path(temporary);
  Undo undo_all([&] { unlink_if_exists(image); });
  rename_durably(temporary, image);
  undo.release();
  undo_all.release();
}

void create_image(const Path& image, Bytes size, const std::optional<Path>& content,
                  const io::CopyProgress& progress) {
  create_image_by(image, [&](const Path& file) {
    create_sparse(file, size);
    if (content) fill(file, size, *content, progress);
  });
}

}  // namespace cowshed::layers
