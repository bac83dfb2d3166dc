// SPDX-License-Identifier: Apache-2.0
//
// What the kernel takes at least for the layers that cowshed builds: the bare system calls, one after
// another, without looking left or right. No cowshed code.
//
//   start   an unnamed cow file, a loop device over it, snapshot(view, cow): 10 calls
//   stop    one call: the removal lets go of the loop device, which detaches itself (LO_FLAGS_AUTOCLEAR), and
//           that of the file
//
// The view, linear over a buffered loop device on the template's image, stands throughout: another app VM
// holds it.

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tool.h"

namespace bench {
namespace {

constexpr std::uint64_t sector_size = 512;
/// Of the snapshots: cowshed's constant (src/layers).
constexpr unsigned chunk_sectors = 64;
/// No probing of layers by udev's rules, as cowshed asks for: the flags of libdevmapper
/// (DM_UDEV_DISABLE_*_RULES, DM_UDEV_PRIMARY_SOURCE_FLAG), which go into the upper half of event_nr.
constexpr std::uint32_t udev_flags = 0x004fU << 16;

/// How often each system call was made.
class Tally {
 public:
  void count(std::string_view call) {
    const std::lock_guard lock(mutex_);
    ++calls_[call];
    ++total_;
  }
  void clear() {
    calls_.clear();
    total_ = 0;
  }
  [[nodiscard]] std::string text() const {
    std::string text = fmt::format("{} system calls (", total_);
    for (const auto& [call, times] : calls_) text += fmt::format("{} {}, ", call, times);
    text.resize(text.size() - 2);
    return text + ")";
  }

 private:
  std::mutex mutex_;
  std::map<std::string_view, int> calls_;
  int total_ = 0;
};

/// A device-mapper request with room for one target.
struct Request {
  dm_ioctl header;
  dm_target_spec target;
  char params[256];
};

class Limit : public Tool {
 public:
  Limit(std::string name, Place place) : Tool(std::move(name)), place_(std::move(place)) {}

  void set_up() override {
    control_ = call("openat", [] { return ::open("/dev/mapper/control", O_RDWR | O_CLOEXEC); });
    loop_control_ = call("openat", [] { return ::open("/dev/loop-control", O_RDWR | O_CLOEXEC); });
    make_view();
    start(holder);
  }

  void tear_down() override {
    stop(holder);
    remove(view_name());
    ::close(control_);
    ::close(loop_control_);
  }

  std::string start(int slot) override {
    tally_.clear();
    const int cow = call(
        "openat", [&] { return ::open(place_.directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); });
    call("ftruncate", [&] { return ::ftruncate(cow, static_cast<off_t>(sectors_ * sector_size)); });
    const auto [loop, node] = attach(cow, LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR);
    std::string device = bring_up(slot_name(slot), "snapshot",
                                  fmt::format("{} {} N {} 1 discard_zeroes_cow", view_, node, chunk_sectors));
    close(loop);
    close(cow);
    started_with_ = tally_.text();
    return device;
  }

  void stop(int slot) override {
    tally_.clear();
    remove(slot_name(slot));
    stopped_with_ = tally_.text();
  }

  [[nodiscard]] std::string note() const override {
    return fmt::format("start is {}, stop is {}", started_with_, stopped_with_);
  }

 protected:
  void remove(const std::string& name) { control("DM_DEV_REMOVE", DM_DEV_REMOVE, request(name)); }
  [[nodiscard]] std::string slot_name(int slot) const { return fmt::format("{}-{}", name(), slot); }

 private:
  static constexpr int holder = -1;

  [[nodiscard]] std::string view_name() const { return name() + "-view"; }

  template <typename Body>
  int call(std::string_view what, Body body) {
    tally_.count(what);
    const int result = body();
    if (result < 0)
      throw std::system_error(errno, std::generic_category(), fmt::format("{}: {}", name(), what));
    return result;
  }

  void close(int fd) {
    call("close", [fd] { return ::close(fd); });
  }

  void make_view() {
    const int image = call("openat", [&] { return ::open(place_.image.c_str(), O_RDWR | O_CLOEXEC); });
    struct stat status {};
    call("fstat", [&] { return ::fstat(image, &status); });
    sectors_ = static_cast<std::uint64_t>(status.st_size) / sector_size;
    const auto [loop, node] = attach(image, LO_FLAGS_AUTOCLEAR);
    view_ = bring_up(view_name(), "linear", node + " 0");
    close(loop);
    close(image);
  }

  /// An open loop device over the file, and its node. Another process may be faster with the same free one.
  std::pair<int, std::string> attach(int file, std::uint32_t flags) {
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file);
    config.info.lo_flags = flags;
    while (true) {
      const int number = call("LOOP_CTL_GET_FREE", [&] { return ::ioctl(loop_control_, LOOP_CTL_GET_FREE); });
      const std::string node = fmt::format("/dev/loop{}", number);
      const int loop = call("openat", [&] { return ::open(node.c_str(), O_RDWR | O_CLOEXEC); });
      const auto configure = [&] {
        return ::ioctl(loop, LOOP_CONFIGURE, &config) < 0 && errno != EBUSY ? -1 : errno == EBUSY;
      };
      errno = 0;
      if (call("LOOP_CONFIGURE", configure) == 0) return {loop, node};
      close(loop);
    }
  }

  static Request request(const std::string& name) {
    Request request{};
    request.header.version[0] = DM_VERSION_MAJOR;
    request.header.data_size = sizeof request;
    request.header.data_start = sizeof request.header;
    request.header.event_nr = udev_flags;
    std::strncpy(request.header.name, name.c_str(), sizeof request.header.name - 1);
    return request;
  }

  dm_ioctl control(std::string_view what, unsigned long command, Request request) {
    call(what, [&] { return ::ioctl(control_, command, &request); });
    return request.header;
  }

  std::uint64_t create(const std::string& name) {
    Request create = request(name);
    const std::string uuid = "BENCH-" + name;
    std::strncpy(create.header.uuid, uuid.c_str(), sizeof create.header.uuid - 1);
    return control("DM_DEV_CREATE", DM_DEV_CREATE, create).dev;
  }

  void load(const std::string& name, const char* target, const std::string& params) {
    Request load = request(name);
    load.header.target_count = 1;
    load.target.length = sectors_;
    load.target.next = sizeof load.target + sizeof load.params;
    std::strncpy(load.target.target_type, target, sizeof load.target.target_type - 1);
    std::strncpy(load.params, params.c_str(), sizeof load.params - 1);
    control("DM_TABLE_LOAD", DM_TABLE_LOAD, load);
  }

  /// Returns the node.
  std::string bring_up(const std::string& name, const char* target, const std::string& params) {
    const std::uint64_t device = create(name);
    load(name, target, params);
    control("DM_DEV_SUSPEND (resume)", DM_DEV_SUSPEND, request(name));
    // The minor of huge_encode_dev (include/linux/kdev_t.h).
    return fmt::format("/dev/dm-{}", (device & 0xff) | ((device >> 12) & 0xfff00));
  }

  Place place_;
  Tally tally_;
  std::string started_with_, stopped_with_;
  std::uint64_t sectors_ = 0;
  std::string view_;
  int control_ = -1, loop_control_ = -1;
};

/// Removals wait for the kernel's grace periods, and in threads these overlap.
class LimitParallel : public Limit {
 public:
  using Limit::Limit;

  [[nodiscard]] bool only_many() const override { return true; }

  void stop_many(int first, int count) override {
    std::vector<std::jthread> threads;
    for (int slot = first; slot < first + count; ++slot)
      threads.emplace_back([this, slot] { remove(slot_name(slot)); });
  }

  [[nodiscard]] std::string note() const override {
    return "as limit, but every removal in a thread of its own";
  }
};

}  // namespace

std::unique_ptr<Tool> make_limit(const Place& place) { return std::make_unique<Limit>("limit", place); }

std::unique_ptr<Tool> make_limit_named(const std::string& name, const Place& place) {
  return std::make_unique<Limit>(name, place);
}

std::unique_ptr<Tool> make_limit_parallel(const Place& place) {
  return std::make_unique<LimitParallel>("limit-parallel", place);
}

}  // namespace bench
