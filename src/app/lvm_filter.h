// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What LVM's configuration (lvm.conf(5)) says about the devices that it scans.
namespace cowshed::app {

/// The strings of the last `KEY = [ "...", ... ]` or `KEY = "..."`, comments left out; nothing where the key
/// is not set.
std::optional<std::vector<std::string>> lvm_strings(std::string_view config, std::string_view key);
/// The last `KEY = NUMBER`.
std::optional<long> lvm_number(std::string_view config, std::string_view key);

/// Whether a device that has only this name passes: the first pattern that matches it says, "a|REGEX|" yes,
/// "r|REGEX|" no; what none matches passes (lvm2 lib/filters/filter-regex.c). Throws Error invalid_argument
/// for a pattern that is none.
bool lvm_accepts(const std::vector<std::string>& filter, const std::string& device);

}  // namespace cowshed::app
