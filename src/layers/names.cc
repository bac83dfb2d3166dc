// SPDX-License-Identifier: Apache-2.0
#include "layers/names.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/number.h"

namespace cowshed::layers {

namespace {

constexpr std::string_view uuid_start = "COWSHED-";
constexpr std::string_view gone_start = "cowshed-gone:";
constexpr std::string_view warm_start = "COWSHED-warm-";
constexpr std::size_t pool_key_length = 16;
constexpr std::size_t max_role = 9;     // "ephemeral"
constexpr std::size_t max_number = 20;  // 2^64
// A vid that is longer keeps its beginning, for people, and gets a hash.
constexpr std::size_t max_volume = 64;
constexpr std::size_t kept_of_long_volume = max_volume - 17;
constexpr std::size_t short_key = 6;

static_assert(uuid_start.size() + pool_key_length + 1 + max_volume + 1 + max_role + 1 + max_number <=
              dm::DmUuid::max_length);
static_assert(std::string_view("cowshed:").size() + PoolNameTag::max_length + 1 + max_volume + 1 + max_role +
                  1 + short_key <=
              dm::DmName::max_length);
static_assert(warm_start.size() + pool_key_length + 1 + max_volume + 1 + max_number <=
              dm::DmName::max_length);

/// FNV-1a; a hash for names, against nobody's malice: a collision is refused by the kernel as a name that
/// exists.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return value;
}

std::string key_of(FileId directory) {
  return fmt::format("{:016x}", hash(fmt::format("{}:{}", directory.device, directory.inode)));
}

std::string volume_of(const Vid& vid) {
  std::string text = vid.str();
  std::replace(text.begin(), text.end(), '/', ':');
  if (text.size() <= max_volume) return text;
  return fmt::format("{}~{:016x}", text.substr(0, kept_of_long_volume), hash(text));
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::view, Role::origin, Role::overlay, Role::snapshot, Role::plain,
                          Role::ephemeral, Role::crypt, Role::zero})
    if (to_string(role) == text) return role;
  return std::nullopt;
}

/// Cuts off and returns what follows the last '-'.
std::string_view cut_last(std::string_view& text) {
  const auto dash = text.rfind('-');
  if (dash == std::string_view::npos) return {};
  const auto last = text.substr(dash + 1);
  text.remove_suffix(last.size() + 1);
  return last;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::view:
      return "view";
    case Role::origin:
      return "origin";
    case Role::overlay:
      return "overlay";
    case Role::snapshot:
      return "snapshot";
    case Role::plain:
      return "plain";
    case Role::ephemeral:
      return "ephemeral";
    case Role::crypt:
      return "crypt";
    case Role::zero:
      return "zero";
  }
  return "unknown";
}

Tier tier_of(Role role) {
  switch (role) {
    case Role::view:
      return Tier::view;
    case Role::crypt:
    case Role::zero:
      return Tier::support;
    default:
      return Tier::guest;
  }
}

VolumeKey::VolumeKey(FileId pool_directory, const PoolName& pool, const Vid& vid)
    : pool_key_(key_of(pool_directory)), pool_(pool.str()), volume_(volume_of(vid)) {}

dm::DmUuid VolumeKey::uuid(Role role, std::uint64_t number) const {
  return dm::DmUuid(fmt::format("{}{}-{}", uuid_prefix(), to_string(role), number));
}

dm::DmName VolumeKey::name(Role role, std::uint64_t number) const {
  // A guest gets one; its fixed name is what keeps a volume from being started twice.
  if (tier_of(role) == Tier::guest) return name_ending_in(std::string(to_string(role)));
  return name_ending_in(fmt::format("{}{}", to_string(role), number));
}

dm::DmName VolumeKey::retired_view_name(std::uint64_t number) const {
  return name_ending_in(fmt::format("old{}", number));
}

dm::DmName VolumeKey::warm_name(int loop) const {
  return dm::DmName(fmt::format("{}{}-{}-{}", warm_start, pool_key_, volume_, loop));
}

dm::DmName VolumeKey::name_ending_in(const std::string& ending) const {
  return dm::DmName(
      fmt::format("cowshed:{}:{}:{}@{}", pool_, volume_, ending, pool_key_.substr(0, short_key)));
}

std::string VolumeKey::uuid_prefix() const { return fmt::format("{}{}-{}-", uuid_start, pool_key_, volume_); }

FileId id_of_directory(const Path& directory) {
  struct stat st {};
  if (::stat(directory.c_str(), &st) < 0)
    throw Error::from_errno(errno, fmt::format("pool directory '{}'", directory.native()));
  return {st.st_dev, st.st_ino};
}

std::string pool_uuid_prefix(FileId pool_directory) {
  return fmt::format("{}{}-", uuid_start, key_of(pool_directory));
}

dm::DmName gone_name(dm::DeviceNumber number) {
  return dm::DmName(fmt::format("{}{}", gone_start, number.str()));
}
bool is_gone_name(std::string_view name) { return name.starts_with(gone_start); }

std::string warm_name_prefix(FileId pool_directory) {
  return fmt::format("{}{}-", warm_start, key_of(pool_directory));
}
bool is_warm_name(std::string_view name) { return name.starts_with(warm_start); }

std::optional<ParsedUuid> parse_uuid(std::string_view uuid) {
  if (!uuid.starts_with(uuid_start)) return std::nullopt;
  uuid.remove_prefix(uuid_start.size());
  if (uuid.size() <= pool_key_length || uuid[pool_key_length] != '-') return std::nullopt;
  uuid.remove_prefix(pool_key_length + 1);
  const auto number = parse_number<std::uint64_t>(cut_last(uuid));
  const auto role = parse_role(cut_last(uuid));
  if (!role || !number || uuid.empty()) return std::nullopt;
  return ParsedUuid{std::string(uuid), *role, *number};
}

std::string vid_text(std::string_view volume) {
  std::string text(volume);
  std::replace(text.begin(), text.end(), ':', '/');
  return text;
}

}  // namespace cowshed::layers
