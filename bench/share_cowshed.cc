// SPDX-License-Identifier: Apache-2.0
//
// cowshed: what a commit does while snapshots run, where the file system shares extents.

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "base/error.h"
#include "base/file.h"
#include "layers/base.h"
#include "layers/merge.h"
#include "layers/snapshot.h"
#include "share_ways.h"

namespace bench {

namespace {

using namespace cowshed;

class SharingMerge final : public ShareWay {
 public:
  explicit SharingMerge(const ShareScene& scene) : ShareWay("cowshed", scene) {}

  void run() override {
    layers::MergeStore store(scene().store(), scene().image());
    if (!layers::merge_into_new_image(store, scene().image(), scene().new_image(), false, nullptr))
      throw std::runtime_error("the file system shares no extents");
  }
};

FileId id_of_directory(const Path& directory) {
  struct stat st {};
  if (::stat(directory.c_str(), &st) < 0) throw Error::from_errno(errno, directory.native());
  return {st.st_dev, st.st_ino};
}

/// The protocol, each step synced, and the views under the snapshot.
class RunningCommit final : public ChangingWay {
 public:
  explicit RunningCommit(const ShareScene& scene)
      : ChangingWay("cowshed-commit", scene),
        files_(Path(scene.directory()) / "root"),
        pool_(id_of_directory(scene.directory())) {}

  void prepare() override {
    ChangingWay::prepare();
    // A snapshot starts on a committed state, so the store comes back afterwards.
    const Path aside = scene().copied_store() + ".aside";
    rename_durably(scene().copied_store(), aside);
    layers::Base source = base();
    layers::start_snapshot(host_, app_, source, scene().directory(), true, false);
    rename_durably(aside, scene().copied_store());
  }

  void run() override { base().finish_commit({.keep_revision = false}); }

  void clean_up() override {
    if (const auto device = layers::find_guest_device(host_, app_, std::array{layers::Role::snapshot}))
      layers::stop_snapshot(host_, *device, base());
    host_.finish_teardowns();
    ChangingWay::clean_up();
  }

 private:
  layers::Base base() { return {host_, {pool_, PoolName("bench"), Vid("vm-templates/debian/root")}, files_}; }

  layers::BaseFiles files_;
  FileId pool_;
  layers::VolumeKey app_{pool_, PoolName("bench"), Vid("appvms/work/root")};
  layers::Host host_;
};

}  // namespace

std::unique_ptr<Way> make_sharing(const ShareScene& scene) { return std::make_unique<SharingMerge>(scene); }
std::unique_ptr<Way> make_commit(const ShareScene& scene) { return std::make_unique<RunningCommit>(scene); }

}  // namespace bench
