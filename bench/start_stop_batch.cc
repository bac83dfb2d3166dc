// SPDX-License-Identifier: Apache-2.0
//
// Part "batch": many VMs started and stopped by one call, where the tool has one for many, else one after
// another. Times are for each VM.

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "devices.h"
#include "session.h"
#include "start_stop.h"

namespace bench {
namespace {

constexpr std::uint64_t image_bytes = 1ULL << 30;

struct Size {
  int vms, rounds;
};

std::vector<Size> sizes(const Options& options) {
  if (options.is_quick) return {{1, 20}, {10, 5}, {100, 2}};
  return {{1, 100}, {10, 30}, {100, 5}, {1000, 3}};
}

/// A program for every step takes minutes for more.
constexpr int most_of_scripts = 10;

struct Entry {
  std::unique_ptr<Tool> tool;
  Place place;
  int most = 0;
  std::vector<double> starts = {}, stops = {}, gone = {};
};

class Batch {
 public:
  explicit Batch(const Options& options) : options_(options), sizes_(sizes(options)) {}

  std::vector<Row> run() {
    add_tools();
    for (const Size& size : sizes_) measure(size);
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      entry->tool->tear_down();
      wait_for_udev();
      remove_place(entry->place);
    }
    return std::move(rows_);
  }

 private:
  void add_tools() {
    const int most = sizes_.back().vms;
    add("limit", most, make_limit);
    if (std::thread::hardware_concurrency() > 1) add("limit-parallel", most, make_limit_parallel);
    for (const bool is_warm : {false, true}) {
      const std::string suffix = is_warm ? "-warm" : "";
      add("cowshed" + suffix, most,
          [&](const Place& place) { return make_local("batch-cowshed" + suffix, place, is_warm); });
      add("service" + suffix, most,
          [&](const Place& place) { return make_service("batch-service" + suffix, place, is_warm); });
    }
    add("dmsetup-upper", most_of_scripts, [&](const Place& place) {
      return make_script_tool("dmsetup-upper", options_.scripts + "/dmsetup-upper.sh", place);
    });
  }

  template <typename Make>
  void add(const std::string& name, int most, Make make) {
    if (!is_wanted(options_, name)) return;
    progress("setting up " + name);
    const Place place = make_place(options_, "batch-" + name, image_bytes, most);
    auto tool = make(place);
    tool->set_up();
    wait_for_udev();
    entries_.push_back({.tool = std::move(tool), .place = place, .most = most});
    names_.push_back(name);
  }

  void measure(const Size& size) {
    progress(fmt::format("{} VMs", size.vms));
    for (int round = -1; round < size.rounds; ++round) {
      std::vector<Entry*> order;
      for (Entry& entry : entries_)
        if (entry.most >= size.vms) order.push_back(&entry);
      std::ranges::shuffle(order, random_);
      for (Entry* entry : order) start_and_stop(*entry, size.vms, round >= 0);
    }
    report(size);
  }

  static void start_and_stop(Entry& entry, int count, bool counts) {
    Tool& tool = *entry.tool;
    tool.prepare(count);
    wait_for_udev();
    std::vector<std::string> devices;
    const double start = microseconds([&] { devices = tool.start_many(0, count); });
    wait_for_udev();
    std::vector<std::string> entries;
    for (const std::string& device : devices) {
      run_session(device);
      std::ranges::move(entries_under(device), std::back_inserter(entries));
    }
    // What stands ready again is not to be made while the stop is measured.
    tool.prepare(count);
    wait_for_udev();
    Departure departure(std::move(entries));
    double answered = 0;
    const double gone = microseconds([&] {
      answered = microseconds([&] { tool.stop_many(0, count); });
      departure.wait();
    });
    tool.rest();
    // Others have their turn without the layers of this one.
    tool.prepare(0);
    if (!counts) return;
    entry.starts.push_back(start / count);
    entry.stops.push_back(answered / count);
    entry.gone.push_back(gone / count);
  }

  void report(const Size& size) {
    const auto add_rows = [&](const std::string& what, std::vector<double> Entry::*samples) {
      for (std::size_t i = 0; i < entries_.size(); ++i)
        if (auto& times = entries_[i].*samples; !times.empty())
          rows_.push_back({fmt::format("batch-{} {}", size.vms, what), names_[i],
                           static_cast<int>(times.size()) * size.vms, std::exchange(times, {})});
    };
    add_rows("start", &Entry::starts);
    add_rows("stop", &Entry::stops);
    add_rows("stop-gone", &Entry::gone);
  }

  const Options& options_;
  std::vector<Size> sizes_;
  std::vector<Entry> entries_;
  std::vector<std::string> names_;
  std::vector<Row> rows_;
  std::mt19937 random_;
};

}  // namespace

std::vector<Row> run_batch(const Options& options) { return Batch(options).run(); }

}  // namespace bench
