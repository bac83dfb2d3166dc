// SPDX-License-Identifier: Apache-2.0
#include "app/doctor.h"

#include <fmt/core.h>

#include <algorithm>

#include "app/doctor_parts.h"
#include "base/error.h"
#include "io/checkup.h"
#include "loop/checkup.h"

namespace cowshed::app {

namespace {

bool is_ephemeral(const Config& config, const VolumeDefinition& volume) {
  const auto pool = config.pools.find(volume.pool);
  const bool is_default = pool != config.pools.end() && pool->second.ephemeral_volatile;
  return volume.properties.may_be_ephemeral() && volume.properties.ephemeral.value_or(is_default);
}

bool uses_crypt(const Definitions& definitions) {
  if (!definitions.config) return false;
  const auto& config = *definitions.config;
  return std::ranges::any_of(config.pools, [](const auto& pool) { return pool.second.ephemeral_volatile; }) ||
         std::ranges::any_of(definitions.vms, [&](const auto& vm) {
           return std::ranges::any_of(vm.second.volumes,
                                      [&](const auto& volume) { return is_ephemeral(config, volume); });
         });
}

constexpr std::chrono::milliseconds at_once(0);

/// Nobody's lock is waited for.
AppOptions only_looking(AppOptions options) {
  if (options.lock.access != Access::within) options.lock = {Access::read, "doctor", at_once};
  options.recover_when_due = false;
  return options;
}

Finding busy(const Error& error) { return unknown(error.message(), "ask again when that is done"); }

Finding due_recovery(const AppOptions& options) {
  if (options.lock.access == Access::within) return good("the service keeps the state directory");
  try {
    const StateLock lock(options.locations.lock(), only_looking(options).lock);
    if (!lock.unclean()) return good("the last command that changed something ended well");
    return warning(
        fmt::format("left unclean by {}: the next command that writes recovers first", *lock.unclean()),
        "cowshed recover");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::in_use) throw;
    return busy(error);
  }
}

Finding leftovers(const AppOptions& options, const Patient& patient) {
  if (!path_exists(options.locations.config())) return good("nothing was created so far");
  // Throws where there are no rights, so that nobody takes what cannot be seen for what is not there.
  patient.device_mapper.open();
  try {
    const auto report = App(only_looking(options)).recover(true);
    if (report.lines.empty()) return good("nothing is left over from a crash");
    const auto seen =
        fmt::format("recovery has {} thing(s) to do, first: {}", report.lines.size(), report.lines.front());
    return bad_if(!report.complete, seen, "cowshed recover --dry-run, then: cowshed recover");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::in_use) throw;
    return busy(error);
  }
}

}  // namespace

std::vector<Check> examine(const AppOptions& options, const Patient& patient) {
  Checkup checkup;
  Definitions definitions;
  Checkup installation;
  check_state(installation, options.locations, definitions);
  check_host(checkup, patient.host);
  dm::check_device_mapper(checkup, patient.host, patient.device_mapper, uses_crypt(definitions));
  loop::check_loop(checkup, patient.host);
  io::check_uring(checkup, patient.host, patient.open_uring);
  check_udev(checkup, patient.host);
  check_lvm(checkup, patient.host);
  check_pools(installation, patient.host, options.locations, definitions);
  check_owners(installation, definitions);
  installation.check("recovery.due", [&] { return due_recovery(options); });
  installation.check("recovery.leftovers", [&] { return leftovers(options, patient); });
  auto checks = checkup.checks();
  checks.insert(checks.end(), installation.checks().begin(), installation.checks().end());
  return checks;
}

}  // namespace cowshed::app
