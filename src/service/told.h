// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/types.h"
#include "service/events.h"
#include "service/metrics.h"

/// What subscribers and metrics are told of a request that was carried out.
namespace cowshed::service {

/// Most requests tell nothing.
template <typename Request>
void tell_done(Events& /*events*/, Metrics& /*metrics*/, const Request& /*request*/,
               const typename Request::Answer& /*answer*/) {}

void tell_done(Events& events, Metrics& metrics, const api::VmStart& request,
               const api::VmStart::Answer& answer);
void tell_done(Events& events, Metrics& metrics, const api::VmStop& request,
               const api::VmStop::Answer& answer);
void tell_done(Events& events, Metrics& metrics, const api::VmRunThrowaway& request,
               const api::VmRunThrowaway::Answer& answer);
void tell_done(Events& events, Metrics& metrics, const api::VolumeRevert& request,
               const api::Nothing& answer);
void tell_done(Events& events, Metrics& metrics, const api::VolumeImport& request,
               const api::Nothing& answer);
void tell_done(Events& events, Metrics& metrics, const api::VolumePromote& request,
               const api::Nothing& answer);
void tell_done(Events& events, Metrics& metrics, const api::Recover& request,
               const api::Recover::Answer& answer);

}  // namespace cowshed::service
