// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace bench {

/// All that was written is on the disk, and nothing of files is in memory.
void forget_files();
/// A line of /proc/meminfo, "Cached:" for example.
long kib_of_memory(std::string_view line);

}  // namespace bench
