// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/stages.h"
#include "base/undo.h"
#include "loop/node.h"

namespace cowshed::loop {

namespace {

const Path control_node = "/dev/loop-control";

[[noreturn]] void fail(std::string_view call, int number) {
  throw Error::from_errno(errno, fmt::format("{} on {}", call, node_of(number).native()));
}

Info to_info(int number, const loop_info64& status) {
  return {.number = number,
          .backing = {status.lo_device, status.lo_inode},
          .direct_io = (status.lo_flags & LO_FLAGS_DIRECT_IO) != 0,
          .read_only = (status.lo_flags & LO_FLAGS_READ_ONLY) != 0,
          .autoclear = (status.lo_flags & LO_FLAGS_AUTOCLEAR) != 0};
}

/// Nothing for a device that is not attached (ENXIO).
std::optional<Info> read_info(const Fd& fd, int number) {
  loop_info64 status{};
  if (::ioctl(fd.get(), LOOP_GET_STATUS64, &status) == 0) return to_info(number, status);
  if (errno == ENXIO) return std::nullopt;
  fail("LOOP_GET_STATUS64", number);
}

Fd open_control() {
  if (auto fd = open_if_exists(control_node, O_RDWR)) return std::move(*fd);
  throw Error(ErrorKind::not_supported,
              "there are no loop devices: " + control_node.native() + " does not exist", ENOENT);
}

/// Opened on first use; the next use tries again where that fails.
const Fd& control() {
  static const Fd fd = open_control();
  return fd;
}

/// The kernel makes a device when all are taken.
int free_number() {
  const int number = ::ioctl(control().get(), LOOP_CTL_GET_FREE);
  if (number < 0) throw Error::from_errno(errno, "find a free loop device (LOOP_CTL_GET_FREE)");
  return number;
}

/// Nothing where somebody else removed the device in the meantime.
std::optional<Fd> open_free(int number, bool read_only) {
  const Path node = node_of(number);
  Fd fd(::open(node.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (fd.is_open()) return fd;
  if (errno == ENXIO || errno == ENODEV) return std::nullopt;
  if (errno == ENOENT)
    throw Error(
        ErrorKind::not_supported,
        fmt::format("{} does not exist, although the kernel has the device: is devtmpfs mounted on /dev?",
                    node.native()),
        ENOENT);
  fail("open", number);
}

loop_config config_for(const Fd& backing, const Path& name, AttachOptions options) {
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(backing.get());
  // block_size stays 0: with direct I/O the kernel then takes that of the disk below, else 512
  // (loop_configure).
  if (options.read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  if (options.autoclear) config.info.lo_flags |= LO_FLAGS_AUTOCLEAR;
  if (options.direct_io) config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
  config.info.lo_sizelimit = mark;
  static_cast<void>(name.native().copy(reinterpret_cast<char*>(config.info.lo_file_name), LO_NAME_SIZE - 1));
  return config;
}

/// False where somebody else was faster, or has the device claimed at this moment.
bool configure(const Fd& fd, int number, const loop_config& config) {
  const StageTimer timer(Stage::loop_attach);
  if (::ioctl(fd.get(), LOOP_CONFIGURE, &config) == 0) return true;
  if (errno == EBUSY || errno == ENXIO || errno == EAGAIN) return false;
  fail("LOOP_CONFIGURE", number);
}

struct Attached {
  Fd fd;
  int number;
};

std::optional<Attached> try_attach(const loop_config& config, bool read_only) {
  const int number = free_number();
  auto fd = open_free(number, read_only);
  if (!fd || !configure(*fd, number, config)) return std::nullopt;
  return Attached{std::move(*fd), number};
}

Attached attach_somewhere(const loop_config& config, bool read_only) {
  constexpr int attempts = 64;
  constexpr int eager_attempts = 8;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (auto attached = try_attach(config, read_only)) return std::move(*attached);
    if (attempt >= eager_attempts) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw Error(ErrorKind::in_use,
              fmt::format("other programs took each of {} free loop devices first", attempts), EBUSY);
}

}  // namespace

Loop::Loop(Fd fd, int number, bool owned) : fd_(std::move(fd)), number_(number), owned_(owned) {
  struct stat st {};
  if (::fstat(fd_.get(), &st) < 0) fail("stat", number);
  major_ = ::major(st.st_rdev);
  minor_ = ::minor(st.st_rdev);
}

Loop Loop::attach(const Fd& backing, const Path& name, AttachOptions options) {
  return in_context([&] { return fmt::format("attach loop device to '{}'", name.native()); },
                    [&] {
                      Attached attached =
                          attach_somewhere(config_for(backing, name, options), options.read_only);
                      // Closing is all that takes an autoclear loop away, and all that it needs.
                      return Loop(std::move(attached.fd), attached.number, !options.autoclear);
                    });
}

Loop Loop::open(int number) {
  // Read-only: udev watches loops, and the close of a writer would make it probe (60-block.rules, "watch").
  Fd fd = open_file(node_of(number), O_RDONLY);
  if (!read_info(fd, number))
    throw Error(ErrorKind::not_found, fmt::format("{} is not attached", node_of(number).native()), ENXIO);
  return {std::move(fd), number, false};
}

Loop::Loop(Loop&& other) noexcept
    : fd_(std::move(other.fd_)),
      number_(other.number_),
      owned_(std::exchange(other.owned_, false)),
      major_(other.major_),
      minor_(other.minor_) {}

Loop::~Loop() {
  if (!owned_ || !fd_.is_open()) return;
  const Undo undo([&] { detach(); });
}

Path Loop::path() const { return node_of(number_); }

Info Loop::info() const {
  if (auto info = read_info(fd_, number_)) return *info;
  throw Error(ErrorKind::not_found, fmt::format("{} is not attached", path().native()), ENXIO);
}

void Loop::refresh_capacity() {
  if (::ioctl(fd_.get(), LOOP_SET_CAPACITY) < 0) fail("LOOP_SET_CAPACITY", number_);
}

void Loop::keep() {
  owned_ = false;
  fd_.reset();
}

void Loop::detach() {
  owned_ = false;
  const Fd fd = std::move(fd_);
  const StageTimer timer(Stage::loop_detach);
  // ENXIO: it is detached already, which is what was wanted.
  if (::ioctl(fd.get(), LOOP_CLR_FD) < 0 && errno != ENXIO) fail("LOOP_CLR_FD", number_);
}

std::optional<Info> info(int number) {
  const Path node = node_of(number);
  const Fd fd(::open(node.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.is_open()) return read_info(fd, number);
  if (errno == ENOENT || errno == ENXIO || errno == ENODEV) return std::nullopt;
  fail("open", number);
}

std::vector<Info> list() {
  std::vector<Info> attached;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block")) {
    const auto number = number_in(entry.path().filename().native());
    // The directory is there exactly as long as the device is attached; opening only those spares the others.
    if (!number || !path_exists(entry.path() / "loop")) continue;
    if (auto found = info(*number)) attached.push_back(*found);
  }
  return attached;
}

std::vector<Info> find(FileId backing) {
  std::vector<Info> found = list();
  std::erase_if(found, [&](const Info& info) { return info.backing != backing; });
  return found;
}

}  // namespace cowshed::loop
