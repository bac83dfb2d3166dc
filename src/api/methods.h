// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include "api/request_fields.h"

/// The methods of the service, one for each request of the Api: the one table that client, server, rights and
/// the description of the interface are made from.
namespace cowshed::api {

constexpr std::string_view interface_name = "io.cowshed";

/// Who may ask: each has what the one before it has.
enum class Role { none, observe, operate, admin };

template <typename R>
struct Method {
  using Request = R;
  std::string_view name;
  /// The field of the reply that holds the answer; empty where there is none.
  std::string_view answer;
  Role role;
  std::string_view help;
};

/// Whether it tells how far it is.
template <typename Request>
concept TellsProgress = requires(Request request) {
  request.progress;
};

inline constexpr std::tuple methods{
    Method<PoolList>{"PoolList", "pools", Role::observe, "All pools, in brief."},
    Method<PoolDrivers>{"PoolDrivers", "drivers", Role::observe,
                        "The drivers there are, with their parameters and capabilities."},
    Method<PoolInfoRequest>{"PoolInfo", "pool", Role::observe,
                            "One pool with its volumes and what they take."},
    Method<PoolAdd>{"PoolAdd", "", Role::admin, "Adds a pool: with a driver, or with the file of a plug-in."},
    Method<PoolImportConf>{"PoolImportConf", "imported", Role::admin,
                           "Adds the pools of a Qubes R3.2 storage.conf."},
    Method<PoolRemove>{"PoolRemove", "", Role::admin, "Removes a pool that nothing uses."},
    Method<PoolSet>{"PoolSet", "", Role::admin, "Sets a property of a pool."},
    Method<ConfigList>{"ConfigList", "settings", Role::observe,
                       "The default pools: every key, with its value where it is set."},
    Method<ConfigGet>{"ConfigGet", "value", Role::observe, "The value of one key."},
    Method<ConfigSet>{"ConfigSet", "", Role::admin, "Sets a default pool."},
    Method<ConfigUnset>{"ConfigUnset", "", Role::admin, "Lets a default pool fall back."},
    Method<VmList>{"VmList", "vms", Role::observe, "All VMs, in brief."},
    Method<VmInfoRequest>{"VmInfo", "vm", Role::observe, "One VM with its volumes."},
    Method<VmDevices>{"VmDevices", "devices", Role::observe, "The block devices of a running VM."},
    Method<VmCreate>{"VmCreate", "", Role::admin, "Creates a VM: a template unless it is told otherwise."},
    Method<VmStart>{"VmStart", "results", Role::operate,
                    "Starts VMs together. A result for each; one that fails does not hold the others."},
    Method<VmStop>{"VmStop", "results", Role::operate,
                   "Stops VMs together: what is saved is committed, the rest is gone."},
    Method<VmClone>{"VmClone", "", Role::admin, "Creates a VM with another's committed state."},
    Method<VmRemove>{"VmRemove", "", Role::admin, "Removes a stopped VM with all its volumes."},
    Method<VmSet>{"VmSet", "", Role::admin, "Sets a stopped VM's template or kernel."},
    Method<VmAdopt>{"VmAdopt", "adopted", Role::admin,
                    "Takes over VMs whose files another program has made."},
    Method<VmRunThrowaway>{"VmRunThrowaway", "result", Role::operate,
                           "Creates and starts a disposable that is gone when it stops."},
    Method<VolumeList>{"VolumeList", "volumes", Role::observe,
                       "Volumes, in brief: all, or those of a VM or a pool."},
    Method<VolumeInfoRequest>{"VolumeInfo", "volume", Role::observe, "One volume in full."},
    Method<VolumeCreate>{"VolumeCreate", "", Role::admin, "Adds a volume to a VM."},
    Method<VolumeRemove>{"VolumeRemove", "", Role::admin, "Removes a volume with its data."},
    Method<VolumeSet>{"VolumeSet", "", Role::admin, "Sets a property of a volume."},
    Method<VolumeVerify>{"VolumeVerify", "", Role::observe, "Checks that the image is there and sound."},
    Method<VolumeRevisions>{"VolumeRevisions", "revisions", Role::observe,
                            "The kept revisions, oldest first."},
    Method<VolumeResize>{"VolumeResize", "", Role::admin,
                         "Grows a volume, or shrinks it where that is asked for."},
    Method<VolumeImport>{"VolumeImport", "", Role::admin,
                         "Replaces the content by that of a file, or of another volume."},
    Method<VolumeExport>{"VolumeExport", "", Role::admin, "Writes the last committed state to a file."},
    Method<VolumeClone>{"VolumeClone", "", Role::admin,
                        "Adds a volume with the last committed state of another."},
    Method<VolumeRevert>{"VolumeRevert", "", Role::admin, "Goes back to a revision."},
    Method<VolumePromote>{"VolumePromote", "", Role::admin,
                          "Makes what a snapshot volume sees its source's committed state."},
    Method<Recover>{"Recover", "recovered", Role::admin, "Puts right what a crash left."},
    Method<Tree>{"Tree", "vms", Role::observe, "VMs with volumes and layers: all, or one."},
    Method<Status>{"Status", "status", Role::observe, "The whole at a glance, with what needs attention."},
    Method<Metrics>{"Metrics", "text", Role::observe,
                    "What the service has counted, in Prometheus' text format."},
    Method<Doctor>{"Doctor", "examination", Role::observe,
                   "What the service's host lacks, and what to do about it."},
    Method<Monitor>{
        "Monitor", "event", Role::observe,
        "What happens from now on, until the connection ends. Wants 'more'; the first reply has no event."},
};

/// Answered again and again, until the connection ends.
template <typename Request>
constexpr bool is_stream = std::is_same_v<Request, Monitor>;

/// What this very request takes: whose a disk's node is to be decides who may read it.
template <typename Request>
Role role_for(const Method<Request>& method, const Request& request) {
  if constexpr (requires { request.nodes; })
    if (request.nodes.owner || request.nodes.mode) return Role::admin;
  return method.role;
}

/// Calls `body` with each.
constexpr void for_each_method(auto body) {
  std::apply([&](const auto&... method) { (body(method), ...); }, methods);
}

template <typename Request>
constexpr const Method<Request>& method_of() {
  return std::get<Method<Request>>(methods);
}

}  // namespace cowshed::api
