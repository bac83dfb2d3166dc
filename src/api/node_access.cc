// SPDX-License-Identifier: Apache-2.0
#include "api/node_access.h"

#include <fmt/core.h>

#include <string_view>

#include "base/accounts.h"
#include "base/error.h"
#include "base/number.h"

namespace cowshed::api {

namespace {

/// As chown(1): a name goes before a number.
template <typename Find>
unsigned id_of(const std::string& text, std::string_view what, Find find) {
  if (const auto known = find(text)) return *known;
  const auto number = parse_number<unsigned>(text);
  // What chown(2) takes for "leave it".
  if (number && *number != static_cast<unsigned>(-1)) return *number;
  throw Error(ErrorKind::not_found, fmt::format("there is no {} '{}' on this host", what, text));
}

mode_t mode_of(const std::string& text) {
  constexpr unsigned permissions = 0777;
  constexpr int octal = 8;
  const auto mode = parse_number<unsigned>(text, octal);
  if (!mode || *mode > permissions)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' is no mode; 660, for example, lets owner and group read and write", text));
  return static_cast<mode_t>(*mode);
}

void set_owner(app::NodeAccess& access, const std::string& text) {
  const auto colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == std::string::npos ? std::string{} : text.substr(colon + 1);
  if (user.empty() && group.empty())
    throw Error(ErrorKind::invalid_argument,
                fmt::format("'{}' names no owner; USER, USER:GROUP and :GROUP do", text));
  if (!user.empty()) access.owner = id_of(user, "user", find_user);
  if (!group.empty()) access.group = id_of(group, "group", find_group);
}

}  // namespace

std::optional<app::NodeAccess> to_node_access(const NodeWish& wish) {
  if (!wish.owner && !wish.mode) return std::nullopt;
  app::NodeAccess access;
  if (wish.owner) set_owner(access, *wish.owner);
  if (wish.mode) access.mode = mode_of(*wish.mode);
  return access;
}

}  // namespace cowshed::api
