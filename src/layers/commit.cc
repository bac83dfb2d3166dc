// SPDX-License-Identifier: Apache-2.0
#include "layers/commit.h"

#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/error.h"
#include "base/undo.h"
#include "layers/store_file.h"
#include "layers/unlocked.h"

namespace cowshed::layers {

namespace {

/// Shorter runs would shred the image's extents for little gain.
constexpr Bytes shortest_shared_run = kibibytes(64);

bool is_same_file(const Path& a, const Path& b) {
  const auto file_a = stat_if_exists(a), file_b = stat_if_exists(b);
  return file_a && file_b && file_a->id == file_b->id;
}

}  // namespace

CommitState commit_state(const BaseFiles& files) {
  if (path_exists(files.merged())) return CommitState::merged;
  if (path_exists(files.import())) return CommitState::replacing;
  if (!path_exists(files.commit())) return CommitState::none;
  const auto replaced = stat_if_exists(files.replaced());
  if (!replaced) return CommitState::decided;
  return replaced->size.count == 0 ? CommitState::unsaved : CommitState::saved;
}

Commit::Commit(Views& views, const BaseFiles& files, std::unique_lock<FairMutex>& lock, CommitOptions options)
    : views_(views), files_(files), lock_(lock), options_(std::move(options)) {}

void Commit::finish() {
  const CommitState state = commit_state(files_);
  if (state == CommitState::none) return discard_preparations(files_);
  // It can be undone, whoever finishes it and whatever the volume keeps else.
  if (is_revert()) options_.keep_revision = true;
  begun_ = state != CommitState::decided;
  Undo undo([this] {
    if (!begun_) take_back();
  });
  try {
    if (state == CommitState::replacing)
      replace_image();
    else if (state != CommitState::merged)
      merge();
    settle();
  } catch (Error& error) {
    if (begun_)
      error.add_context("the commit is decided but not finished; stop again or run 'cowshed recover'");
    throw;
  }
  undo.release();
}

/// Until what it replaces has become the revision.
bool Commit::is_revert() const {
  return is_same_file(files_.commit(), files_.revision()) || is_same_file(files_.merged(), files_.revision());
}

void Commit::take_back() {
  // Only a session's has no second link, and holds something that is nowhere else.
  if (is_same_file(files_.commit(), files_.revision()) || is_same_file(files_.commit(), files_.promotion()) ||
      is_clean_store(files_.commit()))
    unlink_durably(files_.commit());
  else
    rename_durably(files_.commit(), files_.overlay());
  discard_preparations(files_);
}

void Commit::discard_preparations(const BaseFiles& files) {
  for (const Path& file : {files.promotion(), files.replaced(), half_made(files.replaced()),
                           half_made(files.import()), half_made(files.commit())})
    unlink_if_exists(file);
}

io::CopyProgress Commit::tell(Bytes before, Bytes total) const {
  if (!options_.watch) return nullptr;
  return [this, before, total](Bytes done) { options_.watch({before + done, total, !begun_}); };
}

bool Commit::has_views() {
  views_.collect();
  return !views_.read().views.empty();
}

bool Commit::wants_new_image(const MergeSurvey& survey) const {
  return survey.result_size < survey.image_size || survey.mean_run() >= shortest_shared_run;
}

void Commit::merge() {
  MergeStore store(files_.commit(), files_.image(),
                   is_revert() ? io::ZeroSearch::content : io::ZeroSearch::holes);
  // A commit by way of a new image was cut off: this one has not been touched.
  if (commit_state(files_) == CommitState::unsaved && has_views()) {
    unlink_durably(files_.replaced());
    begun_ = false;
  }
  const auto is_saved = [&] { return commit_state(files_) != CommitState::decided; };
  if (options_.keep_revision && !is_saved()) save(store);
  if (wants_new_image(store.survey()) && has_views() && merge_by_new_image(store)) return;
  if (!is_saved()) has_views() ? save(store) : save_nothing();
  merge_in_place(store);
}

void Commit::save(MergeStore& store) {
  const Unlocked others_may_start(lock_);
  save_replaced(store, files_.image(), files_.replaced(), tell({}, store.survey().bytes() * 2));
}

void Commit::save_nothing() { create_sparse_durably(files_.replaced(), Bytes{0}); }

bool Commit::merge_by_new_image(MergeStore& store) {
  const auto& survey = store.survey();
  const Path prepared = half_made(files_.import());
  {
    const Unlocked others_may_start(lock_);
    // A smaller image would lack what running snapshots have of it.
    const bool may_copy = survey.result_size < survey.image_size;
    if (!merge_into_new_image(store, files_.image(), prepared, may_copy,
                              tell(survey.bytes(), survey.bytes() * 2)))
      return false;
  }
  if (commit_state(files_) == CommitState::decided) save_nothing();
  begun_ = true;
  rename_durably(prepared, files_.import());
  replace_image();
  return true;
}

void Commit::merge_in_place(MergeStore& store) {
  const bool is_saved = commit_state(files_) == CommitState::saved;
  const bool is_attached = is_saved && has_views();
  if (is_attached) views_.freeze(views_.read(), files_.replaced());
  begun_ = true;
  {
    // They start on the saved state; without one there is none to start on.
    std::optional<Unlocked> others_may_start;
    if (is_saved) others_may_start.emplace(lock_);
    const Bytes size = store.survey().bytes();
    merge_into_image(store, files_.image(), is_attached ? ImageUse::attached : ImageUse::none,
                     tell(size, size * 2));
  }
  if (const Stack stack = views_.read(); views_.is_outgrown(stack)) views_.grow_top(stack);
  rename_durably(files_.commit(), files_.merged());
}

void Commit::replace_image() {
  if (!is_same_file(files_.import(), files_.image())) {
    const Path link = half_made(files_.import());
    unlink_if_exists(link);
    link_durably(files_.import(), link);
    rename_durably(link, files_.image());
  }
  views_.retire_replaced();
  rename_durably(files_.import(), files_.merged());
}

void Commit::settle() {
  if (const auto replaced = stat_if_exists(files_.replaced())) {
    if (options_.keep_revision && replaced->size.count > 0) {
      rename_durably(files_.replaced(), files_.revision());
    } else {
      // Before the other: while that is there, this is done again.
      unlink_durably(files_.revision());
      unlink_durably(files_.replaced());
    }
  }
  unlink_if_exists(files_.promotion());
  unlink_if_exists(files_.commit());
  unlink_durably(files_.merged());
}

}  // namespace cowshed::layers
