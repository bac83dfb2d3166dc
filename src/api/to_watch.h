// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/types.h"
#include "pools/volume.h"

namespace cowshed::api {

inline pools::ProgressWatch to_watch(const ProgressTold& tell) {
  if (!tell) return nullptr;
  return [tell](const pools::Progress& progress) { tell(progress.done, progress.total); };
}

}  // namespace cowshed::api
