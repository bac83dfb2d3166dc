// SPDX-License-Identifier: Apache-2.0
#include "service/service.h"

#include <fmt/core.h>

#include <csignal>
#include <thread>
#include <utility>

#include "api/description.h"
#include "app/interruption.h"
#include "base/log.h"
#include "base/stages.h"
#include "service/background.h"
#include "service/gauges.h"
#include "service/signals.h"
#include "service/sockets.h"

namespace cowshed::service {

namespace {

/// Somebody with no rights here can still ask what this is.
constexpr varlink::ConnectionLimits stranger_limits{
    .message = 16U << 10U, .unread = 64U << 10U, .half_message = std::chrono::seconds(5)};

app::AppOptions guarding(app::AppOptions options) {
  options.guards_space = true;
  return options;
}

varlink::ServiceInfo info(const std::string& version) {
  return {.vendor = "cowshed", .product = "cowshed", .version = version, .url = "https://github.com/cowshed"};
}

}  // namespace

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      is_own_socket_(!was_activated()),
      socket_(listening_socket(options_.socket)),
      api_(guarding(options_.app)),
      app_(api_.keep()),
      access_(app_.config().roles),
      space_(app_, events_),
      dispatch_(api_, access_, events_, metrics_),
      interfaces_(info(options_.version)) {
  count_stages();
  api_.set_metrics([this] { return metrics_text(); });
  interfaces_.add(std::string(api::interface_name), api::interface_description(),
                  [this](std::string_view method, const varlink::Call& call, const auto& answer) {
                    return dispatch_.call(method, call, answer);
                  });
  const auto admit = [this](const varlink::Peer& peer) -> std::optional<varlink::ConnectionLimits> {
    return access_.role_of(peer) == api::Role::none ? stranger_limits : varlink::ConnectionLimits{};
  };
  const auto handler = [this](const varlink::Call& call, const std::shared_ptr<varlink::Answer>& answer) {
    interfaces_.handle(call, answer);
  };
  server_ = std::make_unique<varlink::Server>(std::move(socket_), varlink::ServerLimits{}, admit, handler);
  server_->on_stop([this] {
    notify("STOPPING=1");
    app::request_interruption();
    events_.close();
  });
}

Service::~Service() {
  app::clear_interruption();
  if (is_own_socket_) unlink_if_exists(options_.socket);
}

bool Service::recover() {
  const auto answer = api_.call(api::Recover{});
  for (const auto& line : answer.lines) {
    log_info("recovered: " + line);
    events_.publish({.kind = "recovered", .message = line});
  }
  if (!answer.complete) log_warning("not everything could be recovered; cowshed status tells more");
  return answer.complete;
}

void Service::recover_at_first() {
  if (!app_.unclean()) return;
  log_info(fmt::format("recovering: {} did not end well", *app_.unclean()));
  recover();
  app_.take_due_recovery();
}

std::chrono::milliseconds Service::recover_if_due() {
  constexpr std::chrono::seconds soon(1), later(60);
  if (!app_.take_due_recovery()) return soon;
  // What it cannot put right now it may once its cause is gone.
  return recover() ? soon : later;
}

std::chrono::milliseconds Service::keep_warm() {
  constexpr std::chrono::milliseconds at_once(0), soon(200);
  return app_.keep_warm() > 0 ? at_once : soon;
}

void Service::reload() {
  try {
    const app::Turn turn(app_.turns(), app::Turn::Definitions::alone, {});
    app_.reload();
    access_.set(app_.config().roles);
    log_info("configuration read again");
  } catch (const std::exception& failure) {
    log_warning(fmt::format("the configuration stays as it was: {}", failure.what()));
  }
}

std::string Service::metrics_text() {
  return metrics_.calls_text() + stages_text() + pools_text(api_.call(api::PoolList{})) +
         space_.metrics_text() + warm_text(app_.warm_volumes()) +
         service_text(server_->connections(), server_->refused(), events_.subscribers());
}

void Service::run() {
  Signals signals(
      {{SIGTERM, [this] { stop(); }}, {SIGINT, [this] { stop(); }}, {SIGHUP, [this] { reload(); }}});
  recover_at_first();
  // What a request left half-way.
  const Background recovery([this] { return recover_if_due(); });
  // Layers stand ready for VMs whose definitions have been read.
  {
    const app::Turn turn(app_.turns(), app::Turn::Definitions::shared, {});
    app_.vms();
  }
  const Background warm([this] { return keep_warm(); });
  const Background space([this] { return space_.look(); });
  notify("READY=1");
  log_info("ready");
  server_->run();
}

}  // namespace cowshed::service
