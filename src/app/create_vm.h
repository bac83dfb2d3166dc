// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "app/app.h"
#include "app/new_volumes.h"

namespace cowshed::app {

struct NewVm {
  VmName name;
  VmKind kind = VmKind::template_;
  std::optional<VmName> template_name = std::nullopt;
  /// Not set: the template's, where there is one.
  std::optional<KernelName> kernel = std::nullopt;
  VolumeWishes volumes = {};
  /// The root volume's first content; without a wished size the volume is as large as it.
  std::optional<pools::GivenImage> root_image = std::nullopt;
  pools::ProgressWatch progress = nullptr;
};

/// Stored when it returns; on any failure nothing is left. Throws exists, not_found, invalid_argument,
/// no_space and what the drivers throw.
Vm& create_vm(App& app, NewVm wanted);

/// A stopped VM of the same kind with the same volumes; those that are saved hold the last committed state of
/// `from`'s, which may run. On any failure nothing is left.
Vm& clone_vm(Vm& from, const VmName& name, pools::ProgressWatch progress);

/// A disposable of `above` (an app VM, or a template), whose definition is not stored: it is gone when it
/// stops. Created, not started. Without a name it is called disp1, disp2, ...
Vm& create_throwaway(App& app, Vm& above, std::optional<VmName> name);

}  // namespace cowshed::app
