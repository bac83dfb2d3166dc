// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "pools/pool.h"

/// Drivers that keep everything in memory, for tests of the layers above: they do as they are told, remember
/// what was asked of them, and fail where a test wants it. Data and what runs outlive the App, as disk and
/// kernel do.
namespace cowshed::test {

/// Disk and kernel of one test.
struct FakeWorld {
  std::mutex mutex;
  /// "POOL/vid" of volumes whose data exists.
  std::set<std::string> data;
  std::set<std::string> running;
  /// The guest holds the device: stop is refused.
  std::set<std::string> held;
  std::set<std::string> dirty;
  std::set<std::string> outdated, pending, invalid;
  /// By "POOL/vid".
  std::map<std::string, std::vector<pools::Layer>> layers;
  std::map<std::string, std::vector<pools::StoredFile>> files;
  /// "usage vm-templates/t/root", "size POOL": the error that the question ends with.
  std::map<std::string, Error> silent;
  Bytes pool_size = gibibytes(10), pool_usage = gibibytes(1);
  /// "start vm-templates/t/root", in the order in which it was asked for.
  std::vector<std::string> calls;
  /// How many volumes each prepare() was given.
  std::vector<std::size_t> prepared;
  /// "start vm-templates/t/root" -> the error it ends with.
  std::map<std::string, Error> failures;
  /// By vid: what a start is refused for.
  std::map<std::string, Error> refusals;
  /// Called at every step, before it is done.
  std::function<void(const std::string& call)> hook;

  void step(const std::string& call) {
    if (hook) hook(call);
    const std::lock_guard guard(mutex);
    calls.push_back(call);
    if (const auto failure = failures.find(call); failure != failures.end()) throw failure->second;
  }
  void ask(const std::string& question) {
    const std::lock_guard guard(mutex);
    if (const auto failure = silent.find(question); failure != silent.end()) throw failure->second;
  }
  bool has(const std::set<std::string>& set, const std::string& key) {
    const std::lock_guard guard(mutex);
    return set.contains(key);
  }
};

class FakeVolume : public pools::Volume {
 public:
  FakeVolume(FakeWorld& world, pools::Pool& pool, pools::VolumeProperties properties, SourceResolver source)
      : Volume(pool, std::move(properties), std::move(source)),
        world_(world),
        vid_(this->properties().vid.str()),
        key_(pool.name().str() + "/" + vid_) {}

  pools::Operation<void> create(pools::CreateOptions options) override {
    return asynchronous([this, options] {
      world_.step("create " + vid_);
      const std::lock_guard guard(world_.mutex);
      if (!properties().snap_on_start) world_.data.insert(key_);
    });
  }
  pools::Operation<void> remove() override {
    return asynchronous([this] {
      world_.step("remove " + vid_);
      const std::lock_guard guard(world_.mutex);
      world_.data.erase(key_);
    });
  }
  pools::Operation<std::optional<pools::BlockDevice>> start() override {
    auto work = [this]() -> std::optional<pools::BlockDevice> {
      world_.step("start " + vid_);
      {
        const std::lock_guard guard(world_.mutex);
        if (!world_.running.insert(key_).second) throw Error(ErrorKind::running, "runs already");
      }
      return block_device();
    };
    return pools::Operation<std::optional<pools::BlockDevice>>::pending(std::async(std::launch::async, work));
  }
  pools::Operation<void> stop(pools::StopOptions) override { return end("stop "); }
  pools::Operation<void> abandon() override { return end("abandon "); }
  void check_start() override {
    if (is_running()) throw Error(ErrorKind::running, "runs already");
    const std::lock_guard guard(world_.mutex);
    if (const auto refusal = world_.refusals.find(vid_); refusal != world_.refusals.end())
      throw Error(refusal->second);
  }
  void check_stop(const pools::StopOptions&) override {
    if (world_.has(world_.held, key_)) throw Error(ErrorKind::in_use, "the guest holds the device");
  }

  bool is_running() override { return world_.has(world_.running, key_); }
  std::optional<pools::BlockDevice> block_device() override {
    pools::BlockDevice device{
        .name = properties().name.str(), .path = {}, .node = {}, .major = 254, .minor = 7};
    device.rw = properties().rw;
    if (is_running()) device.node = "/dev/fake/" + vid_;
    return device;
  }
  void verify() override {
    if (!world_.has(world_.data, key_)) throw Error(ErrorKind::not_found, "'" + vid_ + "' is missing");
  }
  bool is_dirty() override { return world_.has(world_.dirty, key_); }
  bool is_outdated() override { return world_.has(world_.outdated, key_); }
  bool is_commit_pending() override { return world_.has(world_.pending, key_); }
  bool is_invalid() override { return world_.has(world_.invalid, key_); }
  Bytes size() override { return properties().snap_on_start ? source().size() : properties().size; }
  Bytes usage() override {
    world_.ask("usage " + vid_);
    return {};
  }
  std::vector<pools::Revision> revisions() override { return {}; }
  std::vector<pools::StoredFile> stored_files() override { return world_.files[key_]; }
  std::vector<pools::Layer> layers() override { return world_.layers[key_]; }

 private:
  template <typename Work>
  static pools::Operation<void> asynchronous(Work work) {
    return pools::Operation<void>::pending(std::async(std::launch::async, work));
  }
  pools::Operation<void> end(const std::string& how) {
    return asynchronous([this, how] {
      world_.step(how + vid_);
      const std::lock_guard guard(world_.mutex);
      world_.running.erase(key_);
    });
  }

  FakeWorld& world_;
  std::string vid_;
  std::string key_;
};

/// Kernels: a file each, nothing that runs.
class FakeKernelVolume final : public FakeVolume {
 public:
  using FakeVolume::FakeVolume;
  bool has_block_device() const override { return false; }
  bool holds_device() const override { return false; }
  bool is_running() override { return false; }
  void check_start() override {}
  void verify() override {}
  std::optional<pools::BlockDevice> block_device() override { return std::nullopt; }
  pools::Operation<std::optional<pools::BlockDevice>> start() override {
    return pools::Operation<std::optional<pools::BlockDevice>>::run_now(
        [] { return std::optional<pools::BlockDevice>(); });
  }
  pools::Operation<void> stop(pools::StopOptions) override {
    return pools::Operation<void>::run_now([] {});
  }
  pools::Operation<void> abandon() override { return stop({}); }
};

class FakePool final : public pools::Pool {
 public:
  FakePool(FakeWorld& world, std::string driver, pools::PoolSpec spec)
      : Pool(std::move(spec.name), std::move(driver), std::move(spec.parameters),
             spec.revisions_to_keep.value_or(1)),
        world_(world) {}

  pools::Operation<void> setup() override { return step("setup "); }
  pools::Operation<void> destroy() override { return step("destroy "); }
  [[nodiscard]] Vid make_vid(const pools::VolumeOwner& owner, const VolumeName& volume) const override {
    if (is_kernels()) return Vid(owner.kernel ? owner.kernel->str() : "none");
    return Vid((owner.is_template ? "vm-templates/" : "appvms/") + owner.vm.str() + "/" + volume.str());
  }
  void check(const pools::VolumeProperties& properties) const override {
    if (properties.revisions_to_keep.value_or(0) > 1)
      throw Error(ErrorKind::not_supported, "driver '" + driver() + "' keeps at most one revision");
    if (!is_kernels() && !properties.snap_on_start && properties.size.count == 0)
      throw Error(ErrorKind::invalid_argument, "size 0 is not allowed");
  }
  std::unique_ptr<pools::Volume> volume(pools::VolumeProperties properties,
                                        pools::Volume::SourceResolver source) override {
    if (is_kernels())
      return std::make_unique<FakeKernelVolume>(world_, *this, std::move(properties), std::move(source));
    return std::make_unique<FakeVolume>(world_, *this, std::move(properties), std::move(source));
  }
  void prepare(std::span<pools::Volume* const> volumes) override {
    const std::lock_guard guard(world_.mutex);
    world_.prepared.push_back(volumes.size());
  }
  [[nodiscard]] std::optional<Bytes> size() const override {
    world_.ask("size " + name().str());
    return world_.pool_size;
  }
  [[nodiscard]] std::optional<Bytes> usage() const override { return world_.pool_usage; }
  void finish() override { static_cast<void>(step("finish ")); }
  pools::RecoveryReport recover(std::span<pools::Volume* const> volumes, bool dry_run) override {
    world_.step("recover " + name().str() + " " + std::to_string(volumes.size()) + (dry_run ? " dry" : ""));
    return {};
  }

 private:
  [[nodiscard]] bool is_kernels() const { return driver() == "linux-kernel"; }
  pools::Operation<void> step(const std::string& what) {
    return pools::Operation<void>::run_now([&] { world_.step(what + name().str()); });
  }
  FakeWorld& world_;
};

/// `file` and `linux-kernel`, as the configuration of a first start names them.
inline std::vector<pools::Driver> fake_drivers(FakeWorld& world) {
  std::vector<pools::Driver> drivers;
  for (const std::string name : {"file", "linux-kernel"})
    drivers.push_back({.name = name,
                       .help = "a fake",
                       .parameters = {{"dir_path", pools::Parameter::Type::path, true, "", "a directory"}},
                       .capabilities = name == "file" ? std::set{pools::Capability::ephemeral}
                                                      : std::set<pools::Capability>{},
                       .make = [&world, name](pools::PoolSpec spec, pools::DriverContext&) {
                         return std::make_unique<FakePool>(world, name, std::move(spec));
                       }});
  return drivers;
}

}  // namespace cowshed::test
