// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/types.h"

namespace cowshed::api {

/// Everything that a command can ask for. Local carries it out in this process; a service's client will send
/// it on. Calls block and throw Error.
class Api {
 public:
  Api() = default;
  virtual ~Api() = default;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  virtual PoolList::Answer call(const PoolList& request) = 0;
  virtual PoolDrivers::Answer call(const PoolDrivers& request) = 0;
  virtual PoolInfoRequest::Answer call(const PoolInfoRequest& request) = 0;
  virtual PoolAdd::Answer call(const PoolAdd& request) = 0;
  virtual PoolImportConf::Answer call(const PoolImportConf& request) = 0;
  virtual PoolRemove::Answer call(const PoolRemove& request) = 0;
  virtual PoolSet::Answer call(const PoolSet& request) = 0;

  virtual ConfigList::Answer call(const ConfigList& request) = 0;
  virtual ConfigGet::Answer call(const ConfigGet& request) = 0;
  virtual ConfigSet::Answer call(const ConfigSet& request) = 0;
  virtual ConfigUnset::Answer call(const ConfigUnset& request) = 0;

  virtual VmList::Answer call(const VmList& request) = 0;
  virtual VmInfoRequest::Answer call(const VmInfoRequest& request) = 0;
  virtual VmDevices::Answer call(const VmDevices& request) = 0;
  virtual VmCreate::Answer call(const VmCreate& request) = 0;
  virtual VmStart::Answer call(const VmStart& request) = 0;
  virtual VmStop::Answer call(const VmStop& request) = 0;
  virtual VmClone::Answer call(const VmClone& request) = 0;
  virtual VmRemove::Answer call(const VmRemove& request) = 0;
  virtual VmSet::Answer call(const VmSet& request) = 0;
  virtual VmAdopt::Answer call(const VmAdopt& request) = 0;
  virtual VmRunThrowaway::Answer call(const VmRunThrowaway& request) = 0;

  virtual VolumeList::Answer call(const VolumeList& request) = 0;
  virtual VolumeInfoRequest::Answer call(const VolumeInfoRequest& request) = 0;
  virtual VolumeCreate::Answer call(const VolumeCreate& request) = 0;
  virtual VolumeRemove::Answer call(const VolumeRemove& request) = 0;
  virtual VolumeSet::Answer call(const VolumeSet& request) = 0;
  virtual VolumeVerify::Answer call(const VolumeVerify& request) = 0;
  virtual VolumeRevisions::Answer call(const VolumeRevisions& request) = 0;
  virtual VolumeResize::Answer call(const VolumeResize& request) = 0;
  virtual VolumeImport::Answer call(const VolumeImport& request) = 0;
  virtual VolumeExport::Answer call(const VolumeExport& request) = 0;
  virtual VolumeClone::Answer call(const VolumeClone& request) = 0;
  virtual VolumeRevert::Answer call(const VolumeRevert& request) = 0;
  virtual VolumePromote::Answer call(const VolumePromote& request) = 0;

  virtual Metrics::Answer call(const Metrics& request) = 0;
  virtual Recover::Answer call(const Recover& request) = 0;
  virtual Tree::Answer call(const Tree& request) = 0;
  virtual Status::Answer call(const Status& request) = 0;
  virtual Doctor::Answer call(const Doctor& request) = 0;
};

}  // namespace cowshed::api
