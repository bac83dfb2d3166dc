// SPDX-License-Identifier: Apache-2.0
#include "app/pending.h"

#include <fmt/core.h>

#include "app/batch.h"
#include "app/interruption.h"
#include "base/undo.h"

namespace cowshed::app {

using pools::Volume;

void refuse_unfinished(App& app, const VmName& name) {
  const Path file = app.locations().pending(name);
  if (path_exists(file))
    throw Error(ErrorKind::exists,
                fmt::format("an earlier change of vm '{}' was cut off and could not be undone "
                            "('{}'); run cowshed recover",
                            name.str(), file.native()));
}

void begin_pending(App& app, const VmName& name, const VmDefinition& volumes) {
  refuse_unfinished(app, name);
  const Path file = app.locations().pending(name);
  make_directories(app.locations().vms());
  Undo undo([&] { unlink_if_exists(file); });
  replace_file(file, encode(volumes));
  undo.release();
}

void end_pending(App& app, const VmName& name) { unlink_durably(app.locations().pending(name)); }

namespace {

/// The volumes of `pending` that the stored definition does not list.
VmDefinition unlisted(App& app, const VmName& name, VmDefinition pending) {
  if (!path_exists(app.locations().vm(name))) return pending;
  const Vm& stored = app.vm(name);
  std::erase_if(pending.volumes, [&](const auto& volume) {
    const Volume* kept = stored.find_volume(volume.properties.name);
    return kept != nullptr && kept->properties().vid == volume.properties.vid &&
           kept->pool().name() == volume.pool;
  });
  return pending;
}

bool is_running_throwaway(App& app, const VmName& name) {
  return path_exists(app.locations().throwaway(name)) && app.vm(name).is_running();
}

/// Only those that were created before are removed: what lay there already belongs to somebody else.
void refuse_existing(const std::vector<Volume*>& volumes) {
  for (Volume* volume : volumes) {
    if (volume->kind() != pools::VolumeKind::origin) continue;
    try {
      volume->verify();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::not_found) continue;
      if (error.kind() != ErrorKind::corrupt_image) throw;
    }
    throw Error(ErrorKind::exists, fmt::format("{}: pool '{}' already holds data for '{}'", label(*volume),
                                               volume->pool().name().str(), volume->properties().vid.str()));
  }
}

}  // namespace

void settle_pending(App& app, const VmName& name, bool dry_run, pools::RecoveryReport& report) {
  if (is_running_throwaway(app, name)) return;
  const Path file = app.locations().pending(name);
  auto leftover = unlisted(app, name, decode_vm(read_file(file, definition_limit), file));
  for (const auto& volume : leftover.volumes)
    report.add(fmt::format("vm '{}': volume '{}' was being created or removed: removed", name.str(),
                           volume.properties.name.str()));
  if (dry_run) return;
  Vm vm(app, name, std::move(leftover), true);
  remove_data(vm.volumes());
  if (path_exists(app.locations().throwaway(name))) app.forget(name);
  unlink_if_exists(app.locations().throwaway(name));
  unlink_durably(file);
}

void create_data(const std::vector<Volume*>& volumes, const ContentOf& content) {
  refuse_existing(volumes);
  throw_if_interrupted();
  VolumeBatch<void> batch;
  for (Volume* volume : volumes)
    batch.begin(*volume, [&](Volume& made) { return made.create(content(made)); });
  std::vector<Volume*> created;
  const auto failure = batch.wait([&](Volume& volume) { created.push_back(&volume); });
  Undo undo([&] { remove_data(created); });
  if (failure) throw *failure;
  throw_if_interrupted();
  undo.release();
}

void remove_data(const std::vector<Volume*>& volumes) {
  VolumeBatch<void> batch;
  for (Volume* volume : volumes) batch.begin(*volume, [](Volume& removed) { return removed.remove(); });
  if (const auto failure = batch.wait()) throw *failure;
}

}  // namespace cowshed::app
