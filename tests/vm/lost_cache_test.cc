// SPDX-License-Identifier: Apache-2.0
// Power cuts of a disk with a volatile cache, under a pool of the driver `file`.
#include "support/lost_cache_fixture.h"

namespace cowshed::test {
namespace {

TEST_F(LostCacheTest, InTheCommitOfAnInPlaceSession) {
  lose_caches_in([&] { create_vms_with_policy("in-place"); }, [&] { return commit_session(); });
}
TEST_F(LostCacheTest, InTheCommitOfAnOverlaySession) {
  lose_caches_in([&] { create_vms_with_policy("overlay"); }, [&] { return commit_session(); });
}
TEST_F(LostCacheTest, InARevert) {
  lose_caches_in([&] { create_vms(); }, [&] { return revert(); });
}
TEST_F(LostCacheTest, InAnImport) {
  lose_caches_in([&] { create_vms(); }, [&] { return import(); });
}
TEST_F(LostCacheTest, InAShrink) {
  lose_caches_in([&] { create_vms(); }, [&] { return shrink(); });
}
TEST_F(LostCacheTest, InAPromotion) {
  lose_caches_in(
      [&] {
        create_vms();
        create_draft();
      },
      [&] { return promote_stopped(); });
}
TEST_F(LostCacheTest, InAClone) {
  lose_caches_in([&] { create_vms(); }, [&] { return clone(); });
}

}  // namespace
}  // namespace cowshed::test
