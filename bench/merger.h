// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "changes.h"

/// What `bench merge` measures, seen from outside. No cowshed code: the limit stands on this header alone.
namespace bench {

/// What a merger works with; all of them on the same image, in turns.
struct Merge {
  /// Where the image lies; scratch files of a tool's own may lie beside it.
  std::string directory;
  /// "root.img".
  std::string image;
  /// A persistent exception store with the change, in the kernel's format; stays as it is.
  std::string store;
  Change change;
};

/// One way to bring a change into an image, durably.
class Merger {
 public:
  Merger(std::string name, Merge merge) : name_(std::move(name)), merge_(std::move(merge)) {}
  virtual ~Merger() = default;
  Merger(const Merger&) = delete;
  Merger& operator=(const Merger&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Before each run, not measured: what the run uses up.
  virtual void prepare() = 0;
  /// Returns when the image holds the change and is synced.
  virtual void run() = 0;
  /// Afterwards, not measured.
  virtual void clean_up() {}

 protected:
  [[nodiscard]] const Merge& merge() const { return merge_; }

 private:
  std::string name_;
  Merge merge_;
};

std::unique_ptr<Merger> make_limit_merger(const Merge& merge);
std::unique_ptr<Merger> make_kernel_merger(const Merge& merge);
std::unique_ptr<Merger> make_qemu_merger(const Merge& merge);
/// The commit of layers::Base: protocol, revision and views included.
struct CommitKind {
  bool keep_revision = false;
  int running_snapshots = 0;
};
std::unique_ptr<Merger> make_cowshed_merger(const Merge& merge, CommitKind kind);

}  // namespace bench
