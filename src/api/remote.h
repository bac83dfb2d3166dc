// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/api.h"
#include "varlink/client.h"

namespace cowshed::api {

/// Has requests carried out by the service, over one connection. An interruption (app/interruption.h) ends
/// the connection, whereupon the service undoes what can be undone.
class Remote final : public Api {
 public:
  /// A connected socket.
  explicit Remote(Fd socket);

  PoolList::Answer call(const PoolList& request) override;
  PoolDrivers::Answer call(const PoolDrivers& request) override;
  PoolInfoRequest::Answer call(const PoolInfoRequest& request) override;
  PoolAdd::Answer call(const PoolAdd& request) override;
  PoolImportConf::Answer call(const PoolImportConf& request) override;
  PoolRemove::Answer call(const PoolRemove& request) override;
  PoolSet::Answer call(const PoolSet& request) override;
  ConfigList::Answer call(const ConfigList& request) override;
  ConfigGet::Answer call(const ConfigGet& request) override;
  ConfigSet::Answer call(const ConfigSet& request) override;
  ConfigUnset::Answer call(const ConfigUnset& request) override;
  VmList::Answer call(const VmList& request) override;
  VmInfoRequest::Answer call(const VmInfoRequest& request) override;
  VmDevices::Answer call(const VmDevices& request) override;
  VmCreate::Answer call(const VmCreate& request) override;
  VmStart::Answer call(const VmStart& request) override;
  VmStop::Answer call(const VmStop& request) override;
  VmClone::Answer call(const VmClone& request) override;
  VmRemove::Answer call(const VmRemove& request) override;
  VmSet::Answer call(const VmSet& request) override;
  VmAdopt::Answer call(const VmAdopt& request) override;
  VmRunThrowaway::Answer call(const VmRunThrowaway& request) override;
  VolumeList::Answer call(const VolumeList& request) override;
  VolumeInfoRequest::Answer call(const VolumeInfoRequest& request) override;
  VolumeCreate::Answer call(const VolumeCreate& request) override;
  VolumeRemove::Answer call(const VolumeRemove& request) override;
  VolumeSet::Answer call(const VolumeSet& request) override;
  VolumeVerify::Answer call(const VolumeVerify& request) override;
  VolumeRevisions::Answer call(const VolumeRevisions& request) override;
  VolumeResize::Answer call(const VolumeResize& request) override;
  VolumeImport::Answer call(const VolumeImport& request) override;
  VolumeExport::Answer call(const VolumeExport& request) override;
  VolumeClone::Answer call(const VolumeClone& request) override;
  VolumeRevert::Answer call(const VolumeRevert& request) override;
  VolumePromote::Answer call(const VolumePromote& request) override;
  Doctor::Answer call(const Doctor& request) override;
  Metrics::Answer call(const Metrics& request) override;
  Recover::Answer call(const Recover& request) override;
  Tree::Answer call(const Tree& request) override;
  Status::Answer call(const Status& request) override;

  /// Calls `tell` with what happens, until it throws or the service ends the connection: throws then.
  void watch(const Monitor& request, const std::function<void(const Event&)>& tell);

 private:
  template <typename Request>
  typename Request::Answer ask(const Request& request);

  varlink::Client client_;
};

}  // namespace cowshed::api
