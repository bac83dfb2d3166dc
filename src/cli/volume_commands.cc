// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/json.h"
#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "cli/table.h"
#include "cli/volume_view.h"

namespace cowshed::cli {

namespace {

constexpr const char* volume_help = "VM:VOLUME, for example work:root";

bool list_volumes(Session& session, const api::VolumeList& request) {
  const auto volumes = session.api().call(request);
  session.console.print(session.console.json ? api::to_json(volumes)
                                             : volume_table(volumes, Terminal::of_stdout()));
  bool is_sound = true;
  for (const auto& volume : volumes) {
    if (!volume.error) continue;
    session.console.print_error(*volume.error);
    is_sound = false;
  }
  return is_sound;
}

/// "key: value" lines; what is empty is left out.
class Lines {
 public:
  void add(std::string_view key, std::string_view value) {
    if (!value.empty()) text_ += fmt::format("{}{}: {}", text_.empty() ? "" : "\n", key, value);
  }
  void add(std::string_view key, bool value) { add(key, std::string_view(value ? "yes" : "no")); }
  void add(std::string_view key, const std::optional<bool>& value) {
    if (value) add(key, *value);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string describe(const api::VolumeInfo& volume) {
  Lines lines;
  lines.add("volume", fmt::format("{}:{}", volume.vm, volume.name));
  lines.add("kind", volume.kind);
  lines.add("pool", volume.pool);
  lines.add("vid", volume.vid);
  lines.add("source", volume.source.value_or(""));
  lines.add("size", size_text(volume.size));
  lines.add("usage", size_text(volume.usage));
  lines.add("rw", volume.rw);
  lines.add("snap_on_start", volume.snap_on_start);
  lines.add("save_on_stop", volume.save_on_stop);
  lines.add("revisions_to_keep", std::to_string(volume.revisions_to_keep));
  lines.add("write_policy", volume.write_policy.value_or(""));
  if (volume.kind == "snapshot") lines.add("keep_changes", volume.keep_changes);
  if (volume.cow_limit) lines.add("cow_limit", format_size(*volume.cow_limit));
  lines.add("ephemeral", volume.ephemeral);
  lines.add("running", volume.is_running);
  lines.add("is_dirty", volume.is_dirty);
  lines.add("is_outdated", volume.is_outdated);
  lines.add("is_commit_pending", volume.is_commit_pending);
  lines.add("is_invalid", volume.is_invalid);
  lines.add("is_held", volume.is_held);
  lines.add("path", volume.path);
  lines.add("path_cow", volume.path_cow);
  lines.add("path_source", volume.path_source);
  lines.add("path_source_cow", volume.path_source_cow);
  if (volume.device) lines.add("block device", volume.device->path);
  if (volume.device) lines.add("node", volume.device->node);
  for (const auto& layer : volume.layers)
    lines.add("layer", fmt::format("{} {} {} {}", layer.role, layer.device, layer.node, layer.file));
  return lines.text();
}

void show_volume(Session& session, const api::VolumeInfoRequest& request) {
  const auto volume = session.api().call(request);
  session.console.print(session.console.json ? api::to_json(volume) : describe(volume));
  if (volume.error && !session.console.json) session.console.print_error(*volume.error);
}

void show_revisions(Session& session, const api::VolumeRevisions& request) {
  const auto revisions = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(revisions));
  Table table({"REVISION", "CREATED (UTC)"});
  for (const auto& revision : revisions) table.add({revision.id, time_text(revision.created)});
  session.console.print(table.text());
}

struct CreateOptions {
  api::VolumeCreate request;
  std::vector<std::string> properties;
};

void create(Session& session, CreateOptions& options) {
  for (const auto& text : options.properties)
    options.request.properties.push_back(split_assignment(text, "property"));
  session.api().call(options.request);
}

template <typename Request, typename Work>
std::pair<CLI::App*, Request*> on_volume(CLI::App& group, Session& session, const std::string& name,
                                         const std::string& help, Work work) {
  auto registered = add_command<Request>(group, session, name, help, work);
  registered.first->add_option("VOLUME", registered.second->volume, volume_help)->required();
  return registered;
}

void register_create(CLI::App& group, Session& session) {
  const auto [command, options] = add_command<CreateOptions>(
      group, session, "create", "Add a volume to a stopped VM; it is saved at stop unless save_on_stop=false",
      create);
  command->add_option("VOLUME", options->request.volume, volume_help)->required();
  command->add_option("--size", options->request.size, "10G, 512MiB, bytes")->type_name("SIZE");
  command->add_option("--pool", options->request.pool, "Else the default pool")->type_name("POOL");
  command->add_option("PROPERTIES", options->properties,
                      "KEY=VALUE: rw, snap_on_start, save_on_stop, "
                      "revisions_to_keep, ...");
}

/// Long work, told how far it is.
template <typename Request>
auto with_progress(const char* what) {
  return [what](Session& session, Request& request) {
    ProgressBar bar(what, !session.console.quiet && !session.console.json);
    request.progress = [&bar](Bytes done, Bytes total) { bar.update(done, total); };
    session.api().call(request);
  };
}

void register_transfers(CLI::App& group, Session& session) {
  {
    const auto [command, request] = on_volume<api::VolumeImport>(
        group, session, "import",
        "Replace a stopped volume's content by a raw, qcow2, VMDK or VDI image; it takes the image's size",
        with_progress<api::VolumeImport>("import"));
    auto* source = command->add_option_group("content");
    source->add_option("FILE", request->file, "A file, or - for standard input");
    auto* other = source->add_option("--from", request->from, "Another volume")->type_name("VOLUME");
    source->require_option(1);
    add_format_option(*command, request->format, "FILE")->excludes(other);
  }
  {
    const auto [command, request] =
        on_volume<api::VolumeExport>(group, session, "export", "Write the last committed state to a file",
                                     with_progress<api::VolumeExport>("export"));
    command->add_option("FILE", request->file, "A file, or - for standard output")->required();
  }
  {
    const auto [command, request] =
        on_volume<api::VolumeClone>(group, session, "clone", "Create a volume with another's committed state",
                                    with_progress<api::VolumeClone>("clone"));
    command->add_option("SOURCE", request->from, "The other: VM:VOLUME")->required();
    command->add_option("--pool", request->pool, "Else the default pool")->type_name("POOL");
  }
  {
    const auto [command, request] = on_volume<api::VolumeRevert>(
        group, session, "revert", "Go back to a revision, else to the newest; again, and it is undone",
        with_progress<api::VolumeRevert>("revert"));
    command->add_option("REVISION", request->revision);
  }
  on_volume<api::VolumePromote>(group, session, "promote",
                                "Make what a snapshot sees its source's committed state",
                                with_progress<api::VolumePromote>("promote"));
}

}  // namespace

void add_volume_commands(CLI::App& parent, Session& session) {
  CLI::App& group = add_group(parent, "volume", "Volumes, named VM:VOLUME");
  {
    const auto [command, request] =
        add_command<api::VolumeList>(group, session, "list", "List volumes", list_volumes);
    auto* vm = command->add_option("--vm", request->vm, "Only of this VM")->type_name("VM");
    command->add_option("--pool", request->pool, "Only in this pool")->type_name("POOL")->excludes(vm);
  }
  on_volume<api::VolumeInfoRequest>(group, session, "info", "Show all about a volume", show_volume);
  register_create(group, session);
  on_volume<api::VolumeRemove>(group, session, "remove", "Remove a volume of a stopped VM", just_call);
  {
    const auto [command, request] = on_volume<api::VolumeSet>(
        group, session, "set", "Set a property: rw, revisions_to_keep, write_policy, keep_changes, ...",
        just_call);
    command->add_option("KEY", request->key)->required();
    command->add_option("VALUE", request->value, "\"default\" unsets it")->required();
  }
  {
    const auto [command, request] = on_volume<api::VolumeResize>(
        group, session, "resize", "Change a volume's size, larger also while it runs",
        with_progress<api::VolumeResize>("resize"));
    command->add_option("SIZE", request->size)->required();
    command->add_flag("--shrink", request->shrink, "Allow a smaller size: what lies beyond it is lost");
  }
  on_volume<api::VolumeVerify>(group, session, "verify", "Check that the image is there and sound",
                               just_call);
  on_volume<api::VolumeRevisions>(group, session, "revisions", "List the committed states kept",
                                  show_revisions);
  register_transfers(group, session);
}

}  // namespace cowshed::cli
