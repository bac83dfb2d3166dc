// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <nlohmann/json.hpp>

#include "api/description.h"
#include "api/local.h"
#include "unit/service/service_fixture.h"

namespace cowshed {
namespace {

using nlohmann::json;
using test::error_of;
using test::refusal_of;
using ::testing::HasSubstr;

using ServiceTest = test::ServiceTest;

api::VmStop stop_of(std::vector<std::string> vms) {
  api::VmStop request;
  request.vms = std::move(vms);
  return request;
}

TEST_F(ServiceTest, CommandsAnswerAsTheyDoInTheProcess) {
  const auto remote = connect();
  create(*remote, "t");
  create(*remote, "work", "t");
  const auto vms = remote->call(api::VmList{});
  ASSERT_EQ(vms.size(), 2u);
  EXPECT_EQ(vms[1].name, "work");
  EXPECT_EQ(vms[1].template_name, "t");

  const auto started = remote->call(api::VmStart{.vms = {"work"}});
  ASSERT_EQ(started.size(), 1u);
  ASSERT_FALSE(started[0].error) << started[0].error->message();
  EXPECT_EQ(started[0].devices[0].path, (locations_.run / "dev/work/root").native());
  EXPECT_EQ(started[0].devices[0].major, 254u);
  EXPECT_EQ(remote->call(api::VmInfoRequest{"work"}).state, "running");
  EXPECT_FALSE(remote->call(stop_of({"work"})).at(0).error);
  EXPECT_EQ(remote->call(api::VmInfoRequest{"work"}).state, "stopped");
}

TEST_F(ServiceTest, ErrorsArriveWithKindMessageAndPointer) {
  const auto remote = connect();
  const auto error = error_of([&] { remote->call(api::VmInfoRequest{"nosuch"}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_EQ(error->message(), "there is no vm 'nosuch'");
}

TEST_F(ServiceTest, EachKindOfErrorHasItsOwnNameInTheInterface) {
  const auto description = api::interface_description();
  for (const char* name : {"NotFound", "InUse", "CommitPending", "KernelRefused", "Interrupted"})
    EXPECT_THAT(description, HasSubstr(std::string("error ") + name + " ("));
}

TEST_F(ServiceTest, AnyClientCanFindOutWhatThereIs) {
  auto raw = client();
  const auto info = raw.call("org.varlink.service.GetInfo", json::object());
  EXPECT_EQ(info["product"], "cowshed");
  EXPECT_EQ(info["interfaces"], json::parse(R"(["io.cowshed","org.varlink.service"])"));
  const auto answer = raw.call("org.varlink.service.GetInterfaceDescription", {{"interface", "io.cowshed"}});
  EXPECT_EQ(answer["description"], api::interface_description());
}

TEST_F(ServiceTest, WhatIsNotThereIsRefusedByName) {
  auto raw = client();
  EXPECT_EQ(refusal_of(raw, "io.cowshed.NoSuch", json::object()), "org.varlink.service.MethodNotFound");
  EXPECT_EQ(refusal_of(raw, "io.nobody.NoSuch", json::object()), "org.varlink.service.InterfaceNotFound");
  EXPECT_EQ(refusal_of(raw, "io.cowshed.VmInfo", {{"vm", 7}}), "org.varlink.service.InvalidParameter");
  EXPECT_EQ(refusal_of(raw, "io.cowshed.VmInfo", json::object()), "org.varlink.service.InvalidParameter");
  EXPECT_EQ(refusal_of(raw, "io.cowshed.VmInfo", {{"vm", "t"}, {"more", 1}}),
            "org.varlink.service.InvalidParameter");
  EXPECT_EQ(refusal_of(raw, "io.cowshed.VolumeExport", {{"volume", "t:root"}, {"file", "relative"}}),
            "org.varlink.service.InvalidParameter");
  EXPECT_EQ(refusal_of(raw, "io.cowshed.Monitor", json::object()), "org.varlink.service.ExpectedMore");
}

TEST_F(ServiceTest, TheStateDirectoryIsTheServicesAlone) {
  serve();
  const auto error = error_of([&] { app::App other(options()); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
}

TEST_F(ServiceTest, ASecondServiceOnTheSocketIsRefused) {
  serve();
  const auto error = error_of([&] { varlink::listen_on(socket()); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::in_use);
}

TEST_F(ServiceTest, AfterAnOrderlyEndNothingIsToBeRecoveredAndTheSocketIsGone) {
  create(*connect(), "t");
  end();
  EXPECT_FALSE(path_exists(socket()));
  EXPECT_FALSE(app().unclean());
}

TEST_F(ServiceTest, WhatRunsOutlivesTheService) {
  create(*connect(), "t");
  connect()->call(api::VmStart{.vms = {"t"}});
  end();
  EXPECT_EQ(connect()->call(api::VmInfoRequest{"t"}).state, "running");
}

/// Holds steps of the fake drivers until it is told to let them go.
class Gate {
 public:
  explicit Gate(test::FakeWorld& world, std::string held) {
    world.hook = [this, held = std::move(held)](const std::string& call) {
      if (call == held) wait();
    };
  }
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return has_arrived_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    has_arrived_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_arrived_ = false, is_open_ = false;
};

TEST_F(ServiceTest, ALongCommitKeepsNobodyElseWaiting) {
  const auto setup = connect();
  create(*setup, "t");
  create(*setup, "work", "t");
  setup->call(api::VmStart{.vms = {"t"}});
  Gate gate(world_, "stop vm-templates/t/root");
  std::thread stopping([&] { EXPECT_FALSE(connect()->call(stop_of({"t"})).at(0).error); });
  gate.wait_for_arrival();
  // All of it while the template commits: others start and stop, are created, changed and asked about.
  EXPECT_FALSE(setup->call(api::VmStart{.vms = {"work"}}).at(0).error);
  EXPECT_FALSE(setup->call(stop_of({"work"})).at(0).error);
  create(*setup, "mail", "t");
  setup->call(api::VolumeSet{"work:private", "revisions_to_keep", "0"});
  EXPECT_EQ(setup->call(api::VmList{}).size(), 3u);
  gate.open();
  stopping.join();
}

TEST_F(ServiceTest, TwoCommandsOnOneVmHaveTheirTurnOneAfterTheOther) {
  create(*connect(), "t");
  connect()->call(api::VmStart{.vms = {"t"}});
  Gate gate(world_, "stop vm-templates/t/root");
  std::thread stopping([&] { connect()->call(stop_of({"t"})); });
  gate.wait_for_arrival();
  std::atomic<bool> has_started{false};
  std::thread starting([&] {
    EXPECT_FALSE(connect()->call(api::VmStart{.vms = {"t"}}).at(0).error);
    has_started = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(has_started);
  gate.open();
  stopping.join();
  starting.join();
}

TEST_F(ServiceTest, ManyClientsAtOnceAreAllServed) {
  const auto setup = connect();
  create(*setup, "t");
  constexpr int clients = 32, rounds = 10;
  for (int i = 0; i < clients; ++i) create(*setup, "vm" + std::to_string(i), "t");
  std::vector<std::thread> threads;
  threads.reserve(clients);
  std::atomic<int> failures{0};
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&, i] {
      const auto remote = connect();
      const std::vector<std::string> vm{"vm" + std::to_string(i)};
      for (int round = 0; round < rounds; ++round) {
        failures += remote->call(api::VmStart{.vms = vm}).at(0).error.has_value();
        failures += remote->call(stop_of(vm)).at(0).error.has_value();
        const auto thrown = remote->call(api::VmRunThrowaway{.above = "t", .name = {}});
        failures += remote->call(stop_of({thrown.vm})).at(0).error.has_value();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(setup->call(api::Status{}).running, 0u);
  EXPECT_EQ(setup->call(api::VmList{}).size(), clients + 1u);
}

class ServiceEventsTest : public ServiceTest {
 protected:
  /// The first events, as "KIND VM[:VOLUME]", that `body` makes happen.
  std::vector<std::string> events_of(std::size_t count, const std::function<void()>& body) {
    std::vector<std::string> events;
    struct Enough {};
    std::thread watching([&] {
      try {
        connect()->watch({}, [&](const api::Event& event) {
          const std::string volume = event.volume ? ":" + *event.volume : "";
          events.push_back(event.kind + " " + event.vm.value_or("") + volume);
          if (events.size() == count) throw Enough();
        });
      } catch (const Enough&) {
      }
    });
    while (connect()->call(api::Metrics{}).find("cowshed_subscribers 1") == std::string::npos)
      std::this_thread::yield();
    body();
    watching.join();
    return events;
  }
};

TEST_F(ServiceEventsTest, TellWhatHappens) {
  const auto remote = connect();
  create(*remote, "t");
  EXPECT_EQ(events_of(2,
                      [&] {
                        remote->call(api::VmStart{.vms = {"t"}});
                        remote->call(stop_of({"t"}));
                      }),
            (std::vector<std::string>{"started t", "stopped t"}));
}

TEST_F(ServiceEventsTest, AStopTellsWhatItHasCommitted) {
  const auto remote = connect();
  create(*remote, "t");
  world_.dirty = {"varlib/vm-templates/t/root"};
  EXPECT_EQ(events_of(3,
                      [&] {
                        remote->call(api::VmStart{.vms = {"t"}});
                        EXPECT_EQ(remote->call(stop_of({"t"})).at(0).committed,
                                  std::vector<std::string>{"root"});
                      }),
            (std::vector<std::string>{"started t", "committed t:root", "stopped t"}));
  // With --discard nothing is saved, and what does not run has nothing to save.
  EXPECT_EQ(events_of(3,
                      [&] {
                        remote->call(stop_of({"t"}));
                        remote->call(api::VmStart{.vms = {"t"}});
                        auto discarding = stop_of({"t"});
                        discarding.discard = true;
                        remote->call(discarding);
                      }),
            (std::vector<std::string>{"stopped t", "started t", "discarded t"}));
}

TEST_F(ServiceTest, MetricsCountCallsFailuresAndVms) {
  const auto remote = connect();
  create(*remote, "t");
  remote->call(api::VmStart{.vms = {"t", "nosuch"}});
  EXPECT_TRUE(error_of([&] { remote->call(api::VmInfoRequest{"nosuch"}); }));
  const auto text = remote->call(api::Metrics{});
  EXPECT_THAT(text, HasSubstr("cowshed_vm_operations_total{operation=\"start\",result=\"done\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cowshed_vm_operations_total{operation=\"start\",result=\"not_found\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cowshed_call_failures_total{method=\"VmInfo\",kind=\"not_found\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cowshed_call_seconds_count{method=\"VmCreate\"} 1\n"));
}

TEST_F(ServiceTest, AClientThatGoesAwayHasItsWorkUndone) {
  const auto remote = connect();
  create(*remote, "t");
  Gate gate(world_, "start vm-templates/t/root");
  {
    const Fd leaving = varlink::connect_to(socket());
    const auto call = varlink::encode_call("io.cowshed.VmStart", {{"vms", {"t"}}}, {});
    ASSERT_EQ(::send(leaving.get(), call.data(), call.size(), 0), static_cast<ssize_t>(call.size()));
    gate.wait_for_arrival();
  }
  // The server hears of it on its own time.
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  gate.open();
  while (remote->call(api::Metrics{}).find("method=\"VmStart\"") == std::string::npos)
    std::this_thread::yield();
  EXPECT_EQ(remote->call(api::VmInfoRequest{"t"}).state, "stopped");
}

TEST_F(ServiceTest, TheCommandLinesMessageSaysWhoHoldsTheVm) {
  const auto remote = connect();
  create(*remote, "t");
  remote->call(api::VmStart{.vms = {"t"}});
  const auto error = error_of([&] { remote->call(api::VmRemove{"t"}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::running);
  EXPECT_THAT(error->message(), HasSubstr("vm 't' is running; stop it first"));
}

}  // namespace
}  // namespace cowshed
