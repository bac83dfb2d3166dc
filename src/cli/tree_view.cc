// SPDX-License-Identifier: Apache-2.0
#include "cli/tree_view.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/tree_lines.h"
#include "cli/volume_view.h"

namespace cowshed::cli {

namespace {

std::string node_name(const std::string& node) {
  constexpr std::string_view dev = "/dev/";
  return node.starts_with(dev) ? node.substr(dev.size()) : node;
}

bool is_file(const api::LayerInfo& layer) { return layer.role == "image" || layer.role == "cow"; }

/// Only named under a volume that stands on it: its own volume has it with all there is to say.
bool is_foreign(const api::LayerInfo& layer) {
  return layer.stands_on.empty() && !layer.size && !is_file(layer);
}

std::string label_of(const api::LayerInfo& layer) {
  return layer.generation ? fmt::format("{} {}", layer.role, *layer.generation) : layer.role;
}

Style style_of_mark(const std::string& mark) {
  if (mark == "newest" || mark == "committed") return Style::good;
  return mark == "replaced" ? Style::warning : Style::bad;
}

Twig twig_of(const api::LayerInfo& layer) {
  Twig twig{.label = label_of(layer), .node = node_name(layer.node)};
  twig.size = layer.used ? format_size(*layer.used) : "";
  for (const auto& mark : layer.marks) twig.remarks.push_back({mark, style_of_mark(mark)});
  if (is_file(layer))
    twig.remarks.push_back({layer.file.empty() ? "a file without a name" : layer.file, Style::plain, true});
  return twig;
}

Twig sharers_of(const api::LayerInfo& layer) {
  Twig twig{.label = fmt::format("shared by {}", layer.shared_by.size())};
  // As many as fit whole.
  for (const auto& sharer : layer.shared_by)
    twig.remarks.push_back({sharer, Style::plain, twig.remarks.empty()});
  return twig;
}

/// Each device with the files it is made of, and who else stands on it.
std::vector<Twig> twigs_of(const std::vector<api::LayerInfo>& layers) {
  std::vector<Twig> twigs;
  for (const auto& layer : layers) {
    if (is_foreign(layer)) {
      if (!twigs.empty())
        twigs.back().remarks.insert(twigs.back().remarks.begin(), {"on " + label_of(layer)});
    } else if (is_file(layer) && !twigs.empty()) {
      twigs.back().below.push_back(twig_of(layer));
    } else {
      twigs.push_back(twig_of(layer));
      if (!layer.shared_by.empty()) twigs.back().below.push_back(sharers_of(layer));
    }
  }
  return twigs;
}

/// Behind what has been said of it: long, and there is the node.
void add_device_names(std::vector<Twig>& twigs, const std::vector<api::LayerInfo>& layers) {
  for (auto& twig : twigs)
    for (const auto& layer : layers)
      if (!is_file(layer) && !layer.node.empty() && node_name(layer.node) == twig.node)
        twig.remarks.push_back({layer.device, Style::faint, true});
}

/// Those that no layer stands on.
std::vector<const api::FileInfo*> idle_files(const api::VolumeInfo& volume) {
  std::vector<const api::FileInfo*> result;
  for (const auto& file : volume.files)
    if (std::none_of(volume.layers.begin(), volume.layers.end(),
                     [&](const auto& layer) { return layer.file == file.path; }))
      result.push_back(&file);
  return result;
}

Twig twig_of(const api::FileInfo& file) {
  return {
      .label = file.kind, .size = format_size(file.allocated), .remarks = {{file.path, Style::plain, true}}};
}

Twig twig_of(const api::RevisionInfo& revision) {
  return {.label = "revision " + revision.id, .remarks = {{time_text(revision.created) + " UTC"}}};
}

std::vector<Twig> idle_twigs(const api::VolumeInfo& volume) {
  std::vector<Twig> twigs;
  for (const auto* file : idle_files(volume))
    if (file->kind != "revision") twigs.push_back(twig_of(*file));
  return twigs;
}

/// With their files, where each has one.
std::vector<Twig> revision_twigs(const api::VolumeInfo& volume) {
  std::vector<const api::FileInfo*> files;
  for (const auto& file : volume.files)
    if (file.kind == "revision") files.push_back(&file);
  std::vector<Twig> twigs;
  for (std::size_t i = 0; i < volume.revisions.size(); ++i) {
    Twig& twig = twigs.emplace_back(twig_of(volume.revisions[i]));
    if (files.size() != volume.revisions.size()) continue;
    twig.size = format_size(files[i]->allocated);
    twig.remarks.push_back({files[i]->path, Style::plain, true});
  }
  return twigs;
}

void append(std::vector<Twig>& twigs, std::vector<Twig> more) {
  twigs.insert(twigs.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Twig twig_of(const api::VolumeInfo& volume) {
  Twig twig{
      .label = volume.name, .size = size_text(volume.usage), .remarks = {}, .below = twigs_of(volume.layers)};
  if (volume.error) twig.remarks.push_back({"error", Style::bad});
  for (const auto& mark : marks_of(volume)) twig.remarks.push_back({mark.text, mark.style});
  twig.remarks.push_back({fmt::format("{} {}", volume.kind, volume.rw ? "rw" : "ro")});
  if (volume.size) twig.remarks.push_back({format_size(*volume.size)});
  if (volume.source) twig.remarks.push_back({"of " + *volume.source, Style::plain, true});
  twig.remarks.push_back({"pool " + volume.pool, Style::plain, true});
  add_device_names(twig.below, volume.layers);
  append(twig.below, idle_twigs(volume));
  append(twig.below, revision_twigs(volume));
  return twig;
}

Style style_of_state(const std::string& state) {
  if (state == "running") return Style::good;
  return state == "stopped" ? Style::plain : Style::bad;
}

/// VMs under their templates. A cycle is no reason to leave any out.
class Forest {
 public:
  explicit Forest(const std::vector<api::VmInfo>& vms) : vms_(vms) {
    for (const auto& vm : vms) names_.insert(vm.name);
    for (const auto& vm : vms)
      if (vm.template_name) children_[*vm.template_name].push_back(&vm);
  }

  std::vector<Twig> grow() {
    std::vector<Twig> trees;
    for (const auto& vm : vms_)
      if (!vm.template_name || !names_.contains(*vm.template_name)) trees.push_back(grow(vm));
    for (const auto& vm : vms_)
      if (!grown_.contains(vm.name)) trees.push_back(grow(vm));
    return trees;
  }

 private:
  Twig grow(const api::VmInfo& vm) {
    grown_.insert(vm.name);
    Twig twig = twig_of_vm(vm);
    for (const auto* child : children_[vm.name])
      if (!grown_.contains(child->name)) twig.below.push_back(grow(*child));
    return twig;
  }

  Twig twig_of_vm(const api::VmInfo& vm) const {
    Twig twig{.label = vm.name, .style = Style::strong};
    if (vm.error) twig.remarks.push_back({"error", Style::bad});
    twig.remarks.push_back({vm.state, style_of_state(vm.state)});
    twig.remarks.push_back(
        {(vm.is_throwaway ? "throw-away " : "") + (vm.kind.empty() ? "unreadable" : vm.kind)});
    if (vm.template_name && !names_.contains(*vm.template_name))
      twig.remarks.push_back({"of " + *vm.template_name, Style::plain, true});
    for (const auto& volume : vm.volumes) twig.below.push_back(twig_of(volume));
    return twig;
  }

  const std::vector<api::VmInfo>& vms_;
  std::set<std::string> names_, grown_;
  std::map<std::string, std::vector<const api::VmInfo*>> children_;
};

}  // namespace

std::string tree_text(const std::vector<api::VmInfo>& vms, const Terminal& terminal) {
  return draw(Forest(vms).grow(), terminal);
}

}  // namespace cowshed::cli
