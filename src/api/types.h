// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checkup.h"
#include "base/error.h"
#include "base/guard_report.h"
#include "base/units.h"

/// One request and one answer for each command. Plain data: what a request says is checked where it is
/// carried out. docs/json.md describes the answers as JSON.
namespace cowshed::api {

// Parts of answers

struct ParameterInfo {
  std::string name, type, default_value, help;
  bool required = false;
};
struct DriverInfo {
  std::string name, help;
  std::vector<ParameterInfo> parameters;
  std::vector<std::string> capabilities;
};
/// What a pool's volumes take, by kind of data.
struct UsageInfo {
  Bytes images, cows, revisions, volatile_;
};
struct PoolInfo {
  std::string name, driver;
  /// The file that the driver comes from, where it is no built-in one.
  std::string plugin;
  int revisions_to_keep = 0;
  bool ephemeral_volatile = false;
  /// Percent; and, where it is set, what is to stay available.
  unsigned space_warning = SpaceSettings::default_warning;
  std::optional<Bytes> space_hold;
  std::map<std::string, std::string> parameters;
  std::optional<Bytes> size, usage;
  /// The pool in whose directory it lies: its data counts there, too.
  std::optional<std::string> included_in;
  /// Pools on the same file system: each has its size and usage.
  std::vector<std::string> shares_space_with;
  /// "default_pool_root", "default_pool (not set, falls back to it)".
  std::vector<std::string> default_for;
  /// "work:root"; only in pool info, as the next.
  std::vector<std::string> volumes;
  std::optional<UsageInfo> usage_details;
  /// Why it cannot be used; then only the name and the driver are known.
  std::optional<Error> error;
};
struct Device {
  std::string vm, name, path, node;
  std::uint32_t major = 0, minor = 0;
  bool rw = true;
};
struct RevisionInfo {
  std::string id;
  std::chrono::system_clock::time_point created;
};
struct LayerInfo {
  std::string role, device, node, file;
  std::optional<std::uint64_t> generation;
  std::optional<Bytes> size, used;
  std::vector<std::string> stands_on, marks;
  /// "work:root": the volumes whose layers stand on this one. Only in tree.
  std::vector<std::string> shared_by;
};
/// `kind`: "image", "cow", "revision", "volatile".
struct FileInfo {
  std::string kind, path;
  Bytes allocated;
};
struct VolumeInfo {
  std::string vm, name, pool, vid, kind;
  bool rw = true, snap_on_start = false, save_on_stop = false, keep_changes = false, ephemeral = false;
  int revisions_to_keep = 0;
  int warm = 0;
  std::optional<std::string> write_policy;
  std::optional<Bytes> cow_limit;
  /// "debian-12:root"
  std::optional<std::string> source;
  // What only disk and kernel know; not set where it could not be asked: `error` says why.
  std::optional<Bytes> size, usage;
  std::optional<bool> is_running, is_dirty, is_outdated, is_commit_pending, is_invalid, is_held;
  std::optional<Device> device;
  std::optional<Error> error;
  // Only in volume info and tree.
  std::string path, path_cow, path_source, path_source_cow;
  std::vector<RevisionInfo> revisions;
  std::vector<LayerInfo> layers;
  std::vector<FileInfo> files;
};
struct KernelInfo {
  std::string name, vmlinuz, initramfs;
};
struct VmInfo {
  std::string name, kind;
  bool is_throwaway = false;
  std::optional<std::string> template_name, kernel_name;
  /// "running", "stopped", "partly running"; "unknown" with an error.
  std::string state;
  std::optional<Error> error;
  // Only in vm info and tree.
  std::optional<KernelInfo> kernel;
  std::vector<VolumeInfo> volumes;
};
/// What could not be asked: the errors of its volumes; where they have none, its own.
std::vector<Error> errors_of(const VmInfo& vm);
/// What became of one VM of several.
struct VmResult {
  std::string vm;
  std::vector<Device> devices;
  std::optional<Error> error;
  /// The volumes of which a stop has saved what their guest wrote.
  std::vector<std::string> committed = {};
};

struct Nothing {};

// Pools

struct PoolList {
  using Answer = std::vector<PoolInfo>;
};
struct PoolDrivers {
  using Answer = std::vector<DriverInfo>;
};
struct PoolInfoRequest {
  using Answer = PoolInfo;
  std::string pool;
};
struct PoolAdd {
  using Answer = Nothing;
  std::string pool;
  /// One of the two.
  std::optional<std::string> driver, plugin;
  std::map<std::string, std::string> parameters;
};
/// The pools of a Qubes R3.2 storage.conf.
struct PoolImportConf {
  struct Pool {
    std::string name, driver;
    std::map<std::string, std::string> parameters;
    bool existed = false;
  };
  struct Answer {
    bool dry_run = false;
    std::vector<Pool> pools;
  };
  std::string file;
  bool dry_run = false;
};
struct PoolRemove {
  using Answer = Nothing;
  std::string pool;
};
struct PoolSet {
  using Answer = Nothing;
  std::string pool, key, value;
};

// Defaults

/// Every key, with its value where it is set.
struct ConfigList {
  using Answer = std::vector<std::pair<std::string, std::optional<std::string>>>;
};
struct ConfigGet {
  using Answer = std::optional<std::string>;
  std::string key;
};
struct ConfigSet {
  using Answer = Nothing;
  std::string key, value;
};
struct ConfigUnset {
  using Answer = Nothing;
  std::string key;
};

/// How far a piece of work is.
struct Progress {
  Bytes done, total;
};
/// Called with bytes done and in all, from any thread.
using ProgressTold = std::function<void(Bytes, Bytes)>;

// VMs

struct VmList {
  using Answer = std::vector<VmInfo>;
};
struct VmInfoRequest {
  using Answer = VmInfo;
  std::string vm;
};
struct VmDevices {
  using Answer = std::vector<Device>;
  std::string vm;
};
struct VmCreate {
  using Answer = Nothing;
  std::string vm;
  bool standalone = false;
  std::optional<std::string> template_name, disposable_of, kernel, pool, root_image;
  /// What root_image is written in: "raw", "qcow2", ...; not set: as its first bytes say.
  std::optional<std::string> format;
  /// By volume.
  std::map<std::string, std::string> pools;
  std::map<std::string, std::string> sizes;
  ProgressTold progress;
};
/// Device nodes of the VMs' own for a VM manager that runs as somebody else; what is not set: none are made,
/// and the stable path leads to the kernel's own node.
struct NodeWish {
  /// "USER", "USER:GROUP" or ":GROUP", names or numbers.
  std::optional<std::string> owner;
  /// Octal; else 660.
  std::optional<std::string> mode;
};
struct VmStart {
  using Answer = std::vector<VmResult>;
  std::vector<std::string> vms;
  NodeWish nodes = {};
};
struct VmStop {
  using Answer = std::vector<VmResult>;
  std::vector<std::string> vms;
  bool discard = false;
  ProgressTold progress;
};
struct VmClone {
  using Answer = Nothing;
  std::string vm, name;
  ProgressTold progress;
};
struct VmRemove {
  using Answer = Nothing;
  std::string vm;
};
struct VmSet {
  using Answer = Nothing;
  std::string vm, key, value;
};
/// Takes over VMs whose files another program has made.
struct VmAdopt {
  struct File {
    std::string name, is;
  };
  struct Volume {
    std::string name, kind, vid;
    Bytes size;
    bool is_dirty = false;
    std::vector<std::string> revisions;
    std::vector<File> files;
  };
  struct Vm {
    std::string name, kind, directory;
    std::optional<std::string> template_name;
    bool existed = false;
    std::vector<Volume> volumes;
  };
  struct Answer {
    bool dry_run = false;
    std::string pool;
    std::vector<Vm> vms;
    std::vector<std::string> left_alone;
  };
  std::string directory;
  /// Of app VMs, by name.
  std::map<std::string, std::string> templates;
  std::optional<std::string> template_for_all, kernel;
  bool dry_run = false;
};
struct VmRunThrowaway {
  using Answer = VmResult;
  std::string above;
  std::optional<std::string> name;
  NodeWish nodes = {};
};

// Volumes; `volume` is "VM:VOLUME"

struct VolumeList {
  using Answer = std::vector<VolumeInfo>;
  std::optional<std::string> vm, pool;
};
struct VolumeInfoRequest {
  using Answer = VolumeInfo;
  std::string volume;
};
struct VolumeCreate {
  using Answer = Nothing;
  std::string volume;
  std::optional<std::string> size, pool;
  std::vector<std::pair<std::string, std::string>> properties;
};
struct VolumeRemove {
  using Answer = Nothing;
  std::string volume;
};
struct VolumeSet {
  using Answer = Nothing;
  std::string volume, key, value;
};
struct VolumeVerify {
  using Answer = Nothing;
  std::string volume;
};
struct VolumeRevisions {
  using Answer = std::vector<RevisionInfo>;
  std::string volume;
};
struct VolumeResize {
  using Answer = Nothing;
  std::string volume, size;
  bool shrink = false;
  ProgressTold progress;
};
struct VolumeImport {
  using Answer = Nothing;
  std::string volume;
  /// One of the two: a file, or another volume.
  std::optional<std::string> file, from;
  /// As in VmCreate.
  std::optional<std::string> format;
  ProgressTold progress;
};
struct VolumeExport {
  using Answer = Nothing;
  std::string volume, file;
  ProgressTold progress;
};
/// A new volume with the last committed state of another.
struct VolumeClone {
  using Answer = Nothing;
  std::string volume, from;
  std::optional<std::string> pool;
  ProgressTold progress;
};
struct VolumeRevert {
  using Answer = Nothing;
  std::string volume;
  std::optional<std::string> revision;
  ProgressTold progress;
};
/// Makes what a snapshot volume sees its source's committed state.
struct VolumePromote {
  using Answer = Nothing;
  std::string volume;
  ProgressTold progress;
};

// The whole

/// What the service has counted, in Prometheus' text format.
struct Metrics {
  using Answer = std::string;
};
/// Something that happened. `kind`: "started", "stopped", "discarded", "committed", "failed", "recovered",
/// and those of GuardEvent: "held", "released", "cow_nearly_full", ...
struct Event {
  std::chrono::system_clock::time_point time = {};
  std::string kind = {};
  std::optional<std::string> vm = {}, volume = {}, pool = {}, message = {};
};
/// What happens from now on: each event is a reply of its own.
struct Monitor {
  using Answer = Event;
  /// Only these; empty: all.
  std::vector<std::string> kinds, vms;
};

struct Recover {
  struct Answer {
    bool dry_run = false;
    bool complete = true;
    std::vector<std::string> lines;
  };
  bool dry_run = false;
};
/// One VM with its volumes and layers, or all.
struct Tree {
  using Answer = std::vector<VmInfo>;
  std::optional<std::string> vm;
};
/// Something that a person should look at.
struct Attention {
  /// "vm 'work'", "pool 'varlib'", "volume 'work:root'"
  std::string about;
  std::string message;
  /// What to do; may be empty.
  std::string next;
};
struct Status {
  struct Answer {
    std::string state, run;
    std::size_t pools = 0, vms = 0, running = 0, unreadable = 0;
    std::size_t partly_running = 0;
    /// Of volumes.
    std::size_t dirty = 0, outdated = 0, commit_pending = 0, invalid = 0, held = 0;
    /// What the last writer left, where it did not end well.
    std::optional<std::string> unclean;
    /// By name.
    std::vector<std::string> running_vms;
    std::vector<PoolInfo> pool_list;
    std::vector<Attention> attention;
    /// What could not be asked, each with what it concerns in its message.
    std::vector<Error> errors;
  };
};
/// What this host and the installation lack. Also without rights; then some of it is unknown.
struct Doctor {
  struct Check {
    /// A stable word, "dm.target.snapshot"; of several of a kind `about` says which, else it is empty.
    std::string id, about;
    Health health = Health::unknown;
    /// For people; `next` may be empty.
    std::string seen, next;
  };
  struct Answer {
    std::vector<Check> checks;
    [[nodiscard]] std::size_t count(Health health) const;
    /// Nothing is bad.
    [[nodiscard]] bool is_well() const { return count(Health::bad) == 0; }
  };
};

}  // namespace cowshed::api
