// SPDX-License-Identifier: Apache-2.0
#include "dm/request.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace cowshed::dm {

namespace {

struct AddressedBy {
  Request& request;
  void operator()(const DmUuid& uuid) const { request.uuid = uuid.str(); }
  void operator()(const DmName& name) const { request.name = name.str(); }
  void operator()(DeviceNumber number) const { request.dev = number.to_wire(); }
};

template <std::size_t size>
void put(char (&field)[size], const std::string& text) {
  if (text.size() >= size)
    throw Error(ErrorKind::invalid_argument, fmt::format("'{}' is too long for device-mapper", text));
  std::ranges::copy(text, field);
}

std::string describe_device(const Request& request) {
  if (!request.name.empty() && !request.uuid.empty())
    return fmt::format(" device '{}' ({})", request.name, request.uuid);
  if (!request.name.empty()) return fmt::format(" device '{}'", request.name);
  if (!request.uuid.empty()) return fmt::format(" device {}", request.uuid);
  if (request.dev != 0) return fmt::format(" device {}", DeviceNumber::from_wire(request.dev).str());
  return {};
}

}  // namespace

Request::Request(Op what, const DeviceId& id) : op(what) { std::visit(AddressedBy{*this}, id); }

std::string Request::describe() const {
  std::string text(command_of(op).name);
  if (op != Op::list) text += describe_device(*this);
  if (detail) text += fmt::format(" ({})", detail());
  return text;
}

Buffer::Buffer(const Request& request, std::size_t size) : bytes_(size), secure_(request.is_secure()) {
  dm_ioctl header{};
  // The kernel refuses a minor version above its own (check_version), so the lowest is claimed.
  header.version[0] = DM_VERSION_MAJOR;
  header.data_size = static_cast<std::uint32_t>(size);
  header.data_start = data_start;
  header.target_count = request.target_count;
  header.flags = request.flags;
  header.event_nr = request.event_nr;
  header.dev = request.dev;
  put(header.name, request.name);
  put(header.uuid, request.uuid);
  std::memcpy(bytes_.data(), &header, sizeof header);
  std::ranges::copy(request.data, bytes_.data() + data_start);
}

Buffer::~Buffer() {
  if (secure_) ::explicit_bzero(bytes_.data(), bytes_.size());
}

dm_ioctl Buffer::header() const {
  dm_ioctl header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  return header;
}

std::size_t Buffer::size_for(const Request& request) {
  const std::size_t needed = data_start + request.data.size();
  return command_of(request.op).answer == Answer::none ? needed : std::max(needed, first_size);
}

}  // namespace cowshed::dm
