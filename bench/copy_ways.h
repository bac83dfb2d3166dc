// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "rounds.h"

/// What `bench copy` measures, seen from outside. No cowshed code: the limit stands on this header alone.
namespace bench {

/// A file to be copied to a new one, in the same directory.
struct Copy {
  std::string source, target;
  /// The source is in the page cache.
  bool is_warm = false;
  bool has_direct_io = false;
};

/// The same for all: the source in the page cache or not, nothing to be written, no target.
class CopyWay : public Way {
 public:
  CopyWay(std::string name, Copy copy) : Way(std::move(name)), copy_(std::move(copy)) {}
  void prepare() override;
  void check() override;
  void clean_up() override;

 protected:
  [[nodiscard]] const Copy& copy() const { return copy_; }

 private:
  Copy copy_;
};

/// The bare system calls.
std::unique_ptr<Way> make_limit(const Copy& copy);
/// What an import does.
std::unique_ptr<Way> make_cowshed(const Copy& copy);
std::unique_ptr<Way> make_cp(const Copy& copy);
std::unique_ptr<Way> make_cp_reflink(const Copy& copy);
std::unique_ptr<Way> make_dd(const Copy& copy);
std::unique_ptr<Way> make_qemu_img(const Copy& copy);

}  // namespace bench
