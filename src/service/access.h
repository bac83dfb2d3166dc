// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "api/methods.h"
#include "app/definition.h"
#include "varlink/peer.h"

namespace cowshed::service {

/// Who may do what: root is admin, members of roles have theirs, nobody else has anything. Thread-safe.
class Access {
 public:
  explicit Access(const std::map<std::string, app::RoleMembers>& roles) { set(roles); }

  /// Users and groups that the host does not know are told, and count for nothing until they are set again.
  void set(const std::map<std::string, app::RoleMembers>& roles);
  /// The largest that a peer has.
  [[nodiscard]] api::Role role_of(const varlink::Peer& peer) const;

 private:
  struct Members {
    std::set<uid_t> users;
    std::set<gid_t> groups;
  };
  [[nodiscard]] bool is_member(const varlink::Peer& peer, api::Role role) const;

  mutable std::mutex mutex_;
  std::map<api::Role, Members> members_;
};

}  // namespace cowshed::service
