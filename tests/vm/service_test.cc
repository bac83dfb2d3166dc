// SPDX-License-Identifier: Apache-2.0
// The service on a real device-mapper: busy with many clients, and killed while it is.
#include <fmt/core.h>

#include <atomic>
#include <random>
#include <thread>

#include "support/long_run.h"
#include "support/running_service.h"
#include "support/seed.h"

namespace cowshed::test {
namespace {

constexpr int app_vms = 8;

class ServiceTest : public RunningServiceTest {
 protected:
  void SetUp() override {
    RunningServiceTest::SetUp();
    if (IsSkipped()) return;
    create_template("debian");
    for (int i = 0; i < app_vms; ++i) create_app(name_of(i), "debian");
    create_app("keeper", "debian");
  }

  /// Starts and stops one VM until it is told to end, or the service is gone.
  void be_busy(int number, const std::atomic<bool>& ends, std::atomic<int>& done,
               std::atomic<int>& failures) {
    try {
      const auto remote = connect();
      while (!ends) {
        failures += !is_done(remote->call(api::VmStart{.vms = {name_of(number)}}));
        failures += !is_done(remote->call(stop_of(name_of(number))));
        ++done;
      }
    } catch (const Error&) {
      // Killed under it.
    }
  }
};

TEST_F(ServiceTest, CommandsUseItWhereItIsUpAndDoWhatTheyDoAlone) {
  start_service();
  must({"vm", "start", "debian", "app0"});
  put("debian", "root", {}, 'n');
  put("app0", "root", {}, 'a');
  must({"vm", "stop", "debian"});
  EXPECT_EQ(get("app0", "root", {}), 'a');
  must({"vm", "start", "app1"});
  EXPECT_EQ(get("app1", "root", {}), 'n');
  const auto metrics = must({"metrics"});
  EXPECT_NE(metrics.find("cowshed_vm_operations_total{operation=\"start\",result=\"done\"} 3"),
            std::string::npos);
  EXPECT_NE(metrics.find("cowshed_stage_seconds_count{stage=\"table_load\"}"), std::string::npos);
  must({"vm", "stop", "app0", "app1"});
}

TEST_F(ServiceTest, WhatRunsGoesOnWhenItEndsAndIsFoundByTheNext) {
  start_service();
  must({"vm", "start", "app0"});
  put("app0", "root", {}, 'x');
  end_service();
  EXPECT_EQ(get("app0", "root", {}), 'x');
  // Alone, then by the next service.
  EXPECT_EQ(json({"vm", "info", "app0"})["state"], "running");
  start_service();
  EXPECT_EQ(json({"vm", "info", "app0"})["state"], "running");
  must({"vm", "stop", "app0"});
}

TEST_F(ServiceTest, StandardInputAndOutputGoThroughIt) {
  start_service();
  must({"vm", "create", "alone", "--standalone", "--size", "private=1M"});
  const auto there = shell(
      "head -c 1048576 /dev/urandom >/tmp/in; cowshed volume import alone:private - </tmp/in && "
      "cowshed volume export alone:private - >/tmp/out && cmp /tmp/in /tmp/out");
  EXPECT_TRUE(there.ok()) << there.text();
}

TEST_F(ServiceTest, ManyClientsStartAndStopWhileTheTemplateCommits) {
  must({"volume", "set", "debian:root", "warm", "4"});
  start_service();
  std::atomic<bool> ends{false};
  std::atomic<int> done{0}, failures{0};
  std::vector<std::thread> clients;
  clients.reserve(app_vms);
  for (int i = 0; i < app_vms; ++i) clients.emplace_back([&, i] { be_busy(i, ends, done, failures); });
  const int commits = is_long_run() ? 50 : 5;
  for (int commit = 0; commit < commits; ++commit) {
    const char value = static_cast<char>('a' + commit % 26);
    must({"vm", "start", "debian"});
    put("debian", "root", {}, value);
    must({"vm", "stop", "debian"});
    must({"vm", "start", "keeper"});
    EXPECT_EQ(get("keeper", "root", {}), value) << "after commit " << commit;
    must({"vm", "stop", "keeper"});
  }
  ends = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GT(done, app_vms);
  fmt::print("{} starts and stops beside {} commits\n", done.load(), commits);
  must({"volume", "set", "debian:root", "warm", "0"});
}

TEST_F(ServiceTest, KilledAtAnyMomentItLosesNothingAndTheNextOneAgreesWithTheKernel) {
  const std::uint64_t walk = seed();
  std::minstd_rand random(static_cast<std::uint_fast32_t>(walk));
  std::uniform_int_distribution<int> moment(1, 400);
  must({"volume", "set", "debian:root", "warm", "2"});
  start_service();
  must({"vm", "start", "keeper"});
  put("keeper", "root", {}, 'k');
  const int kills = is_long_run() ? 200 : 20;
  for (int kill = 0; kill < kills; ++kill) {
    std::atomic<bool> ends{false};
    std::atomic<int> done{0}, failures{0};
    std::vector<std::thread> clients;
    clients.reserve(app_vms);
    for (int i = 0; i < app_vms; ++i) clients.emplace_back([&, i] { be_busy(i, ends, done, failures); });
    std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));
    kill_service();
    ends = true;
    for (auto& client : clients) client.join();
    ASSERT_EQ(failures, 0) << "seed " << walk << ", kill " << kill;
    ASSERT_EQ(get("keeper", "root", {}), 'k') << "seed " << walk << ", kill " << kill;
    start_service();
    const auto remote = connect();
    for (int i = 0; i < app_vms; ++i) {
      const auto info = remote->call(api::VmInfoRequest{name_of(i)});
      ASSERT_NE(info.state, "partly running") << info.name << ", seed " << walk << ", kill " << kill;
      EXPECT_FALSE(remote->call(stop_of(info.name)).at(0).error) << info.name;
    }
  }
  must({"vm", "stop", "keeper"});
  must({"volume", "set", "debian:root", "warm", "0"});
  end_service();
  EXPECT_EQ(must({"recover", "--dry-run"}), "");
}

}  // namespace
}  // namespace cowshed::test
