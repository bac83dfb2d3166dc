// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Checks of what cowshed needs of its host. Every floor knows its own needs and checks them; app/doctor.h
/// puts them together. A check looks and changes nothing.
namespace cowshed {

enum class Health {
  good,
  /// It works, but not as well or as safely as it could.
  warning,
  /// Something that is needed will fail, or data is in danger.
  bad,
  /// Could not be seen.
  unknown
};
/// "good", "warning", "bad", "unknown"
std::string_view to_string(Health health);

/// What a check saw, and what to do about it: a command where there is one. For people.
struct Finding {
  Health health = Health::good;
  std::string seen;
  std::string next;
};
Finding good(std::string seen);
Finding warning(std::string seen, std::string next);
Finding bad(std::string seen, std::string next);
Finding unknown(std::string seen, std::string next = {});
/// bad or warning.
Finding bad_if(bool is_bad, std::string seen, std::string next);

struct Check {
  /// A stable word: "dm.target.snapshot".
  std::string id;
  /// Of several of a kind which one, a pool's name; else empty.
  std::string about;
  Finding finding;
};

/// Collects what checks find. One that throws is unknown, and does not stop the others.
class Checkup {
 public:
  using Body = std::function<Finding()>;
  void check(std::string id, const Body& body) { check(std::move(id), {}, body); }
  void check(std::string id, std::string about, const Body& body);
  [[nodiscard]] const std::vector<Check>& checks() const { return checks_; }

 private:
  std::vector<Check> checks_;
};

}  // namespace cowshed
