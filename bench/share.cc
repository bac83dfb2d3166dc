// SPDX-License-Identifier: Apache-2.0
//
// Measures how long it takes until what a guest has changed is in an image, durably, where the file system
// shares extents, beside copying the same. Runs as root on a kernel with device-mapper; scripts/bench share
// runs it in a VM.

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "places.h"
#include "program.h"
#include "report.h"
#include "rounds.h"
#include "share_ways.h"

namespace bench {
namespace {

struct Options : CommonOptions {
  Options() { rounds = 7; }
  std::uint64_t mebibytes = 256;
  /// "xfs=/mnt", ...
  std::vector<std::string> places;
};

class Benchmark {
 public:
  explicit Benchmark(Options options)
      : options_(std::move(options)),
        report_("share", "until the changes are in the image, durably, and the CPU time of it", options_) {}

  void run() {
    for (const Place& place : places_of(options_.places)) {
      if (!shares_extents(place)) throw std::runtime_error(place.directory + ": no extents are shared there");
      for (const std::uint64_t kibibytes : {1024, 64}) run(place, kibibytes);
    }
  }

 private:
  void run(const Place& place, std::uint64_t kibibytes) {
    const ShareScene scene(place.directory + "/bench-share", options_.mebibytes << 20, kibibytes << 10);
    const std::string name =
        fmt::format("{}, {} MiB of changes, runs of {} KiB", place.name, options_.mebibytes, kibibytes);
    const Results results = run_rounds(name, ways(scene), options_.rounds, cost_here);
    report_.add(results, "copying");
    Report::note(standing(results.times));
  }

  [[nodiscard]] Ways ways(const ShareScene& scene) const {
    Ways ways;
    for (const auto make :
         {make_share_limit, make_sharing, make_commit, make_copying, make_copying_in_place}) {
      auto way = make(scene);
      const auto& only = options_.only;
      if (only.empty() || std::ranges::find(only, way->name()) != only.end()) ways.push_back(std::move(way));
    }
    return ways;
  }

  static std::string standing(const std::vector<Row>& rows) {
    const auto find = [&](const char* tool) { return find_row(rows, rows.front().name_of_case, tool); };
    const Row *const cowshed = find("cowshed"), *const copying = find("copying");
    if (cowshed == nullptr || copying == nullptr) return "  cowshed: not compared";
    return fmt::format("  cowshed: {:.1f} times as fast as copying", median(*copying) / median(*cowshed));
  }

  Options options_;
  Report report_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  CLI::App app("Measures merging changes into an image by sharing their extents", "bench_share");
  bench::add_options(app, options);
  app.add_option("--size", options.mebibytes, "MiB of changes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--place", options.places, "NAME=DIRECTORY: where the files go; may be repeated")
      ->required();
  return bench::run_program(app, argc, argv, [&] { bench::Benchmark(std::move(options)).run(); });
}
