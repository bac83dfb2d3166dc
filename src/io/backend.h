// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "io/request.h"

namespace cowshed::io {

/// What a backend may prepare for.
struct BackendSetup {
  int source_fd = -1;
  int target_fd = -1;
  /// One of them is open with O_DIRECT.
  bool is_direct = false;
  /// All that `Request::memory` points into.
  std::span<std::byte> memory;
  /// Requests under way at a time, at most.
  unsigned depth = 1;
};

/// The way to the kernel for the requests of one copy. One thread uses it from the beginning to the end.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  /// "io_uring", "preadv".
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Accepts a request; it may begin as late as the next wait(). At most `depth` are accepted and not yet
  /// given back by wait(). Does not throw because of the request itself: that is in its completion.
  virtual void submit(const Request& request) = 0;
  /// Blocks until something that was submitted is complete; appends all that is. Undefined with nothing
  /// submitted.
  virtual void wait(std::vector<Completion>& done) = 0;
};

using BackendFactory = std::function<std::unique_ptr<Backend>(const BackendSetup&)>;

/// io_uring where the kernel offers it to this process, else threads with pread and pwrite.
std::unique_ptr<Backend> open_backend(const BackendSetup& setup);
/// Throws Error not_supported where there is none (kernel.io_uring_disabled, seccomp, Linux before 5.6).
std::unique_ptr<Backend> open_uring(const BackendSetup& setup);
/// Threads with pread(2) and pwrite(2); a handful, whatever the depth.
std::unique_ptr<Backend> open_plain(const BackendSetup& setup);

}  // namespace cowshed::io
