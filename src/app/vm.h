// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "app/definition.h"
#include "app/links.h"
#include "pools/volume.h"

namespace cowshed::app {

class App;

enum class VmState { stopped, running, partly_running };
std::string_view to_string(VmState state);

/// A VM: its volumes as live objects, and what it is built on. Made from a definition without looking at
/// other VMs: template and sources are found on first use, whatever the order in which VMs were loaded.
class Vm {
 public:
  /// Throws not_found for a pool that does not exist, and what the pool's driver throws.
  Vm(App& app, VmName name, VmDefinition definition, bool is_throwaway);
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  [[nodiscard]] const VmName& name() const { return name_; }
  [[nodiscard]] VmKind kind() const { return kind_; }
  [[nodiscard]] const std::optional<KernelName>& kernel() const { return kernel_; }
  /// Its definition is not stored: gone when it stops.
  [[nodiscard]] bool is_throwaway() const { return is_throwaway_; }
  [[nodiscard]] const std::optional<VmName>& template_name() const { return template_name_; }

  /// Nothing where the kind of VM has none. Throws invalid_argument naming both VMs where the template does
  /// not exist.
  Vm* template_vm();
  /// The templates from the nearest up. Throws invalid_argument naming the VMs of a template cycle.
  std::vector<Vm*> chain();
  /// Which of them has that volume. Throws not_found.
  Vm& owner_of(const pools::Volume& source);

  /// In the order of volume_before().
  [[nodiscard]] const std::vector<pools::Volume*>& volumes() const { return volume_list_; }
  [[nodiscard]] pools::Volume* find_volume(const VolumeName& name) const;
  /// Throws not_found listing the volumes there are.
  [[nodiscard]] pools::Volume& volume(const VolumeName& name) const;

  /// Whether any volume runs.
  bool is_running();
  VmState state();
  /// Throws running: "vm 'work' is running; stop it first".
  void require_stopped();

  /// Starts all volumes together and publishes their links. Throws running, in_use, and what the drivers
  /// throw; then nothing of it runs. (Several VMs: App::start.)
  std::vector<pools::BlockDevice> start(const std::optional<NodeAccess>& nodes = std::nullopt);
  /// Idempotent. Throws in_use, then everything is as it was. A throw-away VM is gone afterwards, this object
  /// with it.
  void stop(const pools::StopOptions& options = {});
  /// Of a running VM, with their links. Throws not_running.
  std::vector<pools::BlockDevice> devices();
  /// The volume's device with its stable link; nothing where it has none.
  std::optional<pools::BlockDevice> device(pools::Volume& volume);

  /// What is to be saved.
  [[nodiscard]] VmDefinition definition() const;

  // For the rest of the app layer: the caller saves the definition.
  [[nodiscard]] App& app() const { return app_; }
  pools::Volume& add_volume(const VolumeDefinition& definition);
  void drop_volume(const VolumeName& name);
  /// Checked by the driver. `volume` is one of this VM's.
  void set_properties(pools::Volume& volume, pools::VolumeProperties properties);
  void set_template(const VmName& name);
  void set_kernel(KernelName name) { kernel_ = std::move(name); }
  /// Templates or their volumes changed: references are looked up again.
  void forget_references();

 private:
  pools::Volume* source_of(const VolumeName& name);
  void update_list();

  App& app_;
  VmName name_;
  VmKind kind_;
  std::optional<VmName> template_name_;
  std::optional<KernelName> kernel_;
  bool is_throwaway_;
  std::vector<std::unique_ptr<pools::Volume>> volumes_;
  std::vector<pools::Volume*> volume_list_;
  Vm* template_ = nullptr;
  std::map<VolumeName, pools::Volume*> sources_;
};

/// The volume that a snapshot volume `name` of a VM with the template `from` begins from: that of the nearest
/// VM, `from` included, where it has save_on_stop. Nothing where there is none.
pools::Volume* find_saved_volume(Vm& from, const VolumeName& name);

/// "volume 'root'"
std::string label(const pools::Volume& volume);
/// "vm 'work'"
std::string label(const Vm& vm);

}  // namespace cowshed::app
