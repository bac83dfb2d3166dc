// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"

/// Loop devices. Source: include/uapi/linux/loop.h, drivers/block/loop.c (LOOP_CONFIGURE: Linux 5.8). All
/// calls block and throw Error naming the loop device and the backing file.
namespace cowshed::loop {

/// How udev's rules tell our loop devices from others (udev/05-cowshed.rules): by their size limit, which no
/// file reaches, so that it limits nothing. It is there from the first event on and goes with the loop; what
/// else sysfs tells of a loop, the path of its file, is anybody's. Reads "COWSHED" in hexadecimal.
constexpr std::uint64_t mark = 0x434f'5753'4845'4400;

struct AttachOptions {
  /// Asked for; what the kernel granted is read back (Loop::direct_io). tmpfs and some others drop it
  /// silently.
  bool direct_io = false;
  bool read_only = false;
  /// The kernel detaches the loop when its last opener is gone (LO_FLAGS_AUTOCLEAR). Keep the Loop alive
  /// until a table holds the device.
  bool autoclear = false;
};

/// What the kernel says of an attached loop (LOOP_GET_STATUS64).
struct Info {
  int number = -1;
  FileId backing;
  bool direct_io = false;
  bool read_only = false;
  bool autoclear = false;
};

/// An attached loop device with its descriptor open. Unless kept, the destructor detaches it. Move-only.
class Loop {
 public:
  /// LOOP_CTL_GET_FREE, open, LOOP_CONFIGURE in one call; tried again when another process took the device
  /// first (EBUSY). `backing` may be closed afterwards; `name` is for messages and the lo_file_name field
  /// (sysfs shows the kernel's own).
  static Loop attach(const Fd& backing, const Path& name, AttachOptions options);
  /// Opens a loop that is attached already. A Loop so opened is never detached by its destructor.
  static Loop open(int number);

  Loop(Loop&& other) noexcept;
  Loop& operator=(Loop&&) = delete;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] Path path() const;
  /// The block device's number (major 7; the minor follows the loop module's max_part, so it is read from the
  /// node).
  [[nodiscard]] std::uint32_t major() const { return major_; }
  [[nodiscard]] std::uint32_t minor() const { return minor_; }
  [[nodiscard]] Info info() const;
  [[nodiscard]] bool direct_io() const { return info().direct_io; }

  /// The file has grown: the device follows (LOOP_SET_CAPACITY).
  void refresh_capacity();
  /// Closes the descriptor and leaves the loop attached (with autoclear: as long as something else holds it).
  void keep();
  /// LOOP_CLR_FD. Held open by another, the kernel detaches it with the last close; that is no error.
  void detach();

 private:
  Loop(Fd fd, int number, bool owned);
  Fd fd_;
  int number_ = -1;
  bool owned_ = false;
  std::uint32_t major_ = 0, minor_ = 0;
};

/// Nothing for a loop device that is not attached or does not exist.
std::optional<Info> info(int number);
/// The same by block device number, as a table holds it; nothing for what is no loop device.
std::optional<Info> info_of_device(std::uint32_t major, std::uint32_t minor);
/// The attached loop devices over this file, by device and inode: a renamed or unlinked file still matches.
/// The kernel allows several over one file; cowshed never makes a second.
std::vector<Info> find(FileId backing);
/// All attached loop devices.
std::vector<Info> list();

}  // namespace cowshed::loop
