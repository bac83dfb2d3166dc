// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dm/control.h"

namespace cowshed::test {

/// Stands behind a Control in place of the kernel: records each call and answers as it is told.
struct FakeKernel {
  struct Call {
    unsigned long request;
    dm_ioctl header;
    std::string data;
  };
  /// What to answer: 0 or an errno, the header, and what follows it.
  struct Answer {
    int error_number = 0;
    dm_ioctl header{};
    std::string payload{};
    /// Where the real kernel never puts it.
    bool raw_sizes = false;
  };

  std::vector<Call> calls;
  std::uint32_t version[3] = {4, 47, 0};
  /// Gets an answer that says 0, with the request's header.
  std::function<void(const Call&, Answer&)> answer = [](const Call&, Answer&) {};

  /// Without the version check of the constructor.
  [[nodiscard]] std::vector<unsigned long> requests() const {
    std::vector<unsigned long> requests;
    for (const Call& call : calls)
      if (call.request != DM_VERSION) requests.push_back(call.request);
    return requests;
  }
  [[nodiscard]] const Call& last() const { return calls.back(); }
};

class FakePort : public dm::IoctlPort {
 public:
  explicit FakePort(FakeKernel& kernel) : kernel_(kernel) {}

  int issue(unsigned long request, void* buffer) override {
    auto* bytes = static_cast<char*>(buffer);
    dm_ioctl header{};
    std::memcpy(&header, bytes, sizeof header);
    const std::size_t size = header.data_size;
    kernel_.calls.push_back(
        {request, header, std::string(bytes + header.data_start, size - header.data_start)});
    FakeKernel::Answer answer{.header = header};
    std::ranges::copy(kernel_.version, answer.header.version);
    if (request != DM_VERSION) kernel_.answer(kernel_.calls.back(), answer);
    write(bytes, size, answer);
    if (answer.error_number == 0) return 0;
    errno = answer.error_number;
    return -1;
  }

 private:
  static void write(char* bytes, std::size_t size, FakeKernel::Answer& answer) {
    constexpr std::size_t start = 312;
    if (!answer.raw_sizes) {
      answer.header.data_start = start;
      const bool is_full = start + answer.payload.size() > size;
      if (is_full) answer.header.flags |= DM_BUFFER_FULL_FLAG;
      answer.header.data_size = static_cast<std::uint32_t>(
          is_full || answer.payload.empty() ? offsetof(dm_ioctl, data) : start + answer.payload.size());
      if (!is_full) std::ranges::copy(answer.payload, bytes + start);
    }
    std::memcpy(bytes, &answer.header, sizeof answer.header);
  }

  FakeKernel& kernel_;
};

inline std::unique_ptr<dm::IoctlPort> port_to(FakeKernel& kernel) {
  return std::make_unique<FakePort>(kernel);
}

/// A number as the kernel would leave it in a reply.
template <typename T>
std::string wire(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void pad(std::string& bytes) { bytes.resize((bytes.size() + 7) & ~std::size_t{7}); }

/// One dm_name_list entry as list_devices() lays it out.
inline std::string name_entry(std::uint64_t dev, const std::string& name, const std::string& uuid,
                              std::uint32_t event_nr, bool is_last, bool with_flags = true) {
  std::string entry = wire(dev) + wire(std::uint32_t{0}) + name + '\0';
  pad(entry);
  const std::uint32_t flags = !with_flags    ? 0
                              : uuid.empty() ? DM_NAME_LIST_FLAG_DOESNT_HAVE_UUID
                                             : DM_NAME_LIST_FLAG_HAS_UUID;
  entry += wire(event_nr) + wire(flags);
  if (with_flags && !uuid.empty()) {
    entry += uuid + '\0';
    pad(entry);
  }
  const auto next = is_last ? 0 : static_cast<std::uint32_t>(entry.size());
  entry.replace(sizeof dev, sizeof next, wire(next));
  return entry;
}

/// One dm_target_spec as retrieve_status() lays it out; `offset` is where it begins.
inline std::string target_entry(std::size_t offset, std::uint64_t start, std::uint64_t length,
                                const std::string& type, const std::string& params) {
  dm_target_spec spec{};
  spec.sector_start = start;
  spec.length = length;
  static_cast<void>(type.copy(spec.target_type, sizeof spec.target_type - 1));
  std::string entry = wire(spec) + params + '\0';
  pad(entry);
  spec.next = static_cast<std::uint32_t>(offset + entry.size());
  entry.replace(0, sizeof spec, wire(spec));
  return entry;
}

}  // namespace cowshed::test
