// SPDX-License-Identifier: Apache-2.0
#include "layers/space_guard.h"

#include <fmt/core.h>

#include <algorithm>
#include <future>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "layers/holds.h"
#include "layers/reserve.h"
#include "layers/session_size.h"

namespace cowshed::layers {

namespace {

/// Percent that a file system must have got emptier before it counts as no longer low.
constexpr unsigned low_slack = 2;

bool is_session(const OurDevice& device) { return tier_of(device.role) == Tier::guest && !device.is_gone(); }

}  // namespace

SpaceGuard::SpaceGuard(Host& host, std::string uuid_prefix, Path directory)
    : host_(host), uuid_prefix_(std::move(uuid_prefix)), directory_(std::move(directory)) {}

void SpaceGuard::inherit() {
  if (!host_.has_device_mapper()) return;
  for (const OurDevice& device : list_devices(host_.control(), uuid_prefix_)) {
    if (!is_session(device)) continue;
    const auto info = host_.control().info(device.uuid);
    if (info && info->suspended) held_.insert_or_assign(device.uuid.str(), Hold{HoldReason::inherited});
  }
}

/// One look.
class SpaceGuard::Pass {
 public:
  Pass(SpaceGuard& guard, const SpaceSettings& settings) : guard_(guard), settings_(settings) {}

  GuardReport run() {
    attempt({}, [&] { look_at_file_system(); });
    if (guard_.host_.has_device_mapper()) attempt({}, [&] { look_at_devices(); });
    guard_.sizes_ = std::move(sizes_);
    act();
    report_.held = guard_.held_.size();
    if (report_.held > 0) look_again_in(shortest_interval);
    return std::move(report_);
  }

 private:
  struct Seen {
    const OurDevice* device;
    Watched watched;
    bool is_suspended = false;
    /// The kernel has given it up: what waits for it is to fail, not to wait.
    bool is_lost = false;
    Session session = {};
  };
  struct Action {
    const OurDevice* device;
    std::string vid;
    /// Nothing: it goes on.
    std::optional<Hold> hold;
    Bytes now, limit;
    std::optional<Error> failure = std::nullopt;
    bool is_done = false;
  };

  dm::Control& control() { return guard_.host_.control(); }

  template <typename Step>
  void attempt(const std::string& vid, Step step) {
    try {
      step();
    } catch (const Error& error) {
      // It has gone meanwhile.
      if (error.kind() != ErrorKind::not_found || vid.empty()) tell_failure(vid, error.message());
    } catch (const std::exception& failure) {
      tell_failure(vid, failure.what());
    }
  }
  void tell_failure(const std::string& vid, const std::string& message) {
    report_.events.push_back({.kind = GuardEvent::Kind::failed, .vid = vid, .message = message});
    look_again_in(shortest_interval);
  }
  void tell(GuardEvent::Kind kind, const std::string& vid, Bytes now, Bytes limit) {
    report_.events.push_back({.kind = kind, .vid = vid, .now = now, .limit = limit});
  }
  void look_again_in(std::chrono::milliseconds time) { report_.next = std::min(report_.next, time); }

  // --- The file system

  void look_at_file_system() {
    const FileSystem found = file_system_of(guard_.directory_);
    space_ = {found.available, SpaceMarks::of(found.size, settings_.hold)};
    report_.size = found.size;
    report_.available = found.available;
    guard_.forecast_.add(std::chrono::steady_clock::now(), found.available);
    report_.full_in = guard_.forecast_.full_in();
    tell_whether_low(found);
    look_again_in(until_next_look(space_));
  }

  void tell_whether_low(const FileSystem& found) {
    const Bytes usable = found.used + found.available;
    const auto is_at = [&](unsigned percent) {
      return usable.count > 0 && found.used.count >= usable.count / 100 * percent;
    };
    const bool was_low = guard_.is_low_;
    const unsigned until = settings_.warning - std::min(settings_.warning, low_slack);
    guard_.is_low_ = is_at(settings_.warning) || (was_low && is_at(until));
    report_.is_low = guard_.is_low_;
    if (guard_.is_low_ != was_low)
      tell(was_low ? GuardEvent::Kind::pool_recovered : GuardEvent::Kind::pool_low, {}, found.available,
           usable);
  }

  // --- Devices

  void look_at_devices() {
    devices_ = list_devices(control(), guard_.uuid_prefix_);
    remember_devices();
    for (const OurDevice& device : devices_)
      if (device.role == Role::view)
        views_.emplace(std::pair(std::string_view(device.volume), device.number), &device);
    find_needed_copies();
    limited_ = guard_.volumes_.limited();
    for (const OurDevice& device : devices_) attempt(vid_text(device.volume), [&] { look_at(device); });
  }

  /// What is gone is forgotten, and of the others known whose event number has changed.
  void remember_devices() {
    std::unordered_map<std::string, std::uint32_t> events;
    events.reserve(devices_.size());
    for (const OurDevice& device : devices_) {
      const auto before = guard_.events_.find(device.uuid.str());
      if (before == guard_.events_.end() || before->second != device.event_number)
        told_of_.insert(device.uuid.str());
      events.emplace(device.uuid.str(), device.event_number);
    }
    guard_.events_ = std::move(events);
    const auto is_gone = [&](const auto& entry) { return !guard_.events_.contains(entry.first); };
    std::erase_if(guard_.held_, is_gone);
    std::erase_if(guard_.reserved_, is_gone);
    std::erase_if(guard_.stands_on_, is_gone);
    for (auto* told : {&guard_.nearly_full_, &guard_.invalid_})
      std::erase_if(*told, [&](const std::string& uuid) { return !guard_.events_.contains(uuid); });
  }

  /// Volumes on one of whose views a snapshot stands.
  void find_needed_copies() {
    std::set<dm::DeviceNumber> used;
    for (const OurDevice& device : devices_) {
      if (device.role != Role::snapshot || device.is_gone()) continue;
      attempt(vid_text(device.volume), [&] { used.insert(view_under(device)); });
    }
    for (const OurDevice& device : devices_)
      if (device.role == Role::view && used.contains(device.device)) copied_for_.insert(device.volume);
  }

  dm::DeviceNumber view_under(const OurDevice& snapshot) {
    const auto known = guard_.stands_on_.find(snapshot.uuid.str());
    if (known != guard_.stands_on_.end()) return known->second;
    const auto origin = dm::Snapshot::parse(control().table(snapshot.uuid).at(0).params).origin;
    return guard_.stands_on_.emplace(snapshot.uuid.str(), origin).first->second;
  }

  void look_at(const OurDevice& device) {
    if (device.is_gone()) return;
    if (device.role == Role::view) {
      if (told_of_.contains(device.uuid.str())) static_cast<void>(look_for_size(device, device));
    } else if (is_session(device) && is_of_interest(device)) {
      look_at_session(device);
    }
  }

  bool is_of_interest(const OurDevice& device) const {
    const std::string& uuid = device.uuid.str();
    const bool is_near = space_.available < space_.marks.low * 2;
    return is_near || told_of_.contains(uuid) || limited_.contains(device.volume) ||
           guard_.held_.contains(uuid) ||
           (device.role == Role::origin && copied_for_.contains(device.volume));
  }

  void look_at_session(const OurDevice& device) {
    const auto info = control().info(device.uuid);
    if (!info || info->read_only) return;
    Seen seen{&device, guard_.volumes_.find(device.volume).value_or(Watched{vid_text(device.volume)}),
              info->suspended};
    const auto size = look_for_size(device, holder_of_changes(device), seen.watched.image);
    if (!size) return;
    seen.is_lost = size->is_invalid;
    seen.session.written = size->written;
    seen.session.growth = growth(device, size->taken);
    seen.session.cow_limit = has_cow(device) ? seen.watched.cow_limit : std::nullopt;
    if (seen.session.cow_limit) look_at_limit(seen);
    if (device.role == Role::origin && copied_for_.contains(device.volume)) set_aside(seen);
    seen_.push_back(std::move(seen));
  }

  static bool has_cow(const OurDevice& device) {
    return device.role != Role::plain && device.role != Role::ephemeral;
  }

  /// What a session in place overwrites is kept by the view below.
  const OurDevice& holder_of_changes(const OurDevice& device) const {
    if (device.role != Role::origin || device.number == 0) return device;
    const auto view = views_.find(std::pair(std::string_view(device.volume), device.number - 1));
    return view == views_.end() ? device : *view->second;
  }

  /// Nothing where it is gone.
  std::optional<SessionSize> look_for_size(const OurDevice& device, const OurDevice& holder,
                                           const Path& image = {}) {
    const auto size = size_of_session(control(), device, holder, image);
    if (size && size->is_invalid && guard_.invalid_.insert(holder.uuid.str()).second)
      tell(GuardEvent::Kind::invalid, vid_text(device.volume), {}, {});
    return size;
  }

  Bytes growth(const OurDevice& device, Bytes taken) {
    sizes_.emplace(device.uuid.str(), taken);
    const auto before = guard_.sizes_.find(device.uuid.str());
    if (before == guard_.sizes_.end() || taken <= before->second) return {};
    return taken - before->second;
  }

  void look_at_limit(const Seen& seen) {
    const Bytes limit = *seen.session.cow_limit, written = seen.session.written;
    const Bytes point = hold_point(limit);
    look_again_in(time_to_fill(written < point ? point - written : Bytes{}));
    if (written < nearly_full_point(limit))
      guard_.nearly_full_.erase(seen.device->uuid.str());
    else if (guard_.nearly_full_.insert(seen.device->uuid.str()).second)
      tell(GuardEvent::Kind::cow_nearly_full, seen.watched.vid, written, limit);
  }

  /// What the session writes next into its store is reserved there: the store is filled from its beginning.
  void set_aside(Seen& seen) {
    const auto store = stat_if_exists(seen.watched.cow);
    if (!store) return;
    const Bytes written = seen.session.written, ahead = space_.marks.ahead();
    Bytes& until = guard_.reserved_[seen.device->uuid.str()];
    until = std::max(until, written);
    const Bytes wanted = std::min(written + ahead, store->size);
    const bool is_worth_it = wanted > until + Bytes{ahead.count / 8} || wanted == store->size;
    try {
      // Others need what is below the mark.
      if (is_worth_it && space_.available > space_.marks.critical + (wanted - std::min(until, wanted)) &&
          reserve(seen.watched.cow, until, wanted)) {
        space_.available = space_.available - (wanted - std::min(until, wanted));
        until = std::max(until, wanted);
      }
    } catch (const Error& error) {
      // The marks of the file system are all there is, then.
      if (error.kind() == ErrorKind::not_supported) return;
      throw;
    }
    if (until >= store->size) return;
    seen.session.ahead = until - written;
    look_again_in(time_to_fill(*seen.session.ahead));
  }

  // --- What follows

  void act() {
    // The fastest first.
    std::ranges::stable_sort(seen_, std::greater{}, [](const Seen& seen) { return seen.session.growth; });
    std::vector<Action> actions;
    for (const Seen& seen : seen_) {
      const auto held = guard_.held_.find(seen.device->uuid.str());
      const bool is_ours = held != guard_.held_.end();
      if (seen.is_suspended && is_ours) {
        if (seen.is_lost || may_go_on(held->second, seen.session, space_))
          actions.push_back(action(seen, std::nullopt));
        // Else somebody works with it.
      } else if (!seen.is_suspended && !seen.is_lost) {
        // An operation may have had it resumed.
        if (is_ours) guard_.held_.erase(held);
        if (auto hold = why_hold(seen.session, space_)) actions.push_back(action(seen, hold));
      }
    }
    carry_out(actions);
    for (const Action& done : actions) settle(done);
  }

  Action action(const Seen& seen, std::optional<Hold> hold) const {
    Action action{seen.device, seen.watched.vid, hold, space_.available, space_.marks.low};
    if (hold && hold->reason == HoldReason::cow_limit) {
      action.now = seen.session.written;
      action.limit = *seen.session.cow_limit;
    }
    return action;
  }

  void carry_out(std::vector<Action>& actions) {
    std::vector<std::future<void>> begun;
    for (Action& next : actions) {
      const auto body = [this, &next] { carry_out(next); };
      try {
        begun.push_back(guard_.workers_.submit(body));
      } catch (const std::system_error&) {
        // No thread is to be had.
        body();
      }
    }
    for (auto& each : begun) each.get();
  }

  void carry_out(Action& next) {
    try {
      Holds& holds = guard_.host_.holds();
      const auto& [volume, uuid] = std::tie(next.device->volume, next.device->uuid);
      next.is_done = next.hold ? holds.hold(control(), volume, uuid) : holds.release(control(), volume, uuid);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) next.failure = error;
    } catch (const std::exception& failure) {
      next.failure = Error(ErrorKind::kernel_refused, failure.what());
    }
  }

  void settle(const Action& done) {
    if (done.failure) return tell_failure(done.vid, done.failure->message());
    if (!done.is_done) return;
    const std::string& uuid = done.device->uuid.str();
    GuardEvent event{.kind = done.hold ? GuardEvent::Kind::held : GuardEvent::Kind::released,
                     .vid = done.vid,
                     .now = done.now,
                     .limit = done.limit};
    event.reason = done.hold ? done.hold->reason : guard_.held_.at(uuid).reason;
    done.hold ? static_cast<void>(guard_.held_.insert_or_assign(uuid, *done.hold))
              : static_cast<void>(guard_.held_.erase(uuid));
    report_.events.push_back(std::move(event));
  }

  SpaceGuard& guard_;
  const SpaceSettings& settings_;
  GuardReport report_;
  /// Where the file system cannot be asked, it is nobody's fault but limits count all the same.
  Space space_{{~std::uint64_t{0}}, {}};
  std::vector<OurDevice> devices_;
  std::map<std::pair<std::string_view, std::uint64_t>, const OurDevice*> views_;
  /// By OurDevice::volume.
  std::set<std::string> copied_for_, limited_;
  /// New, or the kernel has told something of them.
  std::set<std::string> told_of_;
  std::vector<Seen> seen_;
  std::map<std::string, Bytes> sizes_;
};

GuardReport SpaceGuard::pass(const SpaceSettings& settings) { return Pass(*this, settings).run(); }

}  // namespace cowshed::layers
