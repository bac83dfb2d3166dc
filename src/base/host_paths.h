// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cowshed {

/// Where a host keeps what it says about itself (/proc, /sys, /dev, /etc, /usr/lib): under its root, or under
/// another directory in which tests build a host.
struct HostPaths {
  Path root = "/";

  /// "sys/class/misc"; without a slash at the beginning.
  [[nodiscard]] Path at(std::string_view path) const { return root / path; }
  /// A file's first line without its newline; nothing where it does not exist. Throws permission.
  [[nodiscard]] std::optional<std::string> line_of(std::string_view path) const {
    const auto text = read_file_if_exists(at(path), mebibytes(1));
    if (!text) return std::nullopt;
    return text->substr(0, text->find('\n'));
  }
  /// A name of the directory `path` for each entry; empty where it does not exist.
  [[nodiscard]] std::vector<std::string> names_in(std::string_view path) const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(at(path), none))
      names.push_back(entry.path().filename());
    return names;
  }
};

}  // namespace cowshed
