// SPDX-License-Identifier: Apache-2.0
#include "api/remote.h"

#include <fmt/core.h>

#include "api/codec.h"
#include "api/methods.h"
#include "api/piped.h"
#include "api/protocol_error.h"
#include "app/interruption.h"

namespace cowshed::api {

namespace {

void told(const nlohmann::json& reply, const ProgressTold& tell) {
  Progress progress;
  FieldDecoder decoder(reply, Unknown::ignore);
  decoder("progress", progress);
  tell(progress.done, progress.total);
}

template <typename Request>
varlink::Client::Told teller(const Request& request) {
  if constexpr (TellsProgress<Request>) {
    if (request.progress) return [&](const nlohmann::json& reply) { told(reply, request.progress); };
  }
  return nullptr;
}

template <typename Answer>
Answer read_answer(const nlohmann::json& reply, std::string_view field) {
  Answer answer{};
  if constexpr (!std::is_same_v<Answer, Nothing>) {
    FieldDecoder decoder(reply, Unknown::ignore);
    decoder(field, answer);
  }
  return answer;
}

void check() {
  if (app::is_interrupted())
    throw Error(ErrorKind::interrupted,
                "interrupted; the service undoes what was begun, or finishes what cannot be undone any more");
}

}  // namespace

Remote::Remote(Fd socket) : client_(std::move(socket), check) {}

template <typename Request>
typename Request::Answer Remote::ask(const Request& request) {
  constexpr auto method = method_of<Request>();
  nlohmann::json parameters;
  encode(parameters, request);
  try {
    const auto reply =
        client_.call(fmt::format("{}.{}", interface_name, method.name), parameters, teller(request));
    return read_answer<typename Request::Answer>(reply, method.answer);
  } catch (const varlink::Refusal& refusal) {
    throw error_of(refusal);
  } catch (const BadParameter& bad) {
    throw Error(ErrorKind::not_supported,
                fmt::format("the service's answer has no good '{}': is it of another version?", bad.name));
  }
}

void Remote::watch(const Monitor& request, const std::function<void(const Event&)>& tell) {
  nlohmann::json parameters;
  encode(parameters, request);
  try {
    client_.call(fmt::format("{}.{}", interface_name, method_of<Monitor>().name), parameters,
                 [&](const nlohmann::json& reply) {
                   if (reply.contains("event")) tell(read_answer<Event>(reply, "event"));
                 });
  } catch (const varlink::Refusal& refusal) {
    throw error_of(refusal);
  }
}

PoolList::Answer Remote::call(const PoolList& request) { return ask(request); }
PoolDrivers::Answer Remote::call(const PoolDrivers& request) { return ask(request); }
PoolInfoRequest::Answer Remote::call(const PoolInfoRequest& request) { return ask(request); }
PoolAdd::Answer Remote::call(const PoolAdd& request) { return ask(request); }
PoolImportConf::Answer Remote::call(const PoolImportConf& request) { return ask(request); }
PoolRemove::Answer Remote::call(const PoolRemove& request) { return ask(request); }
PoolSet::Answer Remote::call(const PoolSet& request) { return ask(request); }
ConfigList::Answer Remote::call(const ConfigList& request) { return ask(request); }
ConfigGet::Answer Remote::call(const ConfigGet& request) { return ask(request); }
ConfigSet::Answer Remote::call(const ConfigSet& request) { return ask(request); }
ConfigUnset::Answer Remote::call(const ConfigUnset& request) { return ask(request); }
VmList::Answer Remote::call(const VmList& request) { return ask(request); }
VmInfoRequest::Answer Remote::call(const VmInfoRequest& request) { return ask(request); }
VmDevices::Answer Remote::call(const VmDevices& request) { return ask(request); }
VmCreate::Answer Remote::call(const VmCreate& request) { return ask(request); }
VmStart::Answer Remote::call(const VmStart& request) { return ask(request); }
VmStop::Answer Remote::call(const VmStop& request) { return ask(request); }
VmClone::Answer Remote::call(const VmClone& request) { return ask(request); }
VmRemove::Answer Remote::call(const VmRemove& request) { return ask(request); }
VmSet::Answer Remote::call(const VmSet& request) { return ask(request); }
VmAdopt::Answer Remote::call(const VmAdopt& request) { return ask(request); }
VmRunThrowaway::Answer Remote::call(const VmRunThrowaway& request) { return ask(request); }
VolumeList::Answer Remote::call(const VolumeList& request) { return ask(request); }
VolumeInfoRequest::Answer Remote::call(const VolumeInfoRequest& request) { return ask(request); }
VolumeCreate::Answer Remote::call(const VolumeCreate& request) { return ask(request); }
VolumeRemove::Answer Remote::call(const VolumeRemove& request) { return ask(request); }
VolumeSet::Answer Remote::call(const VolumeSet& request) { return ask(request); }
VolumeVerify::Answer Remote::call(const VolumeVerify& request) { return ask(request); }
VolumeRevisions::Answer Remote::call(const VolumeRevisions& request) { return ask(request); }
VolumeResize::Answer Remote::call(const VolumeResize& request) { return ask(request); }
VolumeImport::Answer Remote::call(const VolumeImport& request) {
  if (request.file != "-") return ask(request);
  const PipedInput input;
  VolumeImport piped = request;
  piped.file = input.path();
  return ask(piped);
}
VolumeExport::Answer Remote::call(const VolumeExport& request) {
  if (request.file != "-") return ask(request);
  PipedOutput output;
  VolumeExport piped = request;
  piped.file = output.path();
  ask(piped);
  output.finish();
  return {};
}
VolumeClone::Answer Remote::call(const VolumeClone& request) { return ask(request); }
VolumeRevert::Answer Remote::call(const VolumeRevert& request) { return ask(request); }
VolumePromote::Answer Remote::call(const VolumePromote& request) { return ask(request); }
Doctor::Answer Remote::call(const Doctor& request) { return ask(request); }
Metrics::Answer Remote::call(const Metrics& request) { return ask(request); }
Recover::Answer Remote::call(const Recover& request) { return ask(request); }
Tree::Answer Remote::call(const Tree& request) { return ask(request); }
Status::Answer Remote::call(const Status& request) { return ask(request); }

}  // namespace cowshed::api
