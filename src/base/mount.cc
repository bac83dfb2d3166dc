// SPDX-License-Identifier: Apache-2.0
#include "base/mount.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace cowshed {

namespace {

/// Blanks, tabs, newlines and backslashes are "\040" there.
std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digits = text.substr(i + 1, 3);
    const bool is_octal = text[i] == '\\' && digits.size() == 3 &&
                          std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '7'; });
    result += is_octal ? static_cast<char>(std::stoi(digits, nullptr, 8)) : text[i];
    if (is_octal) i += 3;
  }
  return result;
}

void add_options(Mount& mount, const std::string& list) {
  std::istringstream words(list);
  for (std::string option; std::getline(words, option, ',');) mount.options.insert(option);
}

std::optional<Mount> parse(const std::string& line) {
  std::istringstream words(line);
  std::string id, parent, number, root, point, options, word, more;
  Mount mount;
  words >> id >> parent >> number >> root >> point >> options;
  // Optional fields, as many as there are.
  while (words >> word && word != "-") continue;
  words >> mount.type >> mount.source >> more;
  if (!words) return std::nullopt;
  mount.point = unescaped(point);
  mount.source = unescaped(mount.source);
  add_options(mount, options);
  add_options(mount, more);
  // The mount's own word counts: one that is read-only over a file system that is not.
  if (mount.options.contains("ro")) mount.options.erase("rw");
  return mount;
}

bool is_above(const Path& point, const Path& path) {
  return std::mismatch(point.begin(), point.end(), path.begin(), path.end()).first == point.end();
}

}  // namespace

std::optional<Mount> mount_of(const Path& path, const std::string& mountinfo) {
  std::optional<Mount> found;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    auto mount = parse(line);
    if (!mount || !(mount->point == "/" || is_above(mount->point, path))) continue;
    if (!found || mount->point.native().size() >= found->point.native().size()) found = std::move(mount);
  }
  return found;
}

}  // namespace cowshed
