// SPDX-License-Identifier: Apache-2.0
#include "pools/kernels/kernels_pool.h"

#include <fmt/core.h>

#include "base/error.h"

namespace cowshed::pools::kernels {

namespace {

class KernelVolume : public Volume {
 public:
  KernelVolume(KernelsPool& pool, VolumeProperties properties, SourceResolver source)
      : Volume(pool, std::move(properties), std::move(source)),
        directory_(pool.directory() / this->properties().vid.str()) {}

  Operation<void> create(CreateOptions options) override {
    return Operation<void>::run_now([&] {
      if (options.image) not_supported("fill", "kernels are put into their directory by hand");
    });
  }
  Operation<void> remove() override {
    return Operation<void>::run_now([] {});
  }
  Operation<std::optional<BlockDevice>> start() override {
    return Operation<std::optional<BlockDevice>>::run_now([this] {
      verify();
      return block_device();
    });
  }
  void check_start() override { verify(); }
  Operation<void> stop(StopOptions) override {
    return Operation<void>::run_now([] {});
  }
  Operation<void> abandon() override { return stop({}); }

  bool has_block_device() const override { return path_exists(modules()); }
  bool holds_device() const override { return false; }
  bool is_running() override { return false; }

  std::optional<BlockDevice> block_device() override {
    if (!has_block_device()) return std::nullopt;
    return BlockDevice{.name = properties().name.str(), .path = modules(), .node = modules(), .rw = false};
  }

  void verify() override {
    if (!path_exists(directory_))
      throw Error(ErrorKind::not_found, fmt::format("there is no kernel '{}': '{}' is missing",
                                                    properties().vid.str(), directory_.native()));
    if (!stat_if_exists(directory_ / "vmlinuz"))
      throw Error(ErrorKind::not_found, fmt::format("kernel '{}' has no '{}'", properties().vid.str(),
                                                    (directory_ / "vmlinuz").native()));
  }

  bool is_dirty() override { return false; }
  bool is_outdated() override { return false; }
  Bytes size() override {
    const auto found = stat_if_exists(modules());
    return found ? found->size : Bytes{};
  }
  Bytes usage() override {
    const auto found = stat_if_exists(modules());
    return found ? found->allocated : Bytes{};
  }
  /// An image, although nothing is saved: it outlives every VM.
  std::vector<StoredFile> stored_files() override { return {{DataKind::image, modules(), usage()}}; }
  std::vector<Revision> revisions() override { return {}; }
  std::vector<Layer> layers() override { return {}; }
  VolumePaths paths() override {
    return {.path = modules(), .path_cow = {}, .path_source = {}, .path_source_cow = {}};
  }
  std::optional<KernelFiles> kernel_files() override {
    return KernelFiles{.vmlinuz = directory_ / "vmlinuz", .initramfs = directory_ / "initramfs"};
  }

 private:
  [[nodiscard]] Path modules() const { return directory_ / "modules.img"; }
  Path directory_;
};

}  // namespace

Driver driver() {
  return {
      .name = "linux-kernel",
      .help = "a directory of kernels for VMs: NAME/{vmlinuz,initramfs,modules.img}, read-only",
      .parameters = {{"dir_path", Parameter::Type::path, true, "", "the directory the kernels lie in"}},
      .capabilities = {},
      .make = [](PoolSpec spec, DriverContext&) { return std::make_unique<KernelsPool>(std::move(spec)); }};
}

KernelsPool::KernelsPool(PoolSpec spec)
    : Pool(std::move(spec.name), "linux-kernel", std::move(spec.parameters),
           spec.revisions_to_keep.value_or(0)),
      directory_(parameters().at("dir_path")) {
  KernelsPool::set_revisions_to_keep(revisions_to_keep());
}

void KernelsPool::set_revisions_to_keep(int value) {
  if (value != 0)
    throw Error(ErrorKind::not_supported,
                fmt::format("driver 'linux-kernel' keeps no revisions, not {}", value));
}

Operation<void> KernelsPool::setup() {
  return Operation<void>::run_now([this] { make_directories(directory_); });
}

Operation<void> KernelsPool::destroy() {
  return Operation<void>::run_now([this] { remove_empty_directories(directory_, directory_.parent_path()); });
}

Vid KernelsPool::make_vid(const VolumeOwner& owner, const VolumeName& volume) const {
  if (!owner.kernel)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("volume '{}' lies in a pool of kernels, but the VM has no kernel", volume.str()));
  return Vid(owner.kernel->str());
}

void KernelsPool::check(const VolumeProperties& p) const {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorKind::not_supported,
                fmt::format("driver 'linux-kernel': volume '{}': {}", p.name.str(), why));
  };
  if (p.rw) refuse("kernels are read-only (rw must be false)");
  if (p.save_on_stop) refuse("save_on_stop is not possible");
  if (p.snap_on_start) refuse("snap_on_start is not possible");
  if (p.revisions_to_keep.value_or(0) != 0) refuse("revisions_to_keep must be 0");
}

std::unique_ptr<Volume> KernelsPool::volume(VolumeProperties properties, Volume::SourceResolver source) {
  return std::make_unique<KernelVolume>(*this, std::move(properties), std::move(source));
}

}  // namespace cowshed::pools::kernels
