// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace cowshed::cli {

/// One remark behind a line of a tree.
struct Remark {
  std::string text;
  Style style = Style::plain;
  /// Loses its middle where it does not fit; any other stays away.
  bool is_name = false;
};

/// A line of a tree with what hangs on it.
struct Twig {
  std::string label;
  Style style = Style::plain;
  /// "dm-7", "loop3"
  std::string node = {};
  std::string size = {};
  /// The most important first.
  std::vector<Remark> remarks = {};
  std::vector<Twig> below = {};
};

/// The trees as text: branches and labels, nodes, sizes and remarks below each other in columns.
std::string draw(const std::vector<Twig>& trees, const Terminal& terminal);

}  // namespace cowshed::cli
