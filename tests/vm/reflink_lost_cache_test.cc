// SPDX-License-Identifier: Apache-2.0
// Power cuts of a disk with a volatile cache, under a pool of the driver `file-reflink`, which is what a
// first start picks on these file systems.
#include "support/lost_cache_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {
namespace {

class ReflinkLostCacheTest : public LostCacheTest, public testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] std::string file_system() const override { return GetParam(); }
};

TEST_P(ReflinkLostCacheTest, InACommit) {
  lose_caches_in([&] { create_vms(); }, [&] { return commit_session(); });
}
TEST_P(ReflinkLostCacheTest, InARevert) {
  lose_caches_in([&] { create_vms(); }, [&] { return revert(); });
}
TEST_P(ReflinkLostCacheTest, InAnImport) {
  lose_caches_in([&] { create_vms(); }, [&] { return import(); });
}
TEST_P(ReflinkLostCacheTest, InAPromotion) {
  lose_caches_in(
      [&] {
        create_vms();
        create_draft();
      },
      [&] { return promote_stopped(); });
}

INSTANTIATE_TEST_SUITE_P(On, ReflinkLostCacheTest, sharing_file_systems, file_system_name);

}  // namespace
}  // namespace cowshed::test
