// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/dm-ioctl.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "dm/command.h"
#include "dm/control.h"

/// One ioctl's way to the kernel and back. Not for use outside of dm.
namespace cowshed::dm {

/// What is asked.
struct Request {
  Op op;
  /// Who is meant: name, UUID or number; `create` has a name and a UUID. `list` takes the UUID for a prefix.
  std::string name = {};
  std::string uuid = {};
  std::uint64_t dev = 0;
  std::uint32_t flags = 0;
  std::uint32_t event_nr = 0;
  std::uint32_t target_count = 0;
  /// What follows the header; a table may hold a key.
  SecretText data = {};
  /// Added to the device in messages; called only for an error.
  std::function<std::string()> detail = {};

  explicit Request(Op what) : op(what) {}
  Request(Op what, const DeviceId& id);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] bool is_secure() const { return (flags & DM_SECURE_DATA_FLAG) != 0; }
  /// "create device 'NAME' (UUID)"
  [[nodiscard]] std::string describe() const;
};

/// What the kernel writes into and reads from; wiped at the end where the request is secure.
class Buffer {
 public:
  static constexpr std::size_t first_size = 4 << 10;
  /// No honest answer is as large: a hundred thousand devices with full names and UUIDs take 30 MB.
  static constexpr std::size_t largest_size = 64 << 20;
  /// Where the data begins: behind the header, aligned as the kernel aligns its answers (get_result_buffer).
  static constexpr std::uint32_t data_start = (sizeof(dm_ioctl) + 7) & ~std::size_t{7};

  /// Throws Error invalid_argument for a name or UUID that does not fit.
  Buffer(const Request& request, std::size_t size);
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  void* get() { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] dm_ioctl header() const;
  [[nodiscard]] std::string_view bytes(std::size_t from, std::size_t to) const {
    return std::string_view(bytes_.data(), bytes_.size()).substr(from, to - from);
  }
  /// The size to begin with.
  static std::size_t size_for(const Request& request);

 private:
  std::vector<char> bytes_;
  bool secure_;
};

}  // namespace cowshed::dm
