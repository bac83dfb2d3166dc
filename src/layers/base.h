// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "layers/host.h"
#include "layers/inventory.h"
#include "layers/names.h"

namespace cowshed::layers {

/// The files of an origin volume.
struct BaseFiles {
  Path image;
  /// The base cow: what the running or interrupted session has overwritten.
  Path cow;
  /// The base cow of the last committed session: the revision.
  Path revision;
  /// Empty marker: the guest writes the image itself (snapshots off) and has not stopped cleanly.
  Path dirty;
};

/// What a volume's start hands out.
struct Running {
  dm::DeviceNumber device;
  bool rw = true;
};

/// A frozen view to stand on.
struct View {
  std::uint64_t generation = 0;
  dm::DeviceNumber device;
  Sectors length;
};

/// How many views may stand on each other: the kernel completes I/O recursively through them and overruns its
/// stack beyond 50 or so (measured; a panic).
constexpr std::size_t max_views = 16;

/// One base image, its views and its in-place session (layers.md: "The stacks", "Generations", "Session
/// protocol").
///
/// Holds no state: every call asks directory and kernel. The newest view is linear over the image's one loop
/// device; each older one stands on the next and holds what its session replaced:
///
///     S of gen 1 ── view1  snapshot(view2, cow 1)
///     S of gen 2 ── view2  snapshot(view3, root-cow.img)     the committed state while the session of view3
///     runs session    ── O      snapshot-origin(view3)
///                   view3  linear(image)
///
/// All calls block; thread-safe through Host's lock of this base. Between processes the caller's state lock
/// decides.
class Base {
 public:
  Base(Host& host, VolumeKey key, BaseFiles files);

  /// Begins a session or goes on with an interrupted one. Throws running, corrupt_image, no_space, in_use (a
  /// foreign loop device, or the bound of views: the message names what holds the old generations).
  Running start_session(bool rw);
  /// Ends the session: everything written is synced, then the base cow becomes the revision or goes. No
  /// session is no error. Throws in_use while the device is open. When it fails, the session goes on as it
  /// was, perhaps as another device; or it is committed.
  void commit_session(bool keep_revision);
  /// Ends the session as a power loss would, without losing what was written.
  void abandon_session();

  /// Snapshots off: the guest writes the image itself; what an older session left is part of it from here on,
  /// and the revision goes. Throws running; in_use while snapshots run.
  Running start_direct(bool rw);
  /// Everything written is synced, then the image counts as clean. Not running is no error. Throws in_use.
  /// When it fails, as in commit_session.
  void commit_direct();
  void abandon_direct();

  /// Calls `body` with the view of the committed state, made where there is none; it stays while `body` runs.
  /// What `body` builds on it keeps it from then on.
  void with_view(const std::function<void(const View&)>& body);
  /// Removes the views on which nothing stands, and those that a session which changed nothing has added.
  void collect();
  /// collect(), and the cow of a session that was cut off before it had written anything goes.
  void tidy();

  /// Throws not_found, corrupt_image.
  void verify_image() const;
  /// Running or not: does the image hold what no clean stop has committed?
  bool is_dirty();
  /// The kernel could not save what a session overwrote: the committed state is lost to snapshots.
  bool is_broken();
  /// The view a snapshot started now would stand on; nothing while none is up.
  std::optional<OurDevice> committed_view();
  /// Throws in_use naming the volumes whose layers stand on the views.
  void refuse_while_viewed();

  [[nodiscard]] const BaseFiles& files() const { return files_; }

 private:
  struct Stack {
    std::vector<OurDevice> views;
    std::optional<OurDevice> session;
    /// Handed out as it is (snapshots off).
    std::optional<OurDevice> plain;
  };
  Stack read_stack();
  std::unique_lock<std::shared_mutex> lock();

  /// The view over the current base cow, else nothing.
  std::optional<OurDevice> view_on_cow(const Stack& stack);
  std::optional<OurDevice> committed_view_in(const Stack& stack);
  View describe(const OurDevice& view);
  /// Makes the view of the committed state where there is none.
  View make_view();
  /// The newest view's device, over which a session may write: the committed view stands on it with the base
  /// cow.
  OurDevice freeze(const Stack& stack);
  OurDevice make_top(const Stack& stack);
  void put_on_cow(const Stack& stack, const OurDevice& top);
  void thaw(const Stack& stack);
  dm::DeviceNumber image_loop_under(const OurDevice& top);
  void check_depth(const Stack& stack);
  void refuse_second_start(const Stack& stack);
  void refuse_views(const Stack& stack);
  void refuse_direct(const Stack& stack);
  void collect_locked();
  /// As above; a failure is left to recovery, since what was to be done is done.
  void collect_or_leave();
  bool is_read_only(const OurDevice& device);
  dm::DeviceNumber bring_up_session(const OurDevice& top, bool rw);
  void sync_files();
  void commit_files(bool is_clean, bool keep_revision);
  bool frozen_view_is_clean(const Stack& stack);
  std::string holders_of(const Stack& stack);
  [[nodiscard]] Bytes image_size() const;
  [[nodiscard]] OurDevice own_device(Role role, std::uint64_t number, dm::DeviceNumber device) const;
  dm::Control& control() { return host_.control(); }

  Host& host_;
  VolumeKey key_;
  BaseFiles files_;
};

}  // namespace cowshed::layers
