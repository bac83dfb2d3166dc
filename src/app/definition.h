// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "pools/pool.h"

/// What is saved: `cowshed.json` and one `vms/NAME.json` for each VM. Separate from the live objects (App,
/// Vm), with a format version. docs/configuration.md describes the files.
namespace cowshed::app {

/// The version written into every file, and the only one read.
constexpr int format_version = 1;
/// A definition file larger than this is no definition file.
constexpr Bytes definition_limit = mebibytes(4);

enum class VmKind { template_, standalone, app, disposable };
std::string_view to_string(VmKind kind);
/// Whether a VM of that kind has a template: app VMs and disposables.
constexpr bool has_template(VmKind kind) { return kind == VmKind::app || kind == VmKind::disposable; }

struct PoolDefinition {
  /// Empty where it is a plug-in's.
  std::string driver;
  std::optional<int> revisions_to_keep;
  pools::Parameters parameters;
  bool ephemeral_volatile = false;
  SpaceSettings space = {};
  /// The shared object with the driver (pools/plugin.h).
  std::optional<Path> plugin = std::nullopt;

  bool operator==(const PoolDefinition&) const = default;
};

/// Whom the service lets do what, by role: "observe", "operate", "admin".
struct RoleMembers {
  std::vector<std::string> users, groups;
};
/// The roles there are, from the smallest.
std::span<const std::string_view> role_names();

struct Config {
  std::map<PoolName, PoolDefinition> pools;
  /// By role; one that is not there has no members.
  std::map<std::string, RoleMembers> roles;
  /// default_pool, default_pool_root, ... that are set.
  std::map<std::string, PoolName> defaults;
};

struct VolumeDefinition {
  PoolName pool;
  pools::VolumeProperties properties;
};

struct VmDefinition {
  VmKind kind = VmKind::template_;
  std::optional<VmName> template_name;
  std::optional<KernelName> kernel;
  /// In the order of volume_before().
  std::vector<VolumeDefinition> volumes;
};

/// root, private, volatile, kernel, then the others by name: the order in which volumes are shown and given
/// to a guest.
bool volume_before(const VolumeName& a, const VolumeName& b);

/// Strict: unknown and doubled keys, wrong types, values out of range and other format versions throw
/// invalid_argument with `file` and the JSON pointer.
Config decode_config(std::string_view text, const Path& file);
VmDefinition decode_vm(std::string_view text, const Path& file);

std::string encode(const Config& config);
std::string encode(const VmDefinition& definition);

}  // namespace cowshed::app
