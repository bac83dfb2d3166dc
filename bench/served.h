// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "api/api.h"
#include "app/locations.h"

namespace bench {

/// The program as it is built, beside this one.
std::string cowshed_program();

/// Runs a program without a shell, its output nowhere; what it printed as errors is shown. `environment`:
/// NAME=VALUE, added to ours.
class Child {
 public:
  explicit Child(std::vector<std::string> command, const std::vector<std::string>& environment = {});
  /// Ends it, where it has not ended.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Throws where it fails.
  void wait();
  /// Asks it to end, and waits.
  void terminate();
  [[nodiscard]] bool has_ended();

 private:
  std::string name_;
  pid_t pid_ = -1;
};

/// `cowshed serve` of an installation, in a process of its own.
class Served {
 public:
  /// Returns when it serves.
  explicit Served(const cowshed::app::Locations& locations);
  ~Served();
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  /// A connection of its own.
  [[nodiscard]] std::unique_ptr<cowshed::api::Api> connect() const;

 private:
  std::string socket_;
  Child child_;
};

}  // namespace bench
