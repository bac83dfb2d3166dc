// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/remote.h"
#include "support/cowshed_fixture.h"
#include "varlink/socket.h"

namespace cowshed::test {

/// For tests of the built `cowshed serve` on a real device-mapper, with clients in the test.
class RunningServiceTest : public CowshedTest {
 protected:
  void TearDown() override {
    end_service();
    CowshedTest::TearDown();
  }

  static std::string name_of(int number) { return fmt::format("app{}", number); }
  static api::VmStop stop_of(const std::string& vm) {
    api::VmStop request;
    request.vms = {vm};
    return request;
  }
  /// Of a call for one VM; what went wrong is told.
  static bool is_done(const std::vector<api::VmResult>& results) {
    const auto& result = results.at(0);
    if (result.error) fmt::print(stderr, "{}: {}\n", result.vm, result.error->what());
    return !result.error;
  }

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

 private:
  void end_with(int signal) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    while (::kill(pid_, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pid_ = 0;
  }

  pid_t pid_ = 0;
};

}  // namespace cowshed::test
