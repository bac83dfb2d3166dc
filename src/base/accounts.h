// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

/// Users and groups of the host (getpwnam_r(3), getgrnam_r(3)); may ask a directory service, so these block.
namespace cowshed {

/// Nothing where the host does not know the name.
std::optional<uid_t> find_user(const std::string& name);
std::optional<gid_t> find_group(const std::string& name);

}  // namespace cowshed
