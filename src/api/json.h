// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/types.h"

/// Answers as JSON, in the shapes that docs/json.md promises: one document, without a newline at the end.
/// Bytes that are no UTF-8 are replaced. What is not known is null.
namespace cowshed::api {

std::string to_json(const std::vector<PoolInfo>& pools);
std::string to_json(const PoolInfo& pool);
std::string to_json(const std::vector<DriverInfo>& drivers);
std::string to_json(const ConfigList::Answer& config);
std::string to_json(const PoolImportConf::Answer& answer);
std::string to_json(const VmAdopt::Answer& answer);
/// A string or null.
std::string to_json(const std::optional<std::string>& value);
std::string to_json(const std::vector<VmInfo>& vms);
/// With volumes, revisions and layers.
std::string to_json(const VmInfo& vm);
std::string to_json_full(const std::vector<VmInfo>& vms);
std::string to_json(const std::vector<Device>& devices);
std::string to_json(const std::vector<VolumeInfo>& volumes);
std::string to_json(const VolumeInfo& volume);
std::string to_json(const std::vector<RevisionInfo>& revisions);
std::string to_json(const Recover::Answer& answer);
std::string to_json(const Status::Answer& answer);
std::string to_json(const Doctor::Answer& answer);
/// {"error":{"kind":"in_use","message":...,"errno":...,"pointer":...}}
std::string to_json(const Error& error);

}  // namespace cowshed::api
