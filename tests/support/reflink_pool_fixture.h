// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>

#include "support/file_pool_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {

/// A pool of the `file-reflink` driver on a file system that can share extents.
class ReflinkPoolTest : public OnFileSystem<FilePoolTest> {
 protected:
  [[nodiscard]] std::string driver() const override { return "file-reflink"; }
  [[nodiscard]] std::optional<pools::WritePolicy> policy() const override { return std::nullopt; }

  pools::Volume& volatile_volume(const std::string& name) {
    return add(properties("appvms/" + name + "/volatile"));
  }
  pools::Volume& origin_snapshot_of(pools::Volume& source, const std::string& name, int revisions = 1) {
    auto p = properties("appvms/" + name + "/root");
    p.snap_on_start = p.save_on_stop = true;
    p.revisions_to_keep = revisions;
    return add(p, &source);
  }
  pools::Volume& keeping_snapshot_of(pools::Volume& source, const std::string& name) {
    auto p = properties("appvms/" + name + "/root");
    p.snap_on_start = p.keep_changes = true;
    return add(p, &source);
  }
  /// The same volume for a second object, as another process would make it, with other properties.
  pools::Volume& again(pools::Volume& volume, int revisions) {
    auto p = volume.properties();
    p.revisions_to_keep = revisions;
    return add(p);
  }

  static void discard(pools::Volume& volume) { volume.stop({.discard = true, .progress = {}}).get(); }
  static void revert(pools::Volume& volume, std::optional<std::string> id = std::nullopt) {
    volume.revert(std::move(id), nullptr).get();
  }
  static void promote(pools::Volume& volume) { volume.promote(nullptr).get(); }
  static std::size_t count_revisions(pools::Volume& volume) { return volume.revisions().size(); }

  std::vector<std::string> recover(const std::vector<pools::Volume*>& volumes, bool dry_run = false) {
    const auto report = pool().recover(volumes, dry_run);
    EXPECT_TRUE(report.complete);
    return report.lines;
  }

  /// The files of a VM.
  [[nodiscard]] std::set<std::string> files_in(const std::string& directory) const {
    std::set<std::string> names;
    if (!path_exists(scratch() / directory)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch() / directory))
      names.insert(entry.path().filename());
    return names;
  }
  [[nodiscard]] Path file(const std::string& name) const { return scratch() / name; }
};

}  // namespace cowshed::test
