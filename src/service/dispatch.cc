// SPDX-License-Identifier: Apache-2.0
#include "service/dispatch.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "api/codec.h"
#include "api/protocol_error.h"
#include "app/batch.h"
#include "app/interruption.h"
#include "base/log.h"
#include "base/printable.h"
#include "service/told.h"
#include "varlink/interfaces.h"

namespace cowshed::service {

namespace {

using Clock = std::chrono::steady_clock;
using api::Role;
using varlink::Answer;

/// Of a call's parameters, in the log.
constexpr std::size_t longest_subject = 300;

std::string subject(const varlink::Call& call) {
  auto text = call.parameters.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > longest_subject) text = text.substr(0, longest_subject) + "...";
  return text;
}

/// A bar moves a few times a second; a stream of replies would only cost time.
api::ProgressTold paced(const std::shared_ptr<Answer>& answer) {
  constexpr std::chrono::milliseconds pause(100);
  auto next = std::make_shared<std::atomic<Clock::time_point>>(Clock::now());
  return [answer, next, pause](Bytes done, Bytes total) {
    const auto now = Clock::now();
    auto due = next->load();
    if (now < due || !next->compare_exchange_strong(due, now + pause)) return;
    nlohmann::json progress;
    api::encode(progress, api::Progress{done, total});
    answer->tell({{"progress", std::move(progress)}});
  };
}

void fail(Answer& answer, const Error& error) {
  answer.fail(api::protocol_error(error.kind()), api::protocol_error_parameters(error));
}

template <typename Result>
nlohmann::json reply(std::string_view field, const Result& result) {
  auto json = nlohmann::json::object();
  if constexpr (!std::is_same_v<Result, api::Nothing>) {
    nlohmann::json encoded;
    api::encode(encoded, result);
    if (!encoded.is_null()) json[std::string(field)] = std::move(encoded);
  }
  return json;
}

}  // namespace

template <typename Request>
std::optional<nlohmann::json> Dispatch::ask(const api::Method<Request>& method, Request& request,
                                            const std::shared_ptr<Answer>& answer) {
  if constexpr (api::is_stream<Request>) {
    answer->takes_more() ? events_.subscribe(request, answer) : varlink::refuse_single(*answer);
    return std::nullopt;
  } else {
    if constexpr (api::TellsProgress<Request>)
      if (answer->takes_more()) request.progress = paced(answer);
    const app::InterruptibleBy peer([answer] { return answer->is_cancelled(); });
    const auto result = api_.call(request);
    tell_done(events_, metrics_, request, result);
    return reply(method.answer, result);
  }
}

template <typename Request>
void Dispatch::carry_out(const api::Method<Request>& method, const varlink::Call& call,
                         const std::shared_ptr<Answer>& answer) {
  const auto who = to_string(answer->peer());
  const auto is_permitted = [&](Role needed) { return access_.role_of(answer->peer()) >= needed; };
  const auto refuse = [&] {
    metrics_.count_refused(method.name);
    refusals_.add(answer->peer().uid,
                  fmt::format("{}: {} {}: not permitted", who, method.name, subject(call)));
    varlink::refuse_permission(*answer);
  };
  if (!is_permitted(method.role)) return refuse();
  const auto begun = Clock::now();
  // Who has the answer finds it counted and told.
  const auto count = [&](const std::optional<Error>& failure) {
    metrics_.count_call(method.name, Clock::now() - begun,
                        failure ? std::optional(failure->kind()) : std::nullopt);
    if (method.role == Role::observe && !failure) return;
    log_info(fmt::format("{}: {} {}: {}", who, method.name, subject(call),
                         failure ? printable(failure->message()) : "done"));
  };
  try {
    Request request;
    api::decode(call.parameters, request, api::Unknown::refuse);
    if (!is_permitted(api::role_for(method, request))) return refuse();
    const auto answered = ask(method, request, answer);
    count(std::nullopt);
    if (answered) answer->finish(*answered);
  } catch (const api::BadParameter& bad) {
    count(Error(ErrorKind::invalid_argument, fmt::format("parameter '{}'", bad.name)));
    varlink::refuse_parameter(*answer, bad.name);
  } catch (...) {
    const Error failure = app::to_error(std::current_exception());
    count(failure);
    fail(*answer, failure);
  }
}

bool Dispatch::call(std::string_view name, const varlink::Call& call, const std::shared_ptr<Answer>& answer) {
  bool is_found = false;
  api::for_each_method([&](const auto& method) {
    if (is_found || method.name != name) return;
    is_found = true;
    carry_out(method, call, answer);
  });
  return is_found;
}

}  // namespace cowshed::service
