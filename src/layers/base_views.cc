// SPDX-License-Identifier: Apache-2.0
// Base: its views. (Its sessions: base.cc.)
#include <fcntl.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/undo.h"
#include "dm/device.h"
#include "layers/base.h"
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

}  // namespace

OurDevice Base::own_device(Role role, std::uint64_t number, dm::DeviceNumber device) const {
  return {key_.volume(), role, number, device, key_.name(role, number), key_.uuid(role, number)};
}

Base::Stack Base::read_stack() {
  Stack stack;
  for (OurDevice& device : list_devices(control(), key_)) {
    if (device.is_gone()) continue;
    if (device.role == Role::view)
      stack.views.push_back(std::move(device));
    else
      (device.role == Role::plain ? stack.plain : stack.session) = std::move(device);
  }
  return stack;
}

std::optional<OurDevice> Base::view_on_cow(const Stack& stack) {
  const auto cow = stat_if_exists(files_.cow);
  if (!cow) return std::nullopt;
  // It is the newest but one, if any.
  for (auto view = stack.views.rbegin(); view != stack.views.rend(); ++view) {
    const auto snapshot = only_target<dm::Snapshot>(control(), *view);
    if (!snapshot) continue;
    const auto loop = loop::info_of_device(snapshot->cow.major, snapshot->cow.minor);
    if (loop && loop->backing == cow->id) return *view;
  }
  return std::nullopt;
}

std::optional<OurDevice> Base::committed_view_in(const Stack& stack) {
  if (stack.views.empty()) return std::nullopt;
  if (!path_exists(files_.cow)) return stack.views.back();
  if (auto view = view_on_cow(stack)) return view;
  // A session that was cut off before it had written or swapped anything.
  if (is_clean_store(files_.cow)) return stack.views.back();
  return std::nullopt;
}

std::optional<OurDevice> Base::committed_view() { return committed_view_in(read_stack()); }

View Base::describe(const OurDevice& view) {
  const auto lines = control().table(view.uuid);
  if (lines.size() != 1)
    throw Error(ErrorKind::kernel_refused, fmt::format("view {} has no table", view.name.str()));
  return {view.number, view.device, lines[0].length};
}

void Base::refuse_direct(const Stack& stack) {
  if (stack.plain)
    throw Error(ErrorKind::in_use,
                fmt::format("its source '{}' runs with snapshots off", vid_text(key_.volume())));
}

void Base::with_view(const std::function<void(const View&)>& body) {
  {
    // The usual case: a view is up, and standing on it needs no more than that it stays.
    const std::shared_lock guard(host_.lock_of(key_.uuid_prefix()));
    const Stack stack = read_stack();
    refuse_direct(stack);
    if (const auto view = committed_view_in(stack)) return body(describe(*view));
  }
  const auto guard = lock();
  refuse_direct(read_stack());
  Undo undo([this] { collect_or_leave(); });
  body(make_view());
  undo.release();
}

View Base::make_view() {
  if (const auto view = committed_view_in(read_stack())) return describe(*view);
  collect_locked();
  const Stack stack = read_stack();
  if (path_exists(files_.cow) && !is_clean_store(files_.cow)) {
    check_store_file(files_.cow, image_size());
    freeze(stack);
    return describe(committed_view_in(read_stack()).value());
  }
  return describe(make_top(stack));
}

OurDevice Base::freeze(const Stack& stack) {
  if (const auto frozen = view_on_cow(stack)) {
    const auto top = std::ranges::find(stack.views, frozen->number + 1, &OurDevice::number);
    if (top == stack.views.end())
      throw Error(ErrorKind::kernel_refused, fmt::format("{} stands on no view of ours", frozen->name.str()));
    return *top;
  }
  if (!stack.views.empty() && !is_clean_store(files_.cow))
    throw Error(ErrorKind::in_use,
                fmt::format("'{}' holds an uncommitted session, yet snapshots of the image run beside it: {}",
                            files_.cow.native(), holders_of(stack)));
  check_depth(stack);
  const OurDevice top = make_top(stack);
  put_on_cow(stack, top);
  return top;
}

OurDevice Base::make_top(const Stack& stack) {
  // One is left below the first, for a cow that an interrupted session left.
  constexpr std::uint64_t first_generation = 2;
  const std::uint64_t generation = stack.views.empty() ? first_generation : stack.views.back().number + 1;
  // Held until the view holds it.
  const auto attached =
      stack.views.empty() ? std::make_optional(attach_only_loop(files_.image, {})) : std::nullopt;
  const dm::DeviceNumber image = attached ? device_number(*attached) : image_loop_under(stack.views.back());
  auto device =
      dm::Device::bring_up(control(), key_.name(Role::view, generation), key_.uuid(Role::view, generation),
                           dm::whole_device(to_sectors(image_size()), dm::Linear{image, Sectors{0}}));
  return own_device(Role::view, generation, device.keep());
}

dm::DeviceNumber Base::image_loop_under(const OurDevice& top) {
  const auto linear = only_target<dm::Linear>(control(), top);
  const auto image = stat_if_exists(files_.image);
  const auto loop = linear ? loop::info_of_device(linear->device.major, linear->device.minor) : std::nullopt;
  if (!loop || !image || loop->backing != image->id)
    throw Error(ErrorKind::in_use,
                fmt::format("{} does not stand on '{}': the image was replaced while it was in use",
                            top.name.str(), files_.image.native()));
  return linear->device;
}

/// The committed view goes onto the base cow: the newest one so far is swapped live, under its readers; where
/// there is none, one is made, so that snapshots may start during the session.
void Base::put_on_cow(const Stack& stack, const OurDevice& top) {
  const Bytes size = image_size();
  const auto chunk = check_store_file(files_.cow, size).chunk_size.value_or(base_chunk);
  const loop::Loop cow = attach_only_loop(files_.cow, {.direct_io = true});
  const auto table = [&](Sectors length) {
    return dm::whole_device(length, dm::Snapshot{.origin = top.device,
                                                 .cow = device_number(cow),
                                                 .store = dm::ExceptionStore::persistent,
                                                 .chunk_size = chunk.sectors(),
                                                 .discard_zeroes_cow = true});
  };
  if (!stack.views.empty()) {
    const OurDevice& newest = stack.views.back();
    dm::swap_table(control(), newest.uuid, table(describe(newest).length), true, refuse_invalid);
    return;
  }
  const std::uint64_t generation = top.number - 1;
  dm::Device::bring_up(control(), key_.name(Role::view, generation), key_.uuid(Role::view, generation),
                       table(to_sectors(size)), true)
      .keep();
}

void Base::check_depth(const Stack& stack) {
  if (stack.views.size() < max_views) return;
  throw Error(
      ErrorKind::in_use,
      fmt::format(
          "{} older states are still in use, which is the bound; stop one of those that hold them: {}",
          stack.views.size(), holders_of(stack)));
}

void Base::collect() {
  const auto guard = lock();
  collect_locked();
}

void Base::collect_or_leave() {
  try {
    collect_locked();
  } catch (const std::exception& failure) {
    host_.leave_to_recovery(failure.what());
  }
}

void Base::collect_locked() {
  const Stack stack = read_stack();
  for (const OurDevice& view : stack.views) {
    // The session copies old chunks out into the view below it, whoever looks at that.
    if (stack.session && view.number + 1 >= stack.session->number) return;
    const auto info = control().info(view.uuid);
    if (info && info->open_count == 0) control().remove(view.uuid);
  }
  if (stack.views.size() > 1) thaw(read_stack());
}

/// Undoes freeze() where the session was not to be, or changed nothing: else each would leave a view more
/// under running snapshots, and make them look outdated.
void Base::thaw(const Stack& stack) {
  if (stack.session || stack.views.size() < 2) return;
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
  dm::swap_table(control(), frozen.uuid, dm::whole_device(describe(frozen).length, *linear), false, {});
  control().remove(top.uuid);
}

std::string Base::holders_of(const Stack& stack) {
  std::set<std::string> names;
  for (const OurDevice& device : list_devices(control(), "COWSHED-")) {
    if (device.role != Role::snapshot) continue;
    const auto under = control().deps(device.uuid);
    const bool stands_here = std::ranges::any_of(stack.views, [&](const OurDevice& view) {
      return std::ranges::find(under, view.device) != under.end();
    });
    if (stands_here) names.insert(vid_text(device.volume));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace cowshed::layers
