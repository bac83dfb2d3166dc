// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "varlink/connection.h"
#include "varlink/message.h"

namespace cowshed::varlink {

/// The way back of one call. May be kept after the handler has returned, and used from any thread, one at a
/// time. One that is let go of without an end breaks the connection: nobody waits for ever.
class Answer {
 public:
  explicit Answer(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~Answer();
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  /// What the call says of how it wants to be answered.
  void expect(CallFlags flags) { flags_ = flags; }

  [[nodiscard]] const Peer& peer() const { return connection_->peer(); }
  /// Whether several replies are wanted.
  [[nodiscard]] bool takes_more() const { return flags_.more && !flags_.oneway; }
  /// Nobody is left to read it.
  [[nodiscard]] bool is_unwanted() const { return connection_->is_gone(); }
  /// Who asked has gone before the answer came, and had wanted one.
  [[nodiscard]] bool is_cancelled() const { return !flags_.oneway && is_unwanted(); }

  /// One of several replies, where takes_more(). False where nobody will read it.
  bool tell(const nlohmann::json& parameters);
  /// The last, or only, reply.
  void finish(const nlohmann::json& parameters);
  void fail(std::string_view error, const nlohmann::json& parameters);

 private:
  void end(const std::string& message);

  std::shared_ptr<Connection> connection_;
  CallFlags flags_;
  bool has_ended_ = false;
};

/// Called in a thread of the server's. What it throws is logged, and breaks the connection.
using Handler = std::function<void(const Call&, std::shared_ptr<Answer>)>;

}  // namespace cowshed::varlink
