// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "pools/volume.h"

/// The rules for a volume's properties that hold for every driver, and their names as text. Pure.
namespace cowshed::app {

/// "in-place" or "overlay"; else throws invalid_argument.
pools::WritePolicy parse_write_policy(std::string_view text);

/// More layers than that nobody waits for, and each holds memory of the kernel.
constexpr int max_warm = 1024;

/// Throws invalid_argument for a combination that the model rules out (docs/configuration.md).
void check_properties(const pools::VolumeProperties& properties);

/// Throws invalid_argument where `warm` is set on anything but the root volume of a template.
void check_warm(const pools::VolumeProperties& properties, bool is_template);

/// "true", "yes", "on", "1" or the contrary; else throws invalid_argument.
bool parse_bool(std::string_view key, std::string_view text);

/// Sets `key` from text and checks the whole. "default" unsets revisions_to_keep, write_policy, cow_limit and
/// ephemeral; of cow_limit, so does "none".
/// Throws invalid_argument, listing the keys there are where the key is unknown.
void set_property(pools::VolumeProperties& properties, std::string_view key, std::string_view value);
/// As set_property, and also what is decided once: snap_on_start, save_on_stop.
void set_new_property(pools::VolumeProperties& properties, std::string_view key, std::string_view value);

}  // namespace cowshed::app
