// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "dm/control.h"

/// What is there, as sorted lines that can be compared before and after.
namespace cowshed::test {

using Picture = std::vector<std::string>;

/// Every device-mapper device with name, UUID, table and state, and every loop device with its file's
/// identity (not its number: the next free one is anybody's).
Picture picture_of_kernel(dm::Control& control);

/// What nobody may leave: suspended devices, inactive tables, devices without a table, and devices whose stop
/// was answered; empty where all is in order.
Picture disorder_in_kernel(dm::Control& control);

enum class Detail { names, contents };
/// Every file and link below `directory`, but not the lock, whose content tells who holds it; with their
/// contents by a hash. Empty directories count only with contents.
Picture picture_of_files(const Path& directory, Detail detail);

}  // namespace cowshed::test
