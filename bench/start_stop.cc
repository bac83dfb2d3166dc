// SPDX-License-Identifier: Apache-2.0
//
// Measures how long it takes to give app VMs their roots and to take them away again, in several ways side by
// side. Runs as root on a kernel with device-mapper; scripts/bench start-stop runs it in a VM.

#include "start_stop.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "session.h"

namespace bench {

bool is_wanted(const Options& options, const std::string& tool) {
  return options.only.empty() || std::ranges::find(options.only, tool) != options.only.end();
}

Place make_place(const Options& options, const std::string& name, std::uint64_t image_bytes, int slots) {
  const std::string directory = options.directory + "/bench-" + name;
  ::mkdir(directory.c_str(), 0700);
  const std::string image = directory + "/template.img";
  make_image(image, image_bytes);
  return {directory, image, options.raw_device, slots};
}

void remove_place(const Place& place) { std::filesystem::remove_all(place.directory); }

void progress(const std::string& text) { fmt::print(stderr, "{}\n", text); }

namespace {

struct Part {
  std::string_view name;
  std::string_view title;
  std::vector<Row> (*run)(const Options&);
};

constexpr std::array parts{
    Part{"one", "", run_one},
    Part{"batch", "many VMs at once, the time for each of them", run_batch},
    Part{"scale", "a VM beside many that run on the same template", run_scale},
    Part{"write", "1 MiB written into the root of a running template that many VMs run on", run_write},
    Part{"read", "many VMs that read the same, one after another", run_read},
    Part{"startup", "commands, from their start to their end", run_startup},
    Part{"service", "clients at the same time", run_service},
};

std::vector<std::string> names_of_parts() {
  std::vector<std::string> names{"all"};
  for (const Part& part : parts) names.emplace_back(part.name);
  return names;
}

/// What has been measured is told at once: a part that took minutes is not lost with the one after it.
void run_part(const Part& part, const Options& options, std::vector<Row>& rows) {
  if (!part.title.empty()) progress(fmt::format("part {}", part.name));
  const std::vector<Row> added = part.run(options);
  // Part "one" has more to say, and says it itself.
  if (!part.title.empty())
    fmt::print("\nstart-stop, kernel {}, part {}: {}\n\n{}", options.kernel, part.name, part.title,
               table(added, "limit"));
  std::fflush(stdout);
  rows.insert(rows.end(), added.begin(), added.end());
  if (!options.json.empty()) std::ofstream(options.json) << json("start-stop", options.kernel, rows);
}

void run_parts(const std::vector<std::string>& wanted, const Options& options) {
  const bool all = std::ranges::find(wanted, "all") != wanted.end();
  std::vector<Row> rows;
  for (const Part& part : parts)
    if (all || std::ranges::find(wanted, part.name) != wanted.end()) run_part(part, options, rows);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  std::vector<std::string> wanted{"one"};
  CLI::App app("Measures starting and stopping an app VM's root", "bench_start_stop");
  bench::add_options(app, options);
  app.add_option("--part", wanted, "what is measured")
      ->delimiter(',')
      ->check(CLI::IsMember(bench::names_of_parts()))
      ->capture_default_str();
  app.add_flag("--quick", options.is_quick, "fewer rounds and smaller sizes");
  app.add_option("--many", options.many, "how many VMs are stopped together")->check(CLI::PositiveNumber);
  app.add_option("--directory", options.directory, "where the images go");
  app.add_option("--raw-device", options.raw_device, "an empty block device, for LVM");
  app.add_option("--scripts", options.scripts, "bench/scripts");
  return bench::run_program(app, argc, argv, [&] { bench::run_parts(wanted, options); });
}
