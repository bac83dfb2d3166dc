// SPDX-License-Identifier: Apache-2.0
#include "layers/fold.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "io/copy.h"
#include "io/end.h"
#include "layers/store_file.h"

namespace cowshed::layers {

namespace {

constexpr Bytes engine_memory = mebibytes(24);
/// Two lists are sorted at a time.
constexpr std::uint64_t held_each = cow::exceptions_held / 2;

/// Read past the page cache: that of a loop device may hold what somebody read of its node, udev for one,
/// before the kernel wrote the store beneath it.
class FrozenStore {
 public:
  FrozenStore(const Path& path, Bytes origin)
      : path_(path),
        fd_(io::open_direct_if_possible(path_, O_RDONLY)),
        end_(fd_, path_),
        exceptions_(read_directly_from(fd_), end_.size(), origin) {}
  FrozenStore(const FrozenStore&) = delete;
  FrozenStore& operator=(const FrozenStore&) = delete;

  [[nodiscard]] cow::ChunkSize chunk() const {
    return exceptions_.header() ? exceptions_.header()->chunk_size : base_chunk;
  }
  [[nodiscard]] const io::End& end() const { return end_; }
  cow::SortedExceptions& exceptions() { return exceptions_; }

 private:
  Path path_;
  Fd fd_;
  io::End end_;
  cow::SortedExceptions exceptions_;
};

/// Exceptions in chunks that are perhaps smaller than the store's: where the content of a chunk lies.
class Pieces {
 public:
  Pieces(FrozenStore& store, cow::ChunkSize piece, std::uint64_t end)
      : store_(store),
        piece_(piece.bytes()),
        in_chunk_(store.chunk().bytes().count / piece.bytes().count),
        end_(end) {}

  struct Piece {
    std::uint64_t chunk = 0;
    Bytes at;
  };
  const std::optional<Piece>& front() {
    if (front_) return front_;
    if (!exception_ || next_ == in_chunk_) {
      exception_ = store_.exceptions().next();
      next_ = 0;
    }
    if (!exception_) return front_;
    const std::uint64_t chunk = exception_->old_chunk * in_chunk_ + next_;
    if (chunk >= end_) return front_;
    front_ = Piece{chunk, piece_ * (exception_->new_chunk * in_chunk_ + next_)};
    ++next_;
    return front_;
  }
  void pop() { front_.reset(); }

 private:
  FrozenStore& store_;
  const Bytes piece_;
  const std::uint64_t in_chunk_;
  const std::uint64_t end_;
  std::optional<cow::Exception> exception_;
  std::uint64_t next_ = 0;
  std::optional<Piece> front_;
};

class Folding {
 public:
  Folding(const Path& older, const Path& newer, Bytes length, const Fd& target)
      : older_(older), newer_(newer), size_(length), target_(target), end_(target, "the folded store") {}

  cow::ChunkSize run() {
    const auto chunk = copy(Whose::older);
    copy(Whose::newer);
    return chunk;
  }

 private:
  enum class Whose { older, newer };

  /// The union is gone through twice, once for the data of each.
  cow::ChunkSize copy(Whose whose) {
    FrozenStore older(older_, size_), newer(newer_, size_);
    const auto chunk = std::min(older.chunk(), newer.chunk());
    const std::uint64_t end = chunk.chunks_in(size_);
    Pieces olds(older, chunk, end), news(newer, chunk, end);
    // Both passes number alike; the second writes the same metadata once more, which nobody has read yet.
    cow::Writer writer(write_to(target_), {chunk});
    const auto& source = whose == Whose::older ? older.end() : newer.end();
    io::CopyOptions options;
    options.memory = engine_memory;
    options.zeroes = io::Zeroes::skip;
    options.sync = false;
    io::copy_extents([&] { return next(olds, news, chunk, writer, whose); }, source, end_, options);
    const Bytes size = writer.finish();
    if (::ftruncate(target_.get(), static_cast<off_t>(size.count)) < 0)
      throw Error::from_errno(errno, "resize the folded store");
    return chunk;
  }

  std::optional<io::Extent> next(Pieces& olds, Pieces& news, cow::ChunkSize chunk, cow::Writer& writer,
                                 Whose whose) {
    for (;;) {
      const auto &old = olds.front(), &fresh = news.front();
      if (!old && !fresh) return std::nullopt;
      const bool from_old = old && (!fresh || old->chunk <= fresh->chunk);
      const auto piece = from_old ? *old : *fresh;
      if (old && fresh && old->chunk == fresh->chunk) news.pop();
      (from_old ? olds : news).pop();
      const Bytes to = chunk.bytes() * writer.add(piece.chunk);
      if (from_old == (whose == Whose::older)) return io::Extent{piece.at, to, chunk.bytes()};
    }
  }

  const Path &older_, &newer_;
  const Bytes size_;
  const Fd& target_;
  const io::End end_;
};

}  // namespace

cow::ChunkSize fold_stores(const Path& older, const Path& newer, Bytes length, const Fd& into) {
  return in_context([&] { return fmt::format("fold '{}' into '{}'", newer.native(), older.native()); },
                    [&] { return Folding(older, newer, length, into).run(); });
}

}  // namespace cowshed::layers
