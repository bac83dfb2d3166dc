// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "api/local.h"
#include "app/app.h"
#include "base/file.h"
#include "service/access.h"
#include "service/dispatch.h"
#include "service/events.h"
#include "service/metrics.h"
#include "service/space_watch.h"
#include "varlink/interfaces.h"
#include "varlink/server.h"

namespace cowshed::service {

struct ServiceOptions {
  app::AppOptions app;
  /// Where to listen, unless systemd does.
  Path socket;
  std::string version;
};

/// `cowshed serve`: one installation, kept by one process and offered over a socket. VMs do not depend on it:
/// what runs goes on when it ends, however it ends, and the next one finds it in the kernel.
class Service {
 public:
  /// Listens, takes the state directory, and puts right what was left. Throws in_use where another service or
  /// command has the one or the other.
  explicit Service(ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Serves until stop(); then what goes on is finished, or undone where it can be. SIGHUP: reload().
  void run();
  /// In a signal handler, too.
  void stop() noexcept { server_->stop(); }

 private:
  /// False where not everything could be put right.
  bool recover();
  void recover_at_first();
  std::chrono::milliseconds recover_if_due();
  std::chrono::milliseconds keep_warm();
  void reload();
  [[nodiscard]] std::string metrics_text();

  ServiceOptions options_;
  bool is_own_socket_;
  Fd socket_;
  api::Local api_;
  app::App& app_;
  Access access_;
  Events events_;
  Metrics metrics_;
  SpaceWatch space_;
  Dispatch dispatch_;
  varlink::Interfaces interfaces_;
  std::unique_ptr<varlink::Server> server_;
};

}  // namespace cowshed::service
