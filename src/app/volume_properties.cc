// SPDX-License-Identifier: Apache-2.0
#include "app/volume_properties.h"

#include <fmt/core.h>

#include <array>

#include "base/error.h"
#include "base/number.h"

namespace cowshed::app {

namespace {

using pools::VolumeKind;
using pools::VolumeProperties;
using pools::WritePolicy;

constexpr std::string_view unset = "default";

Error refusal(std::string_view key, std::string_view why) {
  return {ErrorKind::invalid_argument, fmt::format("{}: {}", key, why)};
}

int parse_int(std::string_view key, std::string_view text) {
  if (const auto value = parse_number<int>(text)) return *value;
  throw refusal(key, fmt::format("'{}' is not a whole number", text));
}

template <typename Parse>
auto unless_default(std::string_view text, Parse parse) -> std::optional<decltype(parse())> {
  if (text == unset) return std::nullopt;
  return parse();
}

struct Property {
  std::string_view key;
  void (*set)(VolumeProperties&, std::string_view key, std::string_view value);
  /// Decided when the volume is made.
  bool only_new = false;
};

constexpr std::array<Property, 9> table = {{
    {"rw", [](auto& p, auto key, auto text) { p.rw = parse_bool(key, text); }},
    {"revisions_to_keep",
     [](auto& p, auto key, auto text) {
       p.revisions_to_keep = unless_default(text, [&] { return parse_int(key, text); });
     }},
    {"write_policy",
     [](auto& p, auto, auto text) {
       p.write_policy = unless_default(text, [&] { return parse_write_policy(text); });
     }},
    {"keep_changes", [](auto& p, auto key, auto text) { p.keep_changes = parse_bool(key, text); }},
    {"cow_limit",
     [](auto& p, auto, auto text) {
       p.cow_limit = unless_default(text == "none" ? unset : text, [&] { return parse_size(text); });
     }},
    {"warm", [](auto& p, auto key, auto text) { p.warm = parse_int(key, text); }},
    {"ephemeral",
     [](auto& p, auto key, auto text) {
       p.ephemeral = unless_default(text, [&] { return parse_bool(key, text); });
     }},
    {"snap_on_start", [](auto& p, auto key, auto text) { p.snap_on_start = parse_bool(key, text); }, true},
    {"save_on_stop", [](auto& p, auto key, auto text) { p.save_on_stop = parse_bool(key, text); }, true},
}};

std::string known_keys(bool is_new) {
  std::string result;
  for (const auto& property : table)
    if (is_new || !property.only_new) result += fmt::format("{}{}", result.empty() ? "" : ", ", property.key);
  return result;
}

void set(VolumeProperties& properties, std::string_view key, std::string_view value, bool is_new) {
  for (const auto& property : table) {
    if (property.key != key || (property.only_new && !is_new)) continue;
    VolumeProperties changed = properties;
    property.set(changed, key, value);
    if (!is_new) check_properties(changed);
    properties = std::move(changed);
    return;
  }
  throw Error(ErrorKind::invalid_argument,
              fmt::format("unknown key '{}'; there are {}", key, known_keys(is_new)));
}

void check_revisions(const VolumeProperties& properties) {
  constexpr std::string_view key = "revisions_to_keep";
  const int revisions = properties.revisions_to_keep.value_or(0);
  if (revisions < -1) throw refusal(key, fmt::format("{} is not allowed: -1 or more", revisions));
  if (revisions == -1 && properties.kind() != VolumeKind::origin)
    throw refusal(key, "-1 (snapshots off) needs save_on_stop without snap_on_start");
  if (revisions > 0 && !properties.save_on_stop)
    throw refusal(key, "only a volume with save_on_stop keeps revisions");
}

void check_sizes(const VolumeProperties& properties) {
  if (properties.size.count % Sectors::bytes_each != 0)
    throw refusal("size",
                  fmt::format("{} is not a multiple of {}", properties.size.count, Sectors::bytes_each));
  if (properties.snap_on_start && properties.size.count != 0)
    throw refusal("size", "a snapshot volume has its source's");
  if (!properties.cow_limit) return;
  if (properties.cow_limit->count == 0 || properties.cow_limit->count % Sectors::bytes_each != 0)
    throw refusal("cow_limit", fmt::format("must be a multiple of {} and not 0", Sectors::bytes_each));
}

}  // namespace

bool parse_bool(std::string_view key, std::string_view text) {
  if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
  if (text == "false" || text == "no" || text == "off" || text == "0") return false;
  throw refusal(key, fmt::format("'{}' is neither true nor false", text));
}

WritePolicy parse_write_policy(std::string_view text) {
  if (text == to_string(WritePolicy::in_place)) return WritePolicy::in_place;
  if (text == to_string(WritePolicy::overlay)) return WritePolicy::overlay;
  throw refusal("write_policy", fmt::format("'{}' is neither in-place nor overlay", text));
}

void check_properties(const VolumeProperties& properties) {
  const VolumeKind kind = properties.kind();
  check_revisions(properties);
  check_sizes(properties);
  if (properties.ephemeral.value_or(false) && !properties.may_be_ephemeral())
    throw refusal("ephemeral", "only a volatile volume that the guest can write can be");
  if (properties.keep_changes && kind != VolumeKind::snapshot)
    throw refusal("keep_changes", "only for snapshot volumes");
  if (properties.write_policy && !properties.save_on_stop)
    throw refusal("write_policy", "only for volumes with save_on_stop");
  if (properties.warm < 0 || properties.warm > max_warm)
    throw refusal("warm", fmt::format("must be 0 to {}", max_warm));
  if (properties.warm > 0 && kind != VolumeKind::origin)
    throw refusal("warm", "only for an origin volume that others are snapshots of");
}

void check_warm(const VolumeProperties& properties, bool is_template) {
  static const VolumeName root("root");
  if (properties.warm > 0 && !(is_template && properties.name == root))
    throw refusal("warm", "only for the root volume of a template");
}

void set_property(VolumeProperties& properties, std::string_view key, std::string_view value) {
  set(properties, key, value, false);
}

void set_new_property(VolumeProperties& properties, std::string_view key, std::string_view value) {
  set(properties, key, value, true);
}

}  // namespace cowshed::app
