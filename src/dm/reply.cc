// SPDX-License-Identifier: Apache-2.0
#include "dm/reply.h"

#include <fmt/core.h>

#include <cstddef>
#include <cstring>

#include "base/error.h"

namespace cowshed::dm {

namespace {

[[noreturn]] void malformed(std::string_view what) {
  throw Error(ErrorKind::kernel_refused, fmt::format("malformed answer of device-mapper: {}", what));
}

/// Reads from a payload at any offset, aligned or not.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  [[nodiscard]] T read(std::size_t offset, std::string_view what) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) malformed(what);
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  [[nodiscard]] std::string_view text(std::size_t offset, std::string_view what) const {
    if (offset > bytes_.size()) malformed(what);
    const auto end = bytes_.find('\0', offset);
    if (end == std::string_view::npos) malformed(what);
    return bytes_.substr(offset, end - offset);
  }

 private:
  std::string_view bytes_;
};

/// As the kernel's align_val().
constexpr std::size_t align(std::size_t offset) { return (offset + 7) & ~std::size_t{7}; }

/// Splits a list of records that each hold the distance to the next one, 0 in the last. Every record is
/// handed out cut at the beginning of the next.
template <typename NextOf>
std::vector<std::string_view> split_records(std::string_view payload, NextOf next_of) {
  std::vector<std::string_view> records;
  while (!payload.empty()) {
    const std::size_t next = next_of(payload);
    if (next > payload.size()) malformed("a record lies outside of it");
    records.push_back(payload.substr(0, next == 0 ? payload.size() : next));
    if (next == 0) break;
    payload.remove_prefix(next);
    if (payload.empty()) malformed("the last record is missing");
  }
  return records;
}

template <std::size_t size>
void expect_terminated(const char (&field)[size], std::string_view what) {
  if (::strnlen(field, size) == size) malformed(what);
}

// dm_name_list and dm_target_versions end in a flexible array, whose offset is smaller than their padded
// size.
constexpr std::size_t list_name_offset = offsetof(dm_name_list, name);
constexpr std::size_t version_name_offset = offsetof(dm_target_versions, name);

void read_uuid(const Cursor& record, std::size_t offset, ListEntry& entry) {
  entry.event_number = record.read<std::uint32_t>(offset, "an entry without event number");
  const auto flags = record.read<std::uint32_t>(offset + 4, "an entry without flags");
  if ((flags & DM_NAME_LIST_FLAG_HAS_UUID) != 0)
    entry.uuid = record.text(align(offset + 8), "an entry without the UUID it promises");
  else if ((flags & DM_NAME_LIST_FLAG_DOESNT_HAVE_UUID) == 0)
    malformed("an entry that does not tell whether it has a UUID");
}

}  // namespace

Reply Reply::from(const Buffer& buffer) {
  Reply reply;
  reply.header = buffer.header();
  const dm_ioctl& header = reply.header;
  if (header.data_size < offsetof(dm_ioctl, data) || header.data_size > buffer.size())
    malformed("its size is not that of the buffer");
  expect_terminated(header.name, "the name has no end");
  expect_terminated(header.uuid, "the UUID has no end");
  // Commands without an answer leave data_start as it was asked with, behind the end.
  if (header.data_start < header.data_size) {
    if (header.data_start < offsetof(dm_ioctl, data)) malformed("its data begins in the header");
    reply.payload = buffer.bytes(header.data_start, header.data_size);
  }
  return reply;
}

DeviceInfo Reply::info() const {
  try {
    return {.name = DmName(header.name),
            .uuid = header.uuid,
            .number = DeviceNumber::from_wire(header.dev),
            .open_count = header.open_count,
            .event_number = header.event_nr,
            .target_count = header.target_count,
            .suspended = has(DM_SUSPEND_FLAG),
            .read_only = has(DM_READONLY_FLAG),
            .has_live_table = has(DM_ACTIVE_PRESENT_FLAG),
            .has_inactive_table = has(DM_INACTIVE_PRESENT_FLAG),
            .deferred_remove = has(DM_DEFERRED_REMOVE)};
  } catch (const Error& error) {
    throw Error(ErrorKind::kernel_refused, error.message());
  }
}

std::vector<ListEntry> parse_name_list(std::string_view payload, bool with_uuids) {
  std::vector<ListEntry> entries;
  const auto next_of = [](std::string_view rest) {
    return Cursor(rest).read<std::uint32_t>(offsetof(dm_name_list, next), "an entry that is cut off");
  };
  for (const std::string_view bytes : split_records(payload, next_of)) {
    const Cursor record(bytes);
    const auto dev = record.read<std::uint64_t>(offsetof(dm_name_list, dev), "an entry that is cut off");
    // An empty list may be one entry without a device (list_devices: "Flags no data").
    if (dev == 0) continue;
    ListEntry entry{.number = DeviceNumber::from_wire(dev),
                    .name = std::string(record.text(list_name_offset, "a name without an end")),
                    .uuid = {}};
    if (with_uuids) read_uuid(record, align(list_name_offset + entry.name.size() + 1), entry);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<TargetVersion> parse_target_versions(std::string_view payload) {
  std::vector<TargetVersion> versions;
  const auto next_of = [](std::string_view rest) {
    return Cursor(rest).read<std::uint32_t>(offsetof(dm_target_versions, next), "a target that is cut off");
  };
  for (const std::string_view bytes : split_records(payload, next_of)) {
    const Cursor record(bytes);
    const auto part = [&](std::size_t i) {
      return record.read<std::uint32_t>(offsetof(dm_target_versions, version) + i * sizeof(std::uint32_t),
                                        "a target that is cut off");
    };
    versions.push_back(
        {.name = std::string(record.text(version_name_offset, "a target's name without an end")),
         .version = {part(0), part(1), part(2)}});
  }
  return versions;
}

std::vector<RawLine> parse_target_specs(std::string_view payload, std::uint32_t target_count) {
  std::vector<RawLine> lines;
  std::size_t offset = 0;
  for (std::uint32_t i = 0; i < target_count; ++i) {
    const auto spec = Cursor(payload).read<dm_target_spec>(offset, "a target that is cut off");
    expect_terminated(spec.target_type, "a target's type without an end");
    const bool is_last = i + 1 == target_count;
    // Here, unlike in a request, `next` counts from the first spec.
    if (!is_last && (spec.next <= offset + sizeof spec || spec.next >= payload.size()))
      malformed("a target that points outside of it");
    const Cursor line(is_last ? payload : payload.substr(0, spec.next));
    lines.push_back({.start = {spec.sector_start},
                     .length = {spec.length},
                     .type = spec.target_type,
                     .params = std::string(line.text(offset + sizeof spec, "parameters without an end"))});
    offset = spec.next;
  }
  return lines;
}

std::vector<DeviceNumber> parse_deps(std::string_view payload) {
  std::vector<DeviceNumber> devices;
  if (payload.empty()) return devices;
  const Cursor cursor(payload);
  const auto count = cursor.read<std::uint32_t>(offsetof(dm_target_deps, count), "no number of dependencies");
  for (std::size_t i = 0; i < count; ++i)
    devices.push_back(DeviceNumber::from_wire(cursor.read<std::uint64_t>(
        offsetof(dm_target_deps, dev) + i * sizeof(std::uint64_t), "fewer dependencies than promised")));
  return devices;
}

std::string parse_message_answer(std::string_view payload) {
  return std::string(Cursor(payload).text(0, "an answer to a message without an end"));
}

}  // namespace cowshed::dm
