// SPDX-License-Identifier: Apache-2.0
#include "layers/base_files.h"

namespace cowshed::layers {

Path BaseFiles::named(std::string_view ending) const { return stem_ + std::string(ending); }

std::vector<Path> BaseFiles::all() const {
  std::vector<Path> files;
  for (const Path& file : {merged(), import(), promotion(), commit(), replaced(), overlay(), revision(),
                           cow(), dirty(), image()}) {
    files.push_back(half_made(file));
    files.push_back(file);
  }
  return files;
}

bool is_taken_name(std::string_view vid) {
  // What the files of a volume without a name are called.
  for (const Path& path : BaseFiles(Path()).all()) {
    const std::string image = BaseFiles(Path()).image(), file = path;
    if (file == image || !file.ends_with(image)) continue;
    if (vid.ends_with(std::string_view(file).substr(0, file.size() - image.size()))) return true;
  }
  return false;
}

}  // namespace cowshed::layers
