// SPDX-License-Identifier: Apache-2.0
// Every VM sees what a plain model says, whatever was done or killed before: over the driver `file-reflink`,
// which a first start picks on these file systems.
#include <cstring>

#include "support/model_walk.h"
#include "support/mounted_file_system.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

class ModelReflinkTest : public OnFileSystem<VmTest> {};

TEST_P(ModelReflinkTest, every_vm_sees_what_the_model_says_through_commands_kills_and_recoveries) {
  model::walk(model::scene_in(scratch(), "file-reflink"));
}

INSTANTIATE_TEST_SUITE_P(On, ModelReflinkTest, sharing_file_systems, file_system_name);

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  using namespace cowshed::test;
  if (!model::begin_main(&argc, argv)) return 0;
  if (argc == 4 && std::strcmp(argv[1], model::power_cuts_option) == 0) {
    // `--power-cuts N TYPE`: the journal stays outside the file system of that type.
    const FileSystemInFile file_system(argv[3], model::power_cuts_directory() / "file-system");
    return model::play_power_cuts("file-reflink", MountedFileSystem::directory(), argv[2]);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
