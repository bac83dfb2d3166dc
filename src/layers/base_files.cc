// SPDX-License-Identifier: Apache-2.0
#include "layers/base_files.h"

#include <string>

namespace cowshed::layers {

BaseFiles::BaseFiles(const Path& stem)
    : image(stem.native() + ".img"),
      cow(stem.native() + "-cow.img"),
      revision(stem.native() + "-cow.img.old"),
      dirty(stem.native() + "-dirty"),
      overlay(stem.native() + "-overlay.img"),
      commit(stem.native() + "-commit.img"),
      promotion(stem.native() + "-promote.img"),
      import(stem.native() + "-import.img"),
      replaced(stem.native() + "-commit-cow.img"),
      merged(stem.native() + "-merged.img") {}

std::vector<Path> BaseFiles::all() const {
  std::vector<Path> files;
  for (const Path& file :
       {merged, import, promotion, commit, replaced, overlay, revision, cow, dirty, image}) {
    files.push_back(half_made(file));
    files.push_back(file);
  }
  return files;
}

bool is_taken_name(std::string_view vid) {
  // What the files of a volume without a name are called.
  for (const Path& path : BaseFiles(Path()).all()) {
    const std::string image = BaseFiles(Path()).image, file = path;
    if (file == image || !file.ends_with(image)) continue;
    if (vid.ends_with(std::string_view(file).substr(0, file.size() - image.size()))) return true;
  }
  return false;
}

}  // namespace cowshed::layers
