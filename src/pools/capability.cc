// SPDX-License-Identifier: Apache-2.0
#include "pools/capability.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cowshed::pools {

namespace {

constexpr std::array names = {
    std::pair{Capability::volatile_volumes, std::string_view("volatile-volumes")},
    std::pair{Capability::origin_volumes, std::string_view("origin-volumes")},
    std::pair{Capability::snapshot_volumes, std::string_view("snapshot-volumes")},
    std::pair{Capability::origin_snapshot_volumes, std::string_view("origin-snapshot-volumes")},
    std::pair{Capability::writable_volumes, std::string_view("writable-volumes")},
    std::pair{Capability::one_revision, std::string_view("one-revision")},
    std::pair{Capability::many_revisions, std::string_view("many-revisions")},
    std::pair{Capability::snapshots_off, std::string_view("snapshots-off")},
    std::pair{Capability::in_place, std::string_view("in-place")},
    std::pair{Capability::overlay, std::string_view("overlay")},
    std::pair{Capability::keep_changes, std::string_view("keep-changes")},
    std::pair{Capability::cow_limit, std::string_view("cow-limit")},
    std::pair{Capability::ephemeral, std::string_view("ephemeral")},
    std::pair{Capability::warm, std::string_view("warm")},
    std::pair{Capability::export_, std::string_view("export")},
    std::pair{Capability::import, std::string_view("import")},
    std::pair{Capability::grow, std::string_view("grow")},
    std::pair{Capability::grow_running, std::string_view("grow-running")},
    std::pair{Capability::shrink, std::string_view("shrink")},
};

constexpr auto all = [] {
  std::array<Capability, names.size()> result{};
  std::ranges::transform(names, result.begin(), [](const auto& entry) { return entry.first; });
  return result;
}();

}  // namespace

std::span<const Capability> all_capabilities() { return all; }

std::string_view to_string(Capability capability) {
  const auto* found =
      std::ranges::find_if(names, [&](const auto& entry) { return entry.first == capability; });
  return found == names.end() ? "unknown" : found->second;
}

}  // namespace cowshed::pools
