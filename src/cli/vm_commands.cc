// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "api/json.h"
#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "cli/table.h"

namespace cowshed::cli {

namespace {

void print_devices(const Console& console, const std::vector<api::Device>& devices) {
  if (console.json) return console.print(api::to_json(devices));
  for (const auto& device : devices)
    console.print(fmt::format("{}:{} {} {}", device.vm, device.name, device.path, device.rw ? "rw" : "ro"));
}

bool list_vms(Session& session, const api::VmList& request) {
  const auto vms = session.api().call(request);
  Table table({"VM", "KIND", "TEMPLATE", "STATE"});
  bool is_sound = true;
  for (const auto& vm : vms) {
    table.add({vm.name, vm.kind.empty() ? "?" : vm.kind + (vm.is_throwaway ? " (throw-away)" : ""),
               vm.template_name.value_or("-"), vm.state});
    if (!vm.error) continue;
    session.console.print_error(*vm.error);
    is_sound = false;
  }
  session.console.print(session.console.json ? api::to_json(vms) : table.text());
  return is_sound;
}

void show_vm(Session& session, const api::VmInfoRequest& request) {
  const auto vm = session.api().call(request);
  if (session.console.json) return session.console.print(api::to_json(vm));
  std::string text = fmt::format("vm: {}\nkind: {}\ntemplate: {}\nstate: {}", vm.name, vm.kind,
                                 vm.template_name.value_or("-"), vm.state);
  if (vm.kernel)
    text += fmt::format("\nkernel: {}\nvmlinuz: {}\ninitramfs: {}", vm.kernel->name, vm.kernel->vmlinuz,
                        vm.kernel->initramfs);
  session.console.print(text);
  Table table({"VOLUME", "KIND", "ACCESS", "SIZE", "USED", "POOL", "VID", "SOURCE"});
  for (const auto& volume : vm.volumes)
    table.add({volume.name, volume.kind, volume.rw ? "rw" : "ro",
               volume.size ? format_size(*volume.size) : "-", volume.usage ? format_size(*volume.usage) : "-",
               volume.pool, volume.vid, volume.source.value_or("-")});
  session.console.print(table.text());
  if (vm.error) session.console.print_error(*vm.error);
  for (const auto& volume : vm.volumes)
    if (volume.error) session.console.print_error(*volume.error);
}

void show_devices(Session& session, const api::VmDevices& request) {
  print_devices(session.console, session.api().call(request));
}

/// What the VMs of a batch answered: devices on stdout, errors on stderr.
bool report(const Session& session, const std::vector<api::VmResult>& results, bool with_devices) {
  std::vector<api::Device> devices;
  std::vector<Error> errors;
  for (const auto& result : results) {
    devices.insert(devices.end(), result.devices.begin(), result.devices.end());
    if (result.error) errors.push_back(*result.error);
  }
  if (with_devices) print_devices(session.console, devices);
  session.console.print_errors(errors);
  return errors.empty();
}

bool start(Session& session, const api::VmStart& request) {
  return report(session, session.api().call(request), true);
}

bool stop(Session& session, api::VmStop& request) {
  ProgressBar bar("commit", !session.console.quiet && !session.console.json);
  request.progress = [&bar](Bytes done, Bytes total) { bar.update(done, total); };
  return report(session, session.api().call(request), false);
}

void run_throwaway(Session& session, const api::VmRunThrowaway& request) {
  const auto result = session.api().call(request);
  session.console.note(fmt::format("{} runs; cowshed vm stop {} ends it", result.vm, result.vm));
  print_devices(session.console, result.devices);
}

struct CreateOptions {
  api::VmCreate request;
  std::vector<std::string> pools, sizes;
};

void create(Session& session, CreateOptions& options) {
  auto& request = options.request;
  request.pools = to_map(options.pools, "-p");
  request.sizes = to_map(options.sizes, "--size");
  ProgressBar bar("copy root image", !session.console.quiet && !session.console.json);
  if (request.root_image) request.progress = [&bar](Bytes done, Bytes total) { bar.update(done, total); };
  session.api().call(request);
}

void clone(Session& session, api::VmClone& request) {
  ProgressBar bar("clone", !session.console.quiet && !session.console.json);
  request.progress = [&bar](Bytes done, Bytes total) { bar.update(done, total); };
  session.api().call(request);
}

/// An option that may be given several times, one value each.
CLI::Option* add_repeated(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                          const std::string& help) {
  return command.add_option(name, values, help)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_node_options(CLI::App& command, api::NodeWish& nodes) {
  command
      .add_option("--node-owner", nodes.owner,
                  "Make device nodes that belong to USER, for a VM manager that runs as somebody else")
      ->type_name("USER[:GROUP]");
  command.add_option("--node-mode", nodes.mode, "Their mode; else 660")->type_name("MODE");
}

void register_create(CLI::App& group, Session& session) {
  const auto [command, options] =
      add_command<CreateOptions>(group, session, "create", "Create a VM; without a kind, a template", create);
  auto& request = options->request;
  command->add_option("VM", request.vm, "Its name")->required();
  auto* standalone = command->add_flag("--standalone", request.standalone, "With a root of its own");
  auto* app =
      command->add_option("--template", request.template_name, "An app VM: its root is a snapshot of VM's")
          ->type_name("VM");
  auto* disposable =
      command->add_option("--disposable-of", request.disposable_of, "A disposable of the app VM")
          ->type_name("VM");
  standalone->excludes(app)->excludes(disposable);
  app->excludes(disposable);
  command->add_option("--kernel", request.kernel, "Its kernel; else the template's")->type_name("NAME");
  auto* pool =
      command->add_option("-P,--pool", request.pool, "The pool of all writable volumes that are no snapshots")
          ->type_name("POOL");
  add_repeated(*command, "-p", options->pools, "The pool of one volume")
      ->type_name("VOLUME=POOL")
      ->excludes(pool);
  add_repeated(*command, "--size", options->sizes, "The size of one volume: root=20G")
      ->type_name("VOLUME=SIZE");
  auto* image = command
                    ->add_option("--root-image", request.root_image,
                                 "The root volume's first content: a raw, qcow2, VMDK or VDI image")
                    ->type_name("FILE");
  add_format_option(*command, request.format, "the root image")->needs(image);
}

}  // namespace

void add_vm_commands(CLI::App& parent, Session& session) {
  CLI::App& group = add_group(parent, "vm", "Virtual machines: sets of volumes that start and stop together");
  add_command<api::VmList>(group, session, "list", "List the VMs", list_vms);
  {
    const auto [command, request] =
        add_command<api::VmInfoRequest>(group, session, "info", "Show a VM and its volumes", show_vm);
    command->add_option("VM", request->vm)->required();
  }
  {
    const auto [command, request] = add_command<api::VmDevices>(
        group, session, "devices", "Print a running VM's block devices: VM:NAME PATH rw|ro", show_devices);
    command->add_option("VM", request->vm)->required();
  }
  register_create(group, session);
  {
    const auto [command, request] = add_command<api::VmStart>(
        group, session, "start", "Start VMs together and print their block devices", start);
    command->add_option("VM", request->vms)->required();
    add_node_options(*command, request->nodes);
  }
  {
    const auto [command, request] = add_command<api::VmStop>(
        group, session, "stop", "Stop VMs together: what is saved is committed, the rest is gone", stop);
    command->add_option("VM", request->vms)->required();
    command->add_flag("--discard", request->discard,
                      "Drop what was written since the start, where it went to an overlay");
  }
  {
    const auto [command, request] = add_command<api::VmRemove>(
        group, session, "remove", "Remove a stopped VM with all its volumes", just_call);
    command->add_option("VM", request->vm)->required();
  }
  {
    const auto [command, request] =
        add_command<api::VmSet>(group, session, "set", "Set a stopped VM's template or kernel", just_call);
    command->add_option("VM", request->vm)->required();
    command->add_option("KEY", request->key, "template or kernel")->required();
    command->add_option("VALUE", request->value)->required();
  }
  {
    const auto [command, request] = add_command<api::VmRunThrowaway>(
        group, session, "run-throwaway", "Create and start a disposable that is gone when it stops",
        run_throwaway);
    command->add_option("VM", request->above, "A template or an app VM")->required();
    command->add_option("NAME", request->name, "Else disp1, disp2, ...");
    add_node_options(*command, request->nodes);
  }
  {
    const auto [command, request] = add_command<api::VmClone>(
        group, session, "clone", "Create a VM with another's committed state", clone);
    command->add_option("VM", request->vm)->required();
    command->add_option("NEW", request->name, "The new VM's name")->required();
  }
  add_adopt_command(group, session);
}

}  // namespace cowshed::cli
