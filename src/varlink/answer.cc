// SPDX-License-Identifier: Apache-2.0
#include "varlink/answer.h"

#include <sys/socket.h>

#include <nlohmann/json.hpp>

namespace cowshed::varlink {

Answer::~Answer() {
  if (has_ended_) return;
  connection_->set_gone();
  ::shutdown(connection_->fd(), SHUT_RDWR);
  connection_->finish_call();
}

bool Answer::tell(const nlohmann::json& parameters) {
  return takes_more() && connection_->send(encode_reply(parameters, true));
}

void Answer::finish(const nlohmann::json& parameters) { end(encode_reply(parameters, false)); }

void Answer::fail(std::string_view error, const nlohmann::json& parameters) {
  end(encode_error(error, parameters));
}

void Answer::end(const std::string& message) {
  has_ended_ = true;
  if (!flags_.oneway) connection_->send(message);
  connection_->finish_call();
}

}  // namespace cowshed::varlink
