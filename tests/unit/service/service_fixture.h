// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "api/remote.h"
#include "service/service.h"
#include "unit/app/app_fixture.h"
#include "varlink/client.h"
#include "varlink/socket.h"

namespace cowshed::test {

/// A service over drivers that keep everything in memory, in a thread of the test.
class ServiceTest : public AppTest {
 protected:
  ~ServiceTest() override { end(); }

  [[nodiscard]] Path socket() const { return directory_ / "socket"; }

  service::Service& serve() {
    if (service_) return *service_;
    service_ = std::make_unique<service::Service>(
        service::ServiceOptions{.app = options(), .socket = socket(), .version = "test"});
    thread_ = std::thread([this] { service_->run(); });
    return *service_;
  }
  void end() {
    if (!service_) return;
    service_->stop();
    thread_.join();
    service_.reset();
  }

  /// A connection of its own for each caller.
  std::unique_ptr<api::Remote> connect() {
    serve();
    return std::make_unique<api::Remote>(varlink::connect_to(socket()));
  }
  varlink::Client client() {
    serve();
    return varlink::Client(varlink::connect_to(socket()));
  }

  static void create(api::Api& api, const std::string& vm, const std::string& above = "") {
    api::VmCreate request;
    request.vm = vm;
    if (!above.empty()) request.template_name = above;
    api.call(request);
  }

 private:
  std::unique_ptr<service::Service> service_;
  std::thread thread_;
};

}  // namespace cowshed::test
