// SPDX-License-Identifier: Apache-2.0
// Every VM sees what a plain model says, whatever was done, killed or cut off before.
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "support/long_run.h"
#include "support/model_play.h"
#include "support/seed.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// So few steps cannot reach everything.
constexpr std::uint64_t fewest_for_all = 300;
constexpr std::uint64_t many_steps = 10'000;
constexpr std::uint64_t longest = 3;

class ModelTest : public VmTest {};

TEST_F(ModelTest, every_vm_sees_what_the_model_says_through_commands_kills_and_recoveries) {
  const bool is_long = is_long_run();
  const auto steps = number_from("COWSHED_MODEL_STEPS", is_long ? many_steps : fewest_for_all);
  model::Play play(seed(), scratch(), "/tmp/cowshed-model-run");
  if (steps >= fewest_for_all) play.require_all();
  try {
    // What threads do differs from run to run: the walk goes on until everything has come up.
    const auto is_complete = [&] { return steps < fewest_for_all || play.tally().missing().empty(); };
    for (std::uint64_t i = 1; i <= steps || (i <= longest * steps && !is_complete()); ++i) {
      play.step();
      if (i % 500 == 0) std::printf("%llu steps\n", static_cast<unsigned long long>(i));
    }
    play.finish();
  } catch (const model::Difference& difference) {
    ADD_FAILURE() << difference.what();
  }
  play.tally().print();
  for (const auto& missing : play.tally().missing()) ADD_FAILURE() << "never occurred: " << missing;
}

// --- Power cuts: tests/scripts/power_cuts.sh boots the VM again and again with the same disk.

int play_power_cuts(std::uint64_t cuts) {
  const char* base = std::getenv("COWSHED_SCRATCH");
  const Path directory = Path(base != nullptr ? base : "/scratch") / "model";
  make_directories(directory);
  model::Journal journal(directory / "journal");
  model::Play play(seed(), directory, "/tmp/cowshed-model-run", &journal);
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
  if (model::carry_out_if_asked(argc, argv)) return 0;
  if (argc == 3 && std::strcmp(argv[1], "--power-cuts") == 0) {
    try {
      return play_power_cuts(std::strtoull(argv[2], nullptr, 10));
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "%s\n", failure.what());
      return 1;
    }
  }
  // What it says before the VM is killed shall be known.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
