// SPDX-License-Identifier: Apache-2.0
#include "io/buffers.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <cerrno>

#include "base/error.h"

namespace cowshed::io {

Buffers::Buffers(Bytes size) {
  void* const memory =
      ::mmap(nullptr, size.count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw Error::from_errno(errno, fmt::format("allocate {} of buffers", format_size(size)));
  memory_ = {static_cast<std::byte*>(memory), size.count};
  // Only a wish: fewer faults, and less to pin.
  ::madvise(memory, size.count, MADV_HUGEPAGE);
}

Buffers::~Buffers() { ::munmap(memory_.data(), memory_.size()); }

}  // namespace cowshed::io
