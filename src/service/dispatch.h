// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "api/api.h"
#include "service/access.h"
#include "service/events.h"
#include "service/metrics.h"
#include "service/refusals.h"
#include "varlink/answer.h"

namespace cowshed::service {

/// Carries calls of the interface io.cowshed out by an Api, as far as the peer may ask for them: rights,
/// decoding, progress, cancelling, errors, what is logged, counted and told.
class Dispatch {
 public:
  Dispatch(api::Api& api, const Access& access, Events& events, Metrics& metrics)
      : api_(api), access_(access), events_(events), metrics_(metrics) {}

  /// False where there is no such method.
  bool call(std::string_view method, const varlink::Call& call,
            const std::shared_ptr<varlink::Answer>& answer);

 private:
  template <typename Request>
  void carry_out(const api::Method<Request>& method, const varlink::Call& call,
                 const std::shared_ptr<varlink::Answer>& answer);
  /// The reply; nothing where that is not the end of it, or it was given.
  template <typename Request>
  std::optional<nlohmann::json> ask(const api::Method<Request>& method, Request& request,
                                    const std::shared_ptr<varlink::Answer>& answer);

  api::Api& api_;
  const Access& access_;
  Events& events_;
  Metrics& metrics_;
  Refusals refusals_;
};

}  // namespace cowshed::service
