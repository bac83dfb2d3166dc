// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/fields.h"

/// The fields of requests: the parameters of the service's methods.
namespace cowshed::api {

template <>
struct Fields<PoolList> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<PoolDrivers> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<PoolInfoRequest> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("pool", object.pool); }
};

template <>
struct Fields<PoolAdd> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("pool", object.pool);
    visitor("driver", object.driver);
    visitor.path("plugin", object.plugin);
    visitor("parameters", object.parameters);
  }
};

template <>
struct Fields<PoolImportConf> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor.path("file", object.file);
    visitor("dry_run", object.dry_run);
  }
};

template <>
struct Fields<PoolRemove> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("pool", object.pool); }
};

template <>
struct Fields<PoolSet> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("pool", object.pool);
    visitor("key", object.key);
    visitor("value", object.value);
  }
};

template <>
struct Fields<ConfigList> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<ConfigGet> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("key", object.key); }
};

template <>
struct Fields<ConfigSet> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("key", object.key);
    visitor("value", object.value);
  }
};

template <>
struct Fields<ConfigUnset> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("key", object.key); }
};

template <>
struct Fields<VmList> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<VmInfoRequest> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("vm", object.vm); }
};

template <>
struct Fields<VmDevices> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("vm", object.vm); }
};

template <>
struct Fields<VmCreate> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("standalone", object.standalone);
    visitor("template", object.template_name);
    visitor("disposable_of", object.disposable_of);
    visitor("kernel", object.kernel);
    visitor("pool", object.pool);
    visitor.path("root_image", object.root_image);
    visitor("format", object.format);
    visitor("pools", object.pools);
    visitor("sizes", object.sizes);
  }
};

template <>
struct Fields<VmStart> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("vms", object.vms);
    visitor("node_owner", object.nodes.owner);
    visitor("node_mode", object.nodes.mode);
  }
};

template <>
struct Fields<VmStop> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("vms", object.vms);
    visitor("discard", object.discard);
  }
};

template <>
struct Fields<VmClone> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("name", object.name);
  }
};

template <>
struct Fields<VmRemove> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("vm", object.vm); }
};

template <>
struct Fields<VmSet> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("key", object.key);
    visitor("value", object.value);
  }
};

template <>
struct Fields<VmAdopt> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor.path("directory", object.directory);
    visitor("templates", object.templates);
    visitor("template_for_all", object.template_for_all);
    visitor("kernel", object.kernel);
    visitor("dry_run", object.dry_run);
  }
};

template <>
struct Fields<VmRunThrowaway> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("above", object.above);
    visitor("name", object.name);
    visitor("node_owner", object.nodes.owner);
    visitor("node_mode", object.nodes.mode);
  }
};

template <>
struct Fields<VolumeList> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("vm", object.vm);
    visitor("pool", object.pool);
  }
};

template <>
struct Fields<VolumeInfoRequest> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("volume", object.volume); }
};

template <>
struct Fields<VolumeCreate> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor("size", object.size);
    visitor("pool", object.pool);
    visitor("properties", object.properties);
  }
};

template <>
struct Fields<VolumeRemove> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("volume", object.volume); }
};

template <>
struct Fields<VolumeSet> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor("key", object.key);
    visitor("value", object.value);
  }
};

template <>
struct Fields<VolumeVerify> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("volume", object.volume); }
};

template <>
struct Fields<VolumeRevisions> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("volume", object.volume); }
};

template <>
struct Fields<VolumeResize> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor("size", object.size);
    visitor("shrink", object.shrink);
  }
};

template <>
struct Fields<VolumeImport> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor.path("file", object.file);
    visitor("from", object.from);
    visitor("format", object.format);
  }
};

template <>
struct Fields<VolumeExport> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor.path("file", object.file);
  }
};

template <>
struct Fields<VolumeClone> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor("from", object.from);
    visitor("pool", object.pool);
  }
};

template <>
struct Fields<VolumeRevert> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("volume", object.volume);
    visitor("revision", object.revision);
  }
};

template <>
struct Fields<VolumePromote> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("volume", object.volume); }
};

template <>
struct Fields<Recover> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("dry_run", object.dry_run); }
};

template <>
struct Fields<Tree> : Struct {
  static void visit(auto& visitor, auto& object) { visitor("vm", object.vm); }
};

template <>
struct Fields<Status> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<Metrics> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<Doctor> : Struct {
  static void visit(auto& /*visitor*/, auto& /*object*/) {}
};

template <>
struct Fields<Monitor> : Struct {
  static void visit(auto& visitor, auto& object) {
    visitor("kinds", object.kinds);
    visitor("vms", object.vms);
  }
};

}  // namespace cowshed::api
