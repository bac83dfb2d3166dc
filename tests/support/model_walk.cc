// SPDX-License-Identifier: Apache-2.0
#include "support/model_walk.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "support/long_run.h"
#include "support/model_play.h"
#include "support/seed.h"

namespace cowshed::test::model {

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// So few steps cannot reach everything.
constexpr std::uint64_t fewest_for_all = 300;
constexpr std::uint64_t many_steps = 10'000;
constexpr std::uint64_t longest = 3;

}  // namespace

void walk(const std::string& driver, const Path& directory) {
  const bool is_long = is_long_run();
  const auto steps = number_from("COWSHED_MODEL_STEPS", is_long ? many_steps : fewest_for_all);
  Play play(driver, seed(), directory, run_directory);
  if (steps >= fewest_for_all) play.require_all();
  try {
    // What threads do differs from run to run: the walk goes on until everything has come up.
    const auto is_complete = [&] { return steps < fewest_for_all || play.tally().missing().empty(); };
    for (std::uint64_t i = 1; i <= steps || (i <= longest * steps && !is_complete()); ++i) {
      play.step();
      if (i % 500 == 0) std::printf("%llu steps\n", static_cast<unsigned long long>(i));
    }
    play.finish();
  } catch (const Difference& difference) {
    ADD_FAILURE() << difference.what();
  }
  play.tally().print();
  for (const auto& missing : play.tally().missing()) ADD_FAILURE() << "never occurred: " << missing;
}

Path power_cuts_directory() {
  const char* base = std::getenv("COWSHED_SCRATCH");
  Path directory = Path(base != nullptr ? base : "/scratch") / "model";
  make_directories(directory);
  return directory;
}

namespace {

int cut_or_end(const std::string& driver, const Path& directory, std::uint64_t cuts) {
  Journal journal(power_cuts_directory() / "journal");
  Play play(driver, seed(), directory, run_directory, &journal);
  play.resume();
  const auto& places = Play::cut_places();
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

int play_power_cuts(const std::string& driver, const Path& directory, const char* cuts) {
  try {
    return cut_or_end(driver, directory, std::strtoull(cuts, nullptr, 10));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}

bool begin_main(int* argc, char** argv) {
  if (carry_out_if_asked(*argc, argv)) return false;
  // What it says before the VM is killed shall be known.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  return true;
}

}  // namespace cowshed::test::model
