// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace cowshed::test {

/// The kernel log from the moment of construction on (/dev/kmsg, Documentation/ABI/testing/dev-kmsg).
class KernelLog {
 public:
  KernelLog();
  /// Lines since the last call, without their prefix.
  std::vector<std::string> new_lines();

 private:
  Fd fd_;
};

/// Does this line tell that the kernel itself is broken?
bool is_alarming(const std::string& line);

}  // namespace cowshed::test
