// SPDX-License-Identifier: Apache-2.0
#include "base/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <vector>

namespace cowshed {

namespace {

// The reentrant forms want a buffer; entries that are larger belong to groups with thousands of members.
constexpr std::size_t entry_size = 1U << 20U;

}  // namespace

std::optional<uid_t> find_user(const std::string& name) {
  std::vector<char> buffer(entry_size);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::nullopt : std::optional(entry.pw_uid);
}

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(entry_size);
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::nullopt : std::optional(entry.gr_gid);
}

}  // namespace cowshed
