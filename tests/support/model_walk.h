// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.h"

namespace cowshed::test::model {

constexpr const char* run_directory = "/tmp/cowshed-model-run";

/// Plays a whole game in the directory, where a first start is to pick `driver`: COWSHED_MODEL_STEPS of them,
/// else as many as it takes to reach everything. Differences, and what was never reached, fail the test.
void walk(const std::string& driver, const Path& directory);

/// False where the test's executable was to carry out a single command, and has.
bool begin_main(int* argc, char** argv);

}  // namespace cowshed::test::model
