// SPDX-License-Identifier: Apache-2.0
#include "service/access.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/accounts.h"
#include "base/log.h"

namespace cowshed::service {

namespace {

using api::Role;

constexpr std::array from_largest{Role::admin, Role::operate, Role::observe};

template <typename Id, typename Find>
std::set<Id> ids_of(const std::vector<std::string>& names, std::string_view what, Find find) {
  std::set<Id> ids;
  for (const auto& name : names) {
    if (const auto id = find(name))
      ids.insert(*id);
    else
      log_warning(fmt::format("roles: there is no {} '{}' on this host", what, name));
  }
  return ids;
}

Role role_called(std::string_view name) {
  if (name == "admin") return Role::admin;
  return name == "operate" ? Role::operate : Role::observe;
}

}  // namespace

void Access::set(const std::map<std::string, app::RoleMembers>& roles) {
  std::map<Role, Members> members;
  for (const auto& [name, who] : roles)
    members[role_called(name)] = {ids_of<uid_t>(who.users, "user", find_user),
                                  ids_of<gid_t>(who.groups, "group", find_group)};
  const std::lock_guard lock(mutex_);
  members_ = std::move(members);
}

bool Access::is_member(const varlink::Peer& peer, Role role) const {
  const auto found = members_.find(role);
  if (found == members_.end()) return false;
  const Members& members = found->second;
  return members.users.contains(peer.uid) || members.groups.contains(peer.gid) ||
         std::ranges::any_of(peer.groups, [&](gid_t group) { return members.groups.contains(group); });
}

Role Access::role_of(const varlink::Peer& peer) const {
  if (peer.uid == 0) return Role::admin;
  const std::lock_guard lock(mutex_);
  for (const Role role : from_largest)
    if (is_member(peer, role)) return role;
  return Role::none;
}

}  // namespace cowshed::service
