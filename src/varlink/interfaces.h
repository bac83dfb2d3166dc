// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "varlink/answer.h"

namespace cowshed::varlink {

/// What the service says of itself (org.varlink.service.GetInfo).
struct ServiceInfo {
  std::string vendor, product, version, url;
};

/// The interfaces of a service. Answers org.varlink.service itself, so that any client can find out the rest,
/// and hands other calls to the interface they name.
class Interfaces {
 public:
  explicit Interfaces(ServiceInfo info);

  /// Called with the method's name without its interface. Returns false where it has no such method.
  using Methods = std::function<bool(std::string_view method, const Call&, const std::shared_ptr<Answer>&)>;
  /// `description` in Varlink's interface definition language.
  void add(std::string name, std::string description, Methods methods);

  /// Varlink's Handler.
  void handle(const Call& call, const std::shared_ptr<Answer>& answer) const;

 private:
  struct Interface {
    std::string description;
    Methods methods;
  };

  bool answer_itself(std::string_view method, const Call& call, const std::shared_ptr<Answer>& answer) const;
  void describe(const Call& call, Answer& answer) const;

  ServiceInfo info_;
  std::map<std::string, Interface, std::less<>> interfaces_;
};

/// Errors of org.varlink.service that any method may answer.
void refuse_parameter(Answer& answer, std::string_view parameter);
void refuse_permission(Answer& answer);
void refuse_single(Answer& answer);

}  // namespace cowshed::varlink
