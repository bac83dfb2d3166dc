// SPDX-License-Identifier: Apache-2.0
#include "service/told.h"

namespace cowshed::service {

namespace {

std::optional<ErrorKind> kind_of(const std::optional<Error>& error) {
  return error ? std::optional(error->kind()) : std::nullopt;
}

void tell_result(Events& events, Metrics& metrics, const api::VmResult& result, const char* operation,
                 const char* done) {
  metrics.count_vm(operation, kind_of(result.error));
  api::Event event{.kind = result.error ? "failed" : done, .vm = result.vm};
  if (result.error) event.message = result.error->message();
  events.publish(std::move(event));
}

/// "work:root" in its parts.
void tell_volume(Events& events, const std::string& volume, const char* kind) {
  const auto colon = volume.find(':');
  events.publish({.kind = kind, .vm = volume.substr(0, colon), .volume = volume.substr(colon + 1)});
}

}  // namespace

void tell_done(Events& events, Metrics& metrics, const api::VmStart& /*request*/,
               const api::VmStart::Answer& answer) {
  for (const auto& result : answer) tell_result(events, metrics, result, "start", "started");
}

void tell_done(Events& events, Metrics& metrics, const api::VmStop& request,
               const api::VmStop::Answer& answer) {
  for (const auto& result : answer) {
    for (const auto& volume : result.committed)
      events.publish({.kind = "committed", .vm = result.vm, .volume = volume});
    tell_result(events, metrics, result, "stop", request.discard ? "discarded" : "stopped");
  }
}

void tell_done(Events& events, Metrics& metrics, const api::VmRunThrowaway& /*request*/,
               const api::VmRunThrowaway::Answer& answer) {
  tell_result(events, metrics, answer, "start", "started");
}

void tell_done(Events& events, Metrics& /*metrics*/, const api::VolumeRevert& request,
               const api::Nothing& /*answer*/) {
  tell_volume(events, request.volume, "committed");
}
void tell_done(Events& events, Metrics& /*metrics*/, const api::VolumeImport& request,
               const api::Nothing& /*answer*/) {
  tell_volume(events, request.volume, "committed");
}
void tell_done(Events& events, Metrics& /*metrics*/, const api::VolumePromote& request,
               const api::Nothing& /*answer*/) {
  tell_volume(events, request.volume, "committed");
}

void tell_done(Events& events, Metrics& /*metrics*/, const api::Recover& request,
               const api::Recover::Answer& answer) {
  if (request.dry_run) return;
  for (const auto& line : answer.lines) events.publish({.kind = "recovered", .message = line});
}

}  // namespace cowshed::service
