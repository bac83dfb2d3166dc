// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "program.h"
#include "rows.h"
#include "tool.h"

/// The parts of the start/stop benchmark. Each leaves nothing behind and can be run alone.
namespace bench {

struct Options : CommonOptions {
  Options() { rounds = 200; }
  /// Of part "one": how many VMs are stopped together.
  int many = 40;
  /// Fewer rounds and smaller sizes, of the other parts.
  bool is_quick = false;
  std::string directory = "/scratch";
  /// An empty block device, for LVM.
  std::string raw_device;
  /// bench/scripts
  std::string scripts;
};

/// A VM at a time, beside all other tools.
std::vector<Row> run_one(const Options& options);
/// Many VMs in one call.
std::vector<Row> run_batch(const Options& options);
/// A VM beside many that run on the same template.
std::vector<Row> run_scale(const Options& options);
/// Writing into a running template that many run on.
std::vector<Row> run_write(const Options& options);
/// Many VMs that read the same.
std::vector<Row> run_read(const Options& options);
/// Commands from their start to their end.
std::vector<Row> run_startup(const Options& options);
/// Many clients of the service at the same time.
std::vector<Row> run_service(const Options& options);

// --- For the parts

/// Is it to be measured (--only)?
bool is_wanted(const Options& options, const std::string& tool);
/// A new directory with a template's image in it.
Place make_place(const Options& options, const std::string& name, std::uint64_t image_bytes, int slots);
void remove_place(const Place& place);

template <typename Body>
double microseconds(Body body) {
  const auto before = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - before).count();
}

/// To stderr, for who waits.
void progress(const std::string& text);

}  // namespace bench
