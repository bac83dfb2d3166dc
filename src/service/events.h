// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/methods.h"
#include "varlink/answer.h"

namespace cowshed::service {

/// Tells what happens to whoever wants to hear it. Thread-safe. Who reads too slowly is cut off by its
/// connection.
class Events {
 public:
  void publish(api::Event event);
  /// `answer` gets what `wanted` asks for, until its connection ends.
  void subscribe(const api::Monitor& wanted, std::shared_ptr<varlink::Answer> answer);
  /// How many listen.
  std::size_t subscribers();
  /// Ends all.
  void close();

 private:
  struct Subscriber {
    std::set<std::string> kinds, vms;
    std::shared_ptr<varlink::Answer> answer;
    [[nodiscard]] bool wants(const api::Event& event) const;
  };
  void drop_gone();

  std::mutex mutex_;
  std::vector<Subscriber> subscribers_;
};

}  // namespace cowshed::service
