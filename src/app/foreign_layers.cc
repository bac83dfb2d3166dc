// SPDX-License-Identifier: Apache-2.0
#include "app/foreign_layers.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/error.h"
#include "loop/loop.h"

namespace cowshed::app {

namespace {

/// " under snapshot-fe02:12, origin-fe02:12", of device-mapper; empty where nothing stands on it.
std::string holders_of(int loop) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& holder :
       std::filesystem::directory_iterator(fmt::format("/sys/block/loop{}/holders", loop), none)) {
    const auto name = read_file_if_exists(holder.path() / "dm/name", kibibytes(4));
    names.push_back(name ? name->substr(0, name->find('\n')) : holder.path().filename().native());
  }
  return names.empty() ? "" : fmt::format(" under {}", fmt::join(names, ", "));
}

}  // namespace

void refuse_foreign_layers(std::span<const FoundVm* const> vms) {
  std::map<FileId, int> loops;
  for (const auto& loop : loop::list()) loops.emplace(loop.backing, loop.number);
  for (const FoundVm* vm : vms)
    for (const auto& file : vm->files)
      if (const auto found = loops.find(file.id); found != loops.end())
        throw Error(
            ErrorKind::in_use,
            fmt::format("'{}' is attached as /dev/loop{}{}: another program runs on it; shut the VM down "
                        "there first",
                        (vm->directory / file.name).native(), found->second, holders_of(found->second)));
}

}  // namespace cowshed::app
