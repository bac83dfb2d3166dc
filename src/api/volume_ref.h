// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/ids.h"
#include "base/units.h"

namespace cowshed::api {

/// "work:root": how people name a volume.
struct VolumeRef {
  VmName vm;
  VolumeName volume;
};

/// Throws invalid_argument.
VolumeRef parse_volume_ref(std::string_view text);

/// As parse_size(), of what a volume can have: whole sectors, more than none. Throws Error invalid_argument.
Bytes parse_volume_size(std::string_view text);

}  // namespace cowshed::api
