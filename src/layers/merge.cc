// SPDX-License-Identifier: Apache-2.0
#include "layers/merge.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/undo.h"
#include "io/cached.h"
#include "io/copy_file.h"
#include "io/data_extents.h"
#include "io/sharing.h"
#include "layers/base_files.h"
#include "layers/image_file.h"
#include "layers/store_file.h"

namespace cowshed::layers {

namespace {

/// The engine's part of the 64 MiB that a merge may take; the rest is for the exceptions that are sorted.
constexpr Bytes engine_memory = mebibytes(40);

template <typename Body>
decltype(auto) on_file(const Path& file, Body body) {
  return in_context([&] { return fmt::format("'{}'", file.native()); }, body);
}

void resize_file(const Path& file, Bytes size) {
  if (::truncate(file.c_str(), static_cast<off_t>(size.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}' to {} bytes", file.native(), size.count));
}

io::CopyOptions engine_options(const io::CopyProgress& progress) {
  io::CopyOptions options;
  options.memory = engine_memory;
  options.progress = progress;
  return options;
}

/// The store's data, each piece to where it belongs; what lies behind the result's end is left out.
io::ExtentStream extents_of(MergeStore& store) {
  return [&exceptions = store.exceptions(), chunk = store.survey().chunk.bytes(),
          end = store.survey().result_size]() -> std::optional<io::Extent> {
    while (const auto exception = exceptions.next()) {
      const Bytes target = chunk * exception->old_chunk;
      if (target < end)
        return io::Extent{chunk * exception->new_chunk, target, std::min(chunk, end - target)};
    }
    return std::nullopt;
  };
}

/// Chunks of the image that must be saved, rising: those that the store replaces, and, of what is cut off,
/// those that hold data.
class ReplacedChunks {
 public:
  ReplacedChunks(MergeStore& store, const io::End& image)
      : ReplacedChunks(store.exceptions(), image, store.survey()) {}

  std::optional<std::uint64_t> next() {
    if (!exception_ && !exceptions_ended_) read_exception();
    if (!cut_chunk_ && cut_) read_cut_off();
    if (!exception_ && !cut_chunk_) return std::nullopt;
    const std::uint64_t chunk =
        std::min(exception_.value_or(image_chunks_), cut_chunk_.value_or(image_chunks_));
    if (exception_ == chunk) exception_.reset();
    if (cut_chunk_ == chunk) cut_chunk_.reset();
    return chunk;
  }

 private:
  ReplacedChunks(cow::SortedExceptions& exceptions, const io::End& image, const MergeSurvey& survey)
      : exceptions_(exceptions),
        image_chunks_(survey.chunk.chunks_in(survey.image_size)),
        cut_(survey.result_size < survey.image_size),
        from_(cut_ ? survey.result_size.count / survey.chunk.bytes().count : image_chunks_),
        chunk_(survey.chunk.bytes()),
        data_(io::data_extents(image)) {}

  void read_exception() {
    const auto exception = exceptions_.next();
    // What lies behind the image's end is new, and gone again when the image has its old size.
    if (exception && exception->old_chunk < image_chunks_)
      exception_ = exception->old_chunk;
    else
      exceptions_ended_ = true;
  }

  void read_cut_off() {
    while (from_ >= data_end_) {
      const auto extent = data_();
      if (!extent) {
        cut_ = false;
        return;
      }
      from_ = std::max(from_, extent->source.count / chunk_.count);
      data_end_ = ((extent->source + extent->length).count + chunk_.count - 1) / chunk_.count;
    }
    cut_chunk_ = from_++;
  }

  cow::SortedExceptions& exceptions_;
  const std::uint64_t image_chunks_;
  bool cut_;
  /// The next chunk that may be cut off.
  std::uint64_t from_;
  const Bytes chunk_;
  io::ExtentStream data_;
  std::uint64_t data_end_ = 0;
  std::optional<std::uint64_t> exception_, cut_chunk_;
  bool exceptions_ended_ = false;
};

std::uint64_t most_replaced(const MergeSurvey& survey) {
  const std::uint64_t result = survey.result_size.count / survey.chunk.bytes().count;
  const std::uint64_t all = survey.chunk.chunks_in(survey.image_size);
  return std::min(all, survey.exceptions + (result < all ? all - result : 0));
}

/// Metadata is written through the page cache: no page of it is also a page of data, unless chunks are
/// smaller than pages; then all is.
Fd open_for_data(const Path& file, cow::ChunkSize chunk) {
  constexpr Bytes page = kibibytes(4);
  return chunk.bytes() < page ? open_file(file, O_RDWR) : io::open_direct_if_possible(file, O_RDWR);
}

/// Copies the chunks of the image that `next` gives, rising, into a new store.
void write_saved(const std::function<std::optional<std::uint64_t>()>& next, std::uint64_t most,
                 cow::ChunkSize chunk, const Path& image, const Fd& metadata, const Path& saved,
                 const io::CopyProgress& progress) {
  resize_file(saved, cow::size_with(chunk, most));
  const Fd from = io::open_to_read_once(image), to = open_for_data(saved, chunk);
  const io::End source(from, image);
  const Bytes size = source.size();
  cow::Writer writer(write_to(metadata, saved), {chunk, size});
  auto options = engine_options(progress);
  options.zeroes = io::Zeroes::skip;
  options.zero_search = io::ZeroSearch::holes;
  options.sync = false;
  io::copy_extents(
      [&]() -> std::optional<io::Extent> {
        const auto found = next();
        if (!found) return std::nullopt;
        const Bytes at = chunk.bytes() * *found;
        return io::Extent{at, chunk.bytes() * writer.add(*found), std::min(chunk.bytes(), size - at)};
      },
      source, io::End(to, saved), options);
  resize_file(saved, writer.finish());
}

/// Writes a store under another name first.
void save_whole(const Path& saved, const std::function<void(const Fd&, const Path&)>& write) {
  const Path temporary = half_made(saved);
  unlink_if_exists(temporary);
  const Fd file = create_sparse(temporary, Bytes{0});
  Undo undo([&] { unlink_if_exists(temporary); });
  write(file, temporary);
  sync_file(file, temporary);
  rename_durably(temporary, saved);
  undo.release();
}

/// Chunks of an image that differ in the one that is to replace it.
class DifferingChunks {
 public:
  /// They can differ where one of `stores` has an exception; else where one of them has data.
  DifferingChunks(const Path& image, const Path& other, cow::ChunkSize chunk,
                  const std::optional<std::vector<Path>>& stores)
      : image_(image, chunk), other_(other, chunk), chunk_(chunk) {
    may_differ_.resize(chunk.chunks_in(image_.size()));
    if (stores) {
      for (const Path& store : *stores) mark(store);
    } else {
      mark(image_);
      mark(other_);
    }
  }

  std::optional<std::uint64_t> next() {
    for (; at_ < may_differ_.size(); ++at_)
      if (may_differ_[at_] && differs(at_)) return at_++;
    return std::nullopt;
  }
  [[nodiscard]] std::uint64_t most() const {
    return static_cast<std::uint64_t>(std::ranges::count(may_differ_, true));
  }

 private:
  class Side {
   public:
    Side(const Path& file, cow::ChunkSize chunk)
        : fd_(open_file(file, O_RDONLY)), end_(fd_, file), chunk_(chunk.bytes()), bytes_(chunk_.count) {}

    [[nodiscard]] Bytes size() const { return end_.size(); }
    [[nodiscard]] const io::End& end() const { return end_; }
    /// What it holds there; less than a chunk at its end.
    std::span<const std::byte> read(std::uint64_t chunk) {
      const Bytes at = chunk_ * chunk;
      const Bytes length = at < size() ? std::min(chunk_, size() - at) : Bytes{};
      const auto part = std::span(bytes_).first(length.count);
      read_from(fd_)(at, part);
      return part;
    }

   private:
    Fd fd_;
    io::End end_;
    Bytes chunk_;
    std::vector<std::byte> bytes_;
  };

  void mark_extent(Bytes offset, Bytes length) {
    const std::uint64_t chunk = chunk_.bytes().count, end = (offset + length).count;
    for (std::uint64_t at = offset.count / chunk; at * chunk < end && at < may_differ_.size(); ++at)
      may_differ_[at] = true;
  }
  void mark(const Side& side) {
    const auto data = io::data_extents(side.end());
    while (const auto extent = data()) mark_extent(extent->source, extent->length);
  }
  void mark(const Path& store) {
    const Fd fd = open_file(store, O_RDONLY);
    on_file(store, [&] {
      cow::Reader reader(read_from(fd), io::End(fd, store).size(), image_.size());
      const auto& header = reader.header();
      if (!header) return;
      const Bytes length = header->chunk_size.bytes();
      while (const auto exception = reader.next()) mark_extent(length * exception->old_chunk, length);
    });
    // A loop device's number will be another file's.
    ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  }
  bool differs(std::uint64_t chunk) { return !std::ranges::equal(image_.read(chunk), other_.read(chunk)); }

  Side image_, other_;
  cow::ChunkSize chunk_;
  std::vector<bool> may_differ_;
  std::uint64_t at_ = 0;
};

void merge(MergeStore& store, const Path& image, const Fd& into, const io::CopyProgress& progress) {
  const Fd from = io::open_to_read_once(store.path());
  auto options = engine_options(progress);
  options.zeroes = io::Zeroes::punch;
  options.zero_search = store.zero_search();
  options.sync = false;
  io::copy_extents(extents_of(store), io::End(from, store.path()), io::End(into, image), options);
}

cow::SortedExceptions sorted_exceptions(const Fd& fd, const Path& store, Bytes origin) {
  return on_file(store,
                 [&] { return cow::SortedExceptions(read_areas_from(fd), stat_fd(fd, store).size, origin); });
}

MergeSurvey survey_of(cow::SortedExceptions& exceptions, Bytes image_size) {
  const auto& header = exceptions.header();
  MergeSurvey survey{.chunk = header ? header->chunk_size : base_chunk,
                     .exceptions = exceptions.count(),
                     .image_size = image_size,
                     .result_size = header ? header->restores.value_or(image_size) : image_size};
  cow::Exception last;
  while (const auto exception = exceptions.next()) {
    const bool follows = last.new_chunk != 0 && exception->old_chunk == last.old_chunk + 1 &&
                         exception->new_chunk == last.new_chunk + 1;
    if (!follows) ++survey.runs;
    last = *exception;
  }
  return survey;
}

}  // namespace

MergeStore::MergeStore(const Path& store, const Path& image, io::ZeroSearch zero_search)
    : path_(store),
      zero_search_(zero_search),
      fd_(open_file(store, O_RDONLY)),
      exceptions_(sorted_exceptions(fd_, store, image_size(image))),
      survey_(on_file(store, [&] { return survey_of(exceptions_, image_size(image)); })) {}

cow::SortedExceptions& MergeStore::exceptions() {
  exceptions_.rewind();
  return exceptions_;
}

void save_replaced(MergeStore& store, const Path& image, const Path& saved,
                   const io::CopyProgress& progress) {
  const Fd seeking = open_file(image, O_RDONLY);
  const io::End holes(seeking, image);
  ReplacedChunks replaced(store, holes);
  save_whole(saved, [&](const Fd& file, const Path& name) {
    write_saved([&] { return replaced.next(); }, most_replaced(store.survey()), store.survey().chunk, image,
                file, name, progress);
  });
}

void save_differing(const Path& image, const Path& other, const Path& saved,
                    const io::CopyProgress& progress) {
  save_whole(saved, [&](const Fd& file, const Path& name) {
    DifferingChunks differing(image, other, base_chunk, std::nullopt);
    write_saved([&] { return differing.next(); }, differing.most(), base_chunk, image, file, name, progress);
  });
}

void write_differing(const Path& image, const Path& other, const std::optional<std::vector<Path>>& stores,
                     const Fd& saved, const io::CopyProgress& progress) {
  DifferingChunks differing(image, other, base_chunk, stores);
  write_saved([&] { return differing.next(); }, differing.most(), base_chunk, image, saved, path_to(saved),
              progress);
}

void merge_into_image(MergeStore& store, const Path& image, ImageUse use, const io::CopyProgress& progress) {
  const auto& survey = store.survey();
  if (survey.result_size > survey.image_size) resize_file(image, survey.result_size);
  const Fd into =
      use == ImageUse::attached ? open_file(image, O_RDWR) : io::open_direct_if_possible(image, O_RDWR);
  merge(store, image, into, progress);
  if (survey.result_size < survey.image_size) resize_file(image, survey.result_size);
  sync_file(into, image);
}

bool merge_into_new_image(MergeStore& store, const Path& image, const Path& new_image, bool may_copy,
                          const io::CopyProgress& progress) {
  unlink_if_exists(new_image);
  const Fd into = create_sparse(new_image, store.survey().image_size);
  Undo undo([&] { unlink_if_exists(new_image); });
  const Fd from = open_file(image, O_RDONLY);
  const io::End source(from, image), target(into, new_image);
  auto options = engine_options(nullptr);
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  if (may_copy)
    io::copy_file(source, target, options);
  else if (!io::share_file(source, target))
    return false;
  resize_file(new_image, store.survey().result_size);
  merge(store, new_image, into, progress);
  sync_file(into, new_image);
  undo.release();
  return true;
}

}  // namespace cowshed::layers
