// SPDX-License-Identifier: Apache-2.0
#include "varlink/interfaces.h"

#include <nlohmann/json.hpp>

namespace cowshed::varlink {

namespace {

using nlohmann::json;

// The interface every service has (varlink.org/Service).
constexpr const char* own_name = "org.varlink.service";
constexpr const char* own_description = R"(# What every Varlink service can be asked.
interface org.varlink.service

method GetInfo() -> (
  vendor: string,
  product: string,
  version: string,
  url: string,
  interfaces: []string
)

method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
)";

}  // namespace

Interfaces::Interfaces(ServiceInfo info) : info_(std::move(info)) {
  add(own_name, own_description, [this](std::string_view method, const Call& call, const auto& answer) {
    return answer_itself(method, call, answer);
  });
}

void Interfaces::add(std::string name, std::string description, Methods methods) {
  interfaces_.insert_or_assign(std::move(name), Interface{std::move(description), std::move(methods)});
}

void Interfaces::handle(const Call& call, const std::shared_ptr<Answer>& answer) const {
  const auto dot = call.method.rfind('.');
  const auto name = call.method.substr(0, dot == std::string_view::npos ? 0 : dot);
  const auto found = interfaces_.find(name);
  if (found == interfaces_.end())
    return answer->fail("org.varlink.service.InterfaceNotFound", {{"interface", name}});
  if (!found->second.methods(call.method.substr(dot + 1), call, answer))
    answer->fail("org.varlink.service.MethodNotFound", {{"method", call.method}});
}

bool Interfaces::answer_itself(std::string_view method, const Call& call,
                               const std::shared_ptr<Answer>& answer) const {
  if (method == "GetInterfaceDescription") {
    describe(call, *answer);
    return true;
  }
  if (method != "GetInfo") return false;
  json names = json::array();
  for (const auto& [name, interface] : interfaces_) names.push_back(name);
  answer->finish({{"vendor", info_.vendor},
                  {"product", info_.product},
                  {"version", info_.version},
                  {"url", info_.url},
                  {"interfaces", names}});
  return true;
}

void Interfaces::describe(const Call& call, Answer& answer) const {
  const auto wanted = call.parameters.find("interface");
  if (wanted == call.parameters.end() || !wanted->is_string()) return refuse_parameter(answer, "interface");
  const auto found = interfaces_.find(wanted->get_ref<const std::string&>());
  if (found == interfaces_.end())
    return answer.fail("org.varlink.service.InterfaceNotFound", {{"interface", *wanted}});
  answer.finish({{"description", found->second.description}});
}

void refuse_parameter(Answer& answer, std::string_view parameter) {
  answer.fail("org.varlink.service.InvalidParameter", {{"parameter", parameter}});
}
void refuse_permission(Answer& answer) {
  answer.fail("org.varlink.service.PermissionDenied", json::object());
}
void refuse_single(Answer& answer) { answer.fail("org.varlink.service.ExpectedMore", json::object()); }

}  // namespace cowshed::varlink
