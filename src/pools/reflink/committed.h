// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pools/reflink/reflink_files.h"
#include "pools/reflink/revisions.h"

/// What a volume has committed: its clean image and the revisions before it. It changes by one rename, over
/// the clean image; cut off at any point the old state is there, or the new one. All calls block.
namespace cowshed::pools::reflink {

/// `image`, complete and synced, becomes the clean image; what that was becomes a revision where
/// `keep_revision`.
void commit(const ReflinkFiles& files, const Path& image, bool keep_revision);

/// The revision becomes the clean image, and what that was a revision.
void revert_to(const ReflinkFiles& files, const RevisionFile& revision);

/// Oldest first, without a second name of the clean image, which a commit that was cut off leaves.
std::vector<RevisionFile> committed_revisions(const ReflinkFiles& files);
/// That second name.
std::optional<RevisionFile> begun_revision(const ReflinkFiles& files);

/// All but the newest `keep`.
std::vector<RevisionFile> surplus_revisions(const ReflinkFiles& files, int keep);
/// Removes them.
void prune(const ReflinkFiles& files, int keep);

}  // namespace cowshed::pools::reflink
