// SPDX-License-Identifier: Apache-2.0
// Every VM sees what a plain model says, whatever was done or killed before, with VMs spread over several
// pools: `file` twice, `file-reflink`, and a driver that is a plug-in.
#include "support/model_walk.h"
#include "support/mounted_file_system.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

class ModelPoolsTest : public VmTest {
 protected:
  /// scratch() stays on the VM's own disk.
  void SetUp() override {
    VmTest::SetUp();
    if (MountedFileSystem::is_possible()) file_system_.emplace("xfs");
  }
  void TearDown() override {
    VmTest::TearDown();
    file_system_.reset();
  }

 private:
  std::optional<MountedFileSystem> file_system_;
};

TEST_F(ModelPoolsTest, every_vm_sees_what_the_model_says_whatever_pools_its_volumes_lie_in) {
  model::walk(model::scene_with_pools(scratch(), MountedFileSystem::directory()));
}

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  using namespace cowshed::test;
  if (!model::begin_main(&argc, argv)) return 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
