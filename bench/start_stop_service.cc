// SPDX-License-Identifier: Apache-2.0
//
// Part "service": threads that each start and stop VMs of their own: as clients of the service, in the
// process that keeps the installation, and by the bare system calls. And what a call costs that needs nothing
// of the kernel's block layer.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/local.h"
#include "fleet.h"
#include "served.h"
#include "start_stop.h"

namespace bench {
namespace {

using namespace cowshed;

constexpr std::uint64_t image_bytes = 1ULL << 30;

/// What one thread does, again and again.
struct Client {
  std::function<void()> start, stop;
};

struct Samples {
  std::vector<double> starts, stops;
  double seconds = 0;
};

/// All clients at once, `cycles` times each.
class Race {
 public:
  Samples run(const std::vector<Client>& clients, int cycles) {
    std::chrono::steady_clock::time_point begin;
    std::barrier ready(static_cast<std::ptrdiff_t>(clients.size()),
                       [&begin]() noexcept { begin = std::chrono::steady_clock::now(); });
    std::vector<std::jthread> threads;
    threads.reserve(clients.size());
    for (const Client& client : clients)
      threads.emplace_back([this, &client, &ready, cycles] {
        ready.arrive_and_wait();
        drive(client, cycles);
      });
    threads.clear();
    samples_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(samples_);
  }

 private:
  void drive(const Client& client, int cycles) {
    std::vector<double> starts, stops;
    try {
      for (int i = 0; i < cycles; ++i) {
        starts.push_back(microseconds(client.start));
        if (client.stop) stops.push_back(microseconds(client.stop));
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    samples_.starts.insert(samples_.starts.end(), starts.begin(), starts.end());
    samples_.stops.insert(samples_.stops.end(), stops.begin(), stops.end());
  }

  std::mutex mutex_;
  Samples samples_;
  std::exception_ptr failure_;
};

Client client_of(api::Api& api, const std::string& vm) {
  return {.start = [&api, vm] { start_vms(api, {vm}); }, .stop = [&api, vm] { stop_vms(api, {vm}); }};
}

class ServiceBench {
 public:
  explicit ServiceBench(const Options& options)
      : options_(options),
        threads_(options.is_quick ? std::vector{1, 8, 32} : std::vector{1, 2, 4, 8, 16, 32, 64}) {}

  std::vector<Row> run() {
    // Without device-mapper there is still the way to the service and back.
    has_kernel_ = ::access("/dev/mapper/control", R_OK | W_OK) == 0;
    if (has_kernel_ && is_wanted(options_, "limit")) run_limit();
    if (is_wanted(options_, "cowshed")) run_local();
    if (is_wanted(options_, "service")) run_service("service", 0);
    if (has_kernel_ && is_wanted(options_, "service-warm")) run_service("service-warm", threads_.back());
    std::ranges::stable_sort(rows_, {}, [&](const Row& row) {
      return std::ranges::find(cases_, row.name_of_case) - cases_.begin();
    });
    return std::move(rows_);
  }

 private:
  // A view for each thread: the tool is made for one.
  void run_limit() {
    std::vector<std::unique_ptr<Tool>> tools;
    std::vector<Place> places;
    for (int i = 0; i < threads_.back(); ++i) {
      places.push_back(make_place(options_, fmt::format("service-limit-{}", i), image_bytes, 1));
      tools.push_back(make_limit_named(fmt::format("limit-{}", i), places.back()));
      tools.back()->set_up();
    }
    for (const int count : threads_) {
      std::vector<Client> clients;
      clients.reserve(static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i)
        clients.push_back({.start = [tool = tools[static_cast<std::size_t>(i)].get()] { tool->start(0); },
                           .stop = [tool = tools[static_cast<std::size_t>(i)].get()] { tool->stop(0); }});
      measure("limit", clients);
    }
    for (const auto& tool : tools) tool->tear_down();
    for (const Place& place : places) remove_place(place);
  }

  void run_local() {
    const Place place = make_place(options_, "service-local", image_bytes, threads_.back());
    const Fleet fleet("service-local", place);
    {
      api::Local api({.locations = fleet.locations(), .lock = {app::Access::write, "bench"}});
      api.keep();
      fleet.create(api);
      measure_calls("cowshed", [&](int) -> api::Api& { return api; });
    }
    remove_place(place);
  }

  void run_service(const std::string& name, int warm) {
    const Place place = make_place(options_, "service-" + name, image_bytes, threads_.back());
    const Fleet fleet("service-" + name, place);
    {
      const Served served(fleet.locations());
      std::vector<std::unique_ptr<api::Api>> connections;
      connections.reserve(static_cast<std::size_t>(threads_.back()));
      for (int i = 0; i < threads_.back(); ++i) connections.push_back(served.connect());
      fleet.create(*connections.at(0));
      if (warm > 0)
        connections.at(0)->call(api::VolumeSet{Fleet::template_root, "warm", fmt::format("{}", warm)});
      measure_calls(name, [&](int i) -> api::Api& { return *connections.at(static_cast<std::size_t>(i)); });
    }
    remove_place(place);
  }

  void measure_calls(const std::string& tool, const std::function<api::Api&(int)>& api_of) {
    for (const int count : threads_) {
      std::vector<Client> starting, asking;
      for (int i = 0; i < count; ++i) {
        api::Api& api = api_of(i);
        starting.push_back(client_of(api, Fleet::vm(i)));
        asking.push_back({.start = [&api] { api.call(api::ConfigList{}); }, .stop = nullptr});
      }
      if (has_kernel_) measure(tool, starting);
      Samples samples = Race().run(asking, options_.is_quick ? 50 : 500);
      add_row(fmt::format("service-{} round trip", count), tool, samples.starts, samples.seconds);
    }
  }

  void measure(const std::string& tool, const std::vector<Client>& clients) {
    progress(fmt::format("{}: {} at once", tool, clients.size()));
    Race().run(clients, 1);
    Samples samples = Race().run(clients, options_.is_quick ? 5 : 20);
    add_row(fmt::format("service-{} start", clients.size()), tool, samples.starts, samples.seconds);
    add_row(fmt::format("service-{} stop", clients.size()), tool, samples.stops, samples.seconds);
  }

  void add_row(const std::string& name_of_case, const std::string& tool, std::vector<double> samples,
               double seconds) {
    if (std::ranges::find(cases_, name_of_case) == cases_.end()) cases_.push_back(name_of_case);
    const auto n = samples.size();
    rows_.push_back({name_of_case, tool, static_cast<int>(n), std::move(samples), false, "per_second",
                     static_cast<double>(n) / seconds});
  }

  const Options& options_;
  std::vector<int> threads_;
  bool has_kernel_ = false;
  std::vector<std::string> cases_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run_service(const Options& options) { return ServiceBench(options).run(); }

}  // namespace bench
