// SPDX-License-Identifier: Apache-2.0
#include "app/vm_names.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"

namespace cowshed::app {

namespace {

void add(std::set<VmName>& names, const std::string& file, std::string_view suffix) {
  if (!file.ends_with(suffix)) return;
  try {
    names.emplace(file.substr(0, file.size() - suffix.size()));
  } catch (const Error& error) {
    log_debug(error.message());
  }
}

}  // namespace

std::set<VmName> names_in(const Path& directory, std::string_view suffix) {
  std::set<VmName> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    add(names, entry->path().filename().native(), suffix);
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
    throw Error::from_errno(error.value(), fmt::format("read directory '{}'", directory.native()));
  return names;
}

}  // namespace cowshed::app
