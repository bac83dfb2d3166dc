// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/file.h"

namespace cowshed::test::model {

/// The events of a model, kept so that they survive a power cut of the VM and are known after its next boot.
/// Written by O_DIRECT over blocks that the file has already: that needs no fsync, which would make the file
/// system write out what the code under test forgot to sync.
class Journal {
 public:
  /// Makes the file where it is missing.
  explicit Journal(const Path& file);
  /// What was kept, in order. To be called once, first.
  void replay(const std::function<void(const std::string& event, const std::string& data)>& visit);
  void append(const std::string& event, const std::string& data = {});

 private:
  Path file_;
  Fd fd_;
  std::uint64_t next_ = 0;
  std::uint64_t sequence_ = 1;
};

}  // namespace cowshed::test::model
