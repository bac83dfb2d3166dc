// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/json.h"
#include "cli/commands.h"

namespace cowshed::cli {

namespace {

bool recover(Session& session, const api::Recover& request) {
  const auto answer = session.api().call(request);
  if (session.console.json) {
    session.console.print(api::to_json(answer));
    return answer.complete;
  }
  for (const auto& line : answer.lines) session.console.print(one_line(line));
  if (answer.lines.empty()) session.console.note("nothing to recover");
  return answer.complete;
}

void show_status(Session& session, const api::Status& request) {
  const auto status = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(status));
  session.console.print(
      fmt::format("state directory: {}\ndevice links: {}/dev\npools: {}\nvms: {}, {} running", status.state,
                  status.run, status.pools, status.vms, status.running));
  if (status.unreadable != 0)
    session.console.print(fmt::format("with errors: {} (vm list)", status.unreadable));
}

struct TreeOptions {
  api::Tree request;
  bool dot = false;
};

/// What is made of files stands under the device that is made of it.
std::string line_of(const api::LayerInfo& layer) {
  const bool is_file = layer.role == "image" || layer.role == "cow";
  return fmt::format("\n{}{:<10}{}{}{}", is_file ? "      " : "    ", layer.role, layer.device,
                     layer.file.empty() ? "" : " ", layer.file);
}

std::string tree_of(const api::VmInfo& vm) {
  std::string text = fmt::format("{} ({}{}, {})", vm.name, vm.kind.empty() ? "?" : vm.kind,
                                 vm.template_name ? " of " + *vm.template_name : "", vm.state);
  for (const auto& volume : vm.volumes) {
    text += fmt::format("\n  {} {} {}{}", volume.name, volume.kind, volume.rw ? "rw" : "ro",
                        volume.source ? " <- " + *volume.source : "");
    for (const auto& layer : volume.layers) text += line_of(layer);
  }
  return text;
}

void show_tree(Session& session, const TreeOptions& options) {
  if (options.dot) throw Error(ErrorKind::not_supported, "tree --dot: not supported yet");
  const auto vms = session.api().call(options.request);
  if (session.console.json) return session.console.print(api::to_json_full(vms));
  for (const auto& vm : vms) session.console.print(tree_of(vm));
}

}  // namespace

void add_general_commands(CLI::App& parent, Session& session) {
  {
    const auto [command, request] =
        add_command<api::Recover>(parent, session, "recover",
                                  "Put right what a crash left; done by itself when it is noticed", recover);
    command->add_flag("--dry-run", request->dry_run, "Only tell what would be done");
  }
  {
    const auto [command, options] = add_command<TreeOptions>(
        parent, session, "tree", "Show VMs, volumes and the layers under them", show_tree);
    command->add_option("VM", options->request.vm, "Only this one");
    command->add_flag("--dot", options->dot, "For Graphviz (not supported yet)");
  }
  add_command<api::Status>(parent, session, "status", "Say where things are and how much runs", show_status);
  add_later(parent, session, "doctor", "Look for what is wrong with this host");
  add_later(parent, session, "top", "Watch the volumes at work");
  add_later(parent, session, "metrics", "Print metrics for Prometheus");
  add_later(parent, session, "serve", "Run as a service");
}

}  // namespace cowshed::cli
