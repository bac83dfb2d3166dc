// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/dm-ioctl.h>

#include <string>
#include <string_view>
#include <vector>

#include "dm/control.h"
#include "dm/request.h"

/// The kernel's answers, none of which is trusted: whatever points outside of its buffer, lacks its NUL or
/// does not advance is an Error kernel_refused. Layouts: include/uapi/linux/dm-ioctl.h. Not for use outside
/// of dm.
namespace cowshed::dm {

/// A checked header, and what follows it.
struct Reply {
  dm_ioctl header{};
  std::string payload;

  /// Takes name, UUID and payload out of the buffer once they are known to lie in it.
  static Reply from(const Buffer& buffer);
  [[nodiscard]] bool has(std::uint32_t flag) const { return (header.flags & flag) != 0; }
  [[nodiscard]] DeviceInfo info() const;
};

/// `with_uuids`: each entry has an event number and tells whether it has a UUID (DM_UUID_FLAG was asked
/// for, 4.45).
std::vector<ListEntry> parse_name_list(std::string_view payload, bool with_uuids);
std::vector<TargetVersion> parse_target_versions(std::string_view payload);
std::vector<RawLine> parse_target_specs(std::string_view payload, std::uint32_t target_count);
std::vector<DeviceNumber> parse_deps(std::string_view payload);
/// The text up to its NUL.
std::string parse_message_answer(std::string_view payload);

}  // namespace cowshed::dm
