// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// What device-mapper's control device can be asked, as one table.
namespace cowshed::dm {

/// The ioctls; one ioctl with two meanings (suspend and resume, rename and set UUID) is two of them.
enum class Op {
  version,
  target_versions,
  list,
  create,
  remove,
  rename,
  set_uuid,
  suspend,
  resume,
  info,
  wait,
  arm_poll,
  load,
  clear,
  deps,
  status,
  message,
};

/// What comes back behind the header, and what to do when it did not fit (DM_BUFFER_FULL_FLAG).
enum class Answer {
  none,
  /// Only reads: asked again with a larger buffer.
  reissue,
  /// Has been carried out and must not be again: an answer that did not fit is lost, an error.
  once,
  /// Nobody wants it.
  ignored,
};

struct AllowedFlag {
  std::uint32_t flag = 0;
  /// The interface's minor version that brought it.
  std::uint32_t since_minor = 0;
};

struct Command {
  Op op;
  /// For messages: "create device 'x': ...".
  std::string_view name;
  unsigned long request;
  /// The interface's minor version that brought it; the major is 4.
  std::uint32_t since_minor;
  Answer answer;
  /// What the kernel reads of `flags`; all else is refused before the kernel is asked.
  std::array<AllowedFlag, 4> flags{};
};

/// Versions of commands: libdevmapper's libdm/ioctl/libdm-iface.c, _cmd_data_v4. Versions of flags: the
/// kernel's history of include/uapi/linux/dm-ioctl.h (NOFLUSH 2006, QUERY_INACTIVE 2009, set UUID 2010,
/// SECURE_DATA 2011, DEFERRED_REMOVE 2013, ARM_POLL 2017, UUIDs in the list 2021).
inline constexpr std::array commands = {
    Command{Op::version, "get interface version", DM_VERSION, 0, Answer::none},
    Command{Op::target_versions, "list targets", DM_LIST_VERSIONS, 1, Answer::reissue},
    Command{Op::list, "list devices", DM_LIST_DEVICES, 0, Answer::reissue, {{{DM_UUID_FLAG, 45}}}},
    Command{Op::create, "create", DM_DEV_CREATE, 0, Answer::none},
    Command{Op::remove, "remove", DM_DEV_REMOVE, 0, Answer::none, {{{DM_DEFERRED_REMOVE, 27}}}},
    Command{Op::rename, "rename", DM_DEV_RENAME, 0, Answer::none},
    Command{Op::set_uuid, "set UUID of", DM_DEV_RENAME, 19, Answer::none, {{{DM_UUID_FLAG, 19}}}},
    Command{Op::suspend,
            "suspend",
            DM_DEV_SUSPEND,
            0,
            Answer::none,
            {{{DM_SUSPEND_FLAG, 0}, {DM_SKIP_LOCKFS_FLAG, 8}, {DM_NOFLUSH_FLAG, 11}}}},
    Command{Op::resume,
            "resume",
            DM_DEV_SUSPEND,
            0,
            Answer::none,
            {{{DM_SKIP_LOCKFS_FLAG, 8}, {DM_NOFLUSH_FLAG, 11}}}},
    Command{Op::info, "get info of", DM_DEV_STATUS, 0, Answer::none},
    Command{Op::wait, "wait for an event of", DM_DEV_WAIT, 0, Answer::ignored, {{{DM_NOFLUSH_FLAG, 11}}}},
    Command{Op::arm_poll, "arm poll", DM_DEV_ARM_POLL, 37, Answer::none},
    Command{Op::load,
            "load table into",
            DM_TABLE_LOAD,
            0,
            Answer::none,
            {{{DM_READONLY_FLAG, 0}, {DM_SECURE_DATA_FLAG, 20}}}},
    Command{Op::clear, "clear inactive table of", DM_TABLE_CLEAR, 0, Answer::none},
    Command{Op::deps,
            "get dependencies of",
            DM_TABLE_DEPS,
            0,
            Answer::reissue,
            {{{DM_QUERY_INACTIVE_TABLE_FLAG, 16}}}},
    Command{Op::status,
            "get status of",
            DM_TABLE_STATUS,
            0,
            Answer::reissue,
            {{{DM_STATUS_TABLE_FLAG, 0}, {DM_QUERY_INACTIVE_TABLE_FLAG, 16}, {DM_NOFLUSH_FLAG, 11}}}},
    Command{Op::message, "send message to", DM_TARGET_MSG, 2, Answer::once},
};

constexpr const Command& command_of(Op op) { return commands[static_cast<std::size_t>(op)]; }

namespace detail {
constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < commands.size(); ++i)
    if (static_cast<std::size_t>(commands[i].op) != i) return false;
  return commands.size() == static_cast<std::size_t>(Op::message) + 1;
}
}  // namespace detail
static_assert(detail::rows_are_in_order(), "command_of() takes the op for the row's index");

}  // namespace cowshed::dm
