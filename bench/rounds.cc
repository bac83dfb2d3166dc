// SPDX-License-Identifier: Apache-2.0
#include "rounds.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <numeric>
#include <random>
#include <stdexcept>
#include <system_error>

namespace bench {

namespace {

/// Rounds that are not counted, in which the result is looked at.
constexpr int warm_up_rounds = 1;

using SteadyClock = std::chrono::steady_clock;

double microseconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count();
}

double microseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

double cpu_microseconds(const rusage& usage) {
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

double cpu_microseconds_so_far() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    sum += cpu_microseconds(usage);
  }
  return sum;
}

[[noreturn]] void be_child(Way& way) {
  try {
    way.run();
    ::_exit(0);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", way.name(), error.what());
  }
  ::_exit(1);
}

void run_one(Way& way, Row* times, Row* cpu, const std::function<Cost(Way&)>& cost_of) {
  way.prepare();
  const Cost cost = cost_of(way);
  if (times == nullptr) {
    way.check();
  } else {
    times->samples_us.push_back(cost.us);
    cpu->samples_us.push_back(cost.cpu_us);
  }
  way.clean_up();
}

}  // namespace

Cost cost_here(Way& way) {
  const double cpu = cpu_microseconds_so_far();
  const auto start = SteadyClock::now();
  way.run();
  return {microseconds_since(start), cpu_microseconds_so_far() - cpu};
}

Cost cost_in_child(Way& way) {
  const auto start = SteadyClock::now();
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) be_child(way);
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "wait4");
  const double us = microseconds_since(start);
  if (status != 0) throw std::runtime_error(fmt::format("'{}' failed", way.name()));
  return {us, cpu_microseconds(usage)};
}

Results run_rounds(const std::string& name_of_case, const Ways& ways, int rounds,
                   const std::function<Cost(Way&)>& cost_of) {
  Results results;
  for (const auto& way : ways) {
    results.times.push_back({name_of_case, way->name(), rounds, {}});
    results.cpu.push_back({name_of_case + ", CPU", way->name(), rounds, {}});
  }
  std::vector<std::size_t> order(ways.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(std::random_device{}());
  for (int round = -warm_up_rounds; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t i : order)
      run_one(*ways[i], round < 0 ? nullptr : &results.times[i], round < 0 ? nullptr : &results.cpu[i],
              cost_of);
  }
  return results;
}

}  // namespace bench
