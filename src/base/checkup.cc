// SPDX-License-Identifier: Apache-2.0
#include "base/checkup.h"

#include "base/error.h"

namespace cowshed {

namespace {

Finding look(const Checkup::Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    return unknown(error.message(),
                   error.kind() == ErrorKind::permission ? "run cowshed doctor as root" : "");
  } catch (const std::exception& failure) {
    return unknown(failure.what());
  }
}

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::good:
      return "good";
    case Health::warning:
      return "warning";
    case Health::bad:
      return "bad";
    case Health::unknown:
      break;
  }
  return "unknown";
}

Finding good(std::string seen) { return {Health::good, std::move(seen), {}}; }
Finding warning(std::string seen, std::string next) {
  return {Health::warning, std::move(seen), std::move(next)};
}
Finding bad(std::string seen, std::string next) { return {Health::bad, std::move(seen), std::move(next)}; }
Finding unknown(std::string seen, std::string next) {
  return {Health::unknown, std::move(seen), std::move(next)};
}
Finding bad_if(bool is_bad, std::string seen, std::string next) {
  return {is_bad ? Health::bad : Health::warning, std::move(seen), std::move(next)};
}

void Checkup::check(std::string id, std::string about, const Body& body) {
  checks_.push_back({std::move(id), std::move(about), look(body)});
}

}  // namespace cowshed
