// SPDX-License-Identifier: Apache-2.0
// Every VM sees what a plain model says, whatever was done, killed or cut off before: over the driver `file`.
#include <cstring>

#include "support/model_walk.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

class ModelTest : public VmTest {};

TEST_F(ModelTest, every_vm_sees_what_the_model_says_through_commands_kills_and_recoveries) {
  model::walk(model::scene_in(scratch(), "file"));
}

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  using namespace cowshed::test;
  if (!model::begin_main(&argc, argv)) return 0;
  if (argc == 3 && std::strcmp(argv[1], model::power_cuts_option) == 0)
    return model::play_power_cuts("file", model::power_cuts_directory(), argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
