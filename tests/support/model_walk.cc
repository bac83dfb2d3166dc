// SPDX-License-Identifier: Apache-2.0
#include "support/model_walk.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "support/long_run.h"
#include "support/model_play.h"
#include "support/seed.h"
#include "support/vm_fixture.h"

namespace cowshed::test::model {

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// So few steps cannot reach everything.
constexpr std::uint64_t fewest_for_all = 300;
/// In each of four games.
constexpr std::uint64_t many_steps = 25'000;
constexpr std::uint64_t longest = 8;

}  // namespace

Scene scene_in(const Path& directory, const std::string& driver) {
  return {.driver = driver, .directory = directory / "game", .run = run_directory};
}

Scene scene_with_pools(const Path& directory, const Path& sharing) {
  Scene scene = scene_in(directory, "file");
  scene.sharing = sharing / "game";
  return scene;
}

namespace {

/// Whatever is there of an installation goes, without its help.
void begin_anew(const Scene& scene) {
  dm::Control control;
  clear_kernel(control);
  for (const Path& path : {scene.directory, scene.run, scene.sharing})
    if (!path.empty()) std::filesystem::remove_all(path);
}

std::chrono::seconds longest_reduction() {
  constexpr std::uint64_t usual = 600;
  return std::chrono::seconds(number_from("COWSHED_MODEL_REDUCE", usual));
}

void replay(const Scene& scene, const char* file) {
  const auto wrong = play_again(scene, parse_steps(read_file(file, mebibytes(16))));
  if (wrong) ADD_FAILURE() << *wrong;
}

void report(const Scene& scene, const Steps& done, const std::string& difference) {
  std::printf("%s\n", difference.c_str());
  ADD_FAILURE() << "reduced to:\n" << text_of(reduce(scene, done, difference, longest_reduction()));
}

}  // namespace

std::optional<std::string> play_again(const Scene& scene, const Steps& steps) {
  begin_anew(scene);
  std::optional<std::string> wrong;
  try {
    Play(scene, 0).replay(steps);
  } catch (const std::exception& difference) {
    wrong = difference.what();
  }
  begin_anew(scene);
  return wrong;
}

Shrunk reduce(const Scene& scene, const Steps& done, const std::string& difference,
              std::chrono::seconds most) {
  return shrink(
      done, difference, [&](const Steps& steps) { return play_again(scene, steps); }, most);
}

std::string text_of(const Shrunk& shrunk) {
  std::string text;
  for (const auto& line : lines_of(shrunk.difference)) text += fmt::format("# {}\n", line);
  text += fmt::format(
      "# {} steps{}, found by {} trials. To do them again, run this test with all of this in a file:\n"
      "# scripts/vm --env COWSHED_MODEL_REPLAY=FILE -- TEST\n",
      shrunk.steps.size(), shrunk.is_minimal ? ", of which none can be left out" : "", shrunk.trials);
  for (const Step& step : shrunk.steps) text += step.text() + "\n";
  return text;
}

void walk(const Scene& scene) {
  if (const char* file = std::getenv("COWSHED_MODEL_REPLAY")) return replay(scene, file);
  const auto steps = number_from("COWSHED_MODEL_STEPS", is_long_run() ? many_steps : fewest_for_all);
  Play play(scene, seed());
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
    play.tally().print();
    return report(scene, play.done(), difference.what());
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
  Play play({.driver = driver, .directory = directory, .run = run_directory}, seed(), &journal);
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
