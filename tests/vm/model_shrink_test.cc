// SPDX-License-Identifier: Apache-2.0
// A difference between the model and the installation is reduced to the steps that lead to it: shown with a
// model that makes a mistake.
#include "support/model_walk.h"
#include "support/seed.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

class ModelShrinkTest : public VmTest {
 protected:
  /// Until the mistake comes to light.
  static std::string play_to_difference(model::Play& play) {
    constexpr int most = 500;
    try {
      for (int i = 0; i < most; ++i) play.step();
    } catch (const model::Difference& difference) {
      return difference.what();
    }
    return {};
  }
};

TEST_F(ModelShrinkTest, a_difference_is_reduced_to_the_three_steps_that_lead_to_it) {
  model::Scene scene = model::scene_in(scratch(), "file");
  scene.forgets_read_only = true;
  model::Play play(scene, seed());
  const std::string difference = play_to_difference(play);
  ASSERT_FALSE(difference.empty()) << "nobody noticed that the model takes every volume for writable";
  ASSERT_GT(play.done().size(), 10U);

  const auto shrunk = model::reduce(scene, play.done(), difference, std::chrono::minutes(10));
  std::printf("%zu steps, reduced to:\n%s", play.done().size(), model::text_of(shrunk).c_str());
  EXPECT_TRUE(shrunk.is_minimal);
  ASSERT_EQ(shrunk.steps.size(), 3U);
  EXPECT_EQ(shrunk.steps[0].command.at(0), "create");
  EXPECT_EQ(shrunk.steps[1].command.at(3), "rw");
  EXPECT_EQ(shrunk.steps[2].command.size(), 2U) << "one VM is enough";
  for (const auto& step : shrunk.steps) {
    EXPECT_FALSE(step.cut_off.fault || step.cut_off.is_done_first || step.recovery) << step.text();
    EXPECT_EQ(step.text(), model::Step::parse(step.text()).text());
  }

  // What is printed leads there again, and nowhere with a model that is right.
  const auto printed = model::parse_steps(model::text_of(shrunk));
  EXPECT_EQ(model::play_again(scene, printed), shrunk.difference);
  scene.forgets_read_only = false;
  EXPECT_EQ(model::play_again(scene, printed), std::nullopt);
}

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  using namespace cowshed::test;
  if (!model::begin_main(&argc, argv)) return 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
