// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/units.h"
#include "io/extent.h"
#include "pools/image_format.h"
#include "pools/operation.h"
#include "pools/warm_layers.h"

/// The driver interface, part two: a volume. (Part one: pools/pool.h.)
namespace cowshed::pools {

class Pool;
class Volume;

enum class WritePolicy { in_place, overlay };
std::string_view to_string(WritePolicy policy);

/// Derived from snap_on_start and save_on_stop, never configured.
enum class VolumeKind { volatile_, origin, snapshot, origin_snapshot };
std::string_view to_string(VolumeKind kind);

/// A volume's properties as they are stored. A property that is not set follows its default
/// (docs/configuration.md).
struct VolumeProperties {
  VolumeName name;
  Vid vid;
  /// Logical size; of a snapshot volume 0: its size is its source's.
  Bytes size = {};
  bool rw = true;
  bool snap_on_start = false;
  bool save_on_stop = false;
  /// -1: snapshots off. Not set: the pool's.
  std::optional<int> revisions_to_keep = std::nullopt;
  std::optional<WritePolicy> write_policy = std::nullopt;
  /// Not stored: what counts where write_policy is not set, by the kind of VM.
  WritePolicy default_write_policy = WritePolicy::in_place;
  bool keep_changes = false;
  std::optional<Bytes> cow_limit = std::nullopt;
  /// How many complete layers are to stand ready for its snapshots.
  int warm = 0;
  std::optional<bool> ephemeral = std::nullopt;
  /// Not stored: of a throw-away VM, which is never changed and gone when it stops. What the volume writes is
  /// best kept in files without a name, so that nothing is left of it whatever happens.
  bool throwaway = false;

  [[nodiscard]] VolumeKind kind() const;
  /// Only what is thrown away may be lost with its key, and only what is written has something to hide.
  [[nodiscard]] bool may_be_ephemeral() const { return kind() == VolumeKind::volatile_ && rw; }
  [[nodiscard]] WritePolicy used_write_policy() const { return write_policy.value_or(default_write_policy); }
};

/// What a VM manager attaches. `path` is filled in by the app layer (its stable link).
struct BlockDevice {
  std::string name;
  /// Stable link: /run/cowshed/dev/VM/NAME.
  Path path;
  /// The device it leads to; empty while the volume is stopped.
  Path node;
  std::uint32_t major = 0, minor = 0;
  bool rw = true;
  static constexpr std::string_view devtype = "disk";
};

struct Revision {
  std::string id;
  std::chrono::system_clock::time_point created;
};

/// A layer of a running volume, for `tree` and `volume info`: top first.
struct Layer {
  /// "snapshot", "view", "origin", "image", "cow", ...
  std::string role;
  /// dm name or loop device; empty for a plain file.
  std::string device;
  Path node;
  /// The file under it, where there is one with a name.
  Path file;
  /// Of a view: which state of the image it shows, rising with each commit.
  std::optional<std::uint64_t> generation = std::nullopt;
  /// As who stands on it sees it.
  std::optional<Bytes> size = std::nullopt;
  /// What it holds itself and really takes; nothing where it only shows what is under it.
  std::optional<Bytes> used = std::nullopt;
  /// The devices that it stands on, by name.
  std::vector<std::string> stands_on = {};
  /// "newest" and "committed" of views (a snapshot that starts now gets the latter), "replaced" (the view
  /// shows an image that another has replaced), "suspended", "invalid" (the kernel has given it up).
  std::vector<std::string> marks = {};
};

/// What a volume's data is.
enum class DataKind { image, cow, revision, volatile_ };

/// A file of a volume's, whether it runs or not.
struct StoredFile {
  DataKind kind;
  Path path;
  /// What it really takes.
  Bytes allocated;
};

/// What a volume really takes, by kind of data.
struct UsageDetails {
  /// Committed states; what sessions have written or overwritten; what commits have replaced; what is gone
  /// with the next stop.
  Bytes images, cows, revisions, volatile_;

  [[nodiscard]] Bytes& of(DataKind kind);
  UsageDetails& operator+=(const UsageDetails& other);
  bool operator==(const UsageDetails&) const = default;
};

/// Paths of a volume, where the driver keeps files (the `file` driver's terms).
struct VolumePaths {
  Path path, path_cow, path_source, path_source_cow;
};

/// How far long work is. While `can_stop`, what the callback throws ends it, undone; afterwards it must not
/// throw.
struct Progress {
  Bytes done, total;
  bool can_stop = true;
};
/// Called now and then, from any thread.
using ProgressWatch = std::function<void(const Progress&)>;

struct CreateOptions {
  /// The initial content, copied sparse; else the volume reads as zeros.
  std::optional<GivenImage> image = std::nullopt;
  /// Instead: the last committed state of another volume, of any pool; the new volume is as large.
  Volume* from = nullptr;
  ProgressWatch progress = nullptr;
};

struct StopOptions {
  /// Drop the session instead of committing it.
  bool discard = false;
  /// Of a commit that has something to merge.
  ProgressWatch progress = nullptr;
};

/// What is under /usr/lib/…/vm-kernels/NAME, for `vm info`.
struct KernelFiles {
  Path vmlinuz, initramfs;
};

/// A committed state that stays readable, and the same, for as long as this object lives.
class Export {
 public:
  Export() = default;
  virtual ~Export() = default;
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;

  /// A file or a block device.
  [[nodiscard]] virtual const Path& path() const = 0;
  [[nodiscard]] virtual Bytes size() const = 0;
  /// Stretches that may hold data, rising, source and target the same; all else reads as zeros.
  [[nodiscard]] virtual const std::vector<io::Extent>& data() const = 0;
  /// Lets go; nothing else may be asked afterwards. Where it is not called, as after a kill, the next
  /// operation on the volume takes away what it leaves.
  virtual void end() = 0;
};

/// One volume of a pool. Objects are cheap: making one touches neither disk nor kernel. Operations that block
/// return an Operation; the others are quick questions to disk and kernel. Thread-safe: a driver locks per
/// volume. Errors name neither VM nor volume: the caller adds that. Whatever a driver cannot do throws
/// not_supported (the defaults here do, naming driver, volume and reason).
class Volume {
 public:
  /// Finds the source on first use, whatever the order in which VMs were loaded. Returns nullptr where there
  /// is none.
  using SourceResolver = std::function<Volume*()>;

  Volume(Pool& pool, VolumeProperties properties, SourceResolver source)
      : pool_(pool), properties_(std::move(properties)), source_(std::move(source)) {}
  virtual ~Volume() = default;
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  [[nodiscard]] Pool& pool() const { return pool_; }
  [[nodiscard]] const VolumeProperties& properties() const { return properties_; }
  [[nodiscard]] VolumeKind kind() const { return properties_.kind(); }
  /// Throws what the resolver throws (template cycle, unknown template). Only for volumes with snap_on_start.
  [[nodiscard]] Volume& source() const;
  /// The value that counts: 0 without save_on_stop, else the property, else the pool's.
  [[nodiscard]] int revisions_to_keep() const;
  /// The value that counts: false where it may not be, else the property, else the pool's.
  [[nodiscard]] bool is_ephemeral() const;
  /// Checked by the driver, then taken over; the caller has the definition file written.
  virtual void set_properties(VolumeProperties properties);

  // Life
  virtual Operation<void> create(CreateOptions options) = 0;
  /// Removes its data. Throws in_use/running while it runs. What is already gone is no error.
  virtual Operation<void> remove() = 0;
  /// False: of one that was cut off at whatever moment, running or not, nothing is left on disk that remove()
  /// would have to take away; then nobody keeps a record of it for that.
  [[nodiscard]] virtual bool leaves_files() const { return true; }
  /// Throws running, or in_use where snapshots or an export stand on it. Asked of all volumes of a VM before
  /// the first is removed.
  virtual void check_remove() {}
  /// Nothing where the volume has no block device (a kernel without modules.img).
  virtual Operation<std::optional<BlockDevice>> start() = 0;
  /// Throws what start() would be refused for, and changes nothing a guest or a user could see. Asked of all
  /// volumes of a VM before the first is started: a start that is undone does not bring back what it has
  /// thrown away (keep_changes). What only trying shows (no space, an I/O error) is left to start().
  virtual void check_start() {}
  /// Commits or discards by kind. A volume that does not run is no error and stays as it is, what it has kept
  /// (keep_changes) too; only a session that was cut off is dropped where that is asked for. Throws in_use
  /// while the guest holds the device. May be answered before layers that hold nothing any more are gone
  /// (Pool::finish waits for them).
  virtual Operation<void> stop(StopOptions options) = 0;
  /// Throws in_use while the guest holds the device, not_supported where what it wrote cannot be discarded as
  /// asked. Asked of all volumes of a VM before the first is stopped, so that a refused stop leaves the whole
  /// VM as it was.
  virtual void check_stop(const StopOptions& /*options*/) {}
  /// Ends the session without committing and without discarding what a power loss would have kept: undoes a
  /// start.
  virtual Operation<void> abandon() = 0;

  // Questions
  [[nodiscard]] virtual bool has_block_device() const { return true; }
  /// False where start attaches nothing to the kernel, so that nobody can tell whether the volume is in use
  /// (a kernel's files are handed out as they are). Such a volume never counts as running.
  [[nodiscard]] virtual bool holds_device() const { return true; }
  [[nodiscard]] virtual bool is_running() = 0;
  /// `node` is empty while stopped; nothing where the volume has no device.
  virtual std::optional<BlockDevice> block_device() = 0;
  /// Throws not_found or corrupt_image, naming the file.
  virtual void verify() = 0;
  virtual bool is_dirty() = 0;
  virtual bool is_outdated() = 0;
  /// A commit was decided but not finished: recovery has to do that before the volume can start.
  virtual bool is_commit_pending() { return false; }
  /// The kernel has given up a layer of what runs: the guest, or snapshots, cannot read it any more.
  virtual bool is_invalid() { return false; }
  /// Its guest's I/O waits, for space or a higher cow_limit (docs/space.md), or for recovery.
  virtual bool is_held() { return false; }
  virtual Bytes size() = 0;
  virtual Bytes usage() = 0;
  /// Default: from stored_files(); where there are none, usage() by the kind of the volume.
  virtual UsageDetails usage_details();
  /// Those that are there and have a name.
  virtual std::vector<StoredFile> stored_files() { return {}; }
  virtual std::vector<Revision> revisions() = 0;
  virtual std::vector<Layer> layers() = 0;
  virtual VolumePaths paths() { return {}; }
  virtual std::optional<KernelFiles> kernel_files() { return std::nullopt; }

  /// Where layers are to stand ready for its snapshots (`warm`), or some are left that no longer should.
  /// Quick, and asks nobody.
  virtual std::unique_ptr<WarmLayers> warm_layers() { return nullptr; }

  // Operations that not every driver has. Snapshots that run keep what they see through all of them.

  /// `image` becomes the content: a file, a block device, or "-" for standard input; the volume takes its
  /// size, rounded up to a whole sector. A file in a format other than raw is converted (pools/qemu_img.h).
  /// Atomic, as a commit. Throws running, dirty; invalid_argument where it is empty.
  virtual Operation<void> import_file(const GivenImage& image, ProgressWatch progress);
  /// Likewise from the last committed state of another volume, of any pool.
  virtual Operation<void> import_volume(Volume& from, ProgressWatch progress);
  /// The last committed state, also while the volume runs. Throws in_use where the guest writes that itself
  /// (snapshots off).
  virtual Operation<std::unique_ptr<Export>> begin_export();
  /// Larger also while it runs; smaller only stopped and clean, and with `shrink`.
  virtual Operation<void> resize(Bytes size, bool shrink, ProgressWatch progress);
  /// Back to the revision (not set: the newest), which is replaced by what it replaces. Throws running,
  /// dirty, not_found.
  virtual Operation<void> revert(std::optional<std::string> revision, ProgressWatch progress);
  /// What a snapshot volume with keep_changes sees becomes its source's committed state, as a commit; it may
  /// run, the source not. Throws invalid_argument; running, dirty of the source; not_found where no changes
  /// are kept, in_use where they are changes of a state that the source no longer holds.
  virtual Operation<void> promote(ProgressWatch progress);

 protected:
  /// not_supported: "driver 'file' cannot OPERATION volume 'root': REASON".
  [[noreturn]] void not_supported(std::string_view operation, std::string_view reason) const;

 private:
  Pool& pool_;
  VolumeProperties properties_;
  SourceResolver source_;
};

}  // namespace cowshed::pools
