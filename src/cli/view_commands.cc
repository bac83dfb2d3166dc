// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/json.h"
#include "cli/commands.h"
#include "cli/dot.h"
#include "cli/status_view.h"
#include "cli/tree_view.h"

namespace cowshed::cli {

namespace {

bool show_status(Session& session, const api::Status& request) {
  const auto status = session.api().call(request);
  session.console.print(session.console.json ? api::to_json(status)
                                             : status_text(status, Terminal::of_stdout()));
  session.console.print_errors(status.errors);
  return status.errors.empty();
}

struct TreeOptions {
  api::Tree request;
  bool dot = false;
};

std::string text_of(const std::vector<api::VmInfo>& vms, bool dot, bool json) {
  if (json) return api::to_json_full(vms);
  return dot ? dot_text(vms) : tree_text(vms, Terminal::of_stdout());
}

bool show_tree(Session& session, const TreeOptions& options) {
  const auto vms = session.api().call(options.request);
  session.console.print(text_of(vms, options.dot, session.console.json));
  bool is_sound = true;
  for (const auto& vm : vms) {
    const auto errors = api::errors_of(vm);
    session.console.print_errors(errors);
    is_sound = is_sound && errors.empty();
  }
  return is_sound;
}

}  // namespace

void add_view_commands(CLI::App& parent, Session& session) {
  const auto [command, options] = add_command<TreeOptions>(
      parent, session, "tree", "Show VMs, volumes and the layers under them", show_tree);
  command->add_option("VM", options->request.vm, "Only this one");
  command->add_flag("--dot", options->dot, "For Graphviz: cowshed tree --dot | dot -Tsvg");
  add_command<api::Status>(parent, session, "status",
                           "Say what runs, how full the pools are, and what needs a hand", show_status);
}

}  // namespace cowshed::cli
