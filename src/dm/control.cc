// SPDX-License-Identifier: Apache-2.0
#include "dm/control.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/stages.h"
#include "dm/reply.h"
#include "dm/request.h"

namespace cowshed::dm {

namespace {

/// What udev's rules are told with every event cowshed causes; the kernel passes it on as DM_COOKIE. The
/// values are libdevmapper's (libdevmapper.h, DM_UDEV_*), the readers are its rules (10-dm or 55-dm.rules,
/// 13-dm-disk or 60-persistent-storage-dm.rules, 95-dm-notify.rules) and everybody who follows
/// DM_UDEV_DISABLE_OTHER_RULES_FLAG.
///
/// Set:
/// - DISABLE_DM_RULES: no /dev/mapper/NAME: nobody is to open a layer under a name, and renames are ours
/// - DISABLE_SUBSYSTEM_RULES: no lvm, multipath, crypt rules for it
/// - DISABLE_DISK_RULES: no blkid on it, no /dev/disk/by-*, no inotify watch that would bring back "change"
///   events
/// - DISABLE_OTHER_RULES: no pvscan, mdadm, btrfs scan; systemd makes no device unit for it
/// - PRIMARY_SOURCE: the rules take these flags rather than those remembered from an earlier event; what is
///   remembered then also holds for events of others ("udevadm trigger")
///
/// Not set:
/// - LOW_PRIORITY is about links that are not made
/// - DISABLE_LIBRARY_FALLBACK is about what libdevmapper does in the calling process
/// - the low 16 bits name a semaphore that a rule counts down; cowshed does not wait for udev
///
/// The value must not be 0, since the kernel then sends no DM_COOKIE at all (dm_kobject_uevent).
constexpr std::uint32_t udev_flags_shift = 16;
constexpr std::uint32_t udev_flags = (0x0001u | 0x0002u | 0x0004u | 0x0008u | 0x0040u) << udev_flags_shift;
static_assert(udev_flags != 0);

ErrorKind kind_of(Op op, int error_number) {
  switch (error_number) {
    case ENXIO:
      return ErrorKind::not_found;
    case ENOTTY:
    case EOPNOTSUPP:
      return ErrorKind::not_supported;
    case EBUSY:
      // Only these take a name or UUID; everywhere else a device is held open.
      if (op == Op::create || op == Op::rename || op == Op::set_uuid) return ErrorKind::exists;
      return ErrorKind::in_use;
    default:
      return Error::from_errno(error_number, {}).kind();
  }
}

std::string errno_name(int error_number) {
  const char* name = ::strerrorname_np(error_number);
  return name != nullptr ? name : fmt::format("errno {}", error_number);
}

Error refused(const Request& request, int error_number) {
  const bool kernel_log_knows_more = error_number == EINVAL || request.op == Op::load;
  return {kind_of(request.op, error_number),
          fmt::format("{}: {} ({}{})", request.describe(), ::strerrordesc_np(error_number),
                      errno_name(error_number), kernel_log_knows_more ? "; see the kernel log" : ""),
          error_number};
}

Error wrong_interface(const dm_ioctl& header) {
  return {ErrorKind::not_supported,
          fmt::format("the kernel's device-mapper interface is {}.{}.{}, needed is {}", header.version[0],
                      header.version[1], header.version[2], DM_VERSION_MAJOR)};
}

void expect_since(std::uint32_t since_minor, const Version& kernel, const Request& request) {
  if (kernel.minor >= since_minor) return;
  throw Error(ErrorKind::not_supported,
              fmt::format("{}: the kernel's device-mapper interface is {}.{}, needed is {}.{}",
                          request.describe(), kernel.major, kernel.minor, DM_VERSION_MAJOR, since_minor));
}

/// Refuses what the table does not allow, or the kernel does not have.
void check(const Request& request, const Version& kernel) {
  const Command& command = command_of(request.op);
  expect_since(command.since_minor, kernel, request);
  std::uint32_t unknown = request.flags;
  for (const AllowedFlag& allowed : command.flags) {
    if ((request.flags & allowed.flag) != 0) expect_since(allowed.since_minor, kernel, request);
    unknown &= ~allowed.flag;
  }
  if (unknown != 0)
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: flags {:#x} do not belong to it", request.describe(), unknown));
}

std::uint32_t flag_if(bool condition, std::uint32_t flag) { return condition ? flag : 0; }

std::uint32_t flags_of(SuspendOptions options) {
  return flag_if(!options.flush, DM_NOFLUSH_FLAG) | flag_if(!options.lock_fs, DM_SKIP_LOCKFS_FLAG);
}

std::uint32_t flags_of(Slot slot) { return flag_if(slot == Slot::inactive, DM_QUERY_INACTIVE_TABLE_FLAG); }

/// One dm_target_spec with its parameters, NUL and padding up to the next.
SecretText to_wire(const TableLine& line) {
  dm_target_spec spec{};
  spec.sector_start = line.start.count;
  spec.length = line.length.count;
  const std::string_view type = type_of(line.target);
  static_cast<void>(type.copy(spec.target_type, sizeof spec.target_type - 1));
  const SecretText params = params_of(line.target);
  const std::size_t size = (sizeof spec + params.size() + 1 + 7) & ~std::size_t{7};
  spec.next = static_cast<std::uint32_t>(size);
  SecretText wire(reinterpret_cast<const char*>(&spec), sizeof spec);
  wire += params;
  wire.resize(size);
  return wire;
}

SecretText to_wire(const Table& table) {
  SecretText wire;
  for (const TableLine& line : table) wire += to_wire(line);
  return wire;
}

/// dm_target_msg: the sector, then the text with its NUL.
SecretText message_to_wire(Sectors sector, std::string_view text) {
  SecretText wire(reinterpret_cast<const char*>(&sector.count), sizeof sector.count);
  wire += text;
  wire += '\0';
  return wire;
}

SecretText with_nul(const std::string& text) { return {text.c_str(), text.size() + 1}; }

}  // namespace

Control::Control(std::unique_ptr<IoctlPort> port) : port_(std::move(port)) {
  const Reply reply = issue(Request{Op::version});
  if (reply.header.version[0] != DM_VERSION_MAJOR) throw wrong_interface(reply.header);
  version_ = {reply.header.version[0], reply.header.version[1], reply.header.version[2]};
}

Control::~Control() = default;

namespace {

std::optional<Stage> stage_of(Op op) {
  switch (op) {
    case Op::create:
      return Stage::device_create;
    case Op::load:
      return Stage::table_load;
    case Op::resume:
      return Stage::resume;
    case Op::suspend:
      return Stage::suspend;
    case Op::rename:
      return Stage::rename;
    case Op::remove:
      return Stage::remove;
    default:
      return std::nullopt;
  }
}

}  // namespace

Reply Control::issue(const Request& request) {
  auto reply = ask(request);
  if (!reply) throw refused(request, ENXIO);
  return std::move(*reply);
}

std::optional<Reply> Control::ask(const Request& request) {
  check(request, version_);
  const StageTimer timer(stage_of(request.op));
  const Command& command = command_of(request.op);
  for (std::size_t size = Buffer::size_for(request);; size *= 2) {
    Buffer buffer(request, size);
    if (port_->issue(command.request, buffer.get()) < 0) {
      const int error_number = errno;
      // The kernel writes its version even when it refuses ours (check_version).
      if (buffer.header().version[0] != DM_VERSION_MAJOR) throw wrong_interface(buffer.header());
      if (error_number == ENXIO) return std::nullopt;
      throw refused(request, error_number);
    }
    Reply reply = in_context([&] { return request.describe(); }, [&] { return Reply::from(buffer); });
    const bool is_whole = !reply.has(DM_BUFFER_FULL_FLAG);
    if (is_whole || command.answer == Answer::none || command.answer == Answer::ignored) return reply;
    if (command.answer == Answer::once || size >= Buffer::largest_size)
      throw Error(ErrorKind::kernel_refused,
                  fmt::format("{}: the answer does not fit into {} bytes", request.describe(), size));
  }
}

std::vector<TargetVersion> Control::target_versions() {
  return parse_target_versions(issue(Request{Op::target_versions}).payload);
}

DeviceInfo Control::create(const DmName& name, const DmUuid& uuid) {
  Request request(Op::create, name);
  request.uuid = uuid.str();
  request.event_nr = udev_flags;
  return issue(request).info();
}

DeviceInfo Control::create(const DmName& name) {
  Request request(Op::create, name);
  request.event_nr = udev_flags;
  return issue(request).info();
}

void Control::load(const DeviceId& id, const Table& table, bool read_only, bool secure) {
  Request request(Op::load, id);
  request.flags = flag_if(read_only, DM_READONLY_FLAG) | flag_if(secure, DM_SECURE_DATA_FLAG);
  request.target_count = static_cast<std::uint32_t>(table.size());
  request.data = to_wire(table);
  request.detail = [&] { return describe(table); };
  issue(request);
}

void Control::clear(const DeviceId& id) { issue(Request(Op::clear, id)); }

DeviceInfo Control::resume(const DeviceId& id, SuspendOptions options) {
  Request request(Op::resume, id);
  request.flags = flags_of(options);
  request.event_nr = udev_flags;
  return issue(request).info();
}

DeviceInfo Control::suspend(const DeviceId& id, SuspendOptions options) {
  Request request(Op::suspend, id);
  request.flags = DM_SUSPEND_FLAG | flags_of(options);
  return issue(request).info();
}

void Control::remove(const DeviceId& id, bool deferred) {
  Request request(Op::remove, id);
  request.flags = flag_if(deferred, DM_DEFERRED_REMOVE);
  request.event_nr = udev_flags;
  issue(request);
}

DmName Control::name_of(const DeviceId& id) {
  if (const auto* name = std::get_if<DmName>(&id)) return *name;
  return issue(Request(Op::info, id)).info().name;
}

void Control::rename(const DeviceId& id, const DmName& to) {
  Request request(Op::rename, name_of(id));
  request.event_nr = udev_flags;
  request.data = with_nul(to.str());
  request.detail = [&] { return fmt::format("to '{}'", to.str()); };
  issue(request);
}

void Control::set_uuid(const DeviceId& id, const DmUuid& uuid) {
  Request request(Op::set_uuid, name_of(id));
  request.flags = DM_UUID_FLAG;
  request.event_nr = udev_flags;
  request.data = with_nul(uuid.str());
  request.detail = [&] { return fmt::format("to {}", uuid.str()); };
  issue(request);
}

std::optional<DeviceInfo> Control::info(const DeviceId& id) {
  const auto reply = ask(Request(Op::info, id));
  if (!reply) return std::nullopt;
  return reply->info();
}

std::vector<RawLine> Control::table(const DeviceId& id, Slot slot) {
  return lines(id, DM_STATUS_TABLE_FLAG | flags_of(slot));
}

std::vector<RawLine> Control::status(const DeviceId& id, Slot slot, bool flush) {
  return lines(id, flag_if(!flush, DM_NOFLUSH_FLAG) | flags_of(slot));
}

std::vector<RawLine> Control::lines(const DeviceId& id, std::uint32_t flags) {
  Request request(Op::status, id);
  request.flags = flags;
  const Reply reply = issue(request);
  return in_context([&] { return request.describe(); },
                    [&] { return parse_target_specs(reply.payload, reply.header.target_count); });
}

std::optional<Look> Control::look(const DeviceId& id) {
  Request request(Op::status, id);
  request.flags = DM_NOFLUSH_FLAG;
  const auto reply = ask(request);
  if (!reply) return std::nullopt;
  return in_context(
      [&] { return request.describe(); },
      [&] {
        return Look{reply->info(), parse_target_specs(reply->payload, reply->header.target_count)};
      });
}

std::vector<DeviceNumber> Control::deps(const DeviceId& id, Slot slot) {
  Request request(Op::deps, id);
  request.flags = flags_of(slot);
  const Reply reply = issue(request);
  return in_context([&] { return request.describe(); }, [&] { return parse_deps(reply.payload); });
}

std::vector<ListEntry> Control::list(std::string_view uuid_prefix) {
  return lists_once_ ? listed(uuid_prefix) : ask_for_list(uuid_prefix);
}

std::vector<ListEntry> Control::listed(std::string_view uuid_prefix) {
  const std::lock_guard guard(listed_mutex_);
  if (!listed_) {
    listed_ = ask_for_list({});
    std::ranges::sort(*listed_, {}, &ListEntry::uuid);
  }
  const auto is_before = [](const ListEntry& entry, std::string_view uuid) { return entry.uuid < uuid; };
  const auto first = std::lower_bound(listed_->begin(), listed_->end(), uuid_prefix, is_before);
  const auto last = std::find_if_not(
      first, listed_->end(), [&](const ListEntry& entry) { return entry.uuid.starts_with(uuid_prefix); });
  return {first, last};
}

std::vector<ListEntry> Control::ask_for_list(std::string_view uuid_prefix) {
  if (uuid_prefix.size() > DmUuid::max_length) return {};
  // 4.45: with DM_UUID_FLAG the list holds UUIDs, and `uuid` filters by prefix (filter_device).
  const bool with_uuids = version_.minor >= 45;
  Request request(Op::list);
  request.flags = flag_if(with_uuids, DM_UUID_FLAG);
  if (with_uuids) request.uuid = uuid_prefix;
  std::vector<ListEntry> entries = parse_name_list(issue(request).payload, with_uuids);
  if (!with_uuids) std::erase_if(entries, [&](ListEntry& entry) { return !complete(entry); });
  std::erase_if(entries, [&](const ListEntry& entry) { return !entry.uuid.starts_with(uuid_prefix); });
  return entries;
}

bool Control::complete(ListEntry& entry) {
  // By number, and without DmName: other people's names may hold anything.
  const auto reply = ask(Request(Op::info, entry.number));
  if (!reply) return false;
  entry.uuid = reply->header.uuid;
  entry.event_number = reply->header.event_nr;
  return true;
}

std::optional<std::string> Control::message(const DeviceId& id, Sectors sector, std::string_view text) {
  Request request(Op::message, id);
  request.data = message_to_wire(sector, text);
  const Reply reply = issue(request);
  if (!reply.has(DM_DATA_OUT_FLAG)) return std::nullopt;
  return in_context([&] { return request.describe(); }, [&] { return parse_message_answer(reply.payload); });
}

DeviceInfo Control::wait_event(const DeviceId& id, std::uint32_t event_number) {
  Request request(Op::wait, id);
  request.flags = DM_NOFLUSH_FLAG;
  request.event_nr = event_number;
  return issue(request).info();
}

void Control::arm_poll() { issue(Request{Op::arm_poll}); }

}  // namespace cowshed::dm
