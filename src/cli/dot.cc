// SPDX-License-Identifier: Apache-2.0
#include "cli/dot.h"

#include <fmt/core.h>

#include <map>
#include <set>

#include "base/units.h"
#include "base/utf8.h"
#include "cli/console.h"

namespace cowshed::cli {

namespace {

std::string escaped(std::string_view character) {
  if (character == "\"" || character == "\\") return "\\" + std::string(character);
  return character == "&" ? "&amp;" : std::string(character);
}

std::string escape(std::string_view text) {
  const std::string line = one_line(text);
  std::string result;
  for (std::string_view rest = line; !rest.empty();) {
    const std::size_t length = character_length(rest);
    result += length == 0 ? "?" : escaped(rest.substr(0, length));
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

class Graph {
 public:
  std::string run(const std::vector<api::VmInfo>& vms) {
    text_ = "digraph cowshed {\n  rankdir=TB;\n  node [shape=box, fontname=\"monospace\"];\n";
    for (const auto& vm : vms) add(vm);
    for (const auto& edge : edges_) text_ += edge;
    return text_ + "}";
  }

 private:
  /// Nodes have numbers for names: nothing needs quoting there.
  std::string id(const std::string& what) {
    return fmt::format("n{}", ids_.emplace(what, ids_.size()).first->second);
  }
  void node(const std::string& what, const std::vector<std::string>& lines, std::string_view attributes) {
    std::string label;
    for (const auto& line : lines)
      if (!line.empty()) label += (label.empty() ? "" : "\\n") + escape(line);
    text_ += fmt::format("    {} [label=\"{}\"{}];\n", id(what), label, attributes);
  }
  void edge(const std::string& from, const std::string& to, std::string_view attributes = "") {
    edges_.insert(fmt::format("  {} -> {}{};\n", id(from), id(to), attributes));
  }

  void add(const api::VmInfo& vm) {
    text_ += fmt::format(
        "  subgraph cluster_{} {{\n    label={};\n", clusters_++,
        dot_label(fmt::format("{} ({}, {})", vm.name, vm.kind.empty() ? "?" : vm.kind, vm.state)));
    for (const auto& volume : vm.volumes) add(volume);
    text_ += "  }\n";
  }

  void add(const api::VolumeInfo& volume) {
    const std::string name = fmt::format("volume {}:{}", volume.vm, volume.name);
    node(name, {volume.name, marks_text(volume), fmt::format("{} {}", volume.kind, volume.rw ? "rw" : "ro")},
         ", shape=oval");
    for (const auto& layer : volume.layers) add(layer);
    if (volume.is_running.value_or(false) && !volume.layers.empty())
      edge(name, "device " + volume.layers.front().device);
    else if (volume.source)
      edge(name, "volume " + *volume.source, " [style=dashed]");
    for (const auto& file : volume.files) add(file, name, volume);
  }

  static std::string marks_text(const api::VolumeInfo& volume) {
    std::string text;
    if (volume.is_invalid.value_or(false)) text += " invalid";
    if (volume.is_commit_pending.value_or(false)) text += " commit-pending";
    if (volume.is_dirty.value_or(false)) text += " dirty";
    if (volume.is_outdated.value_or(false)) text += " outdated";
    return text.empty() ? text : text.substr(1);
  }

  void add(const api::LayerInfo& layer) {
    const bool is_foreign = layer.stands_on.empty() && !layer.size && layer.file.empty() && layer.generation;
    if (is_foreign) return;
    const std::string name = "device " + layer.device;
    if (!drawn_.insert(name).second) return;
    std::string marks;
    for (const auto& mark : layer.marks) marks += (marks.empty() ? "" : ", ") + mark;
    node(name,
         {layer.generation ? fmt::format("{} {}", layer.role, *layer.generation) : layer.role, layer.device,
          layer.node, marks, layer.used ? "holds " + format_size(*layer.used) : ""},
         "");
    for (const auto& under : layer.stands_on) edge(name, "device " + under);
    if (layer.file.empty()) return;
    file(layer.file, "");
    edge(name, "file " + layer.file);
  }

  /// Once, whoever comes to it first.
  void file(const std::string& path, const std::string& remark) {
    if (drawn_.insert("file " + path).second) node("file " + path, {path, remark}, ", shape=note");
  }
  void add(const api::FileInfo& info, const std::string& volume, const api::VolumeInfo& of) {
    const bool is_under_layer = drawn_.contains("file " + info.path);
    file(info.path, info.kind + " " + format_size(info.allocated));
    if (!is_under_layer && !(of.is_running.value_or(false) && info.kind == "image"))
      edge(volume, "file " + info.path, " [style=dotted]");
  }

  std::string text_;
  std::map<std::string, std::size_t> ids_;
  std::set<std::string> drawn_, edges_;
  std::size_t clusters_ = 0;
};

}  // namespace

std::string dot_label(std::string_view text) { return "\"" + escape(text) + "\""; }

std::string dot_text(const std::vector<api::VmInfo>& vms) { return Graph().run(vms); }

}  // namespace cowshed::cli
