// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/committed.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "base/undo.h"

namespace cowshed::pools::reflink {

namespace {

bool are_same(const Path& a, const Path& b) {
  const auto one = stat_if_exists(a), other = stat_if_exists(b);
  return one && other && one->id == other->id;
}

/// Gives the clean image a second name. Taken back, it is no loss: a name that has become the only one stays.
Undo begin_revision(const ReflinkFiles& files) {
  if (begun_revision(files)) return Undo(nullptr);
  const Path revision = next_revision(files.clean);
  Undo undo([files, revision] {
    if (are_same(files.clean, revision)) unlink_durably(revision);
  });
  link_durably(files.clean, revision);
  return undo;
}

}  // namespace

std::optional<RevisionFile> begun_revision(const ReflinkFiles& files) {
  for (const RevisionFile& revision : list_revisions(files.clean))
    if (are_same(files.clean, revision.file)) return revision;
  return std::nullopt;
}

std::vector<RevisionFile> committed_revisions(const ReflinkFiles& files) {
  auto revisions = list_revisions(files.clean);
  std::erase_if(revisions, [&](const auto& revision) { return are_same(files.clean, revision.file); });
  return revisions;
}

void commit(const ReflinkFiles& files, const Path& image, bool keep_revision) {
  unlink_durably(files.precache);
  const bool keeps = keep_revision && path_exists(files.clean);
  Undo undo = keeps ? begin_revision(files) : Undo(nullptr);
  rename_durably(image, files.clean);
  undo.release();
}

void revert_to(const ReflinkFiles& files, const RevisionFile& revision) {
  unlink_durably(files.precache);
  // There is nothing to keep where the image is what was lost.
  Undo undo = path_exists(files.clean) ? begin_revision(files) : Undo(nullptr);
  rename_durably(revision.file, files.clean);
  undo.release();
}

std::vector<RevisionFile> surplus_revisions(const ReflinkFiles& files, int keep) {
  auto revisions = committed_revisions(files);
  const auto kept = std::min<std::ptrdiff_t>(keep, std::ssize(revisions));
  revisions.erase(revisions.end() - kept, revisions.end());
  return revisions;
}

void prune(const ReflinkFiles& files, int keep) {
  for (const RevisionFile& revision : surplus_revisions(files, keep)) unlink_durably(revision.file);
}

}  // namespace cowshed::pools::reflink
