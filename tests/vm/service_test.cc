// SPDX-License-Identifier: Apache-2.0
// The service on a real device-mapper: busy with many clients, and killed while it is.
#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <random>
#include <thread>

#include "api/remote.h"
#include "support/cowshed_fixture.h"
#include "support/long_run.h"
#include "support/seed.h"
#include "varlink/socket.h"

namespace cowshed::test {
namespace {

constexpr int app_vms = 8;

api::VmStop stop_of(const std::string& vm) {
  api::VmStop request;
  request.vms = {vm};
  return request;
}

class ServiceTest : public CowshedTest {
 protected:
  void SetUp() override {
    CowshedTest::SetUp();
    if (IsSkipped()) return;
    create_template("debian");
    for (int i = 0; i < app_vms; ++i) create_app(name_of(i), "debian");
    create_app("keeper", "debian");
  }
  void TearDown() override {
    end_service();
    CowshedTest::TearDown();
  }

  static std::string name_of(int number) { return fmt::format("app{}", number); }
  [[nodiscard]] Path socket() const { return run_directory() / "io.cowshed"; }

  void start_service() {
    const auto begun = shell("setsid cowshed serve </dev/null >>/tmp/service.log 2>&1 & echo $!");
    ASSERT_TRUE(begun.ok()) << begun.text();
    pid_ = std::stoi(begun.out);
    while (!varlink::connect_if_there(socket())) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // It answers when it has recovered.
    connect()->call(api::PoolList{});
  }
  void kill_service() { end_with(SIGKILL); }
  void end_service() { end_with(SIGTERM); }
  [[nodiscard]] std::unique_ptr<api::Remote> connect() const {
    return std::make_unique<api::Remote>(varlink::connect_to(socket()));
  }

  /// Starts and stops one VM until it is told to end, or the service is gone.
  void be_busy(int number, const std::atomic<bool>& ends, std::atomic<int>& done,
               std::atomic<int>& failures) {
    const auto look_at = [&](const std::vector<api::VmResult>& results) {
      const auto& error = results.at(0).error;
      if (!error) return;
      ++failures;
      fmt::print(stderr, "{}: {}\n", name_of(number), error->what());
    };
    try {
      const auto remote = connect();
      while (!ends) {
        look_at(remote->call(api::VmStart{.vms = {name_of(number)}}));
        look_at(remote->call(stop_of(name_of(number))));
        ++done;
      }
    } catch (const Error&) {
      // Killed under it.
    }
  }

 private:
  void end_with(int signal) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    while (::kill(pid_, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pid_ = 0;
  }

  pid_t pid_ = 0;
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
