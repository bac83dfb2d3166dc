// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "dm/targets.h"
#include "layers/host.h"
#include "layers/inventory.h"
#include "layers/names.h"

namespace cowshed::layers {

/// A frozen view to stand on.
struct View {
  std::uint64_t generation = 0;
  dm::DeviceNumber device;
  Sectors length;
};

/// How many views may stand on each other: the kernel completes I/O recursively through them and overruns its
/// stack beyond 50 or so (measured; a panic).
constexpr std::size_t max_views = 16;

/// What runs of one base.
struct Stack {
  /// Of the image that is there now, oldest first; the last is linear over its loop device.
  std::vector<OurDevice> views;
  /// Of images that were replaced by another while snapshots ran on them.
  std::vector<OurDevice> retired;
  /// O, G, or (snapshots off) the image itself.
  std::optional<OurDevice> in_place, overlay, plain;

  [[nodiscard]] const std::optional<OurDevice>& guest() const;
};

/// The frozen views of one base (layers.md: "The stacks", "Generations"). The newest view is linear over the
/// image's one loop device; each older one stands on the next and holds what was replaced since:
///
///     S of gen 1 ── view1  snapshot(view2, cow 1)
///     S of gen 2 ── view2  snapshot(view3, the freezing cow)    the committed state while the image is
///     written
///                   view3  linear(image)
///
/// Holds no state: every call asks the kernel. All calls block. The caller holds the base's lock (Host), for
/// changes exclusively.
class Views {
 public:
  Views(Host& host, VolumeKey key, Path image);

  Stack read();
  /// The view over that store, else nothing.
  std::optional<OurDevice> on_cow(const Stack& stack, const Path& cow);
  View describe(const OurDevice& view);

  /// Makes the newest view.
  OurDevice make_top(const Stack& stack);
  /// Puts the committed view onto `cow`, live under its readers, so that the image may be written: by the
  /// kernel through the newest view, which is returned and copies old chunks out into `cow`, or by whoever
  /// has put them there. Where there is no view, one is made. Throws in_use at the bound of views: the
  /// message names what holds the old ones.
  OurDevice freeze(const Stack& stack, const Path& cow);
  /// Throws in_use at the bound of views, as freeze() would.
  void check_depth(const Stack& stack);
  /// Undoes freeze() where nothing was changed: else each such session would leave a view more under running
  /// snapshots, and make them look outdated.
  void thaw(const Stack& stack);
  /// The image has grown: its loop device and the newest view, live, follow. Older views and what runs on any
  /// of them keep their size.
  void grow_top(const Stack& stack);
  [[nodiscard]] bool is_outgrown(const Stack& stack);
  /// Removes the views on which nothing stands; those that a running session needs stay.
  void collect();
  /// The image has been replaced: what stands on the old one keeps it, and is no longer in the way of the new
  /// one. Does nothing where it was not replaced.
  void retire_replaced();

  /// One view into which the newer one that it alone stands on is to be folded: nobody runs on that.
  struct Fold {
    OurDevice older, newer;
    dm::Snapshot older_table, newer_table;
    Sectors length;
  };
  /// Nothing where there is none. The committed view is never folded.
  std::optional<Fold> foldable(const Stack& stack);
  /// Puts the older view onto `cow`, an unnamed store with the exceptions of both, and removes the newer one.
  /// False where what runs has changed since.
  bool fold(const Fold& fold, const Fd& cow, Sectors chunk);

  /// The stores, as loop devices, that hold all in which `view` differs from the newest one; nothing where it
  /// shows an image that was replaced since.
  std::optional<std::vector<dm::DeviceNumber>> stores_above(const Stack& stack, dm::DeviceNumber view);

  /// The volumes whose layers stand on the views: "appvms/work/root, ...".
  std::string holders(const Stack& stack);

 private:
  dm::DeviceNumber image_loop_under(const OurDevice& top);
  void put_on_cow(const Stack& stack, const OurDevice& top, const Path& cow);
  void remove_unused(const std::vector<OurDevice>& views, const Stack& stack);
  [[nodiscard]] OurDevice own_device(std::uint64_t number, dm::DeviceNumber device) const;
  dm::Control& control() { return host_.control(); }

  Host& host_;
  VolumeKey key_;
  Path image_;
};

}  // namespace cowshed::layers
