// SPDX-License-Identifier: Apache-2.0
// The pool's disk fails while a volume gets another content as a whole.
#include "support/io_errors.h"

namespace cowshed::test {
namespace {

TEST_F(IoErrorsTest, InARevert) {
  create_vms();
  break_disk_in(revert(), root("-cow.img.old"));
}
TEST_F(IoErrorsTest, InAPromotion) {
  create_vms();
  create_draft();
  break_disk_in(promote_stopped(), state() / "appvms/draft/root-cow.img");
}
TEST_F(IoErrorsTest, InAnImport) {
  create_vms();
  break_disk_in(import(), std::nullopt);
}
TEST_F(IoErrorsTest, InAShrink) {
  create_vms();
  break_disk_in(shrink(), std::nullopt);
}
TEST_F(IoErrorsTest, InAGrowOfARunningVolume) {
  create_vms();
  break_disk_in(grow(), std::nullopt);
}

}  // namespace
}  // namespace cowshed::test
