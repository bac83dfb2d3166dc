// SPDX-License-Identifier: Apache-2.0
// The pool's disk fails in the middle of a commit.
#include "support/io_errors.h"

namespace cowshed::test {
namespace {

TEST_F(IoErrorsTest, InACommitWithNobodyOnTheImage) {
  create_template_with_revision();
  break_disk_in(commit_session(), root("-overlay.img"));
}
TEST_F(IoErrorsTest, InACommitThatKeepsNoRevision) {
  create_template_with_revision();
  keep_no_revision();
  break_disk_in(commit_session_keeping_none(), root("-overlay.img"));
}
TEST_F(IoErrorsTest, InACommitUnderARunningVm) {
  create_vms();
  break_disk_in(commit_session(), root("-overlay.img"));
}
TEST_F(IoErrorsTest, InACommitUnderARunningVmThatKeepsNoRevision) {
  create_vms();
  keep_no_revision();
  break_disk_in(commit_session_keeping_none(), root("-overlay.img"));
}

}  // namespace
}  // namespace cowshed::test
