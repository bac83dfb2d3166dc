// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dm/control.h"

/// The kernel's device-mapper as libdevmapper sees it: the oracle for ours.
namespace cowshed::test::libdm {

std::optional<dm::DeviceInfo> info(const std::string& name);
std::vector<dm::RawLine> table(const std::string& name, dm::Slot slot);
std::vector<dm::RawLine> status(const std::string& name, dm::Slot slot);
std::vector<dm::DeviceNumber> deps(const std::string& name, dm::Slot slot);
std::map<std::string, dm::DeviceNumber> names();
std::map<std::string, dm::Version> target_versions();

}  // namespace cowshed::test::libdm
