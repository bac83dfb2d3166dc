// SPDX-License-Identifier: Apache-2.0
//
// cowshed: the commit of an overlay session from the moment on in which it is decided, with everything that
// makes it safe: the revision, the views under running snapshots, each step synced.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "io/copy_file.h"
#include "layers/base.h"
#include "layers/snapshot.h"
#include "merger.h"

namespace bench {
namespace {

using namespace cowshed;

class Cowshed final : public Merger {
 public:
  Cowshed(const Merge& merge, CommitKind kind)
      : Merger("cowshed", merge),
        kind_(kind),
        files_(Path(merge.directory) / "root"),
        pool_(stat_directory(merge.directory)) {}

  void prepare() override {
    for (int i = 0; i < kind_.running_snapshots; ++i) start_one(i);
    const Fd from = open_file(merge().store, O_RDONLY);
    const Fd to = create_sparse(files_.commit(), stat_fd(from, merge().store).size);
    io::copy_file(io::End(from, merge().store), io::End(to, files_.commit()), {});
    sync_file(to, files_.commit());
  }

  void run() override { base().finish_commit({.keep_revision = kind_.keep_revision}); }

  void clean_up() override {
    for (int i = 0; i < kind_.running_snapshots; ++i) stop_one(i);
    host_.finish_teardowns();
    unlink_if_exists(files_.revision());
  }

 private:
  static FileId stat_directory(const Path& directory);
  [[nodiscard]] layers::VolumeKey key(const std::string& vid) const {
    return {pool_, PoolName("bench"), Vid(vid)};
  }
  layers::Base base() { return {host_, key("vm-templates/debian/root"), files_}; }
  [[nodiscard]] layers::VolumeKey app(int index) const {
    return key(fmt::format("appvms/work{}/root", index));
  }

  void start_one(int index) {
    layers::Base source = base();
    layers::start_snapshot(host_, app(index), source, merge().directory, true, false);
  }
  void stop_one(int index) {
    if (const auto device = layers::find_guest_device(host_, app(index), std::array{layers::Role::snapshot}))
      layers::stop_snapshot(host_, *device, base());
  }

  CommitKind kind_;
  layers::BaseFiles files_;
  FileId pool_;
  layers::Host host_;
};

FileId Cowshed::stat_directory(const Path& directory) {
  struct stat st {};
  if (::stat(directory.c_str(), &st) < 0) throw Error::from_errno(errno, directory.native());
  return {st.st_dev, st.st_ino};
}

}  // namespace

std::unique_ptr<Merger> make_cowshed_merger(const Merge& merge, CommitKind kind) {
  return std::make_unique<Cowshed>(merge, kind);
}

}  // namespace bench
