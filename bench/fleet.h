// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/api.h"
#include "app/locations.h"
#include "tool.h"

namespace bench {

/// An installation with one template and app VMs that have a root and nothing else, which the command line
/// does not make: what is measured is the root.
class Fleet {
 public:
  /// The app VM that runs all the time, beside the slots 0, 1, ...
  static constexpr int holder = -1;
  static constexpr const char* template_name = "debian";
  static constexpr const char* template_root = "debian:root";

  /// `name`: of its directory in /run.
  Fleet(const std::string& name, const Place& place);

  [[nodiscard]] const cowshed::app::Locations& locations() const { return locations_; }
  [[nodiscard]] static std::string vm(int slot);
  [[nodiscard]] static std::vector<std::string> vms(int first, int count);

  /// The template, and the definitions of holder and slots.
  void create(cowshed::api::Api& api) const;
  /// The definition of one more.
  void define(int slot, const cowshed::PoolName& pool) const;

 private:
  std::string image_;
  int slots_;
  cowshed::app::Locations locations_;
};

/// By one call; throws where one could not be started or stopped. A start returns their devices.
std::vector<std::string> start_vms(cowshed::api::Api& api, std::vector<std::string> names);
void stop_vms(cowshed::api::Api& api, std::vector<std::string> names);

}  // namespace bench
