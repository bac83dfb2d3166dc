// SPDX-License-Identifier: Apache-2.0
// Revert, import, clone and resize are killed before each of their calls, and each call is made to fail.
#include "support/content_faults.h"

namespace cowshed::test {
namespace {

class FaultContentTest : public ContentFaultTest {};

TEST_F(FaultContentTest, ARevertIsKilled) {
  create_vms();
  kill_everywhere(revert());
}
TEST_F(FaultContentTest, ARevertFails) {
  create_vms();
  fail_everywhere(revert());
}
TEST_F(FaultContentTest, AnImportIsKilled) {
  create_vms();
  kill_everywhere(import());
}
TEST_F(FaultContentTest, AnImportFails) {
  create_vms();
  fail_everywhere(import());
}
TEST_F(FaultContentTest, ACloneIsKilled) {
  create_vms();
  kill_everywhere(clone());
}
TEST_F(FaultContentTest, ACloneFails) {
  create_vms();
  fail_everywhere(clone());
}
TEST_F(FaultContentTest, AGrowOfARunningVolumeIsKilled) {
  create_vms();
  kill_everywhere(grow());
}
TEST_F(FaultContentTest, AGrowOfARunningVolumeFails) {
  create_vms();
  fail_everywhere(grow());
}
TEST_F(FaultContentTest, AShrinkIsKilled) {
  create_vms();
  kill_everywhere(shrink());
}
TEST_F(FaultContentTest, AShrinkFails) {
  create_vms();
  fail_everywhere(shrink());
}

}  // namespace
}  // namespace cowshed::test
