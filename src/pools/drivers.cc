// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "pools/file/file_pool.h"
#include "pools/kernels/kernels_pool.h"
#include "pools/pool.h"
#include "pools/reflink/reflink_pool.h"

namespace cowshed::pools {

const std::vector<Driver>& drivers() {
  static const std::vector<Driver> all = {file::driver(), reflink::driver(), kernels::driver()};
  return all;
}

const Driver& find_driver(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Driver& driver : drivers()) {
    if (driver.name == name) return driver;
    known.push_back(driver.name);
  }
  throw Error(ErrorKind::not_found,
              fmt::format("there is no driver '{}'; there are: {}", name, fmt::join(known, ", ")));
}

void check_ephemeral_volatile(const Driver& driver, bool value) {
  if (value && !driver.capabilities.contains(Capability::ephemeral))
    throw Error(
        ErrorKind::not_supported,
        fmt::format("driver '{}' has no ephemeral volumes: ephemeral_volatile must be false", driver.name));
}

}  // namespace cowshed::pools
