// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/types.h"

namespace cowshed::cli {

/// The VMs with their volumes and layers as a directed graph for Graphviz: an edge leads from what stands to
/// what it stands on. `vms` as from a Tree request.
std::string dot_text(const std::vector<api::VmInfo>& vms);

/// As a label of a node, in quotes: shows `text` as it is, whatever it holds (graphviz.org, "escString" and
/// HTML entities). Control characters are blanks, bytes that are no UTF-8 question marks.
std::string dot_label(std::string_view text);

}  // namespace cowshed::cli
