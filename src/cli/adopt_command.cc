// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/format.h>

#include "api/json.h"
#include "cli/commands.h"

namespace cowshed::cli {

namespace {

struct AdoptOptions {
  api::VmAdopt request;
  std::vector<std::string> templates;
};

/// "VM=TEMPLATE" for one, "TEMPLATE" for all others.
void take_templates(AdoptOptions& options) {
  std::vector<std::string> of_one;
  for (const auto& text : options.templates) {
    if (text.find('=') != std::string::npos) {
      of_one.push_back(text);
      continue;
    }
    if (options.request.template_for_all)
      throw Error(ErrorKind::invalid_argument, "--template for all is given twice");
    options.request.template_for_all = text;
  }
  options.request.templates = to_map(of_one, "--template");
}

std::string state_of(const api::VmAdopt::Volume& volume) {
  if (volume.kind == "volatile") return "empty at each start";
  if (volume.kind == "snapshot") return "a snapshot at each start";
  std::string text = volume.is_dirty ? "dirty" : "committed";
  if (!volume.revisions.empty()) text += fmt::format(", revisions {}", fmt::join(volume.revisions, " "));
  return text;
}

void print(const Console& console, const api::VmAdopt::Answer& answer, const api::VmAdopt::Vm& vm) {
  const char* const what = vm.existed ? "is there already" : answer.dry_run ? "would be adopted" : "adopted";
  const std::string above = vm.template_name ? " of " + *vm.template_name : "";
  console.print(one_line(fmt::format("vm '{}' {}: {}{}, pool {}, {}", vm.name, what, vm.kind, above,
                                     answer.pool, vm.directory)));
  for (const auto& volume : vm.volumes) {
    console.print(one_line(fmt::format("  {}: {}, {}, {}", volume.name, volume.kind, format_size(volume.size),
                                       state_of(volume))));
    for (const auto& file : volume.files)
      console.print(one_line(fmt::format("    {}: {}", file.name, file.is)));
  }
}

void adopt(Session& session, AdoptOptions& options) {
  take_templates(options);
  const auto answer = session.api().call(options.request);
  if (session.console.json) return session.console.print(api::to_json(answer));
  for (const auto& vm : answer.vms) print(session.console, answer, vm);
  for (const auto& path : answer.left_alone)
    session.console.print(one_line(fmt::format("left alone: '{}'", path)));
  if (answer.vms.empty()) session.console.note("there is no VM");
}

}  // namespace

void add_adopt_command(CLI::App& group, Session& session) {
  const auto [command, options] = add_command<AdoptOptions>(
      group, session, "adopt", "Take over the VMs of a Qubes file pool's directory tree, in place", adopt);
  command
      ->add_option("DIR", options->request.directory,
                   "A pool's directory with vm-templates, appvms, ..., or that of one VM in it")
      ->required();
  command
      ->add_option(
          "--template", options->templates,
          "The template of the app VM, or of all app VMs; a VM with a root.img of its own needs none")
      ->type_name("[VM=]TEMPLATE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--kernel", options->request.kernel, "Their kernel; else the template's")
      ->type_name("NAME");
  command->add_flag("--dry-run", options->request.dry_run, "Only tell what is there and what would be done");
}

}  // namespace cowshed::cli
