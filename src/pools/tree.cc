// SPDX-License-Identifier: Apache-2.0
#include "pools/tree.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "layers/base_files.h"

namespace cowshed::pools {

namespace {

using Role = TreeFile::Role;

struct Ending {
  std::string text;
  Role role;
  std::optional<TreeKind> kind;
};

void add_half_made(std::vector<Ending>& endings) {
  for (std::size_t i = endings.size(); i-- > 0;)
    endings.push_back({half_made(endings[i].text).native(), Role::spare, TreeKind::layers});
}

/// The longest first: "-cow.img" ends in ".img".
std::vector<Ending> make_endings() {
  const layers::BaseFiles files{Path()};
  std::vector<Ending> endings{
      {files.image(), Role::image, std::nullopt},           {files.cow(), Role::session, TreeKind::layers},
      {files.overlay(), Role::session, TreeKind::layers},   {files.dirty(), Role::session, TreeKind::layers},
      {files.revision(), Role::revision, TreeKind::layers}, {files.import(), Role::unfinished, std::nullopt}};
  for (const Path& file : {files.commit(), files.promotion(), files.replaced(), files.merged()})
    endings.push_back({file, Role::unfinished, TreeKind::layers});
  add_half_made(endings);
  endings.push_back({"-dirty.img", Role::session, TreeKind::reflink});
  endings.push_back({"-precache.img", Role::spare, TreeKind::reflink});
  std::ranges::sort(endings, std::ranges::greater{}, [](const Ending& ending) { return ending.text.size(); });
  return endings;
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

/// "root.img.12@2024-05-01T10:00:00Z": the part behind ".img.".
bool is_revision_number(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && is_digits(text.substr(0, at)) && text.ends_with('Z');
}

std::optional<TreeFile> parse_reflink_revision(std::string_view name) {
  constexpr std::string_view separator = ".img.";
  const auto at = name.find(separator);
  if (at == 0 || at == std::string_view::npos || !is_revision_number(name.substr(at + separator.size())))
    return std::nullopt;
  return TreeFile{std::string(name.substr(0, at)), Role::revision, TreeKind::reflink};
}

}  // namespace

std::string_view to_string(TreeKind kind) { return kind == TreeKind::layers ? "file" : "file-reflink"; }

std::optional<TreeFile> parse_tree_file(std::string_view name) {
  static const std::vector<Ending> endings = make_endings();
  if (auto revision = parse_reflink_revision(name)) return revision;
  for (const auto& ending : endings)
    if (name.size() > ending.text.size() && name.ends_with(ending.text))
      return TreeFile{std::string(name.substr(0, name.size() - ending.text.size())), ending.role,
                      ending.kind};
  return std::nullopt;
}

}  // namespace cowshed::pools
