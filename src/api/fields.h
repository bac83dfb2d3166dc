// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "api/types.h"

/// The fields of parts of answers, by the names they have in the service's protocol (and, where they are
/// there, in docs/json.md): one list for encoding, decoding and the description of the interface.
namespace cowshed::api {

/// visit() calls `visitor` with the name and a reference to each field of `object`; `visitor.path` for the
/// path of a file. `name`: what the struct is called in the protocol.
template <typename T>
struct Fields;

template <typename T>
concept HasFields = requires {
  Fields<T>::is_struct;
};

struct Struct {
  static constexpr bool is_struct = true;
};

template <>
struct Fields<ParameterInfo> : Struct {
  static constexpr std::string_view name = "Parameter";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("type", object.type);
    visitor("default", object.default_value);
    visitor("help", object.help);
    visitor("required", object.required);
  }
};

template <>
struct Fields<DriverInfo> : Struct {
  static constexpr std::string_view name = "Driver";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("help", object.help);
    visitor("parameters", object.parameters);
    visitor("capabilities", object.capabilities);
  }
};

template <>
struct Fields<UsageInfo> : Struct {
  static constexpr std::string_view name = "Usage";
  static void visit(auto& visitor, auto& object) {
    visitor("images", object.images);
    visitor("cows", object.cows);
    visitor("revisions", object.revisions);
    visitor("volatile", object.volatile_);
  }
};

template <>
struct Fields<PoolInfo> : Struct {
  static constexpr std::string_view name = "Pool";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("driver", object.driver);
    visitor("plugin", object.plugin);
    visitor("revisions_to_keep", object.revisions_to_keep);
    visitor("ephemeral_volatile", object.ephemeral_volatile);
    visitor("space_warning", object.space_warning);
    visitor("space_hold", object.space_hold);
    visitor("parameters", object.parameters);
    visitor("size", object.size);
    visitor("usage", object.usage);
    visitor("included_in", object.included_in);
    visitor("shares_space_with", object.shares_space_with);
    visitor("default_for", object.default_for);
    visitor("volumes", object.volumes);
    visitor("usage_details", object.usage_details);
    visitor("error", object.error);
  }
};

template <>
struct Fields<Device> : Struct {
  static constexpr std::string_view name = "Device";
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("name", object.name);
    visitor("path", object.path);
    visitor("node", object.node);
    visitor("major", object.major);
    visitor("minor", object.minor);
    visitor("rw", object.rw);
  }
};

template <>
struct Fields<RevisionInfo> : Struct {
  static constexpr std::string_view name = "Revision";
  static void visit(auto& visitor, auto& object) {
    visitor("id", object.id);
    visitor("created", object.created);
  }
};

template <>
struct Fields<LayerInfo> : Struct {
  static constexpr std::string_view name = "Layer";
  static void visit(auto& visitor, auto& object) {
    visitor("role", object.role);
    visitor("device", object.device);
    visitor("node", object.node);
    visitor("file", object.file);
    visitor("generation", object.generation);
    visitor("size", object.size);
    visitor("used", object.used);
    visitor("stands_on", object.stands_on);
    visitor("marks", object.marks);
    visitor("shared_by", object.shared_by);
  }
};

template <>
struct Fields<FileInfo> : Struct {
  static constexpr std::string_view name = "File";
  static void visit(auto& visitor, auto& object) {
    visitor("kind", object.kind);
    visitor("path", object.path);
    visitor("usage", object.allocated);
  }
};

template <>
struct Fields<VolumeInfo> : Struct {
  static constexpr std::string_view name = "Volume";
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("name", object.name);
    visitor("pool", object.pool);
    visitor("vid", object.vid);
    visitor("kind", object.kind);
    visitor("rw", object.rw);
    visitor("snap_on_start", object.snap_on_start);
    visitor("save_on_stop", object.save_on_stop);
    visitor("revisions_to_keep", object.revisions_to_keep);
    visitor("write_policy", object.write_policy);
    visitor("keep_changes", object.keep_changes);
    visitor("cow_limit", object.cow_limit);
    visitor("warm", object.warm);
    visitor("ephemeral", object.ephemeral);
    visitor("source", object.source);
    visitor("size", object.size);
    visitor("usage", object.usage);
    visitor("running", object.is_running);
    visitor("is_dirty", object.is_dirty);
    visitor("is_outdated", object.is_outdated);
    visitor("is_commit_pending", object.is_commit_pending);
    visitor("is_invalid", object.is_invalid);
    visitor("is_held", object.is_held);
    visitor("block_device", object.device);
    visitor("error", object.error);
    visitor("path", object.path);
    visitor("path_cow", object.path_cow);
    visitor("path_source", object.path_source);
    visitor("path_source_cow", object.path_source_cow);
    visitor("revisions", object.revisions);
    visitor("layers", object.layers);
    visitor("files", object.files);
  }
};

template <>
struct Fields<KernelInfo> : Struct {
  static constexpr std::string_view name = "Kernel";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("vmlinuz", object.vmlinuz);
    visitor("initramfs", object.initramfs);
  }
};

template <>
struct Fields<VmInfo> : Struct {
  static constexpr std::string_view name = "Vm";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("kind", object.kind);
    visitor("throwaway", object.is_throwaway);
    visitor("template", object.template_name);
    visitor("kernel", object.kernel_name);
    visitor("state", object.state);
    visitor("error", object.error);
    visitor("kernel_files", object.kernel);
    visitor("volumes", object.volumes);
  }
};

template <>
struct Fields<Progress> : Struct {
  static constexpr std::string_view name = "Progress";
  static void visit(auto& visitor, auto& object) {
    visitor("done", object.done);
    visitor("total", object.total);
  }
};

template <>
struct Fields<VmResult> : Struct {
  static constexpr std::string_view name = "VmResult";
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("devices", object.devices);
    visitor("error", object.error);
    visitor("committed", object.committed);
  }
};

template <>
struct Fields<PoolImportConf::Pool> : Struct {
  static constexpr std::string_view name = "ImportedPool";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("driver", object.driver);
    visitor("parameters", object.parameters);
    visitor("existed", object.existed);
  }
};

template <>
struct Fields<PoolImportConf::Answer> : Struct {
  static constexpr std::string_view name = "ImportedConf";
  static void visit(auto& visitor, auto& object) {
    visitor("dry_run", object.dry_run);
    visitor("pools", object.pools);
  }
};

template <>
struct Fields<std::pair<std::string, std::optional<std::string>>> : Struct {
  static constexpr std::string_view name = "Setting";
  static void visit(auto& visitor, auto& object) {
    visitor("key", object.first);
    visitor("value", object.second);
  }
};

template <>
struct Fields<std::pair<std::string, std::string>> : Struct {
  static constexpr std::string_view name = "Assignment";
  static void visit(auto& visitor, auto& object) {
    visitor("key", object.first);
    visitor("value", object.second);
  }
};

template <>
struct Fields<VmAdopt::File> : Struct {
  static constexpr std::string_view name = "AdoptedFile";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("is", object.is);
  }
};

template <>
struct Fields<VmAdopt::Volume> : Struct {
  static constexpr std::string_view name = "AdoptedVolume";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("kind", object.kind);
    visitor("vid", object.vid);
    visitor("size", object.size);
    visitor("is_dirty", object.is_dirty);
    visitor("revisions", object.revisions);
    visitor("files", object.files);
  }
};

template <>
struct Fields<VmAdopt::Vm> : Struct {
  static constexpr std::string_view name = "AdoptedVm";
  static void visit(auto& visitor, auto& object) {
    visitor("name", object.name);
    visitor("kind", object.kind);
    visitor("directory", object.directory);
    visitor("template", object.template_name);
    visitor("existed", object.existed);
    visitor("volumes", object.volumes);
  }
};

template <>
struct Fields<VmAdopt::Answer> : Struct {
  static constexpr std::string_view name = "Adopted";
  static void visit(auto& visitor, auto& object) {
    visitor("dry_run", object.dry_run);
    visitor("pool", object.pool);
    visitor("vms", object.vms);
    visitor("left_alone", object.left_alone);
  }
};

template <>
struct Fields<Recover::Answer> : Struct {
  static constexpr std::string_view name = "Recovered";
  static void visit(auto& visitor, auto& object) {
    visitor("dry_run", object.dry_run);
    visitor("complete", object.complete);
    visitor("done", object.lines);
  }
};

template <>
struct Fields<Event> : Struct {
  static constexpr std::string_view name = "Event";
  static void visit(auto& visitor, auto& object) {
    visitor("time", object.time);
    visitor("kind", object.kind);
    visitor("vm", object.vm);
    visitor("volume", object.volume);
    visitor("pool", object.pool);
    visitor("message", object.message);
  }
};

template <>
struct Fields<Attention> : Struct {
  static constexpr std::string_view name = "Attention";
  static void visit(auto& visitor, auto& object) {
    visitor("about", object.about);
    visitor("message", object.message);
    visitor("next", object.next);
  }
};

template <>
struct Fields<Status::Answer> : Struct {
  // Not Status: an interface has one space of names for types, methods and errors.
  static constexpr std::string_view name = "Overview";
  static void visit(auto& visitor, auto& object) {
    visitor("state", object.state);
    visitor("run", object.run);
    visitor("pools", object.pools);
    visitor("vms", object.vms);
    visitor("running", object.running);
    visitor("unreadable", object.unreadable);
    visitor("partly_running", object.partly_running);
    visitor("dirty", object.dirty);
    visitor("outdated", object.outdated);
    visitor("commit_pending", object.commit_pending);
    visitor("invalid", object.invalid);
    visitor("held", object.held);
    visitor("unclean", object.unclean);
    visitor("running_vms", object.running_vms);
    visitor("pool_list", object.pool_list);
    visitor("attention", object.attention);
    visitor("errors", object.errors);
  }
};

template <>
struct Fields<Doctor::Check> : Struct {
  static constexpr std::string_view name = "Check";
  static void visit(auto& visitor, auto& object) {
    visitor("id", object.id);
    visitor("about", object.about);
    visitor("result", object.health);
    visitor("seen", object.seen);
    visitor("next", object.next);
  }
};

template <>
struct Fields<Doctor::Answer> : Struct {
  static constexpr std::string_view name = "Examination";
  static void visit(auto& visitor, auto& object) { visitor("checks", object.checks); }
};

}  // namespace cowshed::api
