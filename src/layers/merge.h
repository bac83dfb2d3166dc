// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/file.h"
#include "cow/format.h"
#include "cow/sorted.h"
#include "io/copy.h"

/// Merging a snapshot store into an image: the one thing that commit, revert, promote and shrink have in
/// common. The result is that of the kernel's snapshot-merge target, bit for bit. All functions block.
namespace cowshed::layers {

/// What merging a store into an image would change.
struct MergeSurvey {
  cow::ChunkSize chunk;
  std::uint64_t exceptions = 0;
  /// Stretches of chunks that follow each other in image and store both.
  std::uint64_t runs = 0;
  Bytes image_size;
  /// Of the image afterwards: the store's `restores`, else as it is.
  Bytes result_size;

  [[nodiscard]] bool changes_nothing() const { return exceptions == 0 && result_size == image_size; }
  [[nodiscard]] Bytes bytes() const { return chunk.bytes() * exceptions; }
  [[nodiscard]] Bytes mean_run() const { return runs == 0 ? Bytes{} : Bytes{bytes().count / runs}; }
};

/// A store that is to be merged into an image. Its list of exceptions is read, checked and sorted once for
/// all steps of a commit.
class MergeStore {
 public:
  /// Reads the whole list. Throws corrupt_image where the kernel would load worse without a word
  /// (cow::Reader); so whoever has one merges all of it.
  ///
  /// What a guest discarded the kernel made holes of in the store, so holes are enough to look for. Not in a
  /// base cow: there it has saved the image's holes as zeros.
  MergeStore(const Path& store, const Path& image, io::ZeroSearch zero_search = io::ZeroSearch::holes);
  MergeStore(const MergeStore&) = delete;
  MergeStore& operator=(const MergeStore&) = delete;

  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] const MergeSurvey& survey() const { return survey_; }
  [[nodiscard]] io::ZeroSearch zero_search() const { return zero_search_; }
  /// Rewound.
  [[nodiscard]] cow::SortedExceptions& exceptions();

 private:
  Path path_;
  io::ZeroSearch zero_search_;
  Fd fd_;
  cow::SortedExceptions exceptions_;
  MergeSurvey survey_;
};

/// Step 2 of a commit: copies what merging `store` replaces, and what it cuts off the image's end, into a new
/// store that merged into the result gives the image back, sorted, exactly sized, synced. It appears under
/// its name when it is whole.
void save_replaced(MergeStore& store, const Path& image, const Path& saved, const io::CopyProgress& progress);

/// The same for an image that another one is to replace.
void save_differing(const Path& image, const Path& other, const Path& saved,
                    const io::CopyProgress& progress);
/// Writes such a store, unsynced, into the empty file `saved`; `image` may be a block device. It is known
/// that the two differ only where one of `stores` has an exception, where such are given.
void write_differing(const Path& image, const Path& other, const std::optional<std::vector<Path>>& stores,
                     const Fd& saved, const io::CopyProgress& progress);

enum class ImageUse {
  /// Nobody: it is written as it is fastest. Who begins to use it meanwhile reads what is on the disk: the
  /// kernel drops the page cache of what is written past it, before and after.
  none,
  /// Views stand on its loop device, which is buffered: so is the writing.
  attached,
};

/// Step 4 of a commit, synced. Where it fails the image holds a part of it; doing it again is right.
void merge_into_image(MergeStore& store, const Path& image, ImageUse use, const io::CopyProgress& progress);

/// Step 4 where the image must not change for those who use it: a new image, synced, that holds what the old
/// one with the store merged into it would. False where the file system cannot share extents and `may_copy`
/// is not set; then nothing is left of it.
bool merge_into_new_image(MergeStore& store, const Path& image, const Path& new_image, bool may_copy,
                          const io::CopyProgress& progress);

}  // namespace cowshed::layers
