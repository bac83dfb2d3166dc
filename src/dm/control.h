// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/dm-ioctl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "dm/targets.h"
#include "dm/types.h"

/// Device-mapper through its ioctls on /dev/mapper/control, without libdevmapper.
/// Source: include/uapi/linux/dm-ioctl.h and drivers/md/dm-ioctl.c (Linux 6.1: interface 4.47).
namespace cowshed::dm {

/// The one place where the kernel is called; tests put a fake or a fault injector behind it.
class IoctlPort {
 public:
  virtual ~IoctlPort() = default;
  /// As ioctl(2): 0, or -1 with errno. `request` is DM_DEV_CREATE, ...; `buffer` begins with a dm_ioctl whose
  /// data_size says how large it is.
  virtual int issue(unsigned long request, void* buffer) = 0;
  /// For poll(2) after arm_poll; -1 where there is none.
  [[nodiscard]] virtual int poll_fd() const { return -1; }
};

/// The real one. Makes /dev/mapper/control when it is missing and may be made (it is a misc device whose
/// number /sys/class/misc/device-mapper/dev tells). Throws Error not_supported saying that device-mapper is
/// not there, or permission.
std::unique_ptr<IoctlPort> open_control_device();
/// The same for who only looks: makes no node, and does not have the kernel load dm_mod, which opening a node
/// that was made in advance would do. Throws likewise.
std::unique_ptr<IoctlPort> open_existing_control_device();

/// How a device is addressed: by UUID (what cowshed does), by name, or by number.
using DeviceId = std::variant<DmUuid, DmName, DeviceNumber>;

struct DeviceInfo {
  DmName name;
  /// Empty where the device has none.
  std::string uuid;
  DeviceNumber number;
  std::int32_t open_count = 0;
  std::uint32_t event_number = 0;
  std::uint32_t target_count = 0;
  bool suspended = false;
  bool read_only = false;
  bool has_live_table = false;
  bool has_inactive_table = false;
  bool deferred_remove = false;
};

struct ListEntry {
  DeviceNumber number;
  std::string name;
  std::string uuid;
  std::uint32_t event_number = 0;
};

/// A line of a table or status as the kernel printed it.
struct RawLine {
  Sectors start;
  Sectors length;
  std::string type;
  std::string params;
};

/// A device and its status, of one moment.
struct Look {
  DeviceInfo info;
  std::vector<RawLine> status;
};

struct Version {
  std::uint32_t major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
};

struct TargetVersion {
  std::string name;
  Version version;
};

/// Which of the two table slots of a device is meant.
enum class Slot { live, inactive };

struct SuspendOptions {
  /// false: outstanding I/O is queued, not waited for (DM_NOFLUSH_FLAG).
  bool flush = true;
  /// Freeze a file system mounted on the device. cowshed never mounts what a guest wrote, so: no
  /// (DM_SKIP_LOCKFS_FLAG).
  bool lock_fs = false;
};

struct Request;
struct Reply;

/// All calls block as the kernel does (remove and resume wait for grace periods: milliseconds), may be used
/// from several threads, and throw Error whose message holds the command, the device and the kernel's errno.
/// A device that is not there is not_found, one that is held open in_use (EBUSY), a taken name or UUID
/// exists.
class Control {
 public:
  /// Checks the interface version (major 4). Throws not_supported when the kernel's major differs.
  explicit Control(std::unique_ptr<IoctlPort> port = open_control_device());
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  [[nodiscard]] Version version() const { return version_; }
  std::vector<TargetVersion> target_versions();

  /// An empty device without a table. udev is told not to probe it (see udev_flags in control.cc).
  DeviceInfo create(const DmName& name, const DmUuid& uuid);
  /// As above without a UUID: a warm layer that gets one later by set_uuid.
  DeviceInfo create(const DmName& name);
  /// Loads into the inactive slot, replacing what is there. `read_only`: DM_READONLY_FLAG. `secure`: it
  /// holds a key; the kernel wipes its copy (DM_SECURE_DATA_FLAG) and so does this, its own.
  void load(const DeviceId& id, const Table& table, bool read_only = false, bool secure = false);
  /// Empties the inactive slot; no error when it is empty.
  void clear(const DeviceId& id);
  /// Swaps in the inactive table, where there is one, and resumes: on a running device one ioctl suspends,
  /// swaps and resumes.
  DeviceInfo resume(const DeviceId& id, SuspendOptions options = {});
  DeviceInfo suspend(const DeviceId& id, SuspendOptions options = {});
  /// `deferred`: when held open, it goes with the last close (DM_DEFERRED_REMOVE) instead of in_use.
  void remove(const DeviceId& id, bool deferred = false);
  /// The kernel renames by name only (dm_hash_rename), so another id costs a call more to learn the name.
  void rename(const DeviceId& id, const DmName& to);
  /// Possible once, on a device without a UUID. By name as in rename.
  void set_uuid(const DeviceId& id, const DmUuid& uuid);

  /// Nothing where there is no such device.
  std::optional<DeviceInfo> info(const DeviceId& id);
  std::vector<RawLine> table(const DeviceId& id, Slot slot = Slot::live);
  /// With `flush` false the target need not write out what it has cached (DM_NOFLUSH_FLAG).
  std::vector<RawLine> status(const DeviceId& id, Slot slot = Slot::live, bool flush = false);
  /// info() and status() in one call, without a flush; does not wait for what is suspended. Nothing where
  /// there is no such device.
  std::optional<Look> look(const DeviceId& id);
  std::vector<DeviceNumber> deps(const DeviceId& id, Slot slot = Slot::live);
  /// Devices whose UUID begins with `uuid_prefix` (the kernel filters from 4.45 on; we filter again). With an
  /// empty prefix all devices.
  std::vector<ListEntry> list(std::string_view uuid_prefix = {});
  /// From now on the kernel is asked once for all devices, and list() answers from that, by UUID. For who
  /// only looks, at much, while nobody makes or removes devices. Before other threads call.
  void list_once() { lists_once_ = true; }
  [[nodiscard]] bool lists_once() const { return lists_once_; }
  /// The target's answer, where it gave one.
  std::optional<std::string> message(const DeviceId& id, Sectors sector, std::string_view text);

  /// Blocks until the device's event number differs from `event_number`.
  DeviceInfo wait_event(const DeviceId& id, std::uint32_t event_number);
  /// From now on the poll fd is readable once any device has had an event (DM_DEV_ARM_POLL, 4.37).
  void arm_poll();
  [[nodiscard]] int poll_fd() const { return port_->poll_fd(); }

 private:
  /// The only function that calls the kernel: from the table in command.h, with a buffer that grows. Nothing
  /// where the device does not exist, as is usual for one whose name is to be taken: no exception's matter.
  std::optional<Reply> ask(const Request& request);
  /// ask(), but a device that does not exist is an Error not_found.
  Reply issue(const Request& request);
  DmName name_of(const DeviceId& id);
  std::vector<RawLine> lines(const DeviceId& id, std::uint32_t flags);
  std::vector<ListEntry> ask_for_list(std::string_view uuid_prefix);
  std::vector<ListEntry> listed(std::string_view uuid_prefix);
  /// Adds UUID and event number to an entry that has none; false where the device has gone.
  bool complete(ListEntry& entry);

  std::unique_ptr<IoctlPort> port_;
  Version version_;
  bool lists_once_ = false;
  std::mutex listed_mutex_;
  /// Sorted by UUID.
  std::optional<std::vector<ListEntry>> listed_;
};

}  // namespace cowshed::dm
