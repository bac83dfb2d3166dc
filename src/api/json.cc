// SPDX-License-Identifier: Apache-2.0
#include "api/json.h"

#include <nlohmann/json.hpp>

#include "api/time_text.h"

namespace cowshed::api {

namespace {

using nlohmann::ordered_json;

std::string text(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json or_null(const std::optional<Bytes>& size) {
  return size ? ordered_json(size->count) : ordered_json(nullptr);
}
template <typename T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json text_or_null(const std::string& value) {
  return value.empty() ? ordered_json(nullptr) : ordered_json(value);
}

template <typename T, typename Encode>
ordered_json array(const std::vector<T>& values, Encode encode) {
  ordered_json result = ordered_json::array();
  for (const auto& value : values) result.push_back(encode(value));
  return result;
}

ordered_json encode_error(const Error& error) {
  ordered_json json{{"kind", std::string(to_string(error.kind()))}, {"message", error.message()}};
  json["errno"] = error.error_number() != 0 ? ordered_json(error.error_number()) : ordered_json(nullptr);
  if (!error.json_pointer().empty()) json["pointer"] = error.json_pointer();
  return json;
}

void add_error(ordered_json& json, const std::optional<Error>& error) {
  if (error) json["error"] = encode_error(*error);
}

ordered_json encode_parameter(const ParameterInfo& parameter) {
  return {{"name", parameter.name},
          {"type", parameter.type},
          {"required", parameter.required},
          {"default", text_or_null(parameter.default_value)},
          {"help", parameter.help}};
}

ordered_json encode_driver(const DriverInfo& driver) {
  return {{"name", driver.name},
          {"help", driver.help},
          {"parameters", array(driver.parameters, encode_parameter)},
          {"capabilities", driver.capabilities}};
}

ordered_json encode_usage(const PoolInfo& pool) {
  ordered_json json{{"data_size", or_null(pool.size)}, {"data_usage", or_null(pool.usage)}};
  if (!pool.usage_details) return json;
  json["images"] = pool.usage_details->images.count;
  json["cows"] = pool.usage_details->cows.count;
  json["revisions"] = pool.usage_details->revisions.count;
  json["volatile"] = pool.usage_details->volatile_.count;
  return json;
}

ordered_json encode_pool(const PoolInfo& pool) {
  ordered_json json{
      {"name", pool.name}, {"driver", text_or_null(pool.driver)}, {"plugin", text_or_null(pool.plugin)}};
  json["revisions_to_keep"] = pool.revisions_to_keep;
  json["ephemeral_volatile"] = pool.ephemeral_volatile;
  json["space_warning"] = pool.space_warning;
  json["space_hold"] = or_null(pool.space_hold);
  json["parameters"] = ordered_json::object();
  for (const auto& [key, value] : pool.parameters) json["parameters"][key] = value;
  json["size"] = or_null(pool.size);
  json["usage"] = or_null(pool.usage);
  json["included_in"] = or_null(pool.included_in);
  json["shares_space_with"] = pool.shares_space_with;
  json["default_for"] = pool.default_for;
  add_error(json, pool.error);
  return json;
}

ordered_json encode_device(const Device& device) {
  ordered_json json{{"vm", device.vm}, {"name", device.name}, {"path", device.path}};
  const bool has_numbers = device.major != 0 || device.minor != 0;
  json["node"] = text_or_null(device.node);
  json["major"] = has_numbers ? ordered_json(device.major) : ordered_json(nullptr);
  json["minor"] = has_numbers ? ordered_json(device.minor) : ordered_json(nullptr);
  json["rw"] = device.rw;
  json["devtype"] = "disk";
  json["domain"] = nullptr;
  return json;
}

ordered_json encode_revision(const RevisionInfo& revision) {
  return {{"id", revision.id}, {"created", time_text(revision.created)}};
}

ordered_json encode_layer(const LayerInfo& layer) {
  ordered_json json{
      {"role", layer.role}, {"device", layer.device}, {"node", layer.node}, {"file", layer.file}};
  json["generation"] = or_null(layer.generation);
  json["size"] = or_null(layer.size);
  json["used"] = or_null(layer.used);
  json["stands_on"] = layer.stands_on;
  json["marks"] = layer.marks;
  json["shared_by"] = layer.shared_by;
  return json;
}

ordered_json encode_file(const FileInfo& file) {
  return {{"kind", file.kind}, {"path", file.path}, {"usage", file.allocated.count}};
}

ordered_json encode_volume(const VolumeInfo& volume) {
  ordered_json json{{"vm", volume.vm},
                    {"name", volume.name},
                    {"pool", volume.pool},
                    {"vid", volume.vid},
                    {"kind", volume.kind},
                    {"rw", volume.rw},
                    {"snap_on_start", volume.snap_on_start},
                    {"save_on_stop", volume.save_on_stop}};
  json["revisions_to_keep"] = volume.revisions_to_keep;
  json["write_policy"] = or_null(volume.write_policy);
  json["keep_changes"] = volume.keep_changes;
  json["cow_limit"] = or_null(volume.cow_limit);
  json["warm"] = volume.warm;
  json["ephemeral"] = volume.ephemeral;
  json["source"] = or_null(volume.source);
  json["size"] = or_null(volume.size);
  json["usage"] = or_null(volume.usage);
  json["running"] = or_null(volume.is_running);
  json["is_dirty"] = or_null(volume.is_dirty);
  json["is_outdated"] = or_null(volume.is_outdated);
  json["is_commit_pending"] = or_null(volume.is_commit_pending);
  json["is_invalid"] = or_null(volume.is_invalid);
  json["is_held"] = or_null(volume.is_held);
  add_error(json, volume.error);
  return json;
}

ordered_json encode_full_volume(const VolumeInfo& volume) {
  ordered_json json = encode_volume(volume);
  json["block_device"] = volume.device ? encode_device(*volume.device) : ordered_json(nullptr);
  json["path"] = text_or_null(volume.path);
  json["path_cow"] = text_or_null(volume.path_cow);
  json["path_source"] = text_or_null(volume.path_source);
  json["path_source_cow"] = text_or_null(volume.path_source_cow);
  json["revisions"] = array(volume.revisions, encode_revision);
  json["layers"] = array(volume.layers, encode_layer);
  json["files"] = array(volume.files, encode_file);
  return json;
}

ordered_json encode_vm(const VmInfo& vm) {
  ordered_json json{{"name", vm.name}, {"kind", text_or_null(vm.kind)}};
  json["template"] = or_null(vm.template_name);
  json["kernel"] = or_null(vm.kernel_name);
  json["throwaway"] = vm.is_throwaway;
  json["state"] = vm.state;
  add_error(json, vm.error);
  return json;
}

ordered_json encode_full_vm(const VmInfo& vm) {
  ordered_json json = encode_vm(vm);
  if (vm.kernel)
    json["kernel"] = {
        {"name", vm.kernel->name}, {"vmlinuz", vm.kernel->vmlinuz}, {"initramfs", vm.kernel->initramfs}};
  json["volumes"] = array(vm.volumes, encode_full_volume);
  return json;
}

ordered_json encode_imported(const PoolImportConf::Pool& pool) {
  return {{"name", pool.name},
          {"driver", pool.driver},
          {"parameters", pool.parameters},
          {"existed", pool.existed}};
}

ordered_json encode_adopted_volume(const VmAdopt::Volume& volume) {
  ordered_json json{{"name", volume.name},         {"kind", volume.kind},
                    {"vid", volume.vid},           {"size", volume.size.count},
                    {"is_dirty", volume.is_dirty}, {"revisions", volume.revisions}};
  json["files"] = array(volume.files, [](const VmAdopt::File& file) -> ordered_json {
    return {{"name", file.name}, {"is", file.is}};
  });
  return json;
}

ordered_json encode_adopted(const VmAdopt::Vm& vm) {
  ordered_json json{{"name", vm.name}, {"kind", vm.kind}};
  json["template"] = or_null(vm.template_name);
  json["directory"] = vm.directory;
  json["existed"] = vm.existed;
  json["volumes"] = array(vm.volumes, encode_adopted_volume);
  return json;
}

}  // namespace

std::string to_json(const std::vector<PoolInfo>& pools) { return text(array(pools, encode_pool)); }

std::string to_json(const PoolInfo& pool) {
  ordered_json json = encode_pool(pool);
  json["volumes"] = pool.volumes;
  json["usage_details"] = encode_usage(pool);
  return text(json);
}

std::string to_json(const std::vector<DriverInfo>& drivers) { return text(array(drivers, encode_driver)); }

std::string to_json(const ConfigList::Answer& config) {
  ordered_json json = ordered_json::object();
  for (const auto& [key, value] : config) json[key] = or_null(value);
  return text(json);
}

std::string to_json(const PoolImportConf::Answer& answer) {
  ordered_json json{{"dry_run", answer.dry_run}};
  json["pools"] = array(answer.pools, encode_imported);
  return text(json);
}

std::string to_json(const VmAdopt::Answer& answer) {
  ordered_json json{{"dry_run", answer.dry_run}, {"pool", answer.pool}};
  json["vms"] = array(answer.vms, encode_adopted);
  json["left_alone"] = answer.left_alone;
  return text(json);
}

std::string to_json(const std::optional<std::string>& value) { return text(or_null(value)); }

std::string to_json(const std::vector<VmInfo>& vms) { return text(array(vms, encode_vm)); }
std::string to_json(const VmInfo& vm) { return text(encode_full_vm(vm)); }
std::string to_json_full(const std::vector<VmInfo>& vms) { return text(array(vms, encode_full_vm)); }

std::string to_json(const std::vector<Device>& devices) { return text(array(devices, encode_device)); }

std::string to_json(const std::vector<VolumeInfo>& volumes) { return text(array(volumes, encode_volume)); }
std::string to_json(const VolumeInfo& volume) { return text(encode_full_volume(volume)); }

std::string to_json(const std::vector<RevisionInfo>& revisions) {
  return text(array(revisions, encode_revision));
}

std::string to_json(const Recover::Answer& answer) {
  return text({{"dry_run", answer.dry_run}, {"complete", answer.complete}, {"done", answer.lines}});
}

std::string to_json(const Status::Answer& answer) {
  ordered_json json{{"state", answer.state},
                    {"run", answer.run},
                    {"pools", answer.pools},
                    {"vms", answer.vms},
                    {"running", answer.running},
                    {"unreadable", answer.unreadable},
                    {"needs_recovery", answer.unclean.has_value()}};
  json["unclean"] = or_null(answer.unclean);
  json["partly_running"] = answer.partly_running;
  json["dirty"] = answer.dirty;
  json["outdated"] = answer.outdated;
  json["commit_pending"] = answer.commit_pending;
  json["invalid"] = answer.invalid;
  json["held"] = answer.held;
  json["running_vms"] = answer.running_vms;
  json["pool_list"] = array(answer.pool_list, encode_pool);
  json["attention"] = array(answer.attention, [](const Attention& item) {
    return ordered_json{{"about", item.about}, {"message", item.message}, {"next", item.next}};
  });
  json["errors"] = array(answer.errors, encode_error);
  return text(json);
}

std::string to_json(const Doctor::Answer& answer) {
  ordered_json json = ordered_json::object();
  for (const Health health : {Health::good, Health::warning, Health::bad, Health::unknown})
    json[std::string(to_string(health))] = answer.count(health);
  json["checks"] = array(answer.checks, [](const Doctor::Check& check) {
    return ordered_json{{"id", check.id},
                        {"about", text_or_null(check.about)},
                        {"result", std::string(to_string(check.health))},
                        {"seen", check.seen},
                        {"next", text_or_null(check.next)}};
  });
  return text(json);
}

std::string to_json(const Error& error) { return text({{"error", encode_error(error)}}); }

}  // namespace cowshed::api
