// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "layers/base.h"
#include "support/file_pool_fixture.h"

namespace cowshed::test {

/// A template that keeps layers ready.
class WarmTest : public EitherPolicyTest {
 protected:
  static constexpr std::size_t no_limit = 1000;

  /// A template whose root was committed with `value` all over, which is to keep so many layers.
  pools::Volume& warm_origin(int warm, char value = 'a') {
    pools::Volume& root = origin("debian");
    commit(root, value);
    set_warm(root, warm);
    return root;
  }
  static void set_warm(pools::Volume& volume, int warm) {
    auto p = volume.properties();
    p.warm = warm;
    volume.set_properties(p);
  }
  static std::size_t refill(pools::Volume& volume, std::size_t at_most = no_limit) {
    const auto warm = volume.warm_layers();
    return warm ? warm->refill(at_most) : 0;
  }
  static pools::WarmCounts counts(pools::Volume& volume) {
    const auto warm = volume.warm_layers();
    return warm ? warm->counts() : pools::WarmCounts{};
  }
  static void drop(pools::Volume& volume) {
    if (const auto warm = volume.warm_layers()) warm->drop();
  }
  /// Names of the warm layers that the kernel has.
  std::vector<std::string> warm_devices() {
    std::vector<std::string> names;
    for (const auto& entry : control().list())
      if (layers::is_warm_name(entry.name)) names.push_back(entry.name);
    return names;
  }
};

}  // namespace cowshed::test
