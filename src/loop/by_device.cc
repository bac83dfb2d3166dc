// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "loop/loop.h"
#include "loop/node.h"

namespace cowshed::loop {

std::optional<Info> info_of_device(std::uint32_t major, std::uint32_t minor) {
  // The minor is not always the loop's number: the module's max_part spreads them out. sysfs knows the name.
  std::error_code missing;
  const Path link = std::filesystem::read_symlink(fmt::format("/sys/dev/block/{}:{}", major, minor), missing);
  const auto number = missing ? std::nullopt : number_in(link.filename().native());
  return number ? info(*number) : std::nullopt;
}

}  // namespace cowshed::loop
