// SPDX-License-Identifier: Apache-2.0
//
// Measures copying an image into a new file, durably, in several ways side by side. Runs as root, since it
// empties the page cache; scripts/bench copy runs it in a VM.

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "copy_ways.h"
#include "places.h"
#include "program.h"
#include "programs.h"
#include "report.h"
#include "rounds.h"
#include "sparse_source.h"

namespace bench {
namespace {

struct Options : CommonOptions {
  Options() { rounds = 5; }
  std::uint64_t mebibytes = 1024;
  /// "tmpfs=/tmp", ...
  std::vector<std::string> places;
};

/// The directory of one place's files.
class Scene {
 public:
  explicit Scene(const Place& place) : directory_(place.directory + "/bench-copy") {
    ::mkdir(directory_.c_str(), 0700);
  }
  ~Scene() { std::filesystem::remove_all(directory_); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return directory_ + "/" + name; }

 private:
  std::string directory_;
};

class Benchmark {
 public:
  explicit Benchmark(Options options)
      : options_(std::move(options)),
        report_("copy", "a file into a new one, durably; a process for each, its time, and its CPU time",
                options_) {}

  void run() {
    for (const Place& place : places_of(options_.places))
      for (const unsigned percent : {30U, 100U}) run(place, percent);
  }

 private:
  void run(const Place& place, unsigned percent) {
    const Scene scene(place);
    Copy copy{scene.file("source.img"), scene.file("target.img"), true, has_direct_io(place)};
    const std::uint64_t mebibytes = place.mebibytes != 0 ? place.mebibytes : options_.mebibytes;
    make_source(copy.source, mebibytes << 20, percent);
    const std::string name = fmt::format("{}, {} MiB {}", place.name, mebibytes,
                                         percent == 100 ? "full" : fmt::format("{} % data", percent));
    run(name + ", warm", place, copy);
    copy.is_warm = false;
    // There is no colder.
    if (!is_in_memory(place)) run(name + ", cold", place, copy);
  }

  void run(const std::string& name, const Place& place, const Copy& copy) {
    const Results results = run_rounds(name, ways(place, copy), options_.rounds, cost_in_child);
    report_.add(results, "limit");
    Report::note(standing(results));
  }

  [[nodiscard]] Ways ways(const Place& place, const Copy& copy) const {
    Ways ways;
    add(ways, make_limit(copy));
    add(ways, make_cowshed(copy));
    if (shares_extents(place)) add(ways, make_cp_reflink(copy));
    add(ways, make_cp(copy));
    add(ways, make_dd(copy));
    if (has_program("qemu-img")) add(ways, make_qemu_img(copy));
    return ways;
  }

  void add(Ways& ways, std::unique_ptr<Way> way) const {
    const auto& only = options_.only;
    if (only.empty() || std::ranges::find(only, way->name()) != only.end()) ways.push_back(std::move(way));
  }

  static std::string standing(const Results& results) {
    const std::vector<std::string> ours{"limit", "cowshed"};
    return fmt::format("  cowshed: {} in time, {} in CPU time",
                       against(results.times, least(results.times, ours)),
                       against(results.cpu, least(results.cpu, ours)));
  }

  static std::string against(const std::vector<Row>& rows, const Row* best) {
    const Row* const cowshed = find_row(rows, rows.front().name_of_case, "cowshed");
    if (cowshed == nullptr || best == nullptr) return "not compared";
    return fmt::format("{:.2f} of the best other tool's ({})", median(*cowshed) / median(*best), best->tool);
  }

  Options options_;
  Report report_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  CLI::App app("Measures copying an image into a new file", "bench_copy");
  bench::add_options(app, options);
  app.add_option("--size", options.mebibytes, "MiB of the file")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--place", options.places,
                 "NAME=DIRECTORY or NAME=DIRECTORY,MIB: where the files go, and how large they are there; "
                 "may be repeated")
      ->required();
  return bench::run_program(app, argc, argv, [&] { bench::Benchmark(std::move(options)).run(); });
}
