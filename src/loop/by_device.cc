// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "loop/loop.h"
#include "loop/node.h"

namespace cowshed::loop {

std::optional<Info> info_of_device(std::uint32_t major, std::uint32_t minor) {
  // The minor is not always the loop's number: the module's max_part spreads them out. sysfs knows the name.
  const std::string entry = fmt::format("/sys/dev/block/{}:{}", major, minor);
  std::error_code error;
  const Path link = std::filesystem::read_symlink(entry, error);
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (error) throw Error::from_errno(error.value(), fmt::format("read link '{}'", entry));
  const auto number = number_in(link.filename().native());
  return number ? info(*number) : std::nullopt;
}

}  // namespace cowshed::loop
