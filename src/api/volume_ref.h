// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/ids.h"

namespace cowshed::api {

/// "work:root": how people name a volume.
struct VolumeRef {
  VmName vm;
  VolumeName volume;
};

/// Throws invalid_argument.
VolumeRef parse_volume_ref(std::string_view text);

}  // namespace cowshed::api
