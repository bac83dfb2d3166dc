// SPDX-License-Identifier: Apache-2.0
#include "app/definition.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "app/default_pools.h"
#include "app/json_document.h"
#include "app/volume_properties.h"
#include "base/error.h"

namespace cowshed::app {

namespace {

using nlohmann::ordered_json;
using pools::VolumeProperties;

constexpr std::array<VmKind, 4> vm_kinds = {VmKind::template_, VmKind::standalone, VmKind::app,
                                            VmKind::disposable};

void check_format(JsonObject& object) {
  const auto version = object.optional_integer("format");
  if (!version) object.refuse("format", "is missing");
  if (*version != format_version)
    object.refuse("format",
                  fmt::format("format {} is not understood by this version of cowshed, which reads {}",
                              *version, format_version));
}

std::optional<int> revisions_of(JsonObject& object) {
  constexpr std::string_view key = "revisions_to_keep";
  const auto value = object.optional_integer(key);
  if (!value) return std::nullopt;
  if (*value < -1 || *value > std::numeric_limits<int>::max()) object.refuse(key, "must be -1 or more");
  return static_cast<int>(*value);
}

/// Instead of a driver.
std::optional<Path> plugin_of(JsonObject& object) {
  const auto text = object.optional_text("plugin");
  if (!text) return std::nullopt;
  if (object.optional_text("driver")) object.refuse("plugin", "excludes a driver: the plug-in is one");
  if (!text->starts_with('/')) object.refuse("plugin", "must be an absolute path");
  return *text;
}

SpaceSettings space_of(JsonObject& object) {
  SpaceSettings space;
  if (const auto warning = object.optional_integer("space_warning")) {
    if (*warning < 1 || *warning > 100) object.refuse("space_warning", "must be 1 to 100 (percent)");
    space.warning = static_cast<unsigned>(*warning);
  }
  space.hold = object.optional_bytes("space_hold");
  return space;
}

PoolDefinition decode_pool(JsonObject object) {
  PoolDefinition pool;
  pool.plugin = plugin_of(object);
  if (!pool.plugin) pool.driver = object.text("driver");
  pool.revisions_to_keep = revisions_of(object);
  if (pool.revisions_to_keep && *pool.revisions_to_keep < 0)
    object.refuse("revisions_to_keep", "must not be negative (snapshots are switched off volume by volume)");
  pool.ephemeral_volatile = object.boolean("ephemeral_volatile", false);
  pool.space = space_of(object);
  if (auto parameters = object.optional_object("parameters"))
    for (const auto& key : parameters->keys()) pool.parameters[key] = parameters->scalar(key);
  object.finish();
  return pool;
}

void decode_default(JsonObject& object, std::string_view key, Config& config) {
  const auto text = object.optional_text(key);
  if (!text) return;
  auto pool = object.checked(key, [&] { return PoolName(*text); });
  if (!config.pools.contains(pool)) object.refuse(key, fmt::format("there is no pool '{}'", *text));
  config.defaults.emplace(key, std::move(pool));
}

void decode_roles(JsonObject roles, Config& config) {
  for (const auto role : role_names()) {
    auto members = roles.optional_object(role);
    if (!members) continue;
    config.roles[std::string(role)] = {members->texts("users"), members->texts("groups")};
    members->finish();
  }
  roles.finish();
}

VmKind decode_kind(JsonObject& object) {
  const auto text = object.text("kind");
  const auto found =
      std::find_if(vm_kinds.begin(), vm_kinds.end(), [&](VmKind kind) { return to_string(kind) == text; });
  if (found == vm_kinds.end())
    object.refuse("kind", fmt::format("unknown kind '{}': template, standalone, app or disposable", text));
  return *found;
}

std::optional<pools::WritePolicy> decode_write_policy(JsonObject& object) {
  const auto text = object.optional_text("write_policy");
  if (!text) return std::nullopt;
  return object.checked("write_policy", [&] { return parse_write_policy(*text); });
}

int decode_warm(JsonObject& object) {
  const auto value = object.optional_integer("warm").value_or(0);
  if (value < 0 || value > max_warm) object.refuse("warm", fmt::format("must be 0 to {}", max_warm));
  return static_cast<int>(value);
}

/// All but snapshots, which have their source's, and what is neither written nor saved: a kernel.
bool has_size_of_its_own(const VolumeProperties& properties) {
  return !properties.snap_on_start && (properties.rw || properties.save_on_stop);
}

VolumeDefinition decode_volume(const JsonObject& parent, JsonObject object, const std::string& key) {
  VolumeDefinition result{
      .pool = object.checked("pool", [&] { return PoolName(object.text("pool")); }),
      .properties = {.name = parent.checked(key, [&] { return VolumeName(key); }),
                     .vid = object.checked("vid", [&] { return Vid(object.text("vid")); })}};
  VolumeProperties& properties = result.properties;
  properties.size = object.optional_bytes("size").value_or(Bytes{});
  properties.rw = object.boolean("rw", true);
  properties.snap_on_start = object.boolean("snap_on_start", false);
  properties.save_on_stop = object.boolean("save_on_stop", false);
  properties.revisions_to_keep = revisions_of(object);
  properties.write_policy = decode_write_policy(object);
  properties.keep_changes = object.boolean("keep_changes", false);
  properties.cow_limit = object.optional_bytes("cow_limit");
  properties.warm = decode_warm(object);
  properties.ephemeral = object.optional_boolean("ephemeral");
  object.finish();
  if (has_size_of_its_own(properties) && properties.size.count == 0)
    object.refuse("size", "must be there and larger than 0");
  parent.checked(key, [&] {
    check_properties(properties);
    return true;
  });
  return result;
}

ordered_json to_json(const PoolDefinition& pool) {
  ordered_json json =
      pool.plugin ? ordered_json{{"plugin", pool.plugin->native()}} : ordered_json{{"driver", pool.driver}};
  if (pool.revisions_to_keep) json["revisions_to_keep"] = *pool.revisions_to_keep;
  if (pool.ephemeral_volatile) json["ephemeral_volatile"] = true;
  if (pool.space.warning != SpaceSettings::default_warning) json["space_warning"] = pool.space.warning;
  if (pool.space.hold) json["space_hold"] = pool.space.hold->count;
  json["parameters"] = ordered_json::object();
  for (const auto& [key, value] : pool.parameters) json["parameters"][key] = value;
  return json;
}

ordered_json to_json(const VolumeDefinition& volume) {
  const VolumeProperties& properties = volume.properties;
  ordered_json json{{"pool", volume.pool.str()}, {"vid", properties.vid.str()}};
  if (properties.size.count != 0) json["size"] = properties.size.count;
  json["rw"] = properties.rw;
  json["snap_on_start"] = properties.snap_on_start;
  json["save_on_stop"] = properties.save_on_stop;
  if (properties.revisions_to_keep) json["revisions_to_keep"] = *properties.revisions_to_keep;
  if (properties.write_policy) json["write_policy"] = std::string(to_string(*properties.write_policy));
  if (properties.keep_changes) json["keep_changes"] = true;
  if (properties.cow_limit) json["cow_limit"] = properties.cow_limit->count;
  if (properties.warm != 0) json["warm"] = properties.warm;
  if (properties.ephemeral) json["ephemeral"] = *properties.ephemeral;
  return json;
}

int rank(const VolumeName& name) {
  constexpr std::array<std::string_view, 4> first = {"root", "private", "volatile", "kernel"};
  return static_cast<int>(std::find(first.begin(), first.end(), name.str()) - first.begin());
}

void check_template(JsonObject& object, const VmDefinition& vm) {
  if (has_template(vm.kind) && !vm.template_name) object.refuse("template", "is missing");
  if (!has_template(vm.kind) && vm.template_name)
    object.refuse("template", fmt::format("a VM of kind {} has none", to_string(vm.kind)));
}

}  // namespace

std::string_view to_string(VmKind kind) {
  switch (kind) {
    case VmKind::template_:
      return "template";
    case VmKind::standalone:
      return "standalone";
    case VmKind::app:
      return "app";
    case VmKind::disposable:
      return "disposable";
  }
  return "unknown";
}

bool volume_before(const VolumeName& a, const VolumeName& b) {
  return std::pair(rank(a), std::string_view(a.str())) < std::pair(rank(b), std::string_view(b.str()));
}

Config decode_config(std::string_view text, const Path& file) {
  const auto document = parse_json(text, file);
  JsonObject object(document, "", file);
  check_format(object);
  Config config;
  auto pools = object.object("pools");
  for (const auto& key : pools.keys())
    config.pools.emplace(pools.checked(key, [&] { return PoolName(key); }), decode_pool(pools.object(key)));
  for (const auto key : default_pool_keys()) decode_default(object, key, config);
  if (auto roles = object.optional_object("roles")) decode_roles(*std::move(roles), config);
  object.finish();
  return config;
}

std::span<const std::string_view> role_names() {
  static constexpr std::array<std::string_view, 3> names{"observe", "operate", "admin"};
  return names;
}

VmDefinition decode_vm(std::string_view text, const Path& file) {
  const auto document = parse_json(text, file);
  JsonObject object(document, "", file);
  check_format(object);
  VmDefinition vm;
  vm.kind = decode_kind(object);
  if (const auto name = object.optional_text("template"))
    vm.template_name = object.checked("template", [&] { return VmName(*name); });
  if (const auto name = object.optional_text("kernel"))
    vm.kernel = object.checked("kernel", [&] { return KernelName(*name); });
  check_template(object, vm);
  auto volumes = object.object("volumes");
  for (const auto& key : volumes.keys())
    vm.volumes.push_back(decode_volume(volumes, volumes.object(key), key));
  object.finish();
  std::sort(vm.volumes.begin(), vm.volumes.end(),
            [](const auto& a, const auto& b) { return volume_before(a.properties.name, b.properties.name); });
  return vm;
}

std::string encode(const Config& config) {
  ordered_json json{{"format", format_version}, {"pools", ordered_json::object()}};
  for (const auto& [name, pool] : config.pools) json["pools"][name.str()] = to_json(pool);
  for (const auto& [key, pool] : config.defaults) json[key] = pool.str();
  for (const auto& [role, members] : config.roles)
    json["roles"][role] = {{"users", members.users}, {"groups", members.groups}};
  return json.dump(2) + "\n";
}

std::string encode(const VmDefinition& definition) {
  ordered_json json{{"format", format_version}, {"kind", std::string(to_string(definition.kind))}};
  if (definition.template_name) json["template"] = definition.template_name->str();
  if (definition.kernel) json["kernel"] = definition.kernel->str();
  json["volumes"] = ordered_json::object();
  for (const auto& volume : definition.volumes)
    json["volumes"][volume.properties.name.str()] = to_json(volume);
  return json.dump(2) + "\n";
}

}  // namespace cowshed::app
