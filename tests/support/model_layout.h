// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "pools/volume.h"
#include "support/model.h"

namespace cowshed::test::model {

/// What a driver has on the disk, read without its code: how its files are named and which of them hold what
/// (docs/commit.md, docs/reflink.md).
class Layout {
 public:
  virtual ~Layout() = default;

  /// What an origin volume's own next start would find.
  [[nodiscard]] virtual Content next_start(pools::Volume& volume) const = 0;
  /// Of an origin volume; nothing where it has no file of its own while guests write.
  [[nodiscard]] virtual std::optional<State> state(pools::Volume& volume) const = 0;
  /// What a session of an origin volume wrote, apart from its image.
  [[nodiscard]] virtual bool has_session(pools::Volume& volume) const = 0;
  /// Has a snapshot volume that does not run kept its changes, and are they changes of the state that its
  /// source holds? Then `property` tells what they make of it.
  virtual void find_kept(pools::Volume& volume, Found::Property& property) const = 0;
  /// Files that nothing stands for, when no VM runs and nothing is to be recovered.
  [[nodiscard]] virtual bool is_leftover(const std::string& file) const = 0;
  /// In the pool's: where those of VMs lie.
  [[nodiscard]] virtual std::vector<std::string> directories() const { return {"vm-templates", "appvms"}; }
};

/// Of the built-in driver of that name, or the plug-in `copies`.
std::unique_ptr<Layout> layout_of(const std::string& driver);

/// The whole file or device, or no more than `most` of it.
Content read_whole(const Path& path, bool direct, std::size_t most = SIZE_MAX);
/// Memory for direct I/O.
struct Free {
  void operator()(char* memory) const;
};
using Memory = std::unique_ptr<char[], Free>;
Memory aligned(std::size_t size);

}  // namespace cowshed::test::model
