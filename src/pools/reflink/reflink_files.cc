// SPDX-License-Identifier: Apache-2.0
#include "pools/reflink/reflink_files.h"

#include <algorithm>
#include <array>

#include "pools/reflink/revisions.h"

namespace cowshed::pools::reflink {

namespace {

constexpr std::string_view dirty_mark = "-dirty", import_mark = "-import", precache_mark = "-precache";

Path image_of(const Path& stem, std::string_view mark = {}) {
  return stem.native() + std::string(mark) + ".img";
}

}  // namespace

ReflinkFiles::ReflinkFiles(const Path& stem)
    : clean(image_of(stem)),
      dirty(image_of(stem, dirty_mark)),
      import(image_of(stem, import_mark)),
      precache(image_of(stem, precache_mark)) {}

std::vector<Path> ReflinkFiles::all() const {
  std::vector<Path> files{half_made(import), import, precache};
  for (const RevisionFile& revision : list_revisions(clean)) files.push_back(revision.file);
  for (const Path& file : {half_made(dirty), dirty, half_made(clean), clean}) files.push_back(file);
  return files;
}

bool is_taken_name(std::string_view vid) {
  constexpr std::array marks{dirty_mark, import_mark, precache_mark};
  return std::ranges::any_of(marks, [&](std::string_view mark) { return vid.ends_with(mark); });
}

}  // namespace cowshed::pools::reflink
