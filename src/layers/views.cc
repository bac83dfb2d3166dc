// SPDX-License-Identifier: Apache-2.0
#include "layers/views.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "dm/device.h"
#include "layers/image_file.h"
#include "layers/image_loop.h"
#include "layers/store_file.h"
#include "loop/loop.h"

namespace cowshed::layers {

namespace {

/// The one line of a table of ours, as the target it must be.
template <typename Target>
std::optional<Target> only_target(dm::Control& control, const OurDevice& device) {
  const auto lines = control.table(device.uuid);
  if (lines.size() != 1 || lines[0].type != Target::type) return std::nullopt;
  return Target::parse(lines[0].params);
}

void refuse_invalid(const std::vector<dm::RawLine>& inactive_status) {
  for (const auto& line : inactive_status) {
    const auto status = dm::SnapshotStatus::parse(line.params);
    if (status.state != dm::SnapshotStatus::State::active || status.allocated > status.total)
      throw Error(ErrorKind::corrupt_image,
                  fmt::format("the kernel finds the base cow unusable: {}", line.params));
  }
}

dm::Table frozen_table(Sectors length, dm::DeviceNumber origin, dm::DeviceNumber cow, Sectors chunk) {
  return dm::whole_device(length, dm::Snapshot{.origin = origin,
                                               .cow = cow,
                                               .store = dm::ExceptionStore::persistent,
                                               .chunk_size = chunk,
                                               .discard_zeroes_cow = true});
}

bool is_over(dm::DeviceNumber device, FileId file) {
  const auto loop = loop::info_of_device(device.major, device.minor);
  return loop && loop->backing == file;
}

}  // namespace

const std::optional<OurDevice>& Stack::guest() const {
  if (in_place) return in_place;
  return overlay ? overlay : plain;
}

Views::Views(Host& host, VolumeKey key, Path image)
    : host_(host), key_(std::move(key)), image_(std::move(image)) {}

OurDevice Views::own_device(std::uint64_t number, dm::DeviceNumber device) const {
  return {key_.volume(),
          Role::view,
          number,
          device,
          key_.name(Role::view, number),
          key_.uuid(Role::view, number)};
}

Stack Views::read() {
  Stack stack;
  for (OurDevice& device : list_devices(control(), key_)) {
    if (device.is_gone()) continue;
    switch (device.role) {
      case Role::view:
        (device.name == key_.retired_view_name(device.number) ? stack.retired : stack.views)
            .push_back(std::move(device));
        break;
      case Role::overlay:
        stack.overlay = std::move(device);
        break;
      case Role::plain:
        stack.plain = std::move(device);
        break;
      default:
        stack.in_place = std::move(device);
    }
  }
  return stack;
}

std::optional<OurDevice> Views::on_cow(const Stack& stack, const Path& cow) {
  const auto file = stat_if_exists(cow);
  if (!file) return std::nullopt;
  // It is the newest but one, if any.
  for (auto view = stack.views.rbegin(); view != stack.views.rend(); ++view) {
    const auto snapshot = only_target<dm::Snapshot>(control(), *view);
    if (snapshot && is_over(snapshot->cow, file->id)) return *view;
  }
  return std::nullopt;
}

View Views::describe(const OurDevice& view) {
  const auto lines = control().table(view.uuid);
  if (lines.size() != 1)
    throw Error(ErrorKind::kernel_refused, fmt::format("view {} has no table", view.name.str()));
  return {view.number, view.device, lines[0].length};
}

OurDevice Views::make_top(const Stack& stack) {
  // One is left below the first, for a cow that an interrupted session left.
  std::uint64_t generation = 2;
  for (const auto* views : {&stack.retired, &stack.views})
    if (!views->empty()) generation = std::max(generation, views->back().number + 2);
  if (!stack.views.empty()) generation = stack.views.back().number + 1;
  // Held until the view holds it.
  const auto attached = stack.views.empty() ? std::make_optional(attach_only_loop(image_, {})) : std::nullopt;
  const dm::DeviceNumber image = attached ? device_number(*attached) : image_loop_under(stack.views.back());
  auto device =
      dm::Device::bring_up(control(), key_.name(Role::view, generation), key_.uuid(Role::view, generation),
                           dm::whole_device(to_sectors(image_size(image_)), dm::Linear{image, Sectors{0}}));
  return own_device(generation, device.keep());
}

dm::DeviceNumber Views::image_loop_under(const OurDevice& top) {
  const auto linear = only_target<dm::Linear>(control(), top);
  const auto image = stat_if_exists(image_);
  if (!linear || !image || !is_over(linear->device, image->id))
    throw Error(ErrorKind::in_use,
                fmt::format("{} does not stand on '{}': the image was replaced while it was in use",
                            top.name.str(), image_.native()));
  return linear->device;
}

OurDevice Views::freeze(const Stack& stack, const Path& cow) {
  if (const auto frozen = on_cow(stack, cow)) {
    const auto top = std::ranges::find(stack.views, frozen->number + 1, &OurDevice::number);
    if (top == stack.views.end())
      throw Error(ErrorKind::kernel_refused, fmt::format("{} stands on no view of ours", frozen->name.str()));
    return *top;
  }
  check_depth(stack);
  OurDevice top = make_top(stack);
  put_on_cow(stack, top, cow);
  return top;
}

void Views::put_on_cow(const Stack& stack, const OurDevice& top, const Path& cow_file) {
  const Bytes size = image_size(image_);
  const auto header = check_store_file(cow_file, size).header;
  const Sectors chunk = (header ? header->chunk_size : base_chunk).sectors();
  const loop::Loop cow = attach_only_loop(cow_file, {.direct_io = true});
  if (!stack.views.empty()) {
    const OurDevice& newest = stack.views.back();
    dm::swap_table(control(), newest.uuid,
                   frozen_table(describe(newest).length, top.device, device_number(cow), chunk), true,
                   refuse_invalid);
    return;
  }
  const Bytes frozen_size = header ? header->restores.value_or(size) : size;
  const std::uint64_t generation = top.number - 1;
  dm::Device::bring_up(control(), key_.name(Role::view, generation), key_.uuid(Role::view, generation),
                       frozen_table(to_sectors(frozen_size), top.device, device_number(cow), chunk), true)
      .keep();
}

void Views::check_depth(const Stack& stack) {
  if (stack.views.size() < max_views) return;
  throw Error(
      ErrorKind::in_use,
      fmt::format(
          "{} older states are still in use, which is the bound; stop one of those that hold them: {}",
          stack.views.size(), holders(stack)));
}

void Views::grow_top(const Stack& stack) {
  if (stack.views.empty()) return;
  const OurDevice& top = stack.views.back();
  const dm::DeviceNumber image = image_loop_under(top);
  grow_loop(image);
  dm::swap_table(control(), top.uuid,
                 dm::whole_device(to_sectors(image_size(image_)), dm::Linear{image, Sectors{0}}), false, {});
}

bool Views::is_outgrown(const Stack& stack) {
  return !stack.views.empty() && to_bytes(describe(stack.views.back()).length) < image_size(image_);
}

void Views::collect() {
  const Stack stack = read();
  remove_unused(stack.retired, stack);
  remove_unused(stack.views, stack);
  if (stack.views.size() > 1) thaw(read());
}

void Views::remove_unused(const std::vector<OurDevice>& views, const Stack& stack) {
  for (const OurDevice& view : views) {
    // The session copies old chunks out into the view below it, whoever looks at that.
    if (stack.in_place && view.number + 1 >= stack.in_place->number) return;
    const auto info = control().info(view.uuid);
    if (info && info->open_count == 0) control().remove(view.uuid);
  }
}

void Views::thaw(const Stack& stack) {
  if (stack.in_place || stack.views.size() < 2) return;
  const OurDevice& top = stack.views.back();
  const OurDevice& frozen = stack.views[stack.views.size() - 2];
  const auto snapshot = only_target<dm::Snapshot>(control(), frozen);
  const auto linear = only_target<dm::Linear>(control(), top);
  const auto info = control().info(top.uuid);
  constexpr int frozen_alone = 1;
  if (!snapshot || !linear || snapshot->origin != top.device || !info || info->open_count != frozen_alone)
    return;
  const auto status = dm::SnapshotStatus::parse(control().status(frozen.uuid).at(0).params);
  if (status.state != dm::SnapshotStatus::State::active || status.allocated > status.metadata) return;
  const Sectors length = describe(frozen).length;
  if (length != describe(top).length) return;
  dm::swap_table(control(), frozen.uuid, dm::whole_device(length, *linear), false, {});
  control().remove(top.uuid);
}

void Views::retire_replaced() {
  const Stack stack = read();
  if (stack.views.empty()) return;
  const auto linear = only_target<dm::Linear>(control(), stack.views.back());
  const auto image = stat_if_exists(image_);
  if (linear && image && is_over(linear->device, image->id)) return;
  // Newest first: cut off in the middle, what is left still tells that it was replaced.
  for (const OurDevice& view : stack.views) control().rename(view.name, key_.retired_view_name(view.number));
}

std::optional<Views::Fold> Views::foldable(const Stack& stack) {
  constexpr int older_alone = 1;
  // The last is the newest state; while one before it is the committed one, a session or a commit goes on,
  // and its store still grows.
  for (std::size_t i = 0; i + 2 < stack.views.size(); ++i) {
    const OurDevice &older = stack.views[i], &newer = stack.views[i + 1];
    const auto info = control().info(newer.uuid);
    if (!info || info->open_count != older_alone) continue;
    const auto older_table = only_target<dm::Snapshot>(control(), older);
    const auto newer_table = only_target<dm::Snapshot>(control(), newer);
    if (older_table && newer_table && older_table->origin == newer.device)
      return Fold{older, newer, *older_table, *newer_table, describe(older).length};
  }
  return std::nullopt;
}

bool Views::fold(const Fold& fold, const Fd& cow, Sectors chunk) {
  const auto now = foldable(read());
  if (!now || now->older_table != fold.older_table || now->newer_table != fold.newer_table) return false;
  const auto loop = loop::Loop::attach(cow, image_.parent_path(), {.direct_io = true, .autoclear = true});
  dm::swap_table(control(), fold.older.uuid,
                 frozen_table(fold.length, fold.newer_table.origin, device_number(loop), chunk), true,
                 refuse_invalid);
  control().remove(fold.newer.uuid);
  return true;
}

std::optional<std::vector<dm::DeviceNumber>> Views::stores_above(const Stack& stack, dm::DeviceNumber view) {
  auto at = std::ranges::find(stack.views, view, &OurDevice::device);
  if (at == stack.views.end()) return std::nullopt;
  std::vector<dm::DeviceNumber> stores;
  for (; at != stack.views.end(); ++at)
    if (const auto snapshot = only_target<dm::Snapshot>(control(), *at)) stores.push_back(snapshot->cow);
  return stores;
}

std::string Views::holders(const Stack& stack) {
  std::set<std::string> names;
  for (const OurDevice& device : list_devices(control(), "COWSHED-")) {
    if (device.role != Role::snapshot) continue;
    const auto under = control().deps(device.uuid);
    for (const auto* views : {&stack.views, &stack.retired})
      for (const OurDevice& view : *views)
        if (std::ranges::find(under, view.device) != under.end()) names.insert(vid_text(device.volume));
  }
  return names.empty() ? "an export" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace cowshed::layers
