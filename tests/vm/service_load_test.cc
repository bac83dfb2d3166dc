// SPDX-License-Identifier: Apache-2.0
// As many clients as a host has VMs, each with a connection of its own: they start and stop theirs from one
// template, which changes beside them.
#include <fmt/core.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "support/long_run.h"
#include "support/running_service.h"

namespace cowshed::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int clients = 64;
constexpr Bytes mark{0}, scribble{4096};

class ServiceLoadTest : public RunningServiceTest {
 protected:
  void SetUp() override {
    RunningServiceTest::SetUp();
    if (IsSkipped()) return;
    create_template("debian");
    for (int i = 0; i < clients; ++i) create_app(name_of(i), "debian");
    start_service();
  }

  /// Starts and stops VM `number` as long as cycles are left.
  void be_a_client(int number) {
    try {
      const auto remote = connect();
      char own = '\0';
      while (cycles_left_-- > 0) live_once(*remote, name_of(number), own);
    } catch (const std::exception& failure) {
      fail(failure.what());
    }
  }

  /// Until the clients have ended.
  void be_the_template(const std::atomic<bool>& ends) {
    try {
      const auto remote = connect();
      while (!ends) commit_once(*remote);
    } catch (const std::exception& failure) {
      fail(failure.what());
    }
  }

  std::atomic<int> cycles_left_{is_long_run() ? 1000 : 150}, done_{0}, failures_{0};
  /// The state that is committed for certain, and the newest that may be.
  std::atomic<unsigned> committed_{0}, saving_{0};
  std::atomic<Clock::duration> longest_{Clock::duration::zero()};

 private:
  /// `own` is what the VM's private volume holds.
  void live_once(api::Api& api, const std::string& vm, char& own) {
    const unsigned before = committed_;
    const auto begun = Clock::now();
    expect(is_done(api.call(api::VmStart{.vms = {vm}})), vm, "does not start");
    expect(is_no_older(get(vm, "root", mark), before), vm, "sees another state than what was committed");
    expect(get(vm, "root", scribble) != 's', vm, "sees what it wrote before it stopped");
    expect(get(vm, "private", mark) == own, vm, "has lost what was private");
    put(vm, "root", scribble, 's');
    put(vm, "private", mark, ++own);
    expect(is_done(api.call(stop_of(vm))), vm, "does not stop");
    ++done_;
    keep_longest(Clock::now() - begun);
  }

  void commit_once(api::Api& api) {
    const unsigned next = committed_ + 1;
    expect(is_done(api.call(api::VmStart{.vms = {"debian"}})), "debian", "does not start");
    put("debian", "root", mark, static_cast<char>(next));
    saving_ = next;
    expect(is_done(api.call(stop_of("debian"))), "debian", "does not commit");
    committed_ = next;
  }

  /// Marks are a byte, and begin again after 256.
  bool is_no_older(char seen, unsigned before) const {
    return static_cast<unsigned char>(static_cast<unsigned char>(seen) - before) <= saving_ - before;
  }

  static void expect(bool is_so, const std::string& vm, const std::string& what) {
    if (!is_so) throw std::runtime_error(vm + " " + what);
  }
  void fail(const std::string& what) {
    fmt::print(stderr, "{}\n", what);
    ++failures_;
  }

  void keep_longest(Clock::duration took) {
    auto longest = longest_.load();
    while (took > longest && !longest_.compare_exchange_weak(longest, took)) {
    }
  }
};

TEST_F(ServiceLoadTest, SixtyFourClientsStartAndStopOverATemplateThatCommits) {
  const int cycles = cycles_left_;
  const auto begun = Clock::now();
  std::atomic<bool> ends{false};
  std::thread committing([&] { be_the_template(ends); });
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (int i = 0; i < clients; ++i) threads.emplace_back([this, i] { be_a_client(i); });
  for (auto& thread : threads) thread.join();
  ends = true;
  committing.join();
  EXPECT_EQ(failures_, 0);
  EXPECT_EQ(done_, cycles);
  EXPECT_GT(committed_, 0u);
  fmt::print("{} starts and stops of {} clients beside {} commits in {:.1f} s; the longest took {:.2f} s\n",
             done_.load(), clients, committed_.load(),
             std::chrono::duration<double>(Clock::now() - begun).count(),
             std::chrono::duration<double>(longest_.load()).count());
  EXPECT_EQ(connect()->call(api::Status{}).running, 0u);
  end_service();
  EXPECT_EQ(must({"recover", "--dry-run"}), "");
}

}  // namespace
}  // namespace cowshed::test
