// SPDX-License-Identifier: Apache-2.0
#include "service/events.h"

#include <chrono>
#include <utility>

#include "api/codec.h"
#include "api/protocol_error.h"

namespace cowshed::service {

namespace {

std::set<std::string> to_set(const std::vector<std::string>& list) { return {list.begin(), list.end()}; }

bool matches(const std::set<std::string>& wanted, const std::string& value) {
  return wanted.empty() || wanted.contains(value);
}

}  // namespace

bool Events::Subscriber::wants(const api::Event& event) const {
  return matches(kinds, event.kind) && matches(vms, event.vm.value_or(""));
}

void Events::publish(api::Event event) {
  event.time = std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  if (subscribers_.empty()) return;
  nlohmann::json encoded, reply;
  api::encode(encoded, event);
  reply["event"] = std::move(encoded);
  for (const auto& subscriber : subscribers_)
    if (subscriber.wants(event)) subscriber.answer->tell(reply);
  drop_gone();
}

void Events::subscribe(const api::Monitor& wanted, std::shared_ptr<varlink::Answer> answer) {
  // So that who asked knows that nothing is missed from here on.
  answer->tell(nlohmann::json::object());
  const std::lock_guard lock(mutex_);
  drop_gone();
  subscribers_.push_back({to_set(wanted.kinds), to_set(wanted.vms), std::move(answer)});
}

std::size_t Events::subscribers() {
  const std::lock_guard lock(mutex_);
  drop_gone();
  return subscribers_.size();
}

void Events::drop_gone() {
  std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.answer->is_unwanted(); });
}

void Events::close() {
  std::vector<Subscriber> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(subscribers_);
  }
  const Error why(ErrorKind::interrupted, "the service ends");
  for (const auto& subscriber : ended)
    subscriber.answer->fail(api::protocol_error(why.kind()), api::protocol_error_parameters(why));
}

}  // namespace cowshed::service
