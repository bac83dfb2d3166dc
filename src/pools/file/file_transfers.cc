// SPDX-License-Identifier: Apache-2.0
// FileVolume: what changes or hands out its content as a whole.
#include <fmt/core.h>

#include "base/error.h"
#include "layers/changes.h"
#include "layers/exported.h"
#include "pools/file/file_volume.h"

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

void FileVolume::import_now(const std::function<void(const Path& image)>& fill,
                            const ProgressWatch& progress) {
  base().import_image(fill, commit_options(progress));
}

Operation<std::unique_ptr<Export>> FileVolume::begin_export() {
  require_origin("export");
  return Operation<std::unique_ptr<Export>>::run_now(
      [this]() -> std::unique_ptr<Export> { return std::make_unique<FileExport>(host(), base()); });
}

void FileVolume::resize_now(Bytes size, bool shrink, const ProgressWatch& progress) {
  if (kind() == VolumeKind::origin)
    base().resize(size, shrink, commit_options(progress));
  else
    resize_volatile(files().image(), size, shrink);
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
    const auto guard = lock();
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
          layers::copy_changes(host(), *device, base, kept_store(), store);
        else
          link_durably(kept_store(), store);
      },
      source.commit_options(progress));
  // Changes of a state that is no longer there.
  if (!device) unlink_durably(kept_store());
}

}  // namespace cowshed::pools::file
