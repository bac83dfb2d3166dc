// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.h"
#include "pools/volume.h"

namespace cowshed::pools::reflink {

/// A clean image that is held open: it stays what it is when another one takes its name. The lock that it has
/// until then, flock(2), tells those who would write the file itself.
class ExportedFile final : public Export {
 public:
  explicit ExportedFile(const Path& clean);

  [[nodiscard]] const Path& path() const override { return path_; }
  [[nodiscard]] Bytes size() const override { return size_; }
  [[nodiscard]] const std::vector<io::Extent>& data() const override { return data_; }
  void end() override { held_ = Fd(); }

 private:
  Fd held_;
  Path path_;
  Bytes size_;
  std::vector<io::Extent> data_;
};

/// Throws in_use while an export of the file goes on, in whichever process.
void refuse_exported(const Path& clean);

}  // namespace cowshed::pools::reflink
