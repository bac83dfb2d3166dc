// SPDX-License-Identifier: Apache-2.0
#include "api/volume_ref.h"

#include <fmt/core.h>

#include "base/error.h"

namespace cowshed::api {

VolumeRef parse_volume_ref(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    throw Error(ErrorKind::invalid_argument, "a volume is named VM:VOLUME, for example work:root");
  return {VmName(std::string(text.substr(0, colon))), VolumeName(std::string(text.substr(colon + 1)))};
}

Bytes parse_volume_size(std::string_view text) {
  const Bytes size = parse_size(text);
  if (size.count == 0)
    throw Error(ErrorKind::invalid_argument, fmt::format("size '{}': 0 is not allowed", text));
  static_cast<void>(to_sectors(size));
  return size;
}

}  // namespace cowshed::api
