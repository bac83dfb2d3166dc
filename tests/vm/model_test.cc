// SPDX-License-Identifier: Apache-2.0
// Every VM sees what a plain model says, whatever was done, killed or cut off before: over the driver `file`.
#include <cstdlib>
#include <cstring>

#include "support/model_play.h"
#include "support/model_walk.h"
#include "support/seed.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

class ModelTest : public VmTest {};

TEST_F(ModelTest, every_vm_sees_what_the_model_says_through_commands_kills_and_recoveries) {
  model::walk("file", scratch());
}

// --- Power cuts: tests/scripts/power_cuts.sh boots the VM again and again with the same disk.

int play_power_cuts(std::uint64_t cuts) {
  const char* base = std::getenv("COWSHED_SCRATCH");
  const Path directory = Path(base != nullptr ? base : "/scratch") / "model";
  make_directories(directory);
  model::Journal journal(directory / "journal");
  model::Play play("file", seed(), directory, model::run_directory, &journal);
  play.resume();
  const auto& places = model::Play::cut_places();
  std::uint64_t done = 0;
  for (const auto& place : places) done += play.tally().count("power cut", place);
  if (done < cuts) play.play_until_cut(places[done % places.size()]);
  play.finish();
  if (cuts >= places.size()) play.tally().require("power cut", places);
  play.tally().print();
  for (const auto& missing : play.tally().missing()) std::printf("never occurred: %s\n", missing.c_str());
  return play.tally().missing().empty() ? 0 : 1;
}

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  using namespace cowshed::test;
  if (!model::begin_main(&argc, argv)) return 0;
  if (argc == 3 && std::strcmp(argv[1], "--power-cuts") == 0) {
    try {
      return play_power_cuts(std::strtoull(argv[2], nullptr, 10));
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "%s\n", failure.what());
      return 1;
    }
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
