// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/definition.h"

/// The pools of Qubes R3.2, /etc/qubes/storage.conf:
///
///   [foo]
///   driver=xen
///   dir_path=/opt/qubes-vm
///
/// The format is Python's ConfigParser's; `xen` is the driver `file`, and only the section `default` has a
/// dir_path without saying so. Source: qubes-core-admin, release3.2, core/storage/__init__.py.
namespace cowshed::app {

struct ConfPool {
  PoolName name;
  PoolDefinition definition;
};

/// Strict: unknown, doubled and missing keys, doubled sections and everything that is no line of such a file
/// throw invalid_argument with `file` and the line; `class=`, which names a Python class, not_supported with
/// what to write instead.
std::vector<ConfPool> parse_storage_conf(std::string_view text, const Path& file);

}  // namespace cowshed::app
