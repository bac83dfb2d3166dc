// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "io/extent.h"
#include "layers/base.h"

namespace cowshed::layers {

/// The last committed state of a base, readable until end(), whatever the volume does meanwhile: a frozen
/// view that is held open. Where the kernel has no device-mapper nothing can run, and the image itself is
/// handed out.
class ExportedState {
 public:
  /// Throws in_use while the guest writes the image itself (snapshots off), commit_pending.
  ExportedState(Host& host, Base base);
  ExportedState(const ExportedState&) = delete;
  ExportedState& operator=(const ExportedState&) = delete;

  void end();

  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] Bytes size() const { return size_; }
  /// Stretches that may hold data, rising; all else is zeros.
  [[nodiscard]] const std::vector<io::Extent>& data() const { return data_; }

 private:
  void hold_image();

  Host& host_;
  Base base_;
  Path path_;
  Fd held_;
  Bytes size_;
  std::vector<io::Extent> data_;
};

}  // namespace cowshed::layers
