// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.h"
#include "support/model_play.h"
#include "support/model_shrink.h"

namespace cowshed::test::model {

constexpr const char* run_directory = "/tmp/cowshed-model-run";

/// A scene in that directory, which is emptied where a difference is reduced.
Scene scene_in(const Path& directory, const std::string& driver);
/// With several pools, some of them on the file system of `sharing`, which shares extents.
Scene scene_with_pools(const Path& directory, const Path& sharing);

/// Plays a whole game: COWSHED_MODEL_STEPS of them, else as many as it takes to reach everything.
/// Differences, reduced to the steps that lead to them, and what was never reached, fail the test. With
/// COWSHED_MODEL_REPLAY=FILE the steps in that file instead.
void walk(const Scene& scene);

/// What is wrong after these steps, in a scene that is new before and gone afterwards.
std::optional<std::string> play_again(const Scene& scene, const Steps& steps);

/// Of a game in which the model and the installation come to differ: what remains of `done` when all is left
/// out that does not lead there. Nothing of it is left in the kernel.
Shrunk reduce(const Scene& scene, const Steps& done, const std::string& difference,
              std::chrono::seconds most);
/// For people: the steps, and how to do them again.
std::string text_of(const Shrunk& shrunk);

/// For tests/scripts/power_cuts.sh, which boots the VM again and again with the same disk: `TEST --power-cuts
/// N`.
constexpr const char* power_cuts_option = "--power-cuts";
/// On that disk: for the game and its journal.
Path power_cuts_directory();
/// Goes on with the game in `directory` until the power is cut, N times; the exit status at its end.
int play_power_cuts(const std::string& driver, const Path& directory, const char* cuts);

/// False where the test's executable was to carry out a single command, and has.
bool begin_main(int* argc, char** argv);

}  // namespace cowshed::test::model
