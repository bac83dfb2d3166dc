// SPDX-License-Identifier: Apache-2.0
// ReflinkVolume: what changes or hands out its content as a whole.
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/undo.h"
#include "layers/image_file.h"
#include "layers/plain.h"
#include "layers/suspended.h"
#include "pools/reflink/exported_file.h"
#include "pools/reflink/reflink_volume.h"

namespace cowshed::pools::reflink {

void ReflinkVolume::require_saved(std::string_view operation) const {
  if (!saves())
    not_supported(operation,
                  fmt::format("it is a {} volume, which holds no state of its own", to_string(kind())));
}

void ReflinkVolume::refuse_unsettled() {
  refuse_running();
  drop_unwritten();
  if (holds_changes())
    throw Error(ErrorKind::dirty,
                "holds what a session that was cut off has written; start and stop it first");
}

Operation<std::unique_ptr<Export>> ReflinkVolume::begin_export() {
  require_saved("export");
  return Operation<std::unique_ptr<Export>>::run_now([this]() -> std::unique_ptr<Export> {
    const auto guard = lock();
    return std::make_unique<ExportedFile>(committed_image());
  });
}

void ReflinkVolume::import_now(const std::function<void(const Path& image)>& fill,
                               const ProgressWatch& /*progress*/) {
  refuse_unsettled();
  const auto file = files();
  unlink_if_exists(file.import);
  Undo undo([&] { unlink_if_exists(file.import); });
  fill(file.import);
  static_cast<void>(layers::image_size(file.import));
  sync_path(file.import);
  commit(file, file.import, revisions_to_keep() > 0);
  undo.release();
  prune_or_leave();
}

// --- Revert

Operation<void> ReflinkVolume::revert(std::optional<std::string> revision, ProgressWatch /*progress*/) {
  require_saved("revert");
  return in_thread([this, revision] { revert_now(revision); });
}

namespace {

const RevisionFile& find_revision(const std::vector<RevisionFile>& known,
                                  const std::optional<std::string>& id) {
  if (known.empty()) throw Error(ErrorKind::not_found, "it has no revision to go back to");
  if (!id) return known.back();
  std::vector<std::string> ids;
  for (const RevisionFile& revision : known) {
    if (revision.id.str() == *id) return revision;
    ids.push_back(revision.id.str());
  }
  throw Error(ErrorKind::not_found,
              fmt::format("it has no revision '{}'; there are: {}", *id, fmt::join(ids, ", ")));
}

}  // namespace

void ReflinkVolume::revert_now(const std::optional<std::string>& revision) {
  refuse_unsettled();
  const auto known = committed_revisions(files());
  const RevisionFile& wanted = find_revision(known, revision);
  static_cast<void>(layers::image_size(wanted.file));
  revert_to(files(), wanted);
}

// --- Size

namespace {

void set_size(const Path& image, Bytes size) {
  if (::truncate(image.c_str(), static_cast<off_t>(size.count)) < 0)
    throw Error::from_errno(errno, fmt::format("resize '{}' to {} bytes", image.native(), size.count));
}

void grow_file(const Path& image, Bytes size) {
  const auto found = stat_if_exists(image);
  if (!found || found->size >= size) return;
  set_size(image, size);
  sync_path(image);
}

}  // namespace

void ReflinkVolume::resize_now(Bytes size, bool shrink, const ProgressWatch& progress) {
  const auto file = files();
  if (kind() == VolumeKind::volatile_) return resize_volatile(file.dirty, size, shrink);
  const Bytes now = this->size();
  if (size >= now) return grow(size);
  if (!shrink)
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format(
            "{} bytes are less than it has ({}), and what lies behind would be gone; with --shrink it "
            "is done all the same",
            size.count, now.count));
  import_now(
      [&](const Path& image) {
        copy_image(file.clean, image);
        set_size(image, size);
      },
      progress);
}

void ReflinkVolume::grow(Bytes size) {
  const auto file = files();
  // The clean one, too: a session that is discarded does not take the size with it.
  grow_file(file.clean, size);
  const auto device = running();
  grow_dirty(device, size);
  if (device) layers::grow_plain(host(), *device, file.dirty, size);
}

void ReflinkVolume::grow_dirty(const std::optional<layers::OurDevice>& device, Bytes size) {
  const Path dirty = files().dirty;
  // No write of the guest's comes between the look at the mark and its renewal: it would be forgotten.
  std::optional<layers::Suspended> quiet;
  if (device) quiet.emplace(host().control(), *device);
  const bool has_changes = was_written(dirty);
  grow_file(dirty, size);
  if (!has_changes && path_exists(dirty)) mark_unwritten(dirty);
}

bool ReflinkVolume::is_half_grown() {
  const auto dirty = stat_if_exists(files().dirty), clean = stat_if_exists(files().clean);
  if (kind() != VolumeKind::origin || !dirty) return false;
  if (clean && clean->size != dirty->size) return true;
  const auto device = running();
  return device && to_bytes(host().control().table(device->uuid).at(0).length) < dirty->size;
}

// --- Promote

Operation<void> ReflinkVolume::promote(ProgressWatch progress) {
  if (kind() != VolumeKind::snapshot) not_supported("promote", "it is no snapshot: what it holds is its own");
  if (!properties().keep_changes)
    throw Error(ErrorKind::invalid_argument,
                "its changes are not kept: set keep_changes while it is stopped, then start it");
  ReflinkVolume& source = reflink_source();
  return source.in_thread([this, &source, progress] {
    const auto guard = lock();
    promote_into(source, progress);
  });
}

void ReflinkVolume::check_kept(ReflinkVolume& source) {
  const Path dirty = files().dirty;
  if (!path_exists(dirty))
    throw Error(ErrorKind::not_found, "it has kept no changes; they are kept from its next start on");
  if (!is_made_of(dirty, source.files().clean))
    throw Error(ErrorKind::in_use,
                "its source holds a newer state than the one that its changes were made to; start it again");
}

void ReflinkVolume::promote_into(ReflinkVolume& source, const ProgressWatch& progress) {
  const Path dirty = files().dirty;
  in_context([&] { return fmt::format("its source '{}'", source.properties().vid.str()); },
             [&] { source.refuse_unsettled(); });
  const auto device = running();
  if (!device) check_kept(source);
  if (was_written(dirty) || !is_made_of(dirty, source.files().clean))
    source.import_now(
        [&](const Path& image) {
          std::optional<layers::Suspended> quiet;
          if (device) quiet.emplace(host().control(), *device);
          copy_image(dirty, image);
        },
        progress);
  // Changes of a state that is no longer there.
  if (!device) unlink_durably(dirty);
}

}  // namespace cowshed::pools::reflink
