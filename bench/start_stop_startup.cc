// SPDX-License-Identifier: Apache-2.0
//
// Part "startup": commands as somebody types them, from the start of the program to its end: alone, and while
// the service is up, which they then use.

#include <fmt/core.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/local.h"
#include "fleet.h"
#include "programs.h"
#include "served.h"
#include "start_stop.h"

namespace bench {
namespace {

using namespace cowshed;

constexpr std::uint64_t image_bytes = 1ULL << 30;
constexpr int vms = 10;

using Command = std::vector<std::string>;

class Startup {
 public:
  explicit Startup(const Options& options)
      : options_(options),
        place_(make_place(options, "startup", image_bytes, vms)),
        fleet_("startup", place_) {}

  std::vector<Row> run() {
    create();
    // What any program takes, and the smallest one that talks to device-mapper.
    measure("startup any", "true", {{"/bin/true"}});
    if (has_program("dmsetup")) measure("startup any", "dmsetup-version", {{"dmsetup", "version"}});
    measure("startup --version", "cowshed", {cowshed({"--version"})});
    measure_commands("cowshed");
    {
      const Served served(fleet_.locations());
      measure_commands("service");
    }
    remove_place(place_);
    return std::move(rows_);
  }

 private:
  void create() {
    api::Local api({.locations = fleet_.locations(), .lock = {app::Access::write, "bench"}});
    fleet_.create(api);
  }

  [[nodiscard]] Command cowshed(Command words) const {
    Command command{cowshed_program(), "--state", fleet_.locations().state};
    command.insert(command.end(), words.begin(), words.end());
    return command;
  }

  void measure_commands(const std::string& tool) {
    measure("startup vm list", tool, {cowshed({"vm", "list"})});
    measure("startup pool list", tool, {cowshed({"pool", "list"})});
    measure("startup vm start+stop", tool,
            {cowshed({"vm", "start", "work0"}), cowshed({"vm", "stop", "work0"})});
  }

  void measure(const std::string& name_of_case, const std::string& tool,
               const std::vector<Command>& commands) {
    progress(fmt::format("{}: {}", name_of_case, tool));
    const int rounds = options_.is_quick ? 20 : 100;
    std::vector<double> times;
    for (int round = -2; round < rounds; ++round) {
      const double time = microseconds([&] {
        for (const Command& command : commands) Child(command, environment()).wait();
      });
      if (round >= 0) times.push_back(time);
    }
    rows_.push_back({name_of_case, tool, rounds, std::move(times)});
  }

  [[nodiscard]] Command environment() const { return {"COWSHED_RUN=" + fleet_.locations().run.native()}; }

  const Options& options_;
  Place place_;
  Fleet fleet_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run_startup(const Options& options) { return Startup(options).run(); }

}  // namespace bench
