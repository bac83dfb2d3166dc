// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string_view>

#include "base/file.h"
#include "base/ids.h"

namespace cowshed::app {

/// The VMs that have a file NAME+suffix in `directory`. Files with other names are passed over, a directory
/// that does not exist is empty.
std::set<VmName> names_in(const Path& directory, std::string_view suffix);

}  // namespace cowshed::app
