// SPDX-License-Identifier: Apache-2.0
// FileVolume: what changes or hands out its content as a whole.
#include <fmt/core.h>

#include <utility>

#include "base/error.h"
#include "dm/device.h"
#include "layers/changes.h"
#include "layers/exported.h"
#include "layers/plain.h"
#include "pools/file/file_volume.h"
#include "pools/file/fill.h"

namespace cowshed::pools::file {

namespace {

class FileExport final : public Export {
 public:
  FileExport(layers::Host& host, layers::Base base) : state_(host, std::move(base)) {}
  [[nodiscard]] const Path& path() const override { return state_.path(); }
  [[nodiscard]] Bytes size() const override { return state_.size(); }
  [[nodiscard]] const std::vector<io::Extent>& data() const override { return state_.data(); }
  void end() override { state_.end(); }

 private:
  layers::ExportedState state_;
};

}  // namespace

void FileVolume::require_origin(std::string_view operation) const {
  if (kind() != VolumeKind::origin)
    not_supported(operation,
                  fmt::format("it is a {} volume, which holds no state of its own", to_string(kind())));
}

Operation<void> FileVolume::import_file(const Path& file, ProgressWatch progress) {
  require_origin("import into");
  return in_thread([this, file, progress] {
    base().import_image([&](const Path& image) { fill_from(file, image, progress); },
                        commit_options(progress));
  });
}

Operation<void> FileVolume::import_volume(Volume& from, ProgressWatch progress) {
  require_origin("import into");
  if (&from == this) throw Error(ErrorKind::invalid_argument, "a volume cannot be imported into itself");
  return in_thread([this, exported = hold_export(from), progress]() mutable {
    // Released before this is answered.
    const auto held = std::move(exported);
    base().import_image([&](const Path& image) { fill_from(*held, image, progress); },
                        commit_options(progress));
  });
}

Operation<std::unique_ptr<Export>> FileVolume::begin_export() {
  require_origin("export");
  return Operation<std::unique_ptr<Export>>::run_now([this]() -> std::unique_ptr<Export> {
    return std::make_unique<FileExport>(file_pool_.host(), base());
  });
}

Operation<void> FileVolume::resize(Bytes size, bool shrink, ProgressWatch progress) {
  if (kind() == VolumeKind::snapshot) not_supported("resize", "a snapshot volume has its source's size");
  if (!properties().rw) throw Error(ErrorKind::invalid_argument, "it is read-only");
  auto resized = properties();
  resized.size = size;
  pool().check(resized);
  return in_thread([this, size, shrink, progress] { resize_now(size, shrink, progress); });
}

void FileVolume::resize_now(Bytes size, bool shrink, const ProgressWatch& progress) {
  if (kind() == VolumeKind::origin)
    base().resize(size, shrink, commit_options(progress));
  else
    resize_volatile(size, shrink);
}

/// While it is stopped it is no more than a size.
void FileVolume::resize_volatile(Bytes size, bool shrink) {
  const bool is_smaller = size < properties().size;
  if (is_smaller && !shrink)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{} bytes are less than it has ({}); with --shrink it is done all the same",
                            size.count, properties().size.count));
  const auto device = running();
  if (!device) return;
  if (is_smaller)
    throw Error(ErrorKind::running,
                fmt::format("is running as {}; stop it first", dm::node_of(device->device)));
  if (device->role == layers::Role::ephemeral)
    not_supported("resize", "nobody has the key of an ephemeral volume that runs; stop it first");
  layers::grow_plain(file_pool_.host(), *device, files().image, size);
}

Operation<void> FileVolume::revert(std::optional<std::string> revision, ProgressWatch progress) {
  require_origin("revert");
  return in_thread([this, revision, progress] {
    const auto known = revisions();
    if (revision && (known.empty() || known.back().id != *revision))
      throw Error(ErrorKind::not_found,
                  fmt::format("it has no revision '{}'{}", *revision,
                              known.empty() ? "" : fmt::format("; there is '{}'", known.back().id)));
    base().revert(commit_options(progress).watch);
  });
}

Operation<void> FileVolume::promote(ProgressWatch progress) {
  if (kind() != VolumeKind::snapshot) not_supported("promote", "it is no snapshot: what it holds is its own");
  if (!properties().keep_changes)
    throw Error(ErrorKind::invalid_argument,
                "its changes are not kept: set keep_changes while it is stopped, then start it");
  FileVolume& source = file_source();
  return source.in_thread([this, &source, progress] {
    const std::lock_guard guard(mutex_);
    promote_into(source, progress);
  });
}

void FileVolume::promote_into(FileVolume& source, const ProgressWatch& progress) {
  layers::Base base = source.base();
  in_context([&] { return fmt::format("its source '{}'", source.properties().vid.str()); },
             [&] { base.check_settled(); });
  const auto device = running();
  if (!device) layers::check_kept(kept_store(), base);
  base.promote(
      [&](const Path& store) {
        if (device)
          layers::copy_changes(file_pool_.host(), *device, base, kept_store(), store);
        else
          link_durably(kept_store(), store);
      },
      source.commit_options(progress));
  // Changes of a state that is no longer there.
  if (!device) unlink_durably(kept_store());
}

}  // namespace cowshed::pools::file
