// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

/// Trees of VMs as Qubes' file pools keep them, and the drivers of the same layout: TOP/SUBDIRECTORY/VM/FILE,
/// SUBDIRECTORY one of vm-templates, appvms and (R3.2) servicevms. Source: qubes-core-admin,
/// qubes/storage/{file,reflink}.py and core/storage/__init__.py of R3.2.
namespace cowshed::pools {

/// How a volume's states are kept beside its image.
enum class TreeKind {
  /// The `file` driver: exception stores.
  layers,
  /// `file-reflink`: whole images that share extents.
  reflink,
};
std::string_view to_string(TreeKind kind);

struct Tree {
  Path top;
  TreeKind kind;
};

/// A file of a volume, by its name.
struct TreeFile {
  enum class Role {
    image,
    /// What a session has written, or what it replaced: dirty, unless it is empty.
    session,
    revision,
    /// Of an import, a commit or a promotion that is not over.
    unfinished,
    /// A copy that can be made again.
    spare,
  };
  std::string volume;
  Role role;
  /// Nothing: of both.
  std::optional<TreeKind> kind;
};

/// Nothing for a name that no volume's file has.
std::optional<TreeFile> parse_tree_file(std::string_view name);

}  // namespace cowshed::pools
