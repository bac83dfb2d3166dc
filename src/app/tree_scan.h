// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "pools/tree.h"

/// Looks at a tree that another program made, and trusts nothing in it: directories are entered by
/// descriptor, no link is followed, no file is opened.
namespace cowshed::app {

struct FoundFile {
  std::string name;
  pools::TreeFile is;
  FileId id;
  Bytes size;
};

/// A VM's directory.
struct FoundVm {
  VmName name;
  /// "appvms", "vm-templates" or "servicevms".
  std::string subdirectory;
  Path directory;
  /// Of volumes, by name.
  std::vector<FoundFile> files;
  /// Whatever else is there, which is left alone.
  std::vector<Path> others;

  [[nodiscard]] const FoundFile* image(std::string_view volume) const;
};

/// Which part of a tree: all, a subdirectory, or one VM in it.
struct TreePart {
  std::optional<std::string> subdirectory, vm;
};

/// By subdirectory, templates first, then by name. Throws, naming the path with all that is not printable
/// escaped: not_found; invalid_argument for a name that is none (control characters of
/// either set, or no UTF-8), a symbolic link, a FIFO, socket or device, a
/// file of a volume that has a second hard link, and an image that is empty, no whole number of sectors or
/// larger than any volume; not_supported for files of another driver's, and for what an unfinished import or
/// commit left.
std::vector<FoundVm> scan_tree(const pools::Tree& tree, const TreePart& part);

}  // namespace cowshed::app
