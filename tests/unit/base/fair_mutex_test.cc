// SPDX-License-Identifier: Apache-2.0
#include "base/fair_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cowshed {
namespace {

TEST(FairMutexTest, ManyHaveItSharedAtOnce) {
  FairMutex mutex;
  const std::shared_lock first(mutex);
  std::thread([&] { const std::shared_lock second(mutex); }).join();
}

TEST(FairMutexTest, WhoHasItAloneHasItAlone) {
  FairMutex mutex;
  constexpr int threads = 4, rounds = 2'000;
  int alone = 0;
  std::atomic<int> seen_half_done = 0;
  std::vector<std::thread> all;
  all.reserve(threads);
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      for (int round = 0; round < rounds; ++round) {
        if (i % 2 == 0) {
          const std::shared_lock lock(mutex);
          seen_half_done += alone % 2;
        } else {
          const std::unique_lock lock(mutex);
          ++alone;
          ++alone;
        }
      }
    });
  for (auto& thread : all) thread.join();
  EXPECT_EQ(alone, 2 * (threads / 2) * rounds);
  EXPECT_EQ(seen_half_done, 0);
}

/// With std::shared_mutex of glibc 2.36 this comes to the last round.
TEST(FairMutexTest, WhoWantsItAloneGetsItHoweverManyOthersOverlap) {
  FairMutex mutex;
  constexpr int rounds = 2'000;
  std::atomic<bool> had_it = false;
  std::atomic<int> most_rounds = 0;
  std::vector<std::thread> others;
  others.reserve(8);
  for (int i = 0; i < 8; ++i)
    others.emplace_back([&] {
      int round = 0;
      for (; round < rounds && !had_it; ++round) {
        const std::shared_lock lock(mutex);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      for (int most = most_rounds; most < round && !most_rounds.compare_exchange_weak(most, round);) continue;
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  {
    const std::unique_lock lock(mutex);
    had_it = true;
  }
  for (auto& thread : others) thread.join();
  EXPECT_LT(most_rounds, rounds);
}

}  // namespace
}  // namespace cowshed
