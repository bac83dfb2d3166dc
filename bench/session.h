// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

/// The template's root image, and what a guest does with its root: enough to know that no tool is fast by
/// handing out the wrong thing.
namespace bench {

/// A sparse image with one block of known content.
void make_image(const std::string& path, std::uint64_t bytes);

/// Reads the known block through the device, throws when it holds anything else, writes over it and reads
/// that back.
void run_session(const std::string& device);

}  // namespace bench
