// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "api/remote.h"
#include "service/service.h"
#include "unit/app/app_fixture.h"
#include "varlink/client.h"
#include "varlink/socket.h"

namespace cowshed::test {

/// The name of the error that a call is answered with; empty where it is not.
inline std::string refusal_of(varlink::Client& client, const std::string& method,
                              const nlohmann::json& parameters) {
  try {
    client.call(method, parameters);
  } catch (const varlink::Refusal& refusal) {
    return refusal.error;
  }
  return "";
}

/// A service over drivers that keep everything in memory, in a thread of the test, whose user is admin.
class ServiceTest : public AppTest {
 protected:
  ~ServiceTest() override { end(); }

  [[nodiscard]] Path socket() const { return directory_ / "socket"; }

  service::Service& serve() {
    if (service_) return *service_;
    if (::geteuid() != 0) make_admin(::geteuid());
    return serve_without_roles();
  }
  service::Service& serve_without_roles() {
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
  void make_admin(uid_t uid) {
    const passwd* const user = ::getpwuid(uid);
    ASSERT_NE(user, nullptr) << "roles are given by name, and uid " << uid << " has none";
    // The configuration is there from the first change on.
    app().initialise();
    app_.reset();
    auto config = nlohmann::json::parse(read(locations_.config()));
    config["roles"]["admin"]["users"] = {user->pw_name};
    write(locations_.config(), config.dump());
  }

  std::unique_ptr<service::Service> service_;
  std::thread thread_;
};

}  // namespace cowshed::test
