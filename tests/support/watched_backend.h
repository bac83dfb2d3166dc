// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "io/backend.h"

namespace cowshed::test {

/// What a WatchedBackend saw, and what it is to do about it.
struct Watch {
  /// Gets each request and how many of its kind there were, from 1. May make it shorter, or answer in place
  /// of the kernel, which then does not see it.
  using Meddle = std::function<std::optional<io::Completion>(io::Request&, std::size_t nth)>;
  Meddle meddle = nullptr;

  std::vector<io::Request> requests;
  std::size_t under_way = 0;
  std::size_t most_under_way = 0;

  [[nodiscard]] std::vector<io::Request> all(io::Op op) const {
    std::vector<io::Request> result;
    std::copy_if(requests.begin(), requests.end(), std::back_inserter(result),
                 [op](const io::Request& request) { return request.op == op; });
    return result;
  }
};

/// A real backend, seen and meddled with from outside.
class WatchedBackend : public io::Backend {
 public:
  WatchedBackend(std::unique_ptr<io::Backend> inner, Watch& watch)
      : inner_(std::move(inner)), watch_(watch) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }

  void submit(const io::Request& request) override {
    io::Request passed_on = request;
    watch_.requests.push_back(request);
    watch_.most_under_way = std::max(watch_.most_under_way, ++watch_.under_way);
    const std::size_t nth = ++count_[request.op];
    const auto answer = watch_.meddle ? watch_.meddle(passed_on, nth) : std::nullopt;
    if (answer)
      answers_.push_back(*answer);
    else
      inner_->submit(request.is_direct ? told_shorter(request, passed_on.length) : passed_on);
  }

  void wait(std::vector<io::Completion>& done) override {
    const std::size_t before = done.size();
    if (answers_.empty()) inner_->wait(done);
    for (auto completion = done.begin() + static_cast<std::ptrdiff_t>(before); completion != done.end();
         ++completion)
      if (const auto limit = told_.extract(completion->tag))
        completion->length = std::min(completion->length, limit.mapped());
    done.insert(done.end(), answers_.begin(), answers_.end());
    answers_.clear();
    watch_.under_way -= done.size() - before;
  }

 private:
  /// Direct I/O of any length is not to be had. So all of it is done, but not told.
  const io::Request& told_shorter(const io::Request& request, Bytes length) {
    if (length < request.length) told_.emplace(request.tag, length);
    return request;
  }

  std::unique_ptr<io::Backend> inner_;
  Watch& watch_;
  std::map<io::Op, std::size_t> count_;
  std::vector<io::Completion> answers_;
  std::map<std::uint64_t, Bytes> told_;
};

inline io::BackendFactory watched(io::BackendFactory open, Watch& watch) {
  return [open = std::move(open), &watch](const io::BackendSetup& setup) {
    return std::make_unique<WatchedBackend>(open(setup), watch);
  };
}

inline io::Completion refusal(const io::Request& request, int error) {
  return {.tag = request.tag, .error = error, .length = {}};
}

/// The n-th request of a kind, and as many after it, fail.
inline Watch::Meddle fails(io::Op op, std::size_t nth, int error, std::size_t times = 1) {
  return [=](io::Request& request, std::size_t n) -> std::optional<io::Completion> {
    if (request.op == op && n >= nth && n - nth < times) return refusal(request, error);
    return std::nullopt;
  };
}

/// Every request of a kind that touches one of `length` bytes at `offset` fails.
inline Watch::Meddle bad_place(io::Op op, Bytes offset, Bytes length, int error) {
  return [=](io::Request& request, std::size_t) -> std::optional<io::Completion> {
    const bool touches = request.offset < offset + length && offset < request.offset + request.length;
    if (request.op == op && touches) return refusal(request, error);
    return std::nullopt;
  };
}

}  // namespace cowshed::test
