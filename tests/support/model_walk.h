// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.h"

namespace cowshed::test::model {

constexpr const char* run_directory = "/tmp/cowshed-model-run";

/// Plays a whole game in the directory, where a first start is to pick `driver`: COWSHED_MODEL_STEPS of them,
/// else as many as it takes to reach everything. Differences, and what was never reached, fail the test.
void walk(const std::string& driver, const Path& directory);

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
