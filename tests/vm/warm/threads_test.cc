// SPDX-License-Identifier: Apache-2.0
// Warm layers: threads that start at once, and beside commits and refills.
#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "support/warm_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;
using pools::WarmCounts;

/// So many threads, each with its own number.
void in_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&body, i] {
      try {
        body(i);
      } catch (const std::exception& failure) {
        ADD_FAILURE() << "thread " << i << ": " << failure.what();
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_P(WarmTest, no_two_threads_get_the_same_layer) {
  constexpr int threads = 8, each = 3;
  // Not enough for all.
  auto& root = warm_origin(threads * each - 4);
  refill(root);
  std::vector<Volume*> apps;
  for (int i = 0; i < threads * each; ++i) apps.push_back(&snapshot_of(root, fmt::format("app{}", i)));
  std::vector<Path> nodes(apps.size());
  in_threads(threads, [&](int thread) {
    for (int i = thread * each; i < (thread + 1) * each; ++i) {
      const auto at = static_cast<std::size_t>(i);
      nodes[at] = start(*apps[at]);
      put(nodes[at], far_block, static_cast<char>('A' + i));
    }
  });
  EXPECT_EQ(std::set<Path>(nodes.begin(), nodes.end()).size(), nodes.size());
  for (std::size_t i = 0; i < apps.size(); ++i) {
    EXPECT_EQ(get(nodes[i], far_block), static_cast<char>('A' + static_cast<int>(i)));
    EXPECT_EQ(get(nodes[i], first_block), 'a');
  }
  const WarmCounts counted = counts(root);
  EXPECT_EQ(counted.hits, static_cast<std::uint64_t>(threads * each - 4));
  EXPECT_EQ(counted.misses, 4u);
  EXPECT_EQ(counted.ready, 0u);
  for (Volume* app : apps) stop(*app);
}

TEST_P(WarmTest, starts_that_race_with_commits_and_refills_see_one_committed_state_whole) {
  constexpr int threads = 3, commits = 12;
  auto& root = warm_origin(4, 'a');
  // What has surely been committed, and what perhaps has.
  std::atomic<char> committed = 'a', begun = 'a';
  std::atomic<bool> is_over = false;
  std::atomic<int> starts = 0, outdated = 0;
  std::vector<Volume*> apps;
  for (int i = 0; i < threads; ++i) apps.push_back(&snapshot_of(root, fmt::format("app{}", i)));
  std::thread refiller([&] {
    while (!is_over) {
      // A commit in between may refuse it.
      static_cast<void>(error_of([&] { refill(root); }));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  std::thread committer([&] {
    for (int i = 0; i < commits; ++i) {
      const Path node = start(root);
      fill(node, image_size, static_cast<char>(committed + 1));
      begun = static_cast<char>(committed + 1);
      root.stop({}).get();
      committed = begun.load();
    }
    is_over = true;
  });
  in_threads(threads, [&](int thread) {
    Volume& app = *apps[static_cast<std::size_t>(thread)];
    while (!is_over) {
      const char least = committed;
      Path node;
      // Where nobody runs and no revision is kept, a commit that goes on may refuse a start.
      const auto refusal = error_of([&] { node = start(app); });
      if (refusal) {
        EXPECT_EQ(refusal->kind(), ErrorKind::commit_pending) << refusal->message();
        continue;
      }
      const char most = begun;
      const char seen = get(node, first_block);
      EXPECT_GE(seen, least);
      EXPECT_LE(seen, most);
      expect_all(node, image_size, seen);
      put(node, far_block, '!');
      app.stop({}).get();
      ++starts;
      if (seen < most) ++outdated;
    }
  });
  committer.join();
  refiller.join();
  pool().finish();
  const WarmCounts counted = counts(root);
  fmt::print("{} starts, {} warm, {} cold, {} beside a commit\n", starts.load(), counted.hits, counted.misses,
             outdated.load());
  EXPECT_GT(counted.hits, 0u);
  EXPECT_EQ(committed, 'a' + commits);
  drop(root);
  expect_holds(root, image_size, static_cast<char>('a' + commits));
  EXPECT_TRUE(warm_devices().empty());
}

}  // namespace
}  // namespace cowshed::test
