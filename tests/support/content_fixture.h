// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "support/continuous_reader.h"
#include "support/file_pool_fixture.h"

namespace cowshed::test {

/// For tests of what changes or hands out a volume as a whole, whatever its write policy.
class ContentTest : public EitherPolicyTest {
 protected:
  pools::Volume& committed_origin(const std::string& name, char value) {
    auto& volume = origin(name);
    commit(volume, value);
    return volume;
  }
  /// `change` is done to a volume of 'b' while snapshots of it from when it held 'a' and 'b' are read all the
  /// time: neither may see it.
  void expect_unseen_by_snapshots(pools::Volume& volume, const std::function<void()>& change) {
    commit(volume, 'a');
    auto& first = snapshot_of(volume, "first");
    start(first);
    commit(volume, 'b');
    auto& second = snapshot_of(volume, "second");
    start(second);
    {
      ContinuousReader one(first.block_device()->node, image_size, 'a');
      ContinuousReader two(second.block_device()->node, image_size, 'b');
      change();
      EXPECT_TRUE(one.saw_no_change());
      EXPECT_TRUE(two.saw_no_change());
    }
    EXPECT_TRUE(first.is_outdated());
    for (auto* snapshot : {&first, &second}) stop(*snapshot);
  }
  static void resize(pools::Volume& volume, Bytes size, bool shrink = false) {
    volume.resize(size, shrink, nullptr).get();
  }
  static void revert(pools::Volume& volume) { volume.revert(std::nullopt, nullptr).get(); }
};

}  // namespace cowshed::test
