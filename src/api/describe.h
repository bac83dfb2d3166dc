// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/types.h"
#include "app/app.h"

/// Live objects as parts of answers. What disk or kernel refuse to tell is left out, with the reason in
/// `error`: one broken volume does not spoil a list.
namespace cowshed::api {

enum class Detail {
  /// No more than the definition and quick questions.
  brief,
  /// Also paths, revisions and layers.
  full
};

Device describe(const std::string& vm, const pools::BlockDevice& device);
std::vector<Device> describe(const std::string& vm, const std::vector<pools::BlockDevice>& devices);
VolumeInfo describe(app::Vm& vm, pools::Volume& volume, Detail detail);
VmInfo describe(app::Vm& vm, Detail detail);
VmInfo describe(const app::ListedVm& listed, Detail detail);
DriverInfo describe(const pools::Driver& driver);
std::vector<RevisionInfo> describe(const std::vector<pools::Revision>& revisions);
VmResult describe(const app::VmOutcome& outcome);

}  // namespace cowshed::api
