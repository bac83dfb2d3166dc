// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "cli/session.h"

namespace cowshed::cli {

/// The program with these arguments, the first of which is its own name; `serve` is what `cowshed serve`
/// does. Returns the exit status: errors of commands are printed, others are thrown.
int run(std::span<char*> arguments, Serve serve);

}  // namespace cowshed::cli
