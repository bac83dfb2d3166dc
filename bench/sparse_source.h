// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// A new file as `bench copy` copies it, on the disk: `percent` of it is data without a block of zeros, in
/// stretches of 4 KiB to 2 MiB, the rest holes between them. The same size and percentage give the same.
void make_source(const std::string& file, std::uint64_t size, unsigned percent);

}  // namespace bench
