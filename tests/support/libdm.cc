// SPDX-License-Identifier: Apache-2.0
#include "support/libdm.h"

#include <libdevmapper.h>
#include <sys/sysmacros.h>

#include <memory>
#include <stdexcept>

namespace cowshed::test::libdm {

namespace {

struct Destroy {
  void operator()(dm_task* task) const { dm_task_destroy(task); }
};
using Task = std::unique_ptr<dm_task, Destroy>;

Task prepare(int type, const std::string& name, dm::Slot slot) {
  Task task(dm_task_create(type));
  if (!task) throw std::runtime_error("dm_task_create");
  if (!name.empty()) dm_task_set_name(task.get(), name.c_str());
  if (slot == dm::Slot::inactive) dm_task_query_inactive_table(task.get());
  return task;
}

Task run(int type, const std::string& name, dm::Slot slot = dm::Slot::live) {
  Task task = prepare(type, name, slot);
  dm_task_no_flush(task.get());
  if (dm_task_run(task.get()) == 0) throw std::runtime_error("dm_task_run");
  return task;
}

std::vector<dm::RawLine> lines(int type, const std::string& name, dm::Slot slot) {
  const Task task = run(type, name, slot);
  std::vector<dm::RawLine> lines;
  for (void* next = nullptr;;) {
    std::uint64_t start = 0;
    std::uint64_t length = 0;
    char* target = nullptr;
    char* params = nullptr;
    next = dm_get_next_target(task.get(), next, &start, &length, &target, &params);
    if (target != nullptr) lines.push_back({{start}, {length}, target, params != nullptr ? params : ""});
    if (next == nullptr) return lines;
  }
}

/// Entries that hold the distance to the next one.
template <typename Entry, typename Visit>
void walk(const Entry* entry, Visit&& visit) {
  for (;;) {
    visit(*entry);
    if (entry->next == 0) return;
    entry = reinterpret_cast<const Entry*>(reinterpret_cast<const char*>(entry) + entry->next);
  }
}

}  // namespace

std::optional<dm::DeviceInfo> info(const std::string& name) {
  const Task task = run(DM_DEVICE_INFO, name);
  dm_info info{};
  if (dm_task_get_info(task.get(), &info) == 0) throw std::runtime_error("dm_task_get_info");
  if (info.exists == 0) return std::nullopt;
  return dm::DeviceInfo{.name = dm::DmName(dm_task_get_name(task.get())),
                        .uuid = dm_task_get_uuid(task.get()),
                        .number = {info.major, info.minor},
                        .open_count = info.open_count,
                        .event_number = info.event_nr,
                        .target_count = static_cast<std::uint32_t>(info.target_count),
                        .suspended = info.suspended != 0,
                        .read_only = info.read_only != 0,
                        .has_live_table = info.live_table != 0,
                        .has_inactive_table = info.inactive_table != 0,
                        .deferred_remove = info.deferred_remove != 0};
}

std::vector<dm::RawLine> table(const std::string& name, dm::Slot slot) {
  return lines(DM_DEVICE_TABLE, name, slot);
}

std::vector<dm::RawLine> status(const std::string& name, dm::Slot slot) {
  return lines(DM_DEVICE_STATUS, name, slot);
}

std::vector<dm::DeviceNumber> deps(const std::string& name, dm::Slot slot) {
  const Task task = run(DM_DEVICE_DEPS, name, slot);
  const dm_deps* deps = dm_task_get_deps(task.get());
  std::vector<dm::DeviceNumber> devices;
  for (std::uint32_t i = 0; deps != nullptr && i < deps->count; ++i)
    devices.push_back({major(deps->device[i]), minor(deps->device[i])});
  return devices;
}

std::map<std::string, dm::DeviceNumber> names() {
  const Task task = run(DM_DEVICE_LIST, {});
  std::map<std::string, dm::DeviceNumber> names;
  walk(dm_task_get_names(task.get()), [&](const dm_names& entry) {
    if (entry.dev != 0) names[entry.name] = {major(entry.dev), minor(entry.dev)};
  });
  return names;
}

std::map<std::string, dm::Version> target_versions() {
  const Task task = run(DM_DEVICE_LIST_VERSIONS, {});
  std::map<std::string, dm::Version> versions;
  walk(dm_task_get_versions(task.get()), [&](const dm_versions& entry) {
    versions[entry.name] = {entry.version[0], entry.version[1], entry.version[2]};
  });
  return versions;
}

}  // namespace cowshed::test::libdm
