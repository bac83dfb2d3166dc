// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

/// Other people's programs.
namespace bench {

/// It is somewhere on the PATH.
bool has_program(const std::string& name);
/// Without a shell, its output to where ours goes. Throws where it fails.
void run(std::vector<std::string> command);

}  // namespace bench
