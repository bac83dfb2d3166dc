// SPDX-License-Identifier: Apache-2.0
//
// cowshed as a program uses it that stays: in its own process, or by the service. One call starts or stops
// any number of VMs. With warm layers, as many stand ready as are about to start.

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "api/local.h"
#include "fleet.h"
#include "served.h"
#include "tool.h"

namespace bench {
namespace {

using namespace cowshed;
using namespace std::chrono_literals;

class ApiTool : public Tool {
 public:
  ApiTool(std::string name, const Place& place, bool is_warm)
      : Tool(std::move(name)), fleet_(this->name(), place), is_warm_(is_warm) {}

  void set_up() override {
    open();
    fleet_.create(*api_);
    start(Fleet::holder);
  }

  void tear_down() override {
    prepare(0);
    stop(Fleet::holder);
    close();
  }

  std::string start(int slot) override { return start_vms(*api_, {Fleet::vm(slot)}).at(0); }
  std::vector<std::string> start_many(int first, int count) override {
    return start_vms(*api_, Fleet::vms(first, count));
  }
  void stop(int slot) override { stop_vms(*api_, {Fleet::vm(slot)}); }
  void stop_many(int first, int count) override { stop_vms(*api_, Fleet::vms(first, count)); }

  void prepare(int count) override {
    if (is_warm_) want_warm(count);
  }

 protected:
  /// Sets `api_`.
  virtual void open() = 0;
  virtual void close() = 0;
  /// Returns when as many stand ready.
  virtual void wait_for_warm(int count) = 0;

  Fleet fleet_;
  std::unique_ptr<api::Api> api_;

 private:
  void want_warm(int count) {
    if (count != wanted_) api_->call(api::VolumeSet{Fleet::template_root, "warm", fmt::format("{}", count)});
    wanted_ = count;
    wait_for_warm(count);
  }

  bool is_warm_;
  int wanted_ = 0;
};

class LocalTool : public ApiTool {
 public:
  using ApiTool::ApiTool;

  [[nodiscard]] std::string note() const override {
    return "one call to a process that keeps the installation";
  }

 protected:
  void open() override {
    auto local = std::make_unique<api::Local>(
        app::AppOptions{.locations = fleet_.locations(), .lock = {app::Access::write, "bench"}});
    app_ = &local->keep();
    api_ = std::move(local);
  }
  void close() override { api_.reset(); }
  void wait_for_warm(int /*count*/) override {
    while (app_->keep_warm() > 0) {
    }
  }

 private:
  app::App* app_ = nullptr;
};

class ServiceTool : public ApiTool {
 public:
  using ApiTool::ApiTool;

  [[nodiscard]] std::string note() const override { return "one call to `cowshed serve`, over its socket"; }

 protected:
  void open() override {
    served_.emplace(fleet_.locations());
    api_ = served_->connect();
  }
  void close() override {
    api_.reset();
    served_.reset();
  }
  void wait_for_warm(int count) override {
    const auto deadline = std::chrono::steady_clock::now() + 120s;
    while (ready() != count) {
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error(fmt::format("{} of {} layers stand ready", ready(), count));
      std::this_thread::sleep_for(20ms);
    }
  }

 private:
  /// As its metrics say: nothing is said of a volume that has and wants none.
  int ready() {
    constexpr std::string_view gauge = "\ncowshed_warm_ready{";
    const std::string text = api_->call(api::Metrics{});
    const auto found = text.find(gauge);
    if (found == std::string::npos) return 0;
    return std::stoi(text.substr(text.find("} ", found) + 2));
  }

  std::optional<Served> served_;
};

}  // namespace

std::unique_ptr<Tool> make_local(const std::string& name, const Place& place, bool is_warm) {
  return std::make_unique<LocalTool>(name, place, is_warm);
}

std::unique_ptr<Tool> make_service(const std::string& name, const Place& place, bool is_warm) {
  return std::make_unique<ServiceTool>(name, place, is_warm);
}

}  // namespace bench
