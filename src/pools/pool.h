// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/guard_report.h"
#include "base/ids.h"
#include "base/units.h"
#include "pools/capability.h"
#include "pools/operation.h"
#include "pools/tree.h"
#include "pools/volume.h"

/// The driver interface, part one: a pool, and the registry of drivers.
namespace cowshed::pools {

/// A parameter of a driver. Configuration errors and `pool drivers` come from this one table.
struct Parameter {
  enum class Type { path, text, integer, boolean };
  std::string name;
  Type type;
  bool required;
  /// As text; empty: none.
  std::string default_value;
  std::string help;
};
std::string_view to_string(Parameter::Type type);

/// Parameter values, checked against the driver's table, defaults filled in.
using Parameters = std::map<std::string, std::string>;

/// Who asks for a vid: decides the directory in file pools.
struct VolumeOwner {
  VmName vm;
  bool is_template;
  /// The VM's kernel, where it has one: the vid in a pool of kernels.
  std::optional<KernelName> kernel;
};

struct RecoveryReport {
  /// What was done, or with dry_run would be, and what could not: one line each, for people.
  std::vector<std::string> lines;
  /// Everything could be looked at and put right.
  bool complete = true;

  void add(std::string line) { lines.push_back(std::move(line)); }
  void fail(std::string_view what, const Error& error) {
    lines.push_back("not recovered: " + std::string(what) + ": " + error.message());
    complete = false;
  }
};

class Pool {
 public:
  Pool(PoolName name, std::string driver, Parameters parameters, int revisions_to_keep)
      : name_(std::move(name)),
        driver_(std::move(driver)),
        parameters_(std::move(parameters)),
        revisions_to_keep_(revisions_to_keep) {}
  virtual ~Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] const PoolName& name() const { return name_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  [[nodiscard]] const Parameters& parameters() const { return parameters_; }
  [[nodiscard]] int revisions_to_keep() const { return revisions_to_keep_; }
  /// Throws not_supported for a value the driver cannot keep.
  virtual void set_revisions_to_keep(int value) { revisions_to_keep_ = value; }
  /// What counts for volatile volumes that do not say whether they are ephemeral. Whoever sets it has called
  /// check_ephemeral_volatile().
  [[nodiscard]] bool ephemeral_volatile() const { return ephemeral_volatile_; }
  void set_ephemeral_volatile(bool value) { ephemeral_volatile_ = value; }

  /// Makes what the pool needs before its first volume. Idempotent.
  virtual Operation<void> setup() = 0;
  /// Called when the pool is removed from the configuration; volumes are gone by then. Removes only what
  /// setup made.
  virtual Operation<void> destroy() = 0;

  /// The vid a new volume of that owner gets.
  [[nodiscard]] virtual Vid make_vid(const VolumeOwner& owner, const VolumeName& volume) const = 0;
  /// Throws not_supported or invalid_argument where the driver cannot hold such a volume (kind,
  /// revisions_to_keep, size, ...).
  virtual void check(const VolumeProperties& properties) const = 0;
  /// An object for a stored volume; touches neither disk nor kernel.
  virtual std::unique_ptr<Volume> volume(VolumeProperties properties, Volume::SourceResolver source) = 0;

  /// Where it lies, for a driver that keeps volumes as Qubes does: what others made there can be adopted.
  [[nodiscard]] virtual std::optional<Tree> tree() const { return std::nullopt; }

  /// Called with all volumes of a batch before they are started, so that what they share is brought up once.
  virtual void prepare(std::span<Volume* const> /*volumes*/) {}
  /// Waits until everything that stops left to tear down is gone.
  virtual void finish() {}

  /// The directory that holds its data, where it has one: the parameter dir_path. Which pool lies within
  /// which, and which share a file system, follows from it.
  [[nodiscard]] virtual std::optional<Path> location() const;
  /// Of what holds its data, other people's included: the file system of location(), where there is one.
  /// Throws not_found where that is missing.
  [[nodiscard]] virtual std::optional<Bytes> size() const;
  [[nodiscard]] virtual std::optional<Bytes> usage() const;

  // Space: what sessions take is looked after by whoever keeps calling guard(), and by nobody else.

  [[nodiscard]] SpaceSettings space() const;
  void set_space(const SpaceSettings& settings);
  /// From here on guard() will be called. `volumes`: all that the configuration has in this pool. Nothing
  /// else works on them meanwhile.
  virtual void begin_guard(std::span<Volume* const> /*volumes*/) {}
  /// One look at the space of the pool and of its running volumes, and what follows from it (docs/space.md).
  /// Beside all other calls, by one thread at a time.
  virtual GuardReport guard() { return {}; }
  /// guard() will not be called any more: no session stays held that nobody would let go on. False where one
  /// has to, since its file system is full: recover() lets it go on once there is space.
  virtual bool end_guard(std::span<Volume* const> /*volumes*/) { return true; }

  /// Puts right what a killed process or a power loss left: resumes suspended devices, finishes commits,
  /// removes half-built layers and files that belong to nothing. `volumes`: all that the configuration has in
  /// this pool. Never touches what is not ours.
  virtual RecoveryReport recover(std::span<Volume* const> /*volumes*/, bool /*dry_run*/) { return {}; }

 private:
  PoolName name_;
  std::string driver_;
  Parameters parameters_;
  int revisions_to_keep_;
  bool ephemeral_volatile_ = false;
  mutable std::mutex space_mutex_;
  SpaceSettings space_;
};

/// What drivers share in one process; defined by the layers below (layers/host.h).
struct DriverContext;

struct PoolSpec {
  PoolName name;
  Parameters parameters;
  /// Not set: the driver's default.
  std::optional<int> revisions_to_keep;
};

struct Driver {
  std::string name;
  std::string help;
  std::vector<Parameter> parameters;
  /// Whatever is not among them is refused with not_supported.
  std::set<Capability> capabilities;
  std::function<std::unique_ptr<Pool>(PoolSpec, DriverContext&)> make;
};

/// All drivers compiled in.
const std::vector<Driver>& drivers();
/// Throws not_found listing the drivers there are.
const Driver& find_driver(std::string_view name);
/// Throws not_supported where `value` is true and the driver has no ephemeral volumes.
void check_ephemeral_volatile(const Driver& driver, bool value);
/// Checks names and types, fills in defaults. Throws invalid_argument naming the parameter.
Parameters check_parameters(const Driver& driver, const Parameters& given);

}  // namespace cowshed::pools
