// SPDX-License-Identifier: Apache-2.0
#include "api/volume_ref.h"

#include "base/error.h"

namespace cowshed::api {

VolumeRef parse_volume_ref(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    throw Error(ErrorKind::invalid_argument, "a volume is named VM:VOLUME, for example work:root");
  return {VmName(std::string(text.substr(0, colon))), VolumeName(std::string(text.substr(colon + 1)))};
}

}  // namespace cowshed::api
