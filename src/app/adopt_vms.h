// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/app.h"

/// Taking over VMs whose files another program has made, in place.
namespace cowshed::app {

struct AdoptWishes {
  /// Of app VMs.
  std::map<VmName, VmName> templates = {};
  /// Of all other app VMs.
  std::optional<VmName> template_for_all = std::nullopt;
  std::optional<KernelName> kernel = std::nullopt;
  bool dry_run = false;
};

struct AdoptedVolume {
  VolumeName name;
  pools::VolumeKind kind;
  Vid vid;
  Bytes size;
  /// What a session that was not ended has written is there: the next start goes on with it.
  bool is_dirty = false;
  std::vector<std::string> revisions;
  /// Its files, each with what it is taken for.
  std::vector<std::pair<std::string, std::string>> files;
};

struct AdoptedVm {
  VmName name;
  VmKind kind;
  std::optional<VmName> template_name;
  Path directory;
  /// It was adopted before, and was left as it is.
  bool existed = false;
  std::vector<AdoptedVolume> volumes;
};

struct Adoption {
  PoolName pool;
  std::vector<AdoptedVm> vms;
  /// What is no volume's and stays as it is.
  std::vector<Path> left_alone;
};

/// `directory`: a pool's, one of its subdirectories, or one VM's. Everything is checked first (scan_tree(),
/// no layers of other programs over the files, images and stores sound); then, without `dry_run`, the
/// definitions are written, templates first, and on failure none is left. No other file is touched. Throws
/// invalid_argument where no pool lies there (naming the command that makes one) or an app VM has no
/// template; exists for a VM of that name with other files; in_use, corrupt_image, not_found.
Adoption adopt_vms(App& app, const Path& directory, const AdoptWishes& wishes);

}  // namespace cowshed::app
