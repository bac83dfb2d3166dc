// SPDX-License-Identifier: Apache-2.0
#include "base/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>

namespace cowshed {
namespace {

TEST(Workers, ResultsAndExceptionsComeOutOfTheFuture) {
  Workers workers(2);
  auto value = workers.submit([] { return 7; });
  auto failure = workers.submit([]() -> int { throw std::runtime_error("no"); });
  EXPECT_EQ(value.get(), 7);
  EXPECT_THROW(failure.get(), std::runtime_error);
}

TEST(Workers, AsManyTasksWaitTogetherAsThereAreThreads) {
  Workers workers(4);
  std::latch all_here(4);
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(workers.submit([&] { all_here.arrive_and_wait(); }));
  for (auto& task : tasks) task.get();
}

TEST(Workers, DrainWaitsForEverything) {
  Workers workers(3);
  std::atomic<int> done = 0;
  for (int i = 0; i < 100; ++i) static_cast<void>(workers.submit([&] { ++done; }));
  workers.drain();
  EXPECT_EQ(done, 100);
}

TEST(Workers, WhatIsQueuedAtTheEndIsDone) {
  std::atomic<int> done = 0;
  {
    Workers workers(1);
    for (int i = 0; i < 50; ++i) static_cast<void>(workers.submit([&] { ++done; }));
  }
  EXPECT_EQ(done, 50);
}

TEST(Workers, DrainOfNothingReturns) { Workers(1).drain(); }

}  // namespace
}  // namespace cowshed
