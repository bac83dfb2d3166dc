// SPDX-License-Identifier: Apache-2.0
// Every VM sees what a plain model says, whatever was done or killed before: over the driver `file-reflink`,
// which a first start picks on these file systems.
#include "support/model_walk.h"
#include "support/mounted_file_system.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

class ModelReflinkTest : public OnFileSystem<VmTest> {};

TEST_P(ModelReflinkTest, every_vm_sees_what_the_model_says_through_commands_kills_and_recoveries) {
  model::walk("file-reflink", scratch());
}

INSTANTIATE_TEST_SUITE_P(On, ModelReflinkTest, sharing_file_systems, file_system_name);

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  if (!cowshed::test::model::begin_main(&argc, argv)) return 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
