// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "base/fair_mutex.h"
#include "layers/base_files.h"
#include "layers/merge.h"
#include "layers/views.h"
#include "layers/work.h"

namespace cowshed::layers {

struct CommitOptions {
  /// What is replaced becomes the revision.
  bool keep_revision = false;
  WorkWatch watch = nullptr;
};

/// How far a commit that was decided has come, as the directory tells.
enum class CommitState {
  none,
  /// The image is as it was.
  decided,
  /// The image is being written, or was when it was cut off; what it held is saved.
  saved,
  /// The same, and what it held is saved nowhere: nobody wanted it.
  unsaved,
  /// A new image takes the old one's place.
  replacing,
  /// All that is left is tidying up.
  merged,
};
CommitState commit_state(const BaseFiles& files);

/// The commit protocol (docs/commit.md), from wherever the directory says it stands to its end; what is
/// there is all it goes by, so that it is its own recovery. `files.commit()` is merged into the image, or
/// `files.import()` takes its place, while running snapshots keep what they see:
///
///   direct   nobody runs on the image: it is written
///   freeze   what is replaced is copied into a store first, the committed view swapped onto that
///   share    the file system clones the image and shares the changed chunks with the clone, which takes the
///            image's place; running snapshots keep the old one
class Commit {
 public:
  /// `lock` of the base, held exclusively; let go while long work goes on beside which snapshots may start.
  Commit(Views& views, const BaseFiles& files, std::unique_lock<FairMutex>& lock, CommitOptions options);

  /// Nothing decided is no error. Throws Error; before the image was touched the decision is taken back then,
  /// and the overlay, or the revision, is as it was. `lock` is held again however it ends.
  void finish();
  /// Removes what was prepared for a commit that is not to be.
  static void discard_preparations(const BaseFiles& files);

 private:
  void take_back();
  [[nodiscard]] bool is_revert() const;
  void merge();
  bool has_views();
  [[nodiscard]] bool wants_new_image(const MergeSurvey& survey) const;
  bool merge_by_new_image(MergeStore& store);
  void save(MergeStore& store);
  void save_nothing();
  void merge_in_place(MergeStore& store);
  void replace_image();
  void settle();
  io::CopyProgress tell(Bytes before, Bytes total) const;

  Views& views_;
  const BaseFiles& files_;
  std::unique_lock<FairMutex>& lock_;
  CommitOptions options_;
  /// The image may have been changed: there is no way back any more.
  bool begun_ = false;
};

}  // namespace cowshed::layers
