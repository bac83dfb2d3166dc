// SPDX-License-Identifier: Apache-2.0
#include "pools/images/fill.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/undo.h"
#include "io/cached.h"
#include "io/copy_file.h"
#include "io/sharing.h"
#include "io/stream.h"
#include "layers/image_file.h"
#include "pools/qemu_img.h"

namespace cowshed::pools::images {

namespace {

/// The old image is untouched until all of the new one is there.
io::CopyProgress told(const ProgressWatch& progress, Bytes total) {
  if (!progress) return nullptr;
  return [progress, total](Bytes done) { progress({done, total, true}); };
}

Bytes whole_sectors(Bytes size) {
  return {(size.count + Sectors::bytes_each - 1) / Sectors::bytes_each * Sectors::bytes_each};
}

Error empty_input(const Path& name) {
  return {ErrorKind::invalid_argument, fmt::format("'{}' is empty", name.native())};
}

io::CopyOptions new_file_options(const ProgressWatch& progress, Bytes total) {
  io::CopyOptions options;
  options.progress = told(progress, total);
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  return options;
}

void set_size(const Fd& fd, const Path& image, Bytes size) {
  if (::ftruncate(fd.get(), static_cast<off_t>(size.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}'", image.native()));
}

void fill_from_pipe(int fd, const Path& name, const Path& image, const ProgressWatch& progress) {
  const Fd to = create_sparse(image, Bytes{0});
  const Bytes size = io::read_stream(fd, name, io::End(to, image), told(progress, Bytes{0}));
  if (size.count == 0) throw empty_input(name);
  set_size(to, image, whole_sectors(size));
}

void fill_from_raw(const Path& file, const Path& image, const ProgressWatch& progress) {
  if (file == "-") return fill_from_pipe(STDIN_FILENO, "standard input", image, progress);
  const Fd probe = open_file(file, O_RDONLY);
  struct stat st {};
  if (::fstat(probe.get(), &st) < 0) throw Error::from_errno(errno, fmt::format("'{}'", file.native()));
  if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) return fill_from_pipe(probe.get(), file, image, progress);
  const Fd from = S_ISREG(st.st_mode) ? io::open_to_read_once(file) : open_file(file, O_RDONLY | O_DIRECT);
  const io::End source(from, file);
  const Bytes size = source.size();
  if (size.count == 0) throw empty_input(file);
  create_sparse(image, whole_sectors(size));
  const Fd to = io::open_direct_if_possible(image, O_RDWR);
  io::copy_file(source, io::End(to, image), new_file_options(progress, size));
  set_size(to, image, whole_sectors(size));
}

}  // namespace

void fill_from(const GivenImage& source, const Path& image, const ProgressWatch& progress) {
  const ImageFormat format = format_of(source);
  if (format == ImageFormat::raw) return fill_from_raw(source.file, image, progress);
  const ForeignImage foreign(source.file, format);
  foreign.convert_into(image, foreign.size(), progress);
}

std::shared_ptr<const Export> hold_export(Volume& volume) {
  const auto end = [](Export* held) {
    const std::unique_ptr<Export> goes(held);
    const Undo at_the_end([&] { goes->end(); });
  };
  return {volume.begin_export().get().release(), end};
}

void fill_from(const Export& from, const Path& image, const ProgressWatch& progress) {
  create_sparse(image, from.size());
  const Fd source = io::open_direct_if_possible(from.path(), O_RDONLY);
  const Fd to = io::open_direct_if_possible(image, O_RDWR);
  const io::End source_end(source, from.path()), image_end(to, image);
  if (io::share_file(source_end, image_end))
    set_size(to, image, from.size());  // What is exported may have grown meanwhile.
  else
    io::copy_extents(io::stream_of(from.data()), source_end, image_end,
                     new_file_options(progress, from.size()));
}

void create_image(const Path& image, Bytes size, const CreateOptions& options, const Export* content) {
  const auto& progress = options.progress;
  if (content)
    return layers::create_image_by(image, [&](const Path& made) { fill_from(*content, made, progress); });
  const ImageFormat format = options.image ? format_of(*options.image) : ImageFormat::raw;
  if (format != ImageFormat::raw)
    return layers::create_image_by(image, [&](const Path& made) {
      ForeignImage(options.image->file, format).convert_into(made, size, progress);
    });
  const auto raw = options.image ? std::optional(options.image->file) : std::nullopt;
  layers::create_image(image, size, raw, [&](Bytes done) {
    if (progress) progress({done, size});
  });
}

}  // namespace cowshed::pools::images
