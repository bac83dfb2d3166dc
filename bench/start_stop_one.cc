// SPDX-License-Identifier: Apache-2.0
//
// Part "one": a VM at a time, in several ways side by side.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "devices.h"
#include "rows.h"
#include "session.h"
#include "start_stop.h"
#include "tool.h"

namespace bench {
namespace {

constexpr std::uint64_t image_bytes = 10ULL << 30;
/// Rounds that are not counted: they fault in memory and fill caches.
constexpr int warm_up_rounds = 3;
constexpr int rounds_between_many = 40;
/// What the kernel has yet to do for a device that is gone (work queues, RCU callbacks) is not to fall into
/// the next tool's time.
constexpr std::chrono::milliseconds pause(30);

const std::string start_case = "start", stop_case = "stop", gone_case = "stop-gone";
const std::string alone_case = "one stop until all of it is gone";

/// A tool with its times.
struct Entry {
  std::unique_ptr<Tool> tool;
  Place place;
  std::vector<double> starts, stops, alone, many;
  int stopped_in_many = 0;
};

class StartStop {
 public:
  explicit StartStop(const Options& options) : options_(options) {}

  std::vector<Row> run() {
    add_tools();
    for (int round = -warm_up_rounds; round < options_.rounds; ++round) run_round(round);
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) tear_down(*entry);
    report();
    return rows_;
  }

 private:
  // --- Setting up

  Place place_of(const std::string& name) const {
    return make_place(options_, name, image_bytes, options_.many + 1);
  }

  void add_tools() {
    add("limit", make_limit);
    // With one CPU there is no waiting to overlap, and the threads' memory slows down what comes next.
    if (std::thread::hardware_concurrency() > 1) add("limit-parallel", make_limit_parallel);
    add("cowshed", make_cowshed);
    add("cowshed-alone", make_cowshed_alone);
    for (const char* name : {"dmsetup-upper", "dmsetup", "lvm-thin", "containerd"})
      add(name, [&](const Place& place) {
        return make_script_tool(name, options_.scripts + "/" + name + ".sh", place);
      });
  }

  template <typename Make>
  void add(const std::string& name, Make make) {
    if (!is_wanted(options_, name)) return;
    const Place place = place_of(name);
    try {
      auto tool = make(place);
      tool->set_up();
      wait_for_udev();
      entries_.push_back({std::move(tool), place, {}, {}, {}, {}, 0});
    } catch (const Missing& missing) {
      remove_place(place);
      missing_.push_back(fmt::format("{}: not measured: {}", name, missing.what()));
      progress(missing_.back());
    }
  }

  /// What was measured is not lost with it.
  static void tear_down(Entry& entry) {
    try {
      entry.tool->tear_down();
      wait_for_udev();
      remove_place(entry.place);
    } catch (const std::exception& failure) {
      progress(fmt::format("{} is not torn down whole: {}", entry.tool->name(), failure.what()));
    }
  }

  // --- Measuring

  /// Each tool once, in another order every time: none always comes after the same other one.
  void run_round(int round) {
    const bool counts = round >= 0;
    const bool with_many = counts ? round % rounds_between_many == 0 : round == -1;
    std::vector<Entry*> order;
    for (Entry& entry : entries_) order.push_back(&entry);
    std::shuffle(order.begin(), order.end(), random_);
    for (Entry* entry : order) {
      if (!entry->tool->only_many()) start_and_stop(*entry, counts);
      if (with_many) stop_many(*entry, counts);
    }
    if (round % 20 == 0) progress(fmt::format("round {} of {}", round, options_.rounds));
  }

  void start_and_stop(Entry& entry, bool counts) {
    const Devices before = Devices::now();
    std::string device;
    const double start = microseconds([&] { device = entry.tool->start(0); });
    wait_for_udev();
    run_session(device);
    wait_for_udev();
    Departure departure(Devices::now().beyond(before));
    double answered = 0;
    const double gone = microseconds([&] {
      answered = microseconds([&] { entry.tool->stop(0); });
      departure.wait();
    });
    expect_clean(entry, before);
    if (!counts) return;
    entry.starts.push_back(start);
    entry.stops.push_back(answered);
    entry.alone.push_back(gone);
  }

  /// Several that run at once, stopped one after another: what a stop leaves to be done later is in it.
  void stop_many(Entry& entry, bool counts) {
    const Devices before = Devices::now();
    for (int slot = 1; slot <= options_.many; ++slot) run_session(entry.tool->start(slot));
    wait_for_udev();
    Departure departure(Devices::now().beyond(before));
    const double gone = microseconds([&] {
      entry.tool->stop_many(1, options_.many);
      departure.wait();
    });
    expect_clean(entry, before);
    if (!counts) return;
    entry.many.push_back(gone / options_.many);
    entry.stopped_in_many += options_.many;
  }

  static void expect_clean(const Entry& entry, const Devices& before) {
    entry.tool->rest();
    wait_for_udev();
    std::this_thread::sleep_for(pause);
    const auto left = Devices::now().beyond(before);
    if (!left.empty()) throw std::runtime_error(fmt::format("{} left {}", entry.tool->name(), left.front()));
  }

  // --- Reporting

  void add_rows(const std::string& name_of_case, std::vector<double> Entry::*samples,
                bool table_only = false) {
    for (const Entry& entry : entries_) {
      if ((entry.*samples).empty()) continue;
      const int n =
          samples == &Entry::many ? entry.stopped_in_many : static_cast<int>((entry.*samples).size());
      rows_.push_back({name_of_case, entry.tool->name(), n, entry.*samples, table_only});
    }
  }

  void report() {
    add_rows(start_case, &Entry::starts);
    add_rows(stop_case, &Entry::stops);
    add_rows(gone_case, &Entry::many);
    add_rows(alone_case, &Entry::alone, true);
    print_table();
    print_promises();
  }

  void print_table() const {
    fmt::print("start-stop, kernel {}: the root of an app VM, 10 GiB, while another VM uses the template\n\n",
               options_.kernel);
    fmt::print("{}", table(rows_, "limit"));
    fmt::print(
        "{}: {} at once, one stop after another, until the lists of dm and loop devices are as before, for "
        "each VM\n",
        gone_case, options_.many);
    for (const Entry& entry : entries_)
      if (const std::string note = entry.tool->note(); !note.empty())
        fmt::print("{}: {}\n", entry.tool->name(), note);
    for (const std::string& text : missing_) fmt::print("{}\n", text);
  }

  /// `times` the time of cowshed is to be at most (or, of slower tools, at least) that of `tool`.
  void print_promise(const std::string& name_of_case, const std::string& tool, double bound) const {
    const Row* ours = find_row(rows_, name_of_case, "cowshed");
    const Row* theirs = find_row(rows_, name_of_case, tool);
    if (ours == nullptr || theirs == nullptr) return;
    if (tool == "limit") {
      const double ratio = median(*ours) / median(*theirs);
      fmt::print("  {:<4}{} takes {:.2f} times as long as limit (at most {})\n",
                 ratio <= bound ? "yes" : "NO", name_of_case, ratio, bound);
    } else {
      const double ratio = median(*theirs) / median(*ours);
      fmt::print("  {:<4}{} is {:.1f} times as fast as {} (at least {})\n", ratio >= bound ? "yes" : "NO",
                 name_of_case, ratio, tool, bound);
    }
  }

  void print_promises() const {
    fmt::print("\ncowshed's promises\n");
    for (const std::string& name_of_case : {start_case, stop_case, gone_case})
      print_promise(name_of_case, "limit", 1.3);
    // What waits for grace periods is not slow on one CPU.
    if (options_.kernel == "uml") return;
    print_promise(start_case, "dmsetup-upper", 5);
    print_promise(stop_case, "dmsetup-upper", 3);
    print_promise(start_case, "dmsetup", 10);
    print_promise(stop_case, "dmsetup", 4);
  }

  const Options& options_;
  std::vector<Entry> entries_;
  std::vector<std::string> missing_;
  std::vector<Row> rows_;
  std::mt19937 random_;
};

}  // namespace

std::vector<Row> run_one(const Options& options) { return StartStop(options).run(); }

}  // namespace bench
