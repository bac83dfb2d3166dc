// SPDX-License-Identifier: Apache-2.0
//
// Part "scale": one VM started and stopped while many others run on the same template. One tool after
// another: the devices of all of them at once would be in each other's way.

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "devices.h"
#include "session.h"
#include "start_stop.h"

namespace bench {
namespace {

constexpr std::uint64_t image_bytes = 1ULL << 30;
constexpr int warm_up_rounds = 3;

std::vector<int> sizes(const Options& options) {
  if (options.is_quick) return {10, 100};
  return {10, 100, 500, 1000};
}

struct Samples {
  std::vector<double> starts, stops, gone;
};

void start_and_stop(Tool& tool, Samples* samples) {
  tool.prepare(1);
  wait_for_udev();
  std::string device;
  const double start = microseconds([&] { device = tool.start(0); });
  run_session(device);
  tool.prepare(1);
  wait_for_udev();
  Departure departure(entries_under(device));
  double answered = 0;
  const double gone = microseconds([&] {
    answered = microseconds([&] { tool.stop(0); });
    departure.wait();
  });
  tool.rest();
  if (samples == nullptr) return;
  samples->starts.push_back(start);
  samples->stops.push_back(answered);
  samples->gone.push_back(gone);
}

class Scale {
 public:
  explicit Scale(const Options& options) : options_(options), sizes_(sizes(options)) {}

  std::vector<Row> run() {
    measure("limit", make_limit);
    measure("cowshed", make_cowshed);
    for (const bool is_warm : {false, true}) {
      const std::string name = is_warm ? "service-warm" : "service";
      measure(name, [&](const Place& place) { return make_service("scale-" + name, place, is_warm); });
    }
    // By size, as they are read.
    std::ranges::stable_sort(rows_, {}, [&](const Row& row) {
      return std::ranges::find(cases_, row.name_of_case) - cases_.begin();
    });
    return std::move(rows_);
  }

 private:
  template <typename Make>
  void measure(const std::string& name, Make make) {
    if (!is_wanted(options_, name)) return;
    const Place place = make_place(options_, "scale-" + name, image_bytes, sizes_.back() + 1);
    const auto tool = make(place);
    tool->set_up();
    int live = 0;
    for (const int size : sizes_) {
      progress(fmt::format("{}: {} VMs", name, size));
      tool->start_many(1 + live, size - live);
      live = size;
      measure(name, *tool, size);
    }
    tool->stop_many(1, live);
    tool->rest();
    tool->tear_down();
    remove_place(place);
  }

  void measure(const std::string& name, Tool& tool, int size) {
    const int rounds = options_.is_quick ? 20 : 100;
    for (int round = 0; round < warm_up_rounds; ++round) start_and_stop(tool, nullptr);
    Samples samples;
    for (int round = 0; round < rounds; ++round) start_and_stop(tool, &samples);
    add_row(fmt::format("scale-{} start", size), name, samples.starts);
    add_row(fmt::format("scale-{} stop", size), name, samples.stops);
    add_row(fmt::format("scale-{} stop-gone", size), name, samples.gone);
  }

  void add_row(const std::string& name_of_case, const std::string& tool, std::vector<double> samples) {
    if (std::ranges::find(cases_, name_of_case) == cases_.end()) cases_.push_back(name_of_case);
    const int n = static_cast<int>(samples.size());
    rows_.push_back({name_of_case, tool, n, std::move(samples)});
  }

  const Options& options_;
  std::vector<int> sizes_;
  std::vector<std::string> cases_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run_scale(const Options& options) { return Scale(options).run(); }

}  // namespace bench
