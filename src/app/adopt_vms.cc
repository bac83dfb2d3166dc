// SPDX-License-Identifier: Apache-2.0
#include "app/adopt_vms.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/foreign_layers.h"
#include "app/new_volumes.h"
#include "app/tree_scan.h"
#include "base/undo.h"

namespace cowshed::app {

namespace {

using Role = pools::TreeFile::Role;

const VolumeName root("root"), private_("private"), volatile_("volatile");
constexpr std::string_view of_templates = "vm-templates";

Error refusal(std::string message) { return {ErrorKind::invalid_argument, std::move(message)}; }

// --- Which pool

struct Place {
  pools::Pool& pool;
  pools::Tree tree;
  TreePart part;
};

Path place_of(const Path& path) {
  std::error_code error;
  Path result = std::filesystem::canonical(path, error);
  if (error) throw Error::from_errno(error.value(), fmt::format("'{}'", path.native()));
  if (!std::filesystem::is_directory(result))
    throw refusal(fmt::format("'{}' is no directory", path.native()));
  return result;
}

/// Nothing where `directory` does not lie in that tree, or deeper than a VM's directory.
std::optional<TreePart> part_of(const Path& top, const Path& directory) {
  std::error_code unreachable;
  const Path place = std::filesystem::canonical(top, unreachable);
  if (unreachable) return std::nullopt;
  const Path relative = directory.lexically_relative(place);
  if (relative == ".") return TreePart{};
  const std::vector<Path> steps(relative.begin(), relative.end());
  if (steps.empty() || steps.size() > 2 || steps.front() == "..") return std::nullopt;
  TreePart part{steps[0].native(), std::nullopt};
  if (steps.size() == 2) part.vm = steps[1].native();
  return part;
}

/// The directory that would have to be a pool's.
Path top_of(const Path& directory) {
  const auto is_level = [](const Path& path) {
    const Path name = path.filename();
    return name == of_templates || name == "appvms" || name == "servicevms";
  };
  if (is_level(directory)) return directory.parent_path();
  if (is_level(directory.parent_path())) return directory.parent_path().parent_path();
  return directory;
}

/// Nothing where it is broken: no concern of other pools'.
pools::Pool* pool_if_sound(App& app, const PoolName& name) {
  try {
    return &app.pool(name);
  } catch (const Error&) {
    return nullptr;
  }
}

Place find_place(App& app, const Path& given) {
  const Path directory = place_of(given);
  for (const auto& [name, definition] : app.config().pools) {
    pools::Pool* const pool = pool_if_sound(app, name);
    const auto tree = pool ? pool->tree() : std::nullopt;
    if (!tree) continue;
    if (auto part = part_of(tree->top, directory)) return {*pool, *tree, std::move(*part)};
  }
  throw refusal(
      fmt::format("'{}' lies in no pool; 'cowshed pool add NAME --driver file -o dir_path={}' makes one "
                  "of it (--driver file-reflink where its VMs have NAME-dirty.img or NAME.img.1@TIME)",
                  directory.native(), top_of(directory).native()));
}

// --- One VM

class Adopter {
 public:
  Adopter(App& app, const Place& place, const AdoptWishes& wishes, const FoundVm& found)
      : app_(app), pool_(place.pool), wishes_(wishes), found_(found) {}

  /// Not saved yet, but known to the app, so that others find it as their template.
  Vm& adopt() {
    auto vm = std::make_unique<Vm>(app_, found_.name, define(), false);
    return app_.adopt(std::move(vm));
  }
  [[nodiscard]] VmDefinition define() const {
    const VmKind kind = this->kind();
    VmDefinition definition{
        .kind = kind, .template_name = template_of(kind), .kernel = wishes_.kernel, .volumes = {}};
    Vm* const above = definition.template_name ? &find_template(*definition.template_name) : nullptr;
    if (!definition.kernel && above != nullptr) definition.kernel = above->kernel();
    const pools::VolumeOwner owner{found_.name, kind == VmKind::template_, definition.kernel};
    definition.volumes = plan_volumes(app_, owner, kind, above, wishes_for(kind));
    keep_found(definition);
    add_others(definition, owner);
    return definition;
  }

 private:
  [[nodiscard]] bool names_template() const { return wishes_.templates.contains(found_.name); }

  /// With a root of its own it needs no template; but whoever names one means an app VM.
  [[nodiscard]] VmKind kind() const {
    const bool has_root = found_.image(root.str()) != nullptr;
    if (found_.subdirectory == of_templates) {
      if (has_root) return VmKind::template_;
      throw Error(ErrorKind::not_found,
                  fmt::format("its image '{}' is missing", (found_.directory / "root.img").native()));
    }
    return has_root && !names_template() ? VmKind::standalone : VmKind::app;
  }

  [[nodiscard]] std::optional<VmName> template_of(VmKind kind) const {
    if (kind != VmKind::app) return std::nullopt;
    if (const auto own = wishes_.templates.find(found_.name); own != wishes_.templates.end())
      return own->second;
    if (wishes_.template_for_all) return wishes_.template_for_all;
    throw refusal(
        fmt::format("it has no root.img, so it is an app VM; say of which template: --template {}=NAME, "
                    "or --template NAME for all",
                    found_.name.str()));
  }

  Vm& find_template(const VmName& name) const {
    Vm& above = app_.vm(name);
    if (above.kind() == VmKind::template_) return above;
    throw refusal(fmt::format("{} is of kind {}, no template", label(above), to_string(above.kind())));
  }

  [[nodiscard]] VolumeWishes wishes_for(VmKind kind) const {
    VolumeWishes wishes;
    for (const VolumeName& name : {root, private_, volatile_}) {
      if (name == root && kind == VmKind::app) continue;
      wishes.pools.emplace(name, pool_.name());
      const FoundFile* const image = found_.image(name.str());
      // A volatile volume's image is thrown away; only its size is of use, where it is one.
      const bool is_usable =
          image != nullptr && image->size.count != 0 && image->size.count % Sectors::bytes_each == 0;
      if (is_usable) wishes.sizes.emplace(name, image->size);
    }
    return wishes;
  }

  [[nodiscard]] Vid vid(const VolumeName& name) const {
    return Vid(fmt::format("{}/{}/{}", found_.subdirectory, found_.name.str(), name.str()));
  }

  /// Its files are where they are; a saved volume without an image is none.
  void keep_found(VmDefinition& definition) const {
    std::erase_if(definition.volumes, [&](const VolumeDefinition& volume) {
      return volume.properties.kind() == pools::VolumeKind::origin &&
             found_.image(volume.properties.name.str()) == nullptr;
    });
    for (auto& volume : definition.volumes)
      if (volume.pool == pool_.name()) volume.properties.vid = vid(volume.properties.name);
  }

  void add_others(VmDefinition& definition, const pools::VolumeOwner& owner) const {
    for (const auto& file : found_.files) {
      const bool is_known = std::ranges::any_of(definition.volumes, [&](const auto& volume) {
        return volume.properties.name.str() == file.is.volume;
      });
      if (file.is.role != Role::image || is_known) continue;
      pools::VolumeProperties properties{.name = VolumeName(file.is.volume), .vid = Vid("none")};
      properties.save_on_stop = true;
      auto volume = place_volume(app_, owner, nullptr, std::move(properties), pool_.name(), file.size);
      volume.properties.vid = vid(volume.properties.name);
      definition.volumes.push_back(std::move(volume));
    }
    std::ranges::sort(definition.volumes, [](const auto& a, const auto& b) {
      return volume_before(a.properties.name, b.properties.name);
    });
  }

  App& app_;
  pools::Pool& pool_;
  const AdoptWishes& wishes_;
  const FoundVm& found_;
};

// --- What is told of it

std::string meaning(const pools::TreeFile& is, const pools::Volume& volume, bool is_dirty) {
  const bool is_origin = volume.kind() == pools::VolumeKind::origin;
  switch (is.role) {
    case Role::image:
      return is_origin ? "the image" : "not used: the volume begins anew at each start";
    case Role::session:
      if (!is_origin) return "not used: of a session that is thrown away";
      return is_dirty ? "of a session that was not ended: the next start goes on with it" : "empty";
    case Role::revision:
      return is_origin ? "a revision: volume revert goes back to it" : "not used: nothing is saved";
    default:
      return "not used";
  }
}

AdoptedVolume describe(const FoundVm& found, pools::Volume& volume) {
  const auto& properties = volume.properties();
  AdoptedVolume result{properties.name, volume.kind(), properties.vid, volume.size(), false, {}, {}};
  if (volume.kind() == pools::VolumeKind::origin) {
    result.is_dirty = volume.is_dirty();
    for (const auto& revision : volume.revisions()) result.revisions.push_back(revision.id);
  }
  for (const auto& file : found.files)
    if (file.is.volume == properties.name.str())
      result.files.emplace_back(file.name, meaning(file.is, volume, result.is_dirty));
  return result;
}

AdoptedVm describe(const FoundVm& found, Vm& vm, bool existed) {
  AdoptedVm result{vm.name(), vm.kind(), vm.template_name(), found.directory, existed, {}};
  for (pools::Volume* volume : vm.volumes())
    in_context([&] { return label(*volume); }, [&] { result.volumes.push_back(describe(found, *volume)); });
  return result;
}

/// Stores as well as images: what cannot be read back is not taken over. A snapshot's source is verified
/// where it is adopted, and what lies there of its own is thrown away.
void verify(Vm& vm) {
  for (pools::Volume* volume : vm.volumes())
    if (!volume->properties().snap_on_start)
      in_context(
          [&] {
            return fmt::format("{} (if it is good without a file that is named here, move that away)",
                               label(*volume));
          },
          [&] { volume->verify(); });
}

// --- All of them

bool holds_vm(const FoundVm& found) {
  if (found.subdirectory == of_templates && !found.files.empty()) return true;
  return found.image(root.str()) != nullptr || found.image(private_.str()) != nullptr;
}

class AdoptAll {
 public:
  AdoptAll(App& app, const Place& place, const AdoptWishes& wishes)
      : app_(app), place_(place), wishes_(wishes), adoption_{place.pool.name(), {}, {}} {}

  Adoption run() {
    const auto found = scan_tree(place_.tree, place_.part);
    check_names(found);
    Undo forget([&] {
      for (const Vm* vm : new_) app_.forget(VmName(vm->name()));
    });
    for (const FoundVm& vm : found)
      in_context([&] { return fmt::format("vm '{}'", vm.name.str()); }, [&] { take(vm); });
    refuse_foreign_layers(new_files_);
    for (Vm* vm : new_) in_context([&] { return label(*vm); }, [&] { verify(*vm); });
    for (const auto& [files, vm] : listed_)
      adoption_.vms.push_back(describe(*files, *vm, std::ranges::find(new_, vm) == new_.end()));
    if (wishes_.dry_run) return std::move(adoption_);
    save();
    forget.release();
    return std::move(adoption_);
  }

 private:
  void check_names(const std::vector<FoundVm>& found) const {
    std::set<VmName> names;
    for (const auto& vm : found)
      if (holds_vm(vm) && !names.insert(vm.name).second)
        throw refusal(
            fmt::format("there are two VMs '{}'; the other is '{}'", vm.name.str(), vm.directory.native()));
    for (const auto& [name, above] : wishes_.templates)
      if (!names.contains(name))
        throw refusal(fmt::format("--template {}={}: there is no such VM", name.str(), above.str()));
  }

  void take(const FoundVm& found) {
    adoption_.left_alone.insert(adoption_.left_alone.end(), found.others.begin(), found.others.end());
    if (!holds_vm(found)) return adoption_.left_alone.push_back(found.directory);
    if (app_.exists_vm(found.name)) return take_existing(found);
    if (path_exists(app_.locations().pending(found.name)))
      throw Error(ErrorKind::exists, "a change of a vm of that name was cut off; run cowshed recover");
    new_.push_back(&Adopter(app_, place_, wishes_, found).adopt());
    new_files_.push_back(&found);
    listed_.emplace_back(&found, new_.back());
  }

  /// Whatever it has become since: it is the same where its volumes lie in this directory.
  void take_existing(const FoundVm& found) {
    Vm& vm = app_.vm(found.name);
    const std::string prefix = fmt::format("{}/{}/", found.subdirectory, found.name.str());
    const bool is_here = std::ranges::any_of(vm.volumes(), [&](const pools::Volume* volume) {
      return &volume->pool() == &place_.pool && volume->properties().vid.str().starts_with(prefix);
    });
    if (!is_here)
      throw Error(ErrorKind::exists,
                  fmt::format("a vm of that name exists already, with other files than '{}'",
                              found.directory.native()));
    listed_.emplace_back(&found, &vm);
  }

  void save() {
    if (new_.empty()) return;
    app_.initialise();
    std::vector<Undo> undo;
    undo.reserve(new_.size());
    for (const Vm* vm : new_) {
      undo.emplace_back([this, vm] { unlink_durably(app_.locations().vm(vm->name())); });
      app_.save(*vm);
    }
    for (Undo& step : undo) step.release();
  }

  App& app_;
  const Place& place_;
  const AdoptWishes& wishes_;
  Adoption adoption_;
  std::vector<Vm*> new_;
  std::vector<const FoundVm*> new_files_;
  std::vector<std::pair<const FoundVm*, Vm*>> listed_;
};

}  // namespace

Adoption adopt_vms(App& app, const Path& directory, const AdoptWishes& wishes) {
  return in_context([] { return "adopt"; },
                    [&] {
                      const Place place = find_place(app, directory);
                      return AdoptAll(app, place, wishes).run();
                    });
}

}  // namespace cowshed::app
