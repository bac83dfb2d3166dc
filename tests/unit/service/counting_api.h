// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "api/api.h"
#include "api/methods.h"

namespace cowshed::test {

/// Does nothing, and remembers what it was asked for, by the methods' names.
template <typename... Requests>
class CountingApiOf;

template <>
class CountingApiOf<> : public api::Api {
 public:
  std::vector<std::string> calls;

 protected:
  std::mutex mutex_;
};

/// A stream is none of the Api's calls.
template <typename Request, typename... Others>
requires api::is_stream<Request>
class CountingApiOf<Request, Others...> : public CountingApiOf<Others...> {
};

template <typename Request, typename... Others>
class CountingApiOf<Request, Others...> : public CountingApiOf<Others...> {
 public:
  using CountingApiOf<Others...>::call;
  typename Request::Answer call(const Request& /*request*/) override {
    const std::lock_guard lock(this->mutex_);
    this->calls.emplace_back(api::method_of<Request>().name);
    return {};
  }
};

template <typename Methods>
struct CountingApiFor;
template <typename... Requests>
struct CountingApiFor<const std::tuple<api::Method<Requests>...>> {
  using type = CountingApiOf<Requests...>;
};

using CountingApi = CountingApiFor<decltype(api::methods)>::type;

}  // namespace cowshed::test
