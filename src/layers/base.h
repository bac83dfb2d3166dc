// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "base/fair_mutex.h"
#include "layers/base_files.h"
#include "layers/commit.h"
#include "layers/host.h"
#include "layers/inventory.h"
#include "layers/names.h"
#include "layers/views.h"
#include "layers/warm_stock.h"

namespace cowshed::layers {

/// What a volume's start hands out.
struct Running {
  dm::DeviceNumber device;
  bool rw = true;
};

/// Where a session's writes go (layers.md: "The stacks").
enum class SessionKind {
  /// O: into the image, what they overwrite into the base cow.
  in_place,
  /// G: into the overlay; the commit merges it into the image.
  overlay,
};

/// One base image, its views and its session.
///
/// Holds no state: every call asks directory and kernel. All calls block; thread-safe through Host's lock of
/// this base. Between processes the caller's state lock decides.
class Base {
 public:
  Base(Host& host, VolumeKey key, BaseFiles files);

  /// Begins a session, or goes on with an interrupted one, whatever its kind; an interrupted session in place
  /// is committed before an overlay session begins, as `keep_revision` says. Throws running, corrupt_image,
  /// no_space, commit_pending, in_use (a foreign loop device, or the bound of views: the message names what
  /// holds the old generations).
  Running start_session(SessionKind kind, bool rw, bool keep_revision);
  /// Throws what start_session() would be refused for; only views on which nothing stands go.
  void check_session(SessionKind kind);
  /// Ends the session, or finishes a commit that was cut off. No session is no error. Throws in_use while the
  /// device is open. When it fails before the commit is decided, the session goes on as it was, perhaps as
  /// another device; afterwards is_commit_pending() until this or finish_commit() has succeeded.
  void commit_session(const CommitOptions& options);
  /// Ends the session as a power loss would, without losing what was written.
  void abandon_session();
  /// Ends an overlay session and drops what it has written. Throws in_use while the device is open,
  /// not_supported where a session in place has written something.
  void discard_session();
  /// Throws not_supported as discard_session() would.
  void check_discard();

  /// Snapshots off: the guest writes the image itself; what an older session left is part of it from here on,
  /// and the revision goes. Throws running, commit_pending; in_use while snapshots run.
  Running start_direct(bool rw);
  /// As check_session(), for start_direct().
  void check_direct();
  /// Everything written is synced, then the image counts as clean. Not running is no error. Throws in_use.
  /// When it fails, as in commit_session.
  void commit_direct();
  void abandon_direct();

  /// Nothing is lost, but until finish_commit() has succeeded the volume cannot start.
  [[nodiscard]] bool is_commit_pending() const;
  void finish_commit(const CommitOptions& options);

  // What changes the volume as a whole. Snapshots that run keep what they see.

  /// The revision's state, with its size, becomes the committed state, and what it replaces the revision: a
  /// second revert undoes the first. Throws running, dirty, commit_pending; not_found without a revision.
  void revert(const WorkWatch& watch);
  /// Larger also while running: the devices follow. Smaller only of a stopped, clean volume and with
  /// `may_shrink`; then it is a commit. Throws invalid_argument, running, dirty, commit_pending, no_space.
  void resize(Bytes size, bool may_shrink, const CommitOptions& options);
  /// `fill` makes a new image under the name it is given, of any size; it takes the image's place, as a
  /// commit. What `fill` throws leaves everything as it was. Throws running, dirty, commit_pending.
  void import_image(const std::function<void(const Path& file)>& fill, const CommitOptions& options);

  /// Throws running, dirty, commit_pending where one of these would.
  void check_settled();
  /// `make` makes a store under the name it is given; it is merged, as a commit. One without exceptions
  /// changes nothing. What `make` throws leaves everything as it was. Throws running, dirty, commit_pending.
  void promote(const std::function<void(const Path& store)>& make, const CommitOptions& options);

  /// Calls `body` while no session may begin and nothing be committed. False, without a call, where the image
  /// is not the committed state: a session in place or a commit goes on, or was cut off.
  bool while_committed(const std::function<void(const cow::ImageState&)>& body);
  /// Nothing where the image is not the committed state. Within with_view() or while_committed().
  [[nodiscard]] std::optional<cow::ImageState> image_state() const;
  /// Views::stores_above().
  std::optional<std::vector<dm::DeviceNumber>> stores_above(dm::DeviceNumber view);

  /// Calls `body` with the view of the committed state, made where there is none; it stays while `body` runs.
  /// What `body` builds on it keeps it from then on. Throws commit_pending where a commit was cut off that
  /// had nothing to save.
  void with_view(const std::function<void(const View&)>& body);
  /// Throws what with_view() would be refused for; makes nothing.
  void check_view();
  /// Nothing has been written to the image since the last commit. Within with_view().
  [[nodiscard]] bool image_is_committed_state() const { return !freezing_cow(); }
  /// While nobody watches (Host::is_guarded): of a running session in place whose copies snapshots need, all
  /// that it may still have to save gets its space now. True where it needs none, or has it; false where
  /// there is not so much: then it is held.
  bool secure_session();
  /// The warm layers on its views that this process keeps.
  [[nodiscard]] WarmStock& warm() const;
  /// Brings the stock to `wanted`, but makes at most so many, one at a time; what is too much, or was left
  /// over, goes. Their cows: files without a name in `directory`. Returns how many were made; with nothing to
  /// do it asks neither disk nor kernel. From any thread, beside starts, stops and commits. Throws as
  /// with_view(), and kernel_refused where one could not be removed.
  std::size_t refill_warm(const Path& directory, std::size_t wanted, std::size_t at_most);
  /// All of them go. (A commit, and whatever else changes what starts are to see, sees to them itself.)
  void drop_warm();

  /// Removes the views on which nothing stands, and those that a session which changed nothing has added.
  void collect();
  /// As collect(), after something that stood on the devices `below` has gone: without a lock, and the same
  /// however many devices there are, while others stand on them still.
  void collect_below(const std::vector<dm::DeviceNumber>& below);
  /// collect(), and what a session or a commit that was cut off left and nobody needs goes; a grow that was
  /// cut off is finished.
  void tidy();

  /// Throws not_found, corrupt_image.
  void verify_image() const;
  /// Running or not: does the volume hold what no clean stop has committed?
  bool is_dirty();
  /// The kernel could not save what a session overwrote: the committed state is lost to snapshots.
  bool is_broken();
  /// The view a snapshot started now would stand on; nothing while none is up.
  std::optional<OurDevice> committed_view();
  /// Throws in_use naming the volumes whose layers stand on the views.
  void refuse_while_viewed();

  [[nodiscard]] const BaseFiles& files() const { return files_; }

 private:
  std::unique_lock<FairMutex> lock();
  std::shared_lock<FairMutex> lock_shared();

  /// The store into which the committed view is, or is to be, frozen while the image differs from it.
  [[nodiscard]] std::optional<Path> freezing_cow() const;
  std::optional<OurDevice> committed_view_in(const Stack& stack);
  /// Makes the view of the committed state where there is none.
  View make_view();
  /// freeze() for a session in place.
  OurDevice freeze(const Stack& stack);
  void refuse_second_start(const Stack& stack);
  void refuse_views(const Stack& stack);
  void refuse_direct(const Stack& stack);
  void refuse_discard(const Stack& stack);
  void refuse_pending() const;
  void refuse_torn_image() const;
  /// Snapshots of the image, which the session of `cow` has written, run beside it.
  void refuse_split(const Stack& stack, const Path& cow);
  /// Stores that nobody could go on with.
  void refuse_torn_stores();
  /// As the first view of it would be.
  void refuse_attached_image(const Stack& stack);
  bool add_warm(const Path& directory);
  // With the lock held exclusively. What cannot be removed now is tried again; it is handed out no more.
  void discard_warm();
  /// Those that no start would take any more. True where there were some.
  bool discard_outdated_warm();
  void remove_or_warn();
  /// Collects; a failure is left to recovery, since what was to be done is done.
  void collect_or_leave();
  /// Views that nobody runs on are folded into those that stand on them. `guard` is let go meanwhile.
  void fold_or_leave(std::unique_lock<FairMutex>& guard);
  bool is_read_only(const OurDevice& device);
  /// Running, dirty or in the middle of a commit: nothing may be done to the volume as a whole.
  void refuse_unsettled();
  void drop_clean_stores();
  void grow(Bytes size);
  void grow_devices(const Stack& stack);
  /// The image is larger than what stands on it: a grow was cut off.
  [[nodiscard]] bool has_outgrown(const Stack& stack);
  void grow_guest(const Stack& stack, Sectors length);
  void shrink(Bytes size, const CommitOptions& options);
  /// After a commit.
  void settle(std::unique_lock<FairMutex>& guard);
  void finish_decided(const CommitOptions& options, std::unique_lock<FairMutex>& guard);

  /// Somebody stands on the committed view, so that it must outlive a full file system.
  bool has_readers(const Stack& stack);
  /// Where nobody watches the session: its store gets all the space that it may ever need. Throws no_space,
  /// not_supported saying what else there is.
  void reserve_copies_if_unwatched();
  void give_back_reserve(const Stack& stack);
  Running start_in_place(bool rw);
  void grow_cow_of(const OurDevice& view);
  dm::DeviceNumber bring_up_in_place(const OurDevice& top, bool rw);
  void commit_in_place(const Stack& stack, bool keep_revision);
  void commit_interrupted_in_place(const Stack& stack, bool keep_revision);
  void commit_files(bool is_clean, bool keep_revision);
  /// The session's store, where nothing was written and the size is as it was.
  [[nodiscard]] bool is_unused(const Path& store) const;
  bool frozen_view_is_clean(const Stack& stack);

  Running start_overlay(bool rw);
  dm::DeviceNumber bring_up_overlay(bool rw);
  bool overlay_is_clean(const Stack& stack);
  void commit_overlay(const Stack& stack, const CommitOptions& options, std::unique_lock<FairMutex>& guard);

  dm::Control& control() { return host_.control(); }

  Host& host_;
  VolumeKey key_;
  BaseFiles files_;
  Views views_;
};

}  // namespace cowshed::layers
