// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "api/api.h"
#include "app/app.h"

namespace cowshed::api {

/// Carries requests out in this process. A request that only reads shares the state directory and lets go of
/// it before it is answered; one that changes something keeps it until this object ends, which waits for what
/// is still being torn down: so an answer can be shown before that. Several threads may call it.
class Local final : public Api {
 public:
  /// `options.lock.access` is chosen by each request.
  explicit Local(app::AppOptions options) : options_(std::move(options)) {}

  /// For a service: keeps the state directory from now on. Requests that only read stand beside those that
  /// change something, and never wait for them. Throws what opening an App throws.
  app::App& keep();
  /// Where its metrics come from.
  void set_metrics(std::function<std::string()> text) { metrics_ = std::move(text); }

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

  /// Throws not_running: without a service nothing is counted.
  Metrics::Answer call(const Metrics& request) override;
  Recover::Answer call(const Recover& request) override;
  Tree::Answer call(const Tree& request) override;
  Status::Answer call(const Status& request) override;
  Doctor::Answer call(const Doctor& request) override;

 private:
  /// For one request: opened for reading, unless this object already has it for writing.
  class Reading {
   public:
    explicit Reading(app::App& kept) : app_(&kept) {}
    explicit Reading(std::unique_ptr<app::App> own) : own_(std::move(own)), app_(own_.get()) {}
    app::App* operator->() const { return app_; }
    app::App& operator*() const { return *app_; }

   private:
    std::unique_ptr<app::App> own_;
    app::App* app_;
  };
  Reading reading();
  /// Opened for writing, kept.
  app::App& writing(bool recover_when_due = true);
  /// A turn beside others, with those VMs.
  app::Turn beside(std::vector<VmName> vms);
  /// A turn in which definitions are changed.
  app::Turn alone(std::vector<VmName> vms = {});

  app::AppOptions options_;
  std::function<std::string()> metrics_;
  bool keeps_ = false;
  std::unique_ptr<app::App> app_;
};

}  // namespace cowshed::api
